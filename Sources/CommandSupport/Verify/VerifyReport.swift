import Glibc
package import Metainfo
import Primitives
import Storage

/// What `verify` says about the data on disk, for people and for machines (docs/reference/json.md).
package struct VerifyReport: Sendable {
    private let info: Info
    private let layout: FileLayout
    private let verdict: DiskVerdict

    package init(_ info: Info, _ verdict: DiskVerdict) {
        self.info = info
        self.verdict = verdict
        layout = FileLayout(info: info)
    }

    /// One sentence, escaped.
    package var summary: String {
        let pieces = HumanText.count(info.pieceCount, "piece")
        guard !verdict.isComplete else {
            return "\(TerminalText.escaped(info.name)): \(HumanText.size(info.totalLength)), all \(pieces) verified"
        }
        let good = "\(HumanText.size(verdict.verifiedBytes)) of \(HumanText.size(info.totalLength))"
        return "\(TerminalText.escaped(info.name)): \(verdict.badPieces.count) of \(pieces) bad, "
            + "\(HumanText.count(verdict.files.count, "file")) damaged, short or missing; \(good) verified"
    }

    /// What is wrong, a line each, escaped: the pieces, then the files.
    package var lines: [String] {
        let pieces = verdict.badPieces.count == 0 ? [] : ["bad pieces: \(verdict.badPieces.text(maxRanges: .max))"]
        return pieces
            + verdict.files.map { file in
                var text = "\(Self.word(for: file.fault)): \(TerminalText.escaped(path(of: file.index)))"
                if let detail = detail(of: file) { text += " (\(detail))" }
                if file.pieces.count > 0 { text += ", pieces \(file.pieces.text())" }
                return text
            }
    }

    package var line: JSONLine {
        JSONLine(
            event: "verified",
            [
                .init("info_hash", .string(info.infoHash.hex)),
                .init("name", .string(info.name)),
                .init("complete", .bool(verdict.isComplete)),
                .init("code", .integer(Int(verdict.status.rawValue))),
                .init("size", .integer(info.totalLength)),
                .init("verified_bytes", .integer(verdict.verifiedBytes)),
                .init("piece_count", .integer(info.pieceCount)),
                .init("bad_piece_count", .integer(verdict.badPieces.count)),
                .init("bad_pieces", Self.value(of: verdict.badPieces)),
                .init("files", .array(verdict.files.map(value(of:)))),
            ])
    }

    private func path(of file: Int) -> String { layout.path(ofFile: file).joined(separator: "/") }

    private static func value(of pieces: PieceRanges) -> JSONValue {
        .array(pieces.ranges.map { .array([.integer($0.lowerBound), .integer($0.upperBound)]) })
    }

    private func value(of file: DiskVerdict.FileFault) -> JSONValue {
        let size: JSONValue =
            switch file.fault {
            case .short(let size), .long(let size): .integer(size)
            case .damaged: .integer(info.files[file.index].length)
            case .missing, .notAFile, .unreadable: .null
            }
        return .object([
            .init("index", .integer(file.index)),
            .init("path", .array(info.files[file.index].path.map { .string($0) })),
            .init("written_as", .string(path(of: file.index))),
            .init("fault", .string(Self.word(for: file.fault).replacing(" ", with: "_"))),
            .init("size", size),
            .init("expected_size", .integer(info.files[file.index].length)),
            .init("bad_pieces", Self.value(of: file.pieces)),
        ])
    }

    private static func word(for fault: DiskVerdict.Fault) -> String {
        switch fault {
        case .missing: "missing"
        case .notAFile: "not a file"
        case .unreadable: "unreadable"
        case .short: "too short"
        case .long: "too long"
        case .damaged: "damaged"
        }
    }

    private func detail(of file: DiskVerdict.FileFault) -> String? {
        switch file.fault {
        case .short(let size), .long(let size): "\(size) instead of \(info.files[file.index].length) bytes"
        case .unreadable(let code): String(cString: strerror(code))
        case .missing, .notAFile, .damaged: nil
        }
    }
}
