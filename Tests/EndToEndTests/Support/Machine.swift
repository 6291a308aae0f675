import Foundation

/// What this machine has: the programs under test, and what only some tests need.
enum Machine {
    static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// The folder with `magnetget` and `dhtnode`: that of the running tests, unless `MAINLINE_BIN` names another.
    static let programs: URL =
        ProcessInfo.processInfo.environment["MAINLINE_BIN"].map { URL(filePath: $0) }
        ?? URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()

    /// How many times longer than on a quiet machine something may take before the test calls it a hang.
    ///
    /// Limits of tests only end what would never end. `MAINLINE_PATIENCE` overrides it.
    static let patience =
        ProcessInfo.processInfo.environment["MAINLINE_PATIENCE"].flatMap { Double($0) } ?? 6

    /// The Python that has libtorrent; nil where there is none.
    static let python: String? = {
        let made = repository.appending(path: ".build-venv/bin/python").path
        let path = ProcessInfo.processInfo.environment["MAINLINE_PYTHON"] ?? made
        guard FileManager.default.isExecutableFile(atPath: path) else { return nil }
        return succeeds([path, "-c", "import libtorrent"]) ? path : nil
    }()

    static let hasLibtorrent = python != nil
    static let libtorrentReason = "no Python with libtorrent: Bootstrap/setup test says why"

    /// The folder that opentracker was unpacked to; nil if it was not.
    static let opentracker: String? = {
        let folder = repository.appending(path: ".build-peers").path
        return FileManager.default.isExecutableFile(atPath: folder + "/usr/bin/opentracker") ? folder : nil
    }()

    /// Whether somebody takes TCP connections there.
    static func accepts(_ address: String, port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = port.bigEndian
        inet_pton(AF_INET, address, &target.sin_addr)
        return withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    /// The front of a command that runs without the rights of root: what works here works for everybody.
    static let withoutRights: [String] = {
        let command = ["setpriv", "--inh-caps=-all", "--bounding-set=-all", "--"]
        return getuid() == 0 && succeeds(command + ["true"]) ? command : []
    }()

    /// The front of a command that runs with mounts of its own; nil where that is not allowed.
    static let ownMounts: [String]? = {
        let rights = getuid() == 0 ? [] : ["--map-root-user"]
        let command = ["unshare"] + rights + ["--mount", "--"]
        let test = command + ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/mnt"]
        return succeeds(test) && succeeds(["nsenter", "--version"]) ? command : nil
    }()

    static let mayMount = ownMounts != nil
    static let mountReason = "this user may not mount a tmpfs in a namespace of its own (unshare, nsenter)"

    /// Whether networks may be made that nothing leaves: by root only.
    static let mayMakeNetworks: Bool = {
        let command = ["unshare", "--net", "--pid", "--mount-proc", "--fork", "--kill-child"]
        return getuid() == 0 && succeeds(command + ["ip", "link", "set", "lo", "up"])
    }()
    static let networkReason = "needs root, unshare and ip to make a network namespace"

    /// Whether a program of this name is installed.
    static func has(_ program: String) -> Bool { succeeds(["sh", "-c", "command -v \(program)"]) }

    /// A command of which nothing is to be known.
    static func run(_ command: [String]) { _ = succeeds(command) }

    private static func succeeds(_ command: [String]) -> Bool {
        guard let child = try? Child(command, logs: NSTemporaryDirectory() + "mainline-probe-\(UUID())") else {
            return false
        }
        defer { child.removeLogs() }
        return child.waitBlocking(seconds: 20 * patience) == 0
    }
}
