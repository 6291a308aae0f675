import ArgumentParser
import CommandSupport
import Digest
import KRPC
import Kademlia
import Metainfo
import Primitives

struct Put: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put an item into the DHT (BEP 44, BEP 46).",
        discussion: """
            Prints the target that the item can be got by. Without --key the item is immutable, and its target follows \
            from its value. With --key it is a mutable one: who has the key can put a newer version, and without --seq \
            this one follows the newest that is there. Nodes forget items after two hours: --keep puts it again every \
            hour, until it is stopped.
            """)

    @Argument(help: ArgumentHelp("The value, as text.", valueName: "value"))
    var value: String?

    @Option(help: ArgumentHelp("The value is in this file.", valueName: "path"))
    var file: String?

    @Option(
        help: ArgumentHelp("The value points at this torrent (BEP 46); with --key.", valueName: "infohash"),
        transform: TargetText.infoHash)
    var infoHash: InfoHash?

    @Flag(help: "The value is bencoded already; otherwise it becomes a bencoded string.")
    var bencoded = false

    @Option(
        help: ArgumentHelp(
            "The file with the secret of the key, 64 hexadecimal digits; it is made if it is not there.",
            valueName: "path"))
    var key: String?

    @Option(help: ArgumentHelp("Tells several items of one key apart.", valueName: "text"))
    var salt: String?

    @Option(help: ArgumentHelp("The version.", valueName: "number"))
    var seq: Int64?

    @Option(help: ArgumentHelp("Only where this version is stored.", valueName: "number"))
    var cas: Int64?

    @Flag(help: "Put it again every hour, until stopped.")
    var keep = false

    @OptionGroup var options: OneShotOptions

    func validate() throws {
        guard [value != nil, file != nil, infoHash != nil].count(where: { $0 }) == 1 else {
            throw ValidationError("name one value: as text, by --file or by --info-hash.")
        }
        if key == nil, infoHash != nil || salt != nil || seq != nil || cas != nil {
            throw ValidationError("--info-hash, --salt, --seq and --cas make a mutable item: name its --key.")
        }
        if keep, cas != nil { throw ValidationError("--keep and --cas exclude each other.") }
        if (salt?.utf8.count ?? 0) > KRPCLimits.saltByteCount {
            throw ValidationError("a salt has at most \(KRPCLimits.saltByteCount) bytes.")
        }
    }

    func run() async throws {
        let console = options.console
        let draft: PutDraft
        do {
            draft = PutDraft(
                value: try bencodedValue(), seed: try seed(console), salt: Array((salt ?? "").utf8), sequence: seq,
                expectedSequence: cas)
        } catch let problem as PutProblem {
            console.error(problem.message, advice: problem.advice)
            throw ExitCode(problem.exit.rawValue)
        }
        try await options.run(PutTask(draft, keeps: keep, console), console)
    }

    private func bencodedValue() throws -> [UInt8] {
        if let infoHash { return KeyMagnet.value(pointingAt: infoHash) }
        var content = Array((value ?? "").utf8)
        if let file {
            do {
                content = try FileContents.read(file, limitBytes: KRPCLimits.valueByteCount)
            } catch .tooLarge {
                throw PutProblem.tooLong
            } catch {
                throw PutProblem(exit: .usage, message: TerminalText.escaped("\(file) cannot be read"))
            }
        }
        if bencoded, !ItemText.isBencoded(content) {
            throw PutProblem(exit: .usage, message: "the value is not bencoded")
        }
        let value = bencoded ? content : ItemText.bencodedString(content)
        guard value.count <= KRPCLimits.valueByteCount else { throw PutProblem.tooLong }
        return value
    }

    private func seed(_ console: Console) throws -> [UInt8]? {
        guard let key else { return nil }
        do {
            let (seed, isNew) = try KeyFile.seed(key)
            if isNew { console.note(TerminalText.escaped("made a new key in \(key)")) }
            return seed
        } catch .noKey {
            throw PutProblem(exit: .usage, message: TerminalText.escaped("\(key) holds no key: 64 hexadecimal digits"))
        } catch .notPrivate {
            let advice = TerminalText.escaped("chmod 600 \(key)")
            throw PutProblem(exit: .usage, message: "others can read the secret of the key", advice: advice)
        } catch {
            throw PutProblem(exit: .disk, message: TerminalText.escaped("\(key) cannot be read or made"))
        }
    }
}

private struct PutProblem: Error {
    let exit: ProgramExit
    let message: String
    var advice: String?

    static let tooLong = PutProblem(
        exit: .usage, message: "a bencoded value has at most \(KRPCLimits.valueByteCount) bytes",
        advice: "put the infohash of a torrent instead: --info-hash")
}
