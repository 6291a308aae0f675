import Foundation
import PackagePlugin

/// Before each build, writes down the commit that is built, for reports (`BuildCommit`).
///
/// The manifest could ask SwiftPM for it, but SwiftPM remembers the answer beyond the next commit.
@main
struct NoteCommit: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        let root = context.package.directoryURL
        let output = context.pluginWorkDirectoryURL
        return [
            .prebuildCommand(
                displayName: "Noting the commit",
                executable: URL(filePath: "/bin/sh"),
                arguments: [root.appending(path: "Tools/NoteCommit/note.sh").path, root.path, output.path],
                outputFilesDirectory: output)
        ]
    }
}
