/// A GET of one URL: what it may cost, where it leaves from and whom it may reach.
package struct HTTPRequest: Sendable {
    /// `http://` or `https://`, as it goes over the wire: the query is passed on byte for byte.
    package var url: String
    /// Asked for each address that the URL and its redirects lead to.
    package var policy = HTTPPolicy.global
    package var route = HTTPRoute()

    /// How names are resolved, of the URL and where it leads; a proxy resolves them itself.
    ///
    /// Only with `system` is libcurl's own resolver used.
    package var names = NameResolver.system

    /// Until there is a connection, TLS included; each redirect counts anew.
    package var connectTimeout: Duration = .seconds(10)

    /// From the start of the transfer on; a request that waits for its start as long is given up too.
    package var totalTimeout: Duration = .seconds(30)

    /// What a body may have when it is decompressed.
    ///
    /// An announce reply with 2,000 peers has 36 KiB; more memory than this is never held for a request.
    package var bodyBytesMax = 1 << 20

    package var redirectsMax = 5

    /// Whether the server's certificate must be one for its name, by an authority that the system trusts.
    package var verifiesTLS = true

    /// Whether the connection may serve a later request of the same fetcher.
    ///
    /// Trackers are asked every half hour, which no connection outlasts.
    package var keepsConnection = false

    static let urlBytesMax = 16 * 1_024

    /// Host and port of the URL, as far as they are needed to tell hosts apart.
    var hostKey: String {
        let rest = url.firstRange(of: "://").map { url[$0.upperBound...] } ?? url[...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return (authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority).lowercased()
    }

    package init(url: String) {
        self.url = url
    }

    /// Throws `badRequest` for what libcurl should not even be shown.
    func check() throws(HTTPError) {
        guard url.utf8.count <= Self.urlBytesMax else {
            throw .badRequest("the URL is longer than \(Self.urlBytesMax) bytes")
        }
        guard Self.isPlain(url) else { throw .badRequest("blanks or control characters in the URL") }
        guard Self.hasScheme(url, of: ["http://", "https://"]) else {
            throw .badRequest("the URL begins with neither http:// nor https://")
        }
        guard bodyBytesMax >= 0, redirectsMax >= 0, connectTimeout > .zero, totalTimeout > .zero else {
            throw .badRequest("a limit below zero")
        }
        try route.check()
    }

    /// No blank, no control character: none of them may end up in the head of a request.
    static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
    }

    static func hasScheme(_ text: String, of schemes: [String]) -> Bool {
        schemes.contains { text.prefix($0.count).lowercased() == $0 }
    }
}
