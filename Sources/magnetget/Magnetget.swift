import ArgumentParser
import CommandSupport
import Transport

@main
struct Magnetget: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "magnetget",
        abstract: "Turns a magnet link into verified files.",
        usage: "magnetget [get] SOURCE… [-o DIR]",
        discussion: """
            magnetget "magnet:?xt=urn:btih:…" downloads into the current folder, verifies every piece and ends when \
            all is there. Quote the link: the shell would cut it at the first &. Run again, it goes on from what is on \
            disk. See magnetget get --help for the options.

            \(ProgramExit.helpText())
            """,
        version: "magnetget \(CommandSupport.version)",
        subcommands: [Get.self, Meta.self, Verify.self, Seed.self, Create.self],
        defaultSubcommand: Get.self)

    static func main() async {
        DescriptorLimit.require(for: "magnetget")
        // Before anything can start a thread.
        Signals.takeOver()
        Allocator.tune()
        await main(nil)
    }
}
