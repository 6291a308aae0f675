import Foundation
import Testing

/// The rules applied to the repository itself.
///
/// `RuleTests` shows that each of them can fail.
@Suite struct RepositoryTests {
    /// Read once for all tests.
    private static let everything = Result {
        (
            graph: TargetGraph(document: try Repository.text("docs/architecture.md")),
            sources: try Repository.sources(in: "Sources"),
            tests: try Repository.sources(in: "Tests")
        )
    }

    private let graph: TargetGraph
    private let sources: [SourceText]
    private let tests: [SourceText]

    init() throws {
        (graph, sources, tests) = try Self.everything.get()
        try #require(graph.targets.count > 10 && sources.count > 30 && tests.count > 10, "the repository was not found")
    }

    @Test func theManifestAndTheArchitectureDrawTheSameGraph() throws {
        let manifest = TargetGraph(manifest: try Repository.text("Package.swift"))
        #expect(manifest.targets.map(\.name).sorted() == graph.targets.map(\.name).sorted())
        for target in graph.targets {
            #expect(manifest.target(target.name) == target)
        }
    }

    @Test func arrowsRunDownwardOnly() {
        #expect(graph.upwardArrows() == [])
    }

    @Test func targetsImportOnlyWhatTheGraphAllows() {
        #expect(sources.flatMap { PurityRules.imports(of: $0, in: graph) } == [])
    }

    @Test func nothingAboveTheLineTouchesTheWorld() {
        #expect(sources.flatMap { PurityRules.world(of: $0, in: graph) } == [])
    }

    @Test func filesFunctionsAndLinesAreShort() {
        let all = sources + tests
        #expect(all.flatMap(SizeRules.fileLength) == [])
        #expect(all.flatMap(SizeRules.functionLength) == [])
        #expect(all.flatMap(SizeRules.lineLength) == [])
    }

    @Test func nothingTrapsOrPrintsWithoutReason() {
        #expect(sources.flatMap(WordingRules.traps) == [])
        #expect(sources.flatMap(WordingRules.printing) == [])
        #expect((sources + tests).flatMap(WordingRules.unexplained) == [])
    }

    @Test func noFileIsUnfinishedOrTiedToOneMachine() throws {
        let files = Repository.allText()
        try #require(files.contains("Bootstrap/setup") && files.contains("README.md"))
        for path in files {
            guard let text = try? Repository.text(path) else { continue }  // not text: a picture, say
            #expect(WordingRules.unfinishedWork(path: path, text: text) == [])
            #expect(WordingRules.machine(path: path, text: text) == [])
        }
    }

    @Test func theReadmeIsShortAndLinksLeadSomewhere() throws {
        #expect(try Repository.text("README.md").count { $0 == "\n" } <= SizeRules.linesOfReadme)
        for path in Repository.allText() where path.hasSuffix(".md") {
            let findings = DocumentRules.brokenLinks(path: path, text: try Repository.text(path)) {
                FileManager.default.fileExists(atPath: Repository.root.appending(path: $0).path)
            }
            #expect(findings == [])
        }
    }

    @Test func everyLibraryHasATestFolderInTheManifest() throws {
        let manifest = try Repository.text("Package.swift")
        // The programs are tested from outside, end to end; C wrappers through whoever calls them.
        let untested = ["CLibcrypto", "CSHA1", "CShims", "dhtnode", "magnetget"]
        let tested = Set(graph.targets.map(\.name)).subtracting(untested)
        for name in tested.sorted() {
            let hasTests = !Repository.files(in: "Tests/\(name)Tests", endingWith: ".swift").isEmpty
            #expect(hasTests, "Tests/\(name)Tests is empty")
            let isDeclared = manifest.contains("name: \"\(name)Tests\"")
            #expect(isDeclared, "\(name)Tests is not in Package.swift")
        }
    }

    @Test func scriptsStopAtTheFirstErrorAndMayBeRun() throws {
        for path in Repository.files(in: "Bootstrap") + [".ci/run"] {
            let text = try Repository.text(path)
            guard text.hasPrefix("#!") else { continue }
            #expect(text.contains("\nset -euo pipefail\n"), "\(path)")
            #expect(FileManager.default.isExecutableFile(atPath: Repository.root.appending(path: path).path), "\(path)")
        }
        #expect(try Repository.text(".ci/run").contains("./Bootstrap/test"))
    }
}
