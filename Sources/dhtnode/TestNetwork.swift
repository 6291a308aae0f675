import CommandSupport
import Metainfo
import Primitives
import Synchronization

/// `dhtnode testnet`: many nodes in one process, a seeder if there is something to seed, and a line that says how to
/// enter.
struct TestNetwork {
    struct Failure: Error {
        let exit: ProgramExit
        let message: String
    }

    private let nodeCount: Int
    private let seedPath: String?
    private let pieceLength: Int?
    private let console: Console

    init(nodeCount: Int, seedFile: String?, pieceLength: Int?, _ console: Console) {
        self.nodeCount = nodeCount
        seedPath = seedFile
        self.pieceLength = pieceLength
        self.console = console
    }

    func run() async -> ProgramExit {
        let (stops, stop) = AsyncStream.makeStream(of: Void.self)
        let stopFlag = StopFlag()
        Signals.onFirst { _ in
            stopFlag.set()
            stop.yield()
        }
        let nodes = NodeCrowd(console, stopFlag)
        var seeder: Seeder?
        var exit = ProgramExit.done
        do {
            let file = try seedPath.map { path throws(SeedFile.Failure) in
                console.note("hashing \(path)")
                return try SeedFile(path, pieceLength: pieceLength)
            }
            try await nodes.start(nodeCount)
            try await nodes.join()
            if let file {
                seeder = try await Seeder(file, among: nodes, console)
                try await seeder?.waitUntilAnnounced(stopFlag)
            }
            if !stopFlag.isSet {
                console.json(ready(nodes, seeder))
                for await _ in stops { break }
            }
        } catch let failure as Failure {
            exit = fail(failure.exit, failure.message)
        } catch let failure as SeedFile.Failure {
            exit = fail(failure.exit, failure.description)
        } catch {
            exit = fail(.noDHT, "the network is unusable: \(error)")
        }
        let uploadedBytes = await seeder?.uploadedBytes ?? 0
        await seeder?.stop()
        await nodes.stop()
        if exit == .done { console.json(stopped(uploadedBytes: uploadedBytes)) }
        return exit
    }

    private func fail(_ exit: ProgramExit, _ message: String) -> ProgramExit {
        console.error(TerminalText.escaped(message))
        return exit
    }

    private func ready(_ nodes: NodeCrowd, _ seeder: Seeder?) -> JSONLine {
        var members: [JSONValue.Member] = [
            .init("bootstrap", .string(nodes.entrance.description)), .init("nodes", .integer(nodes.count)),
        ]
        if let seeder {
            let magnet = Magnet(infoHash: seeder.info.infoHash, displayName: seeder.info.name)
            members += [
                .init("magnet", .string(magnet.text)), .init("info_hash", .string(seeder.info.infoHash.hex)),
                .init("seed", .string(seeder.endpoint.description)),
            ]
        }
        return JSONLine(event: "ready", members)
    }

    private func stopped(uploadedBytes: Int) -> JSONLine {
        JSONLine(event: "stopped", [.init("uploaded_bytes", .integer(uploadedBytes))])
    }
}

/// Set once, by the first signal.
final class StopFlag: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .relaxed) }

    func set() { flag.store(true, ordering: .relaxed) }
}
