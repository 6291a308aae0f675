import Testing

/// Each rule is shown something bad, and something good that looks like it.
@Suite struct RuleTests {
    private let graph = TargetGraph(
        document: """
            ```targets
            Primitives:
            Kademlia: Primitives (HeapModule)
            --- purity line ---
            Transport: Kademlia Primitives (NIOCore)
            ```
            """)

    private func source(_ text: String, path: String = "Sources/Kademlia/A.swift") -> SourceText {
        SourceText(path: path, text: text)
    }

    // MARK: The view of a file

    @Test(arguments: [
        ("let a = 1 // Date()", "let a = 1          "),
        ("/* Date() /* nested */ */ b", "                          b"),
        (#"let s = "Date() // no comment""#, #"let s = "                    ""#),
        (#"f("a\(g("b") + Date())c") + d"#, #"f("  (g(" ") + Date()) ") + d"#),
        (##"let r = #"a"b\(c"# + d"##, ##"let r = #"      "# + d"##),
        (#""\"" + e"#, #""  " + e"#),
    ])
    func commentsAndStringTextAreBlanked(text: String, code: String) {
        #expect(source(text).code == [code])
    }

    @Test func linesOfALongStringStayLines() {
        #expect(source("a\n\"\"\"\nDate()\n\"\"\"\nb").code == ["a", "\"\"\"", "      ", "\"\"\"", "b"])
    }

    // MARK: Purity

    @Test(arguments: [
        "import Foundation", "import Glibc", "import NIOCore", "package import Dispatch",
        "import struct Foundation.Date",
        "import Transport",
    ])
    func anImportAcrossTheLineIsFound(text: String) {
        #expect(PurityRules.imports(of: source("\n" + text), in: graph).map(\.line) == [2])
    }

    @Test func allowedImportsPass() {
        let pure = source("import HeapModule\npackage import Primitives\nimport Synchronization\n// import Foundation")
        #expect(PurityRules.imports(of: pure, in: graph) == [])
        let edge = source("import Foundation\nimport NIOCore", path: "Sources/Transport/A.swift")
        #expect(PurityRules.imports(of: edge, in: graph) == [])
    }

    @Test(arguments: [
        "let now = ContinuousClock.now", "SuspendingClock()", "var g = SystemRandomNumberGenerator()", "Date()",
        "Int.random(in: 0..<4)", "Int.random(\nin: 0..<4)",
        "list.shuffled()", "list.shuffle()", "list.randomElement()", "Bool.random()",
        "await x", "Task { }", "print(1)", "x.hashValue", "\"\\(Date())\"",
    ])
    func theWorldAboveTheLineIsFound(text: String) {
        #expect(!PurityRules.world(of: source(text), in: graph).isEmpty)
    }

    @Test(arguments: [
        "Int.random(in: 0..<f(4), using: &generator)", "list.shuffled(using: &g)", "Update(1)", "// ContinuousClock",
        "\"await Date()\"", "Int.random(\n    in: 0..<4, using: &g)", "fingerprint(1)",
    ])
    func whatOnlyLooksLikeItPasses(text: String) {
        #expect(PurityRules.world(of: source(text), in: graph) == [])
    }

    @Test func belowTheLineTheWorldMayBeTouched() {
        #expect(
            PurityRules.world(of: source("ContinuousClock.now", path: "Sources/Transport/A.swift"), in: graph) == [])
    }

    // MARK: Sizes

    @Test func aLongFileIsFound() {
        #expect(SizeRules.fileLength(of: source(String(repeating: "a\n", count: 500))) == [])
        #expect(SizeRules.fileLength(of: source(String(repeating: "a\n", count: 501))).count == 1)
    }

    @Test func aLongLineIsFound() {
        #expect(SizeRules.lineLength(of: source(String(repeating: "a", count: 120))) == [])
        #expect(SizeRules.lineLength(of: source(String(repeating: "ä", count: 121))).count == 1)
    }

    @Test(arguments: [
        "func f() {", "    private static func f<T>(_ a: (Int) -> Void = { _ in }) -> T {", "package init?(a: Int) {",
        "deinit {",
    ])
    func aLongFunctionIsFound(head: String) {
        let long = ["struct S {", head] + Array(repeating: "    if a { b() }", count: 69) + ["}", "}"]
        #expect(SizeRules.functionLength(of: source(long.joined(separator: "\n"))).map(\.line) == [2])
        let short = ["struct S {", head] + Array(repeating: "    if a { b() }", count: 68) + ["}", "}"]
        #expect(SizeRules.functionLength(of: source(short.joined(separator: "\n"))) == [])
    }

    @Test func aRequirementHasNoBody() {
        let text = "protocol P {\n  func f()\n  func g() -> Int\n}\nstruct S {\n  func h(\n    a: Int\n  ) {\n  }\n}"
        let functions = SizeRules.functions(in: source(text))
        #expect(functions.map(\.firstLine) == [5])
        #expect(functions.map(\.lastLine) == [8])
    }

    // MARK: Wording

    @Test func unfinishedWorkIsFound() {
        for word in ["TO" + "DO", "FIX" + "ME", "XX" + "X"] {
            #expect(WordingRules.unfinishedWork(path: "a", text: "x\n// \(word): later").map(\.line) == [2])
            #expect(WordingRules.unfinishedWork(path: "a", text: "no\(word)").isEmpty)
        }
    }

    @Test func pathsOfAMachineAreFound() {
        #expect(WordingRules.machine(path: "a", text: "cd /ro" + "ot/x").count == 1)
        #expect(WordingRules.machine(path: "a", text: "cd /usr/include").isEmpty)
    }

    @Test(arguments: ["try! f()", "x as! Y", "fatalError()", "preconditionFailure(\"\")"])
    func aTrapWithoutReasonIsFound(text: String) {
        #expect(WordingRules.traps(in: source(text)).count == 1)
    }

    @Test func aTrapWithReasonPasses() {
        #expect(WordingRules.traps(in: source("fatalError(\"a page cannot be empty here\")\n// try!\nx as? Y")) == [])
    }

    @Test func uncheckedWithoutACommentIsFound() {
        #expect(WordingRules.unexplained(in: source("\nstruct A: @unchecked Sendable {}")).count == 1)
        #expect(WordingRules.unexplained(in: source("// Only read.\nstruct A: @unchecked Sendable {}")) == [])
    }

    @Test func printingInALibraryIsFound() {
        #expect(WordingRules.printing(in: source("print(1)", path: "Sources/Transport/A.swift")).count == 1)
        #expect(WordingRules.printing(in: source("print(1)", path: "Sources/dhtnode/A.swift")) == [])
    }

    // MARK: Graph and documents

    @Test func theManifestIsRead() {
        let manifest = """
            let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
            let nio: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
            let pure: [Target] = [
                .target(name: "Primitives"),
                .target(name: "Kademlia", dependencies: ["Primitives", heap]),
            ]
            let edge: [Target] = [
                .target(
                    name: "Transport",
                    dependencies: [
                        "Kademlia", "Primitives", nio,
                    ]),
            ]
            """
        #expect(TargetGraph(manifest: manifest) == graph)
        #expect(TargetGraph(manifest: manifest.replacing("heap]", with: "nio]")) != graph)
    }

    @Test func anUpwardArrowIsFound() {
        #expect(graph.upwardArrows() == [])
        let upward = TargetGraph(document: "```targets\nA: B\nB:\n--- line ---\n```")
        #expect(upward.upwardArrows() == ["A -> B"])
        let impure = TargetGraph(document: "```targets\nA: (NIOCore)\n--- line ---\n```")
        #expect(impure.upwardArrows() == ["A -> NIOCore"])
    }

    @Test func aLinkThatLeadsNowhereIsFound() {
        let text = "see [a](b.md#part) and [c](https://example.org) and\n[d](../e.md)"
        let findings = DocumentRules.brokenLinks(path: "docs/x.md", text: text) { $0 == "docs/b.md" }
        #expect(findings.map(\.line) == [2])
    }
}
