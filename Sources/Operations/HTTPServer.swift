import Foundation
import Logging
import Synchronization

/// Why a server could not be started.
public struct HTTPServerFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String
}

/// A small HTTP/1.1 server for reading: every request gets one response, then its connection is
/// closed.
///
/// Everything a client can do is bounded: the size of a request, the time it may take, and the
/// number of connections (docs/decisions/0010-http-with-bounds.md).
public final class HTTPServer: Sendable {
    public struct Limits: Hashable, Sendable {
        /// Of a request's line and headers together.
        public var headBytes = 8 * 1024
        /// Until the head is there, and again until the response is taken.
        public var seconds = 5.0
        /// At once; a further one gets status 503.
        public var connections = 32

        public init() {}
    }

    /// The port in use, also where 0 was asked for.
    public let port: Int
    private let bind: String
    private let socket: Int32
    private let limits: Limits
    private let respond: @Sendable (HTTPRequest) -> HTTPResponse
    private let isStopping = Atomic(false)
    private let open = Atomic(0)
    private let running = DispatchGroup()

    /// Listens and serves from threads of its own until it is stopped.
    ///
    /// - Parameters:
    ///   - bind: an address or a host name.
    ///   - port: 0…65535; 0 takes a free one.
    ///   - respond: called from several threads at once.
    public init(
        bind: String, port: Int, limits: Limits = Limits(),
        respond: @escaping @Sendable (HTTPRequest) -> HTTPResponse
    ) throws(HTTPServerFailure) {
        (socket, self.port) = try listen(on: bind, port: port)
        self.bind = bind
        self.limits = limits
        self.respond = respond
        running.enter()
        let thread = Thread { [self] in
            accept()
            running.leave()
        }
        thread.name = "http"
        thread.start()
    }

    /// The address for people and tools: `http://127.0.0.1:9464`.
    public var url: String {
        "http://" + (bind.contains(":") ? "[\(bind)]" : bind) + ":\(port)"
    }

    /// Takes no more connections and waits until those under way have ended.
    ///
    /// - Returns: false when `limit` passed first; they end by their own time limit then.
    @discardableResult
    public func stop(within limit: Duration = .seconds(1)) -> Bool {
        isStopping.store(true, ordering: .releasing)
        let seconds =
            Double(limit.components.seconds) + Double(limit.components.attoseconds) * 1e-18
        return running.wait(timeout: .now() + seconds) == .success
    }

    private func accept() {
        defer { close(socket) }
        while !isStopping.load(ordering: .acquiring) {
            guard wait(for: POLLIN, of: socket, upTo: .milliseconds(50)) else { continue }
            let connection = Foundation.accept(socket, nil, nil)
            guard connection >= 0, fcntl(connection, F_SETFL, O_NONBLOCK) == 0,
                fcntl(connection, F_SETFD, FD_CLOEXEC) == 0
            else {
                if connection >= 0 { close(connection) }
                // Out of descriptors, or the client is gone: neither ends the server.
                if errno != EINTR { Thread.sleep(forTimeInterval: 0.01) }
                continue
            }
            guard open.load(ordering: .relaxed) < limits.connections else {
                let refusal = HTTPResponse(status: .unavailable, text: "too many connections")
                _ = send(refusal.bytes(for: .get), to: connection, until: .now)
                close(connection)
                continue
            }
            open.add(1, ordering: .relaxed)
            running.enter()
            let thread = Thread { [self] in
                serve(connection)
                close(connection)
                open.subtract(1, ordering: .relaxed)
                running.leave()
            }
            thread.name = "http-connection"
            thread.stackSize = 512 << 10
            thread.start()
        }
    }

    private func serve(_ connection: Int32) {
        var method = HTTPRequest.Method.get
        let response: HTTPResponse
        do throws(HTTPResponse) {
            guard let head = try readHead(of: connection) else { return }
            let request = try HTTPRequest.read(head)
            method = request.method
            response = respond(request)
        } catch {
            response = error
        }
        let end = ContinuousClock.now + .seconds(limits.seconds)
        guard send(response.bytes(for: method), to: connection, until: end) else { return }
        // Closing on bytes that were not read would take the response back from the client.
        shutdown(connection, Int32(SHUT_WR))
        var rest = [UInt8](repeating: 0, count: 4_096)
        var left = 16
        let drained = ContinuousClock.now + .milliseconds(500)
        while left > 0, ContinuousClock.now < drained,
            wait(for: POLLIN, of: connection, upTo: .milliseconds(100)),
            recv(connection, &rest, rest.count, 0) > 0
        {
            left -= 1
        }
    }

