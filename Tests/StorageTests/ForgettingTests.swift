import Metainfo
import Primitives
import Storage
import Testing

/// Bytes that a peer left unfinished are forgotten, in memory, on disk and behind the hasher's cursor.
@Suite struct ForgettingTests {
    let folder = TemporaryFolder()

    /// With small limits each store is hashed and written at once.
    @Test(arguments: [1 << 20, 400, 1])
    func forgottenBytesAreReplacedByThoseThatComeAgain(maxBufferedBytes: Int) async throws {
        let torrent = try TestTorrent(length: 2_000)
        var configuration = StorageConfiguration()
        configuration.maxBufferedBytesPerPiece = maxBufferedBytes
        let session = Session(torrent, in: folder.path, configuration: configuration)
        for piece in 0..<2 {
            session.store(piece: piece, offset: 0, length: 300)
            session.store(piece: piece, offset: 300, length: 50, damaged: true)
            session.store(piece: piece, offset: 600, length: 400)
            session.storage.forget(piece: piece, offset: 300, length: 50)
            // Forgetting what is not there changes nothing.
            session.storage.forget(piece: piece, offset: 350, length: 100)
            session.store(piece: piece, offset: 300, length: 300)
        }
        let said = await session.close()
        #expect(said.verified == [0, 1] && said.failed.isEmpty)
        #expect(said.released == 2 * 1_050)
        #expect(folder.read("file.bin") == torrent.content)
    }

    @Test func randomHistoriesEndWithTheRightPieces() async throws {
        for seed in 0..<20 {
            var generator = SeededGenerator(number: UInt64(seed))
            let torrent = try TestTorrent(length: 3_000)
            var configuration = StorageConfiguration()
            configuration.maxBufferedBytesPerPiece = Int.random(in: 1...2_000, using: &generator)
            let folder = TemporaryFolder()
            let session = Session(torrent, in: folder.path, configuration: configuration)
            for block in 0..<30 {
                let (piece, offset) = (block / 10, block % 10 * 100)
                for _ in 0..<Int.random(in: 0..<3, using: &generator) {
                    let length = Int.random(in: 1..<100, using: &generator)
                    session.store(piece: piece, offset: offset, length: length, damaged: true)
                    session.storage.forget(piece: piece, offset: offset, length: length)
                }
                session.store(piece: piece, offset: offset, length: 100)
            }
            // A verified piece is not forgotten.
            session.storage.forget(piece: 0, offset: 0, length: 1_000)
            let said = await session.close()
            #expect(said.verified == [0, 1, 2], "\(seed)")
            #expect(folder.read("file.bin") == torrent.content, "\(seed)")
        }
    }
}
