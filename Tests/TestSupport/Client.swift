import Foundation

/// A connection to this machine that sends what it is told and reads to the end.
public final class Client {
    private let socket: Int32

    /// - Throws: when nobody listens there.
    public init(port: Int) throws {
        socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else {
            throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .ECONNREFUSED)
        }
    }

    deinit { close(socket) }

    /// - Returns: whether the server still took it.
    @discardableResult
    public func send(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return Foundation.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    /// Waits until the other side closes.
    public func readAll() -> String {
        var all: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = recv(socket, &part, part.count, 0)
            guard count > 0 else { return String(decoding: all, as: UTF8.self) }
            all += part[..<count]
        }
    }
}

extension Client {
    /// Asks an HTTP server of this machine.
    ///
    /// - Returns: the status, 0 where nobody answers, and the body.
    public static func get(port: Int, _ path: String) -> (status: Int, body: String) {
        guard let client = try? Client(port: port) else { return (0, "") }
        client.send("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
        let response = client.readAll()
        let head = response.split(separator: " ", maxSplits: 2)
        let body = response.ranges(of: "\r\n\r\n").first.map { response[$0.upperBound...] }
        return (head.count > 1 ? Int(head[1]) ?? 0 : 0, String(body ?? ""))
    }
}
