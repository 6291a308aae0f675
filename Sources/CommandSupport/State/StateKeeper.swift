package import Kademlia
package import Primitives
import Storage
package import Transport

/// Brings the state of the last run in at the start, and writes it every few minutes and at the end.
package final class StateKeeper {
    /// The folder that was asked for cannot be used.
    package struct Failure: Error, Equatable {
        package let message: String
        package let advice = "choose another folder with --state, or go without one: --no-state"
    }

    /// Early enough that a run of minutes counts.
    private static let firstSave = Duration.seconds(30)
    private static let saveInterval = Duration.seconds(5 * 60)

    /// What the host is to be started with.
    package let restored: NodeState?
    private let folder: NodeStateFolder?
    private let console: Console
    private var lastSaved: NodeState?
    private var nextSave: Instant
    private var hasComplained = false

    /// Opens the folder and reads what is there.
    ///
    /// Trouble with the standard folder is a remark, since everything works without it.
    package init(_ choice: StateChoice, _ mode: NetworkMode, now: Instant, _ console: Console) throws(Failure) {
        self.console = console
        nextSave = now + Self.firstSave
        guard let path = choice.path(mode) else {
            (restored, folder) = (nil, nil)
            return
        }
        do throws(StorageError) {
            let folder = try NodeStateFolder(path)
            restored = Self.read(try folder.load(), folder, console)
            self.folder = folder
        } catch {
            let message = "the state in \(Self.shown(path)) cannot be used: \(error.cause)"
            guard choice == .standard else { throw Failure(message: message) }
            console.note("\(message); this run leaves none")
            (restored, folder) = (nil, nil)
        }
        lastSaved = restored
    }

    private static func read(
        _ finding: NodeStateFolder.Finding, _ folder: NodeStateFolder, _ console: Console
    ) -> NodeState? {
        let path = shown(folder.path)
        if !folder.isOurs {
            console.note("another program uses the state in \(path): it is read, and nothing is written", verbosity: 1)
        }
        switch finding {
        case .nothing: return nil
        case .state(let state): return folder.isOurs ? state : state.withoutIDs
        case .broken(let failure, let kept):
            let place = kept.map { "; it is kept as \(shown($0))" } ?? ""
            console.note("the saved state in \(path) \(text(of: failure)): starting without it\(place)")
            return nil
        }
    }

    private static func text(of failure: NodeStateFile.Failure) -> String {
        switch failure {
        case .tooLong: "is too long"
        case .notAState: "is no state"
        case .unknownVersion(let version): "has version \(version), which this program does not know"
        case .damaged: "is damaged"
        }
    }

    /// Whether the run starts with somebody to ask.
    package var hasContacts: Bool { restored?.homes.contains { !$0.contacts.isEmpty } ?? false }

    /// Writes the state if it is time to.
    package func saveIfDue(_ host: Host, now: Instant) async {
        guard now >= nextSave else { return }
        nextSave = now + Self.saveInterval
        await save(host)
    }

    /// Writes the state now; call it before the host is stopped.
    package func save(_ host: Host) async {
        guard let folder, folder.isOurs, let state = await host.nodeState() else { return }
        let kept = state.keepingContacts(of: lastSaved)
        do {
            try folder.save(kept)
            lastSaved = kept
        } catch {
            guard !hasComplained else { return }
            hasComplained = true
            console.note("the state in \(Self.shown(folder.path)) cannot be written: \(error.cause)")
        }
    }

    private static func shown(_ path: String) -> String { TerminalText.escaped(path) }
}