    /// - Returns: nil when the client left without asking.
    private func readHead(of connection: Int32) throws(HTTPResponse) -> [UInt8]? {
        let end = ContinuousClock.now + .seconds(limits.seconds)
        var head: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 1_024)
        while true {
            let left = end - .now
            guard left > .zero, wait(for: POLLIN, of: connection, upTo: left) else {
                throw HTTPResponse(status: .timedOut, text: "the request took too long")
            }
            let count = recv(connection, &part, part.count, 0)
            if count < 0 && (errno == EAGAIN || errno == EINTR) { continue }
            guard count > 0 else { return nil }
            // An end of the head may have begun in what was there before.
            let from = max(0, head.count - 3)
            head += part[..<count]
            if let length = headLength(head, from: from), length <= limits.headBytes {
                return Array(head[..<length])
            }
            guard head.count <= limits.headBytes else {
                throw HTTPResponse(
                    status: .headTooLarge, text: "more than \(limits.headBytes) bytes")
            }
        }
    }
}

/// The length of a head with its empty line, if that is there.
private func headLength(_ bytes: [UInt8], from start: Int) -> Int? {
    var index = start
    while index + 3 < bytes.count {
        if bytes[index] == 0x0D, bytes[index + 1] == 0x0A, bytes[index + 2] == 0x0D,
            bytes[index + 3] == 0x0A
        {
            return index + 4
        }
        index += 1
    }
    return nil
}

private func wait(for events: Int32, of socket: Int32, upTo limit: Duration) -> Bool {
    var entry = pollfd(fd: socket, events: Int16(events), revents: 0)
    let (seconds, attoseconds) = limit.components
    let milliseconds = seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    return poll(&entry, 1, Int32(clamping: max(milliseconds, 1))) > 0
}

private func send(
    _ bytes: [UInt8], to socket: Int32, until end: ContinuousClock.Instant
) -> Bool {
    var sent = 0
    while sent < bytes.count {
        let count = bytes.withUnsafeBytes { bytes in
            Foundation.send(
                socket, bytes.baseAddress.map { $0 + sent }, bytes.count - sent,
                Int32(MSG_NOSIGNAL))
        }
        if count > 0 {
            sent += count
            continue
        }
        guard errno == EAGAIN || errno == EINTR, ContinuousClock.now < end,
            wait(for: POLLOUT, of: socket, upTo: end - .now)
        else { return false }
    }
    return true
}

/// A listening socket, and its port.
private func listen(
    on host: String, port: Int
) throws(HTTPServerFailure) -> (socket: Int32, port: Int) {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_PASSIVE
    var found: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, "\(port)", &hints, &found)
    defer { found.map { freeaddrinfo($0) } }
    guard status == 0, let address = found?.pointee else {
        throw HTTPServerFailure(
            description: "cannot listen on \(host): \(String(cString: gai_strerror(status)))")
    }
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let descriptor = socket(address.ai_family, kind, 0)
    guard descriptor >= 0 else {
        throw HTTPServerFailure(
            description: "cannot listen on \(host): \(String(cString: strerror(errno)))")
    }
    var yes: Int32 = 1
    setsockopt(
        descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    guard bind(descriptor, address.ai_addr, address.ai_addrlen) == 0,
        Foundation.listen(descriptor, 64) == 0, let port = boundPort(of: descriptor)
    else {
        let reason = String(cString: strerror(errno))
        close(descriptor)
        throw HTTPServerFailure(description: "cannot listen on \(host):\(port): \(reason)")
    }
    return (descriptor, port)
}

private func boundPort(of descriptor: Int32) -> Int? {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let status = withUnsafeMutablePointer(to: &storage) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            getsockname(descriptor, $0, &length)
        }
    }
    guard status == 0 else { return nil }
    // The port lies in the same place for both families, in network order.
    return withUnsafeBytes(of: &storage) { bytes in Int(bytes[2]) << 8 | Int(bytes[3]) }
}
