import NIOCore
import Primitives

/// Serving what is verified.
extension StorageWorker {
    /// Many blocks at once: what a block costs beyond its bytes is then shared by all of them.
    mutating func read(_ blocks: [BlockRead], heads: [UInt8], tag: UInt64, into pipe: BlockPipe?) {
        let headLength = blocks.isEmpty ? 0 : heads.count / blocks.count
        if let pipe, pipeFailures < Self.pipeFailuresMax, !blocks.contains(where: hasPadding) {
            if fill(pipe, blocks, heads: heads, headLength: headLength) {
                pipeFailures = 0
                return emit(.blocksPiped(tag: tag))
            }
            pipeFailures += 1
        }
        let byteCount = blocks.reduce(heads.count) { $0 + $1.length }
        var buffer = ByteBufferAllocator().buffer(capacity: byteCount)
        var failed: [Int: StorageError] = [:]
        for (index, block) in blocks.enumerated() {
            let start = buffer.writerIndex
            buffer.writeBytes(heads[index * headLength..<(index + 1) * headLength])
            do throws(StorageError) {
                try read(block, into: &buffer)
            } catch {
                buffer.moveWriterIndex(to: start)
                failed[index] = error
            }
        }
        emit(.blocksRead(tag: tag, buffer, failed: failed))
    }

    /// So many failures in a row, and pipes are not for this torrent: its file system cannot do it, or its files are so
    /// small that there are too many pages.
    private static let pipeFailuresMax = 8

    private func hasPadding(_ block: BlockRead) -> Bool {
        files.hasDetours && files.hasPadding(piece: block.piece, offset: block.offset, length: block.length)
    }

    /// All or nothing: what fails, and what a pipe cannot take, is read block by block.
    private mutating func fill(_ pipe: BlockPipe, _ blocks: [BlockRead], heads: [UInt8], headLength: Int) -> Bool {
        guard let heads = headPages.keep(heads) else { return false }
        for (index, block) in blocks.enumerated() {
            guard have[block.piece], pipe.lend(heads[index * headLength..<(index + 1) * headLength]),
                (try? files.pass(piece: block.piece, offset: block.offset, length: block.length, to: pipe.writeEnd))
                    == true
            else { return false }
        }
        pipe.filled(heads.count + blocks.reduce(0) { $0 + $1.length })
        return true
    }

    private mutating func read(_ block: BlockRead, into buffer: inout ByteBuffer) throws(StorageError) {
        guard have[block.piece] else { throw .notVerified(piece: block.piece) }
        var result: Result<Bool, StorageError> = .success(false)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: block.length) { memory in
            let target = UnsafeMutableRawBufferPointer(rebasing: memory[..<block.length])
            do throws(StorageError) {
                result = .success(try files.read(piece: block.piece, offset: block.offset, into: target))
            } catch {
                result = .failure(error)
            }
            return block.length
        }
        // Cut short by somebody since it was verified.
        guard try result.get() else { throw .notVerified(piece: block.piece) }
    }
}
