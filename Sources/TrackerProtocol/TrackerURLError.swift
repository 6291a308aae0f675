/// Why a text is no tracker URL; never quotes what may be a password or a passkey.
package enum TrackerURLError: Error, Hashable, Sendable {
    case empty
    case tooLong(limitBytes: Int)
    /// A blank, a control character or a byte above ASCII.
    case character(UInt8)
    /// Not of the form `scheme://…`.
    case missingScheme
    /// Neither http, https nor udp, such as the wss of WebTorrent.
    case unknownScheme(String)
    case missingHost
    case host(String)
    /// No number from 1 to 65535.
    case port
    /// UDP has no default port.
    case missingPort
}

extension TrackerURLError: CustomStringConvertible {
    /// One sentence that names what is broken and how it should look.
    package var description: String {
        switch self {
        case .empty: "the tracker URL is empty"
        case .tooLong(let limit): "the tracker URL is longer than \(limit) bytes"
        case .character(let byte):
            "the tracker URL contains byte \(byte), which has to be written as % and two hexadecimal digits"
        case .missingScheme: "the tracker URL does not begin with http://, https:// or udp://"
        case .unknownScheme(let scheme):
            "the tracker URL begins with '\(scheme)://'; supported are http://, https:// and udp://"
        case .missingHost: "the tracker URL names no host"
        case .host(let host): "the tracker's host '\(host)' is neither a name, 1.2.3.4 nor [2001:db8::1]"
        case .port: "the port of the tracker URL is no number from 1 to 65535"
        case .missingPort: "the tracker URL has no port, which udp:// needs: udp://host:port"
        }
    }
}
