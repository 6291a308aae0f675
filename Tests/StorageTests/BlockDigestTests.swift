import Primitives
import Storage
import Testing

/// Digests of blocks, by which the giver of a bad one is found.
@Suite struct BlockDigestTests {
    let folder = TemporaryFolder()
    private let blockLength = 16 << 10

    @Test(arguments: [1 << 20, 20_000])
    func aFailedPieceDiffersFromTheRightOneInTheDamagedBlockOnly(maxBufferedBytes: Int) async throws {
        let torrent = try TestTorrent(length: 100_000, pieceLength: 65_536)
        var configuration = StorageConfiguration()
        configuration.maxBufferedBytesPerPiece = maxBufferedBytes
        let session = Session(torrent, in: folder.path, configuration: configuration)
        session.store(piece: 0, offset: 2 * blockLength, length: blockLength, damaged: true)
        session.store(piece: 0, offset: 0, length: 2 * blockLength)
        session.store(piece: 0, offset: 3 * blockLength, length: blockLength)
        session.store(piece: 0, blockLength: blockLength)
        session.storage.digestBlocks(of: 0)
        let said = await session.close()
        #expect(said.failed == [0])
        #expect(said.verified == [0])
        let (wrong, right) = (try #require(said.failedBlocks[0]), try #require(said.digested[0]))
        #expect(wrong.count == 4 && right.count == 4)
        #expect(right.indices.filter { wrong[$0] != right[$0] } == [2])
    }

    @Test func theLastPieceHasAShortBlock() async throws {
        let torrent = try TestTorrent(length: 100_000, pieceLength: 65_536)
        let session = Session(torrent, in: folder.path)
        session.store(piece: 1)
        session.storage.digestBlocks(of: 1)
        session.storage.digestBlocks(of: 0)
        let said = await session.close()
        #expect(said.digested[1]?.count == 3)
        #expect(said.digested[0] == nil)
    }
}
