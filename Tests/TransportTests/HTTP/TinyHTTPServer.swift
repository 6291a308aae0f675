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
        var namesAskedFor: [String] = []
        var connectionCount = 0
        var isStopped = false
    }

    let local: Endpoint
    private let listener: CInt
    private let speaksSocks: Bool
    private let answer: @Sendable (Head) -> Reply
    private let state = Mutex(State())
    private let threads = DispatchGroup()

    /// One that speaks SOCKS is a proxy first, and then the server that it was asked to reach.
    init(
        at address: Endpoint = .v4(127, 0, 0, 1, port: 0), speaksSocks: Bool = false,
        answer: @escaping @Sendable (Head) -> Reply
    ) throws {
        var isDeviceRefused = false
        listener = mainline_tcp_listen(address.forSystemCalls, nil, 512, &isDeviceRefused)
        guard listener >= 0, let port = UInt16(exactly: mainline_local_port(listener)) else { throw CannotListen() }
        var local = address
        local.port = port
        self.local = local
        self.speaksSocks = speaksSocks
        self.answer = answer
        DispatchQueue(label: "tiny server").async(group: threads) { [self] in acceptAll() }
    }

    func url(_ path: String) -> String { "http://\(local)\(path)" }

    var heads: [Head] { state.withLock { $0.heads } }
    /// As a SOCKS proxy.
    var namesAskedFor: [String] { state.withLock { $0.namesAskedFor } }
    var connectionCount: Int { state.withLock { $0.connectionCount } }

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
        state.withLock { $0.connectionCount += 1 }
        var limit = timeval(tv_sec: 600, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var goesOn = !speaksSocks || acceptSocks(descriptor)
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
        close(descriptor)
    }

    private func readHead(_ descriptor: CInt, _ source: Endpoint?) -> Head? {
        var bytes: [UInt8] = []
        while !bytes.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            guard let byte = read(1, from: descriptor) else { return nil }
            bytes += byte
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n").map { String($0) }
        let words = lines.first?.split(separator: " ") ?? []
        return Head(target: words.count == 3 ? String(words[1]) : "", lines: lines, source: source)
    }

    /// RFC 1928, for clients that give a name and no password.
    private func acceptSocks(_ descriptor: CInt) -> Bool {
        guard let greeting = read(2, from: descriptor), greeting[0] == 5,
            read(Int(greeting[1]), from: descriptor) != nil
        else { return false }
        write([5, 0], to: descriptor)
        guard let request = read(5, from: descriptor), request[3] == 3,
            let nameAndPort = read(Int(request[4]) + 2, from: descriptor)
        else { return false }
        state.withLock { $0.namesAskedFor.append(String(decoding: nameAndPort.dropLast(2), as: UTF8.self)) }
        write([5, 0, 0, 1, 127, 0, 0, 1, 0, 0], to: descriptor)
        return true
    }

    private func read(_ count: Int, from descriptor: CInt) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        return recv(descriptor, &bytes, count, CInt(MSG_WAITALL)) == count ? bytes : nil
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
