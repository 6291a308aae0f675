import CShims
import Dispatch
import Glibc
import Primitives
import Synchronization

@testable import Transport

/// A server on loopback that answers what it is told to, byte for byte.
final class TinyHTTPServer: Sendable {
    struct Head: Sendable {
        /// Of the request line, as it came.
        let target: String
        let lines: [String]
        /// Where the request came from.
        let source: Endpoint?

        func field(_ name: String) -> String? {
            lines.first { $0.lowercased().hasPrefix("\(name.lowercased()): ") }
                .map { String($0.dropFirst(name.count + 2)) }
        }
    }

    enum Reply: Sendable {
        /// Then the connection is closed.
        case send([UInt8])
        /// Then another request is read.
        case sendAndKeep([UInt8])
        /// Then nothing, until the client has enough of it.
        case sendAndHold([UInt8])
    }

    struct CannotListen: Error {}

    private struct State {
        var heads: [Head] = []
        var connectionCount = 0
        var openCount = 0
        var openPeak = 0
        var isStopped = false
    }

    let local: Endpoint
    private let listener: CInt
    private let answer: @Sendable (Head) -> Reply
    private let state = Mutex(State())
    private let threads = DispatchGroup()

    init(
        at address: Endpoint = .v4(127, 0, 0, 1, port: 0), answer: @escaping @Sendable (Head) -> Reply
    ) throws {
        listener = mainline_tcp_listen(address.forSystemCalls, 512)
        guard listener >= 0, let port = UInt16(exactly: mainline_local_port(listener)) else { throw CannotListen() }
        var local = address
        local.port = port
        self.local = local
        self.answer = answer
        DispatchQueue(label: "tiny server").async(group: threads) { [self] in acceptAll() }
    }

    func url(_ path: String) -> String { "http://\(local)\(path)" }

    var heads: [Head] { state.withLock { $0.heads } }
    var connectionCount: Int { state.withLock { $0.connectionCount } }
    /// The most connections that were open at once.
    var openPeak: Int { state.withLock { $0.openPeak } }

    /// Waits until all its threads have ended; the clients have to be gone.
    func stop() async {
        state.withLock { $0.isStopped = true }
        await withCheckedContinuation { continuation in
            threads.notify(queue: .global()) { continuation.resume() }
        }
        close(listener)
    }

    private func acceptAll() {
        while !state.withLock({ $0.isStopped }) {
            var waiting = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, 5) > 0 else { continue }
            var address = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let descriptor = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { accept(listener, $0, &length) }
            }
            guard descriptor >= 0 else { continue }
            let source = withUnsafeBytes(of: address) { $0.baseAddress.flatMap { Endpoint($0, family: AF_INET) } }
            DispatchQueue(label: "tiny connection").async(group: threads) { [self] in serve(descriptor, source) }
        }
    }

    private func serve(_ descriptor: CInt, _ source: Endpoint?) {
        state.withLock { state in
            state.connectionCount += 1
            state.openCount += 1
            state.openPeak = max(state.openPeak, state.openCount)
        }
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var goesOn = true
        while goesOn, let head = readHead(descriptor, source) {
            state.withLock { $0.heads.append(head) }
            switch answer(head) {
            case .send(let bytes):
                write(bytes, to: descriptor)
                goesOn = false
            case .sendAndKeep(let bytes):
                write(bytes, to: descriptor)
            case .sendAndHold(let bytes):
                write(bytes, to: descriptor)
                var byte: UInt8 = 0
                while recv(descriptor, &byte, 1, 0) > 0 {}
                goesOn = false
            }
        }
        state.withLock { $0.openCount -= 1 }
        close(descriptor)
    }

    private func readHead(_ descriptor: CInt, _ source: Endpoint?) -> Head? {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while !bytes.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            guard recv(descriptor, &byte, 1, 0) == 1 else { return nil }
            bytes.append(byte)
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n").map { String($0) }
        let words = lines.first?.split(separator: " ") ?? []
        return Head(target: words.count == 3 ? String(words[1]) : "", lines: lines, source: source)
    }

    private func write(_ bytes: [UInt8], to descriptor: CInt) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

extension [UInt8] {
    /// A whole response with its length.
    static func response(_ status: String = "200 OK", _ fields: String..., body: [UInt8] = []) -> [UInt8] {
        let head = ["HTTP/1.1 \(status)"] + fields + ["Content-Length: \(body.count)", "", ""]
        return Array(head.joined(separator: "\r\n").utf8) + body
    }

    static func redirect(to url: String) -> [UInt8] { .response("302 Found", "Location: \(url)") }
}
