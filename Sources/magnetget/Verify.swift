import ArgumentParser
import CommandSupport

struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check data on disk against a .torrent; nothing is changed.",
        discussion: """
            EXAMPLES:
              magnetget verify film.torrent ~/Downloads
              magnetget verify --json film.torrent . | jq .bad_pieces

            DIR is the folder that holds the torrent's file or folder, as -o of a download. What is wrong goes to \
            standard output: the bad pieces, then the files that are missing, too short, too long or damaged.

            \(ProgramExit.helpText(for: [.done, .failure, .disk, .badContent, .usage, .interrupted, .terminated]))
            """)

    @Argument(help: ArgumentHelp("The .torrent file.", valueName: "torrent"))
    var torrent: String

    @Argument(help: ArgumentHelp("The folder that holds the data.", valueName: "dir"))
    var directory: String

    @OptionGroup(title: "Output")
    var talk: OutputOptions

    func validate() throws {
        if directory.isEmpty { throw ValidationError("The folder is empty.") }
    }

    func run() async throws {
        let console = Console(program: "magnetget", talk.configuration)
        let exit = await VerifyCommand(torrent: torrent, directory: directory, console).run()
        throw ExitCode(exit.rawValue)
    }
}
