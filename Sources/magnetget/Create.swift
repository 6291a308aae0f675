import ArgumentParser
import CommandSupport
import Metainfo

struct Create: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a .torrent of a file or folder, and print its magnet link.",
        discussion: """
            EXAMPLES:
              magnetget create holiday/
              magnetget create film.mkv --tracker udp://tracker.example:6969/announce -o film.torrent
              magnetget create data/ --private --tracker https://tracker.example/announce --source EXAMPLE

            The magnet link goes to standard output. The same files and options always make the same .torrent, byte \
            for byte: files are in the order of their names' bytes, and there is no date without --date.

            Hidden files are left out without --hidden, symbolic links always, and both are reported. Pipes, sockets \
            and devices are refused.

            \(ProgramExit.helpText(for: [.done, .failure, .disk, .badContent, .usage, .interrupted, .terminated]))
            """)

    @Argument(help: ArgumentHelp("The file or folder to share.", valueName: "path"))
    var path: String

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The .torrent to write. (default: NAME.torrent in this folder)", valueName: "file"))
    var output: String?

    @Flag(help: "Overwrite the .torrent if it is there.")
    var force = false

    @Option(help: ArgumentHelp("A tracker. Repeatable: the next is asked when those before fail.", valueName: "url"))
    var tracker: [TrackerURL] = []

    @Option(help: ArgumentHelp("A node to enter the DHT by. Repeatable.", valueName: "host:port"))
    var node: [PeerAddress] = []

    @Option(
        help: ArgumentHelp(
            """
            Bytes of a piece, a power of two from 16K on. (default: the least from 16K to 16M that makes fewer than \
            2000 pieces)
            """, valueName: "size"))
    var pieceLength: PieceLength?

    @Flag(help: "Let every file begin with a piece, by padding (BEP 47): single files are fetched without neighbours.")
    var align = false

    @Flag(name: .customLong("private"), help: "Peers come from the trackers only (BEP 27).")
    var isPrivate = false

    @Option(help: ArgumentHelp("What downloads are called. (default: the name of the file or folder)"))
    var name: String?

    @Option(help: ArgumentHelp("A remark in the .torrent.", valueName: "text"))
    var comment: String?

    @Option(help: ArgumentHelp("A word that gives the torrent an infohash of its own.", valueName: "text"))
    var source: String?

    @Option(help: ArgumentHelp("When it was made, in seconds since 1970.", valueName: "seconds|now"))
    var date: CreationDate?

    @Flag(help: "Take hidden files as well.")
    var hidden = false

    @OptionGroup(title: "Output")
    var talk: OutputOptions

    func validate() throws {
        if path.isEmpty { throw ValidationError("The path is empty.") }
        if output?.isEmpty == true || output?.hasSuffix("/") == true { throw ValidationError("-o must name a file.") }
        if output == "-" {
            throw ValidationError("-o must name a file: standard output is for the magnet link.")
        }
        if let name, ["", ".", ".."].contains(name) || name.contains("/") {
            throw ValidationError("--name must be the name of a file or folder.")
        }
        if isPrivate, !node.isEmpty {
            throw ValidationError("--private keeps a torrent out of the DHT: there is no use for --node.")
        }
    }

    func run() async throws {
        let configuration = CreateConfiguration(
            path: path, output: output, overwrites: force, name: name, pieceLength: pieceLength?.bytes,
            trackers: tracker.map(\.text), nodes: node, isPrivate: isPrivate, source: source, comment: comment,
            creationDate: date?.seconds, takesHidden: hidden, isAligned: align)
        let exit = await CreateCommand(configuration, Console(program: "magnetget", talk.configuration)).run()
        throw ExitCode(exit.rawValue)
    }
}
