import Foundation
import PackagePlugin

/// Writes down the commit that is built, for reports (`BuildCommit`), when there is another one or a source file changed.
///
/// The manifest could ask SwiftPM for it, but SwiftPM remembers the answer beyond the next commit, and it does not
/// repeat a command that is to run before each build.
@main
struct NoteCommit: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        let root = context.package.directoryURL
        let folder = context.pluginWorkDirectoryURL
        // A line is added to the log with each commit; it is not there outside of a checkout.
        let manifest = [root.appending(path: ".git/logs/HEAD"), root.appending(path: "Package.swift")]
        let inputs = manifest.filter { FileManager.default.fileExists(atPath: $0.path) } + sources(of: root)
        return [
            .buildCommand(
                displayName: "Noting the commit",
                executable: URL(filePath: "/bin/sh"),
                arguments: [root.appending(path: "Tools/NoteCommit/note.sh").path, root.path, folder.path],
                inputFiles: inputs,
                outputFiles: [folder.appending(path: "BuildCommit.swift")])
        ]
    }

    private func sources(of root: URL) -> [URL] {
        let folder = root.appending(path: "Sources")
        let names = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
        return names.filter { $0.hasSuffix(".swift") }.sorted().map { folder.appending(path: $0) }
    }
}
