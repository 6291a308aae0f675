import Glibc
package import Kademlia

/// Where the node's table and id live between two runs.
package enum StateChoice: Equatable, Sendable {
    case none
    /// In the user's folder for state; only for the public network, since the nodes of a private one are nobody's
    /// business in another.
    case standard
    case folder(String)

    /// The folder to use, if any; `environment` looks up a variable.
    package func path(
        _ mode: NetworkMode, environment: (String) -> String? = { getenv($0).map { String(cString: $0) } }
    ) -> String? {
        switch self {
        case .none: return nil
        case .folder(let path): return path
        case .standard:
            guard mode == .public else { return nil }
            // The XDG rules: a relative path counts as none.
            if let state = environment("XDG_STATE_HOME"), state.hasPrefix("/") { return state + "/mainline" }
            guard let home = environment("HOME"), home.hasPrefix("/") else { return nil }
            return home + "/.local/state/mainline"
        }
    }
}
