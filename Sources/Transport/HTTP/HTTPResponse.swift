package import Primitives

/// The answer to a request that went well.
package struct HTTPResponse: Equatable, Sendable {
    /// One of 200 to 299.
    package let status: Int
    /// Decompressed.
    package let body: [UInt8]
    /// What answered in the end, after redirects.
    package let url: String
    /// The other end of the connection: the server or the proxy.
    package let remote: Endpoint?

    package init(status: Int, body: [UInt8], url: String, remote: Endpoint?) {
        self.status = status
        self.body = body
        self.url = url
        self.remote = remote
    }
}
