import CommandSupport
import Glibc
import Metainfo
import Primitives
import Storage

/// `magnetget create`: looks at the files, hashes them, writes the .torrent, says the link.
struct CreateCommand {
    private let configuration: CreateConfiguration
    private let console: Console

    init(_ configuration: CreateConfiguration, _ console: Console) {
        self.configuration = configuration
        self.console = console
    }

    func run() async -> ProgramExit {
        do throws(CommandFailure) {
            try await create()
            return .done
        } catch {
            console.event(GetReport.error(error.message, status: error.status, source: configuration.path))
            console.error(error.message, advice: error.advice)
            return error.status
        }
    }

    private func create() async throws(CommandFailure) {
        var wishes = SourceTree.Wishes()
        wishes.takesHidden = configuration.takesHidden
        wishes.leavesOut = configuration.output ?? configuration.name.map { $0 + ".torrent" }
        let tree = try SourceTree(configuration.path, wishes)
        let name = configuration.name ?? tree.name
        let output = configuration.output ?? name + ".torrent"
        // Before the long part, and not only after it.
        guard configuration.overwrites || access(output, F_OK) != 0 else { throw failure(.exists, output) }
        report(leftOutOf: tree)

        let maker = maker(for: tree, name: name)
        let torrent = try await torrent(maker, tree)
        do {
            try NewFile.write(torrent.encoded(), to: output, replacing: configuration.overwrites)
        } catch {
            throw failure(error, output)
        }
        show(torrent, tree, output)
    }

    private func maker(for tree: SourceTree, name: String) -> TorrentMaker {
        var builder =
            tree.isSingleFile
            ? InfoBuilder(name: name, length: tree.totalLength, pieceLength: configuration.pieceLength)
            : InfoBuilder(
                name: name, files: tree.files.map { InfoBuilder.File(path: $0.components, length: $0.length) },
                pieceLength: configuration.pieceLength, aligned: configuration.isAligned)
        builder.isPrivate = configuration.isPrivate
        builder.source = configuration.source
        var maker = TorrentMaker(builder)
        maker.trackers = configuration.trackers
        maker.nodes = configuration.nodes
        maker.comment = configuration.comment
        maker.creationDate = configuration.creationDate
        return maker
    }

    private func torrent(_ maker: TorrentMaker, _ tree: SourceTree) async throws(CommandFailure) -> Torrent {
        do {
            let draft = try maker.draft()
            let paths = paths(of: draft, tree)
            let hasher = DiskHasher(draft, paths: paths)
            let hashing = DiskHashing(hasher, "hashing", name: draft.name, totalBytes: draft.totalLength, console)
            var hashes: [ID160] = []
            for finding in try await hashing.run() { hashes.append(try hash(finding, paths)) }
            return try maker.torrent(pieceHashes: hashes)
        } catch let error as MetainfoError {
            throw CommandFailure(.usage, "no torrent can be made of this: \(error)", advice: advice(for: error))
        } catch let error as DiskHashing.Interruption {
            throw CommandFailure(error.status, "interrupted: nothing was written")
        } catch let error as CommandFailure {
            throw error
        } catch {
            throw CommandFailure(.failure, "\(error)")
        }
    }

    private func advice(for error: MetainfoError) -> String? {
        if case .tooLarge = error { "take larger pieces with --piece-length, or share fewer files" } else { nil }
    }

    /// Padding has no place on disk, and is never looked for.
    private func paths(of draft: Info, _ tree: SourceTree) -> [String] {
        var real = tree.files.makeIterator()
        return draft.files.map { $0.isPadding ? "" : real.next()?.path ?? "" }
    }

    private func hash(_ finding: DiskHasher.Finding, _ paths: [String]) throws(CommandFailure) -> ID160 {
        switch finding {
        case .hash(let hash): return hash
        case .endsEarly(let file):
            throw CommandFailure(
                .badContent, "\(TerminalText.escaped(paths[file])) became shorter while it was read",
                advice: "wait until nobody writes to it any more")
        case .failed(let file, let code):
            let path = TerminalText.escaped(paths[file])
            throw CommandFailure(.disk, "cannot read \(path): \(String(cString: strerror(code)))")
        }
    }

    // MARK: Reports

    private func failure(_ failure: NewFile.Failure, _ path: String) -> CommandFailure {
        CommandFailure(failure, path: path, advice: "name another file with -o, or overwrite it with --force")
    }

    private func report(leftOutOf tree: SourceTree) {
        if !tree.hiddenLeftOut.isEmpty {
            let names = listed(tree.hiddenLeftOut)
            console.note("\(HumanText.count(tree.hiddenLeftOut.count, "hidden name")) left out (--hidden): \(names)")
        }
        if !tree.linksLeftOut.isEmpty {
            let names = listed(tree.linksLeftOut)
            console.note("\(HumanText.count(tree.linksLeftOut.count, "symbolic link")) left out: \(names)")
        }
        if configuration.isPrivate, configuration.trackers.isEmpty {
            console.note("a private torrent without --tracker: nobody will find a peer of it")
        }
    }

    /// The first few, in their order.
    private func listed(_ names: [String]) -> String {
        let shown = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.prefix(3).map {
            TerminalText.escaped($0)
        }
        return shown.joined(separator: ", ") + (names.count > shown.count ? ", …" : "")
    }

    private func show(_ torrent: Torrent, _ tree: SourceTree, _ output: String) {
        let info = torrent.info
        for repair in FileLayout(info: info).repairs.prefix(3) {
            let names = [repair.original, repair.repaired].map { TerminalText.escaped($0) }
            console.note("unsafe name \(names[0]): magnetget will write it as \(names[1])")
        }
        console.success(
            "\(TerminalText.escaped(output)): \(HumanText.size(info.totalLength)) in "
                + "\(HumanText.count(info.files.count, "file")), \(HumanText.count(info.pieceCount, "piece")) of "
                + HumanText.size(info.pieceLength))
        console.result(torrent.magnet.text)
        console.event(CreateReport.line(for: torrent, tree, path: output))
    }
}
