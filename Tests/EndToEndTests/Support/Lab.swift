import Foundation

/// The place of one test: a folder, addresses that no other test uses, and processes that end with it.
final class Lab {
    /// Everything that the test writes is below it.
    let folder: String
    private let prefix: LoopbackPrefix
    private var lastAddress = 100
    private var children: [Child] = []

    static func run(_ body: (Lab) async throws -> Void) async throws {
        let lab = try Lab()
        defer { lab.close() }
        try await body(lab)
    }

    private init() throws {
        let parent = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
        folder = parent.appending(path: "mainline-test-\(UUID())").path
        prefix = try LoopbackPrefix()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        Leash.hold(folder: folder)
    }

    private func close() {
        for child in children.reversed() { child.kill() }
        try? FileManager.default.removeItem(atPath: folder)
        Leash.release(folder: folder)
    }

    /// A loopback address that nobody has yet.
    func address() -> String {
        lastAddress += 1
        return "\(prefix.text).\(lastAddress)"
    }

    func path(_ name: String) -> String { folder + "/" + name }

    // MARK: Files

    /// A new folder, for downloads for instance.
    func makeFolder(_ name: String) throws -> String {
        try FileManager.default.createDirectory(atPath: path(name), withIntermediateDirectories: true)
        return path(name)
    }

    /// A file of random bytes; returns its path.
    func makeFile(_ name: String, byteCount: Int) throws -> String {
        let parent = URL(filePath: path(name)).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
        guard let source = FileHandle(forReadingAtPath: "/dev/urandom") else { throw Trouble("no /dev/urandom") }
        defer { try? source.close() }
        let bytes = byteCount == 0 ? Data() : try source.read(upToCount: byteCount) ?? Data()
        guard bytes.count == byteCount else { throw Trouble("/dev/urandom gave \(bytes.count) bytes") }
        try bytes.write(to: URL(filePath: path(name)))
        return path(name)
    }

    // MARK: Processes

    /// Starts a process that has nothing of the user's: no home, no settings.
    func start(_ command: [String], hasInput: Bool = false) throws -> Child {
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("MAINLINE_") }
        for name in ["HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] { environment[name] = folder }
        let logs = path("\(children.count)-\(URL(filePath: command[0]).lastPathComponent)")
        let child = try Child(command, logs: logs, hasInput: hasInput, environment: environment)
        children.append(child)
        return child
    }

    func startProgram(_ name: String, _ arguments: [String], in front: [String] = []) throws -> Child {
        try start(front + Machine.withoutRights + [Machine.programs.appending(path: name).path] + arguments)
    }

    /// Starts `magnetget`, on an address of its own unless the arguments name one.
    func startMagnetget(_ arguments: [String], in front: [String] = []) throws -> Child {
        let bind = arguments.contains("--bind") ? [] : ["--bind", address()]
        return try startProgram("magnetget", arguments + bind, in: front)
    }

    /// Runs `magnetget` to its end, which must come within the time.
    func magnetget(_ arguments: [String], in front: [String] = [], within seconds: Double = 40) async throws -> Ending {
        try await startMagnetget(arguments, in: front).end(within: seconds)
    }

    /// Starts a rig of Tools/Interop, which ends when its standard input is closed.
    func startRig(_ script: String, _ arguments: [String], in front: [String] = []) throws -> Child {
        try start(front + pythonCommand(script) + arguments, hasInput: true)
    }

    /// Starts a script of Tools/Interop that runs `magnetget` itself, and ends by itself.
    func startScript(_ script: String, _ arguments: [String]) throws -> Child {
        let program = Machine.programs.appending(path: "magnetget").path
        return try start(["env", "TMPDIR=\(folder)"] + pythonCommand(script) + ["--magnetget", program] + arguments)
    }

    private func pythonCommand(_ script: String) throws -> [String] {
        guard let python = Machine.python else { throw Trouble(Machine.libtorrentReason) }
        return [python, Machine.repository.appending(path: "Tools/Interop/\(script).py").path]
    }
}

/// The files below a folder as relative paths, folders not among them.
func files(below folder: String) -> [String] {
    let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    return names.filter { name in
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: folder + "/" + name, isDirectory: &isFolder)
        return !exists || !isFolder.boolValue
    }.sorted()
}

/// Whether two files have the same bytes.
func areEqual(_ first: String, _ second: String) -> Bool {
    guard let one = try? Data(contentsOf: URL(filePath: first), options: .mappedIfSafe) else { return false }
    return (try? Data(contentsOf: URL(filePath: second), options: .mappedIfSafe)) == one
}

/// What a file takes on the disk, holes left out.
func allocatedBytes(_ path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_blocks) * 512 : 0
}
