import Foundation
import Metainfo
import Primitives
import Testing

@testable import CommandSupport

@Suite struct GetSourceTests {
    private let hex = "0123456789abcdef0123456789abcdef01234567"

    private func failure(_ text: String) -> GetSource.Failure? {
        do throws(GetSource.Failure) {
            _ = try GetSource(text)
            return nil
        } catch {
            return error
        }
    }

    @Test func aMagnetBringsItsNamePeersAndTrackers() throws {
        let source = try GetSource("magnet:?xt=urn:btih:\(hex)&dn=a%20b&tr=udp%3A%2F%2Ft&x.pe=1.2.3.4:5")
        #expect(source.infoHash.hex == hex)
        #expect(source.name == "a b")
        #expect(source.peers.map(\.description) == ["1.2.3.4:5"])
        #expect(source.trackers == [["udp://t"]])
        #expect(source.info == nil)
    }

    @Test func aSelectionThatCannotBeReadIsNoReasonToKnowNothing() throws {
        let source = try GetSource("magnet:?xt=urn:btih:\(hex)&dn=a&so=1;2%1B")
        #expect(source.name == "a" && source.selection == nil)
        #expect(source.remarks.count == 1 && source.remarks[0].contains("'1;2"))
        #expect(try GetSource("magnet:?xt=urn:btih:\(hex)&so=1").remarks.isEmpty)
    }

    @Test func aBareInfoHashIsEnough() throws {
        #expect(try GetSource(hex).infoHash.hex == hex)
    }

    @Test(arguments: [
        "magnet:?dn=x", "magnet:?xt=urn:btih:zz", "magnet:", "0123456789abcdef0123456789abcdef0123456", "",
        "no/such.torrent", "https://example.org/a.torrent",
    ])
    func whatNamesNoTorrentIsAUsageError(text: String) {
        #expect(failure(text)?.status == .usage)
    }

    @Test func aMagnetThatTheShellHasCutIsToldToBeQuoted() {
        #expect(failure("magnet:?dn=x")?.advice?.contains("quotes") == true)
        #expect(failure("magnet:?xt=urn:btih:zz")?.message.contains("2 characters") == true)
    }

    @Test func hostileTextIsEscapedInTheMessage() {
        let message = failure("magnet:?xt=urn:btih:\u{1B}[2J%1B")?.message ?? "?"
        #expect(message.unicodeScalars.allSatisfy { !TerminalText.isDangerous($0) })
        let path = failure("\u{1B}[31m/x")?.message ?? "\u{1B}"
        #expect(path.unicodeScalars.allSatisfy { !TerminalText.isDangerous($0) })
    }

    @Test func aTorrentFileIsReadAndABrokenOneIsBadContent() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "GetSource-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let info = try InfoBuilder(name: "a", length: 5, pieceLength: 1 << 14).info(pieceHashes: [.zero])
        let good = folder.appending(path: "good.torrent")
        try Data(Torrent(info: info, trackers: [["http://t"]]).encoded()).write(to: good)
        let source = try GetSource(good.path)
        #expect(source.info == info)
        #expect(source.trackers == [["http://t"]])
        let broken = folder.appending(path: "broken.torrent")
        try Data("d4:infoi1ee".utf8).write(to: broken)
        #expect(failure(broken.path)?.status == .badContent)
        #expect(failure(folder.path)?.status == .usage)
    }
}
