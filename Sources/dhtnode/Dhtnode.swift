import ArgumentParser
import CommandSupport
import Transport

@main
struct Dhtnode: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dhtnode",
        abstract: "A node of BitTorrent's distributed hash table.",
        discussion: ProgramExit.helpText(
            for: [.done, .failure, .noDHT, .nothingFound, .disk, .usage, .interrupted, .terminated]),
        version: "dhtnode \(CommandSupport.version)",
        subcommands: [
            Run.self, Ping.self, Find.self, Peers.self, Scrape.self, Sample.self, Put.self, Get.self, Testnet.self,
            Simulate.self,
        ])

    static func main() async {
        DescriptorLimit.require(for: "dhtnode")
        // Before anything can start a thread.
        Signals.takeOver()
        Allocator.tune()
        await main(nil)
    }
}
