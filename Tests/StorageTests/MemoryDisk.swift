import Glibc
import Primitives
import Synchronization

@testable import Storage

/// A disk in memory that can be told to fail, and that forgets: what was not synchronized is lost with the power.
///
/// A power cut keeps any subset of what was not synchronized: of each write any of its sectors, of the changes of a
/// file's length and of a folder's entries any. Nothing is lost by a kill: the system writes on.
final class MemoryDisk: Disk {
    let state: Mutex<State>

    struct State {
        var nodes: [MemoryNode] = [MemoryNode(kind: .directory)]
        var generator: SeededGenerator
        /// Nanoseconds; each write moves it.
        var clock: Int64 = 1_000
        var calls = 0
        var faults = Faults()
        /// Files that somebody holds the lock of.
        var locked: Set<Int> = []
        /// Counts restarts: descriptors of an earlier life work no more.
        var life = 0
        var isDead = false
    }

    /// What goes wrong, and when; calls are counted from the last restart.
    struct Faults {
        /// The process ends in the middle of this call.
        var killAtCall: Int?
        var failAtCall: Int?
        /// Bytes that can still be written before the disk is full.
        var freeBytes: Int?
        var writesAreShort = false
        var isReadOnly = false
        /// Data is said to be synchronized and is not, as if the call were missing; the marker is left out.
        var dataIsNotSynchronized = false
        /// The same for folders.
        var foldersAreNotSynchronized = false
    }

    init(seed: UInt64) {
        state = Mutex(State(generator: SeededGenerator(number: seed)))
    }

    func openDirectory(_ path: String) throws(SystemError) -> any DiskFile {
        let (node, life) = try state.withLock { state throws(SystemError) in
            try state.begin(life: state.life)
            return (try state.walk(path), state.life)
        }
        return MemoryFile(node: node, life: life, disk: self)
    }

    func makeDirectories(_ path: String) throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            try state.begin(life: state.life)
            var node = 0
            for name in path.split(separator: "/").map(String.init) {
                if let child = state.nodes[node].entries[name] {
                    node = child
                } else {
                    guard !state.faults.isReadOnly else { throw SystemError(code: EROFS) }
                    let child = state.add(MemoryNode(kind: .directory))
                    state.nodes[node].change(.link(name, child))
                    state.nodes[node].synchronize()
                    node = child
                }
            }
        }
    }

    // MARK: What tests do to it

    var faults: Faults {
        get { state.withLock { $0.faults } }
        set { state.withLock { $0.faults = newValue } }
    }

    var calls: Int { state.withLock { $0.calls } }

    var isDead: Bool { state.withLock { $0.isDead } }

    /// A new process on the same machine: descriptors, locks and faults are gone.
    func restart(afterPowerCut: Bool) {
        state.withLock { state in
            state.life += 1
            (state.calls, state.isDead, state.faults, state.locked) = (0, false, Faults(), [])
            guard afterPowerCut else { return }
            for index in state.nodes.indices { state.nodes[index].losePower(&state.generator) }
        }
    }

    /// A file as it is now; nil when there is none.
    func content(_ path: String) -> [UInt8]? {
        state.withLock { state in (try? state.walk(path)).map { state.nodes[$0].content } }
    }

    /// Changes a file behind the back of whoever has it open.
    func overwrite(_ path: String, at offset: Int, with byte: UInt8) {
        state.withLock { state in
            guard let node = try? state.walk(path) else { return }
            state.clock += 1
            state.nodes[node].change(.write([byte], at: offset), at: state.clock)
            state.nodes[node].synchronize()
        }
    }

    /// As `rm -r` does, and on disk at once.
    func remove(_ path: String) {
        for name in state.withLock({ state in
            (try? state.walk(path)).map { Array(state.nodes[$0].entries.keys) } ?? []
        }) {
            remove("\(path)/\(name)")
        }
        state.withLock { state in
            var components = path.split(separator: "/").map(String.init)
            guard let name = components.popLast(), let parent = try? state.walk(components.joined(separator: "/"))
            else { return }
            state.nodes[parent].change(.unlink(name))
            state.nodes[parent].synchronize()
        }
    }
}

extension MemoryDisk.State {
    /// Every call begins here; may be the last of its process.
    mutating func begin(life: Int) throws(SystemError) {
        guard !isDead, life == self.life else { throw SystemError(code: EBADF) }
        calls += 1
        if calls == faults.failAtCall { throw SystemError(code: EIO) }
        guard calls == faults.killAtCall else { return }
        isDead = true
        throw SystemError(code: EBADF)
    }

    func walk(_ path: String) throws(SystemError) -> Int {
        var node = 0
        for name in path.split(separator: "/").map(String.init) where name != "." {
            guard let child = nodes[node].entries[name] else { throw SystemError(code: ENOENT) }
            node = child
        }
        return node
    }

    mutating func add(_ node: MemoryNode) -> Int {
        nodes.append(node)
        return nodes.count - 1
    }
}
