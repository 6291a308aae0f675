import Primitives

/// How far a request has come whose names we resolve ourselves.
///
/// libcurl is started without any, says which name it needs, and is started again with its addresses: where a redirect
/// has led, and with as many redirects less.
struct HTTPCourse: Sendable {
    /// Where the request goes on; nil for the URL that was asked for.
    private(set) var url: String?
    private(set) var redirects = 0
    /// As libcurl takes them.
    private(set) var entries: [String] = []
    private var known: Set<String> = []

    /// A name that libcurl needs, and where the request was when it did.
    struct Question: Equatable, Sendable {
        let host: String
        let port: UInt16
        let url: String
        let redirects: Int
    }

    /// False if the name has been given before: libcurl has no use for what it was given.
    func isNew(_ question: Question) -> Bool { !known.contains(Self.key(question)) }

    /// `endpoints` are the addresses of the name.
    mutating func answered(_ question: Question, by endpoints: [Endpoint]) {
        known.insert(Self.key(question))
        url = question.url
        redirects += question.redirects
        let addresses = endpoints.map { $0.family == .v6 ? "[\($0.hostText)]" : $0.hostText }
        // Some versions look for the name without its last dot, some with it.
        let bare = question.host.hasSuffix(".") ? String(question.host.dropLast()) : nil
        for host in [question.host, bare].compactMap(\.self) {
            entries.append("\(host):\(question.port):" + addresses.joined(separator: ","))
        }
    }

    private static func key(_ question: Question) -> String { "\(question.host.lowercased()):\(question.port)" }
}
