package import ArgumentParser

/// The flags of every command that say how it talks.
package struct OutputOptions: ParsableArguments {
    @Flag(help: "Print events as JSON, one object a line, on standard output.")
    package var json = false

    @Flag(name: .shortAndLong, help: "Print results and errors only.")
    package var quiet = false

    @Flag(name: .shortAndLong, help: "Print single peers and lookups as well; -vv adds the inner workings.")
    package var verbose: Int

    @Option(help: "A live line on a terminal and a plain line every few seconds elsewhere (auto), or always plain.")
    package var progress = ProgressChoice.auto

    @Option(help: "Colours on standard error. With auto, NO_COLOR turns them off.")
    package var color = ColorChoice.auto

    package init() {}

    package var configuration: OutputConfiguration {
        var wishes = OutputConfiguration.Wishes()
        wishes.json = json
        wishes.quiet = quiet
        wishes.verbosity = verbose
        wishes.progress = progress
        wishes.color = color
        return OutputConfiguration(wishes, in: .ofProcess)
    }
}

extension ProgressChoice: ExpressibleByArgument {}
extension ColorChoice: ExpressibleByArgument {}
