/// The head of a request; bodies are not read, because nothing here is written to.
public struct HTTPRequest: Hashable, Sendable {
    public enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
    }

    public var method: Method
    /// Starts with `/`; without the query.
    public var path: String

    public init(method: Method = .get, path: String) {
        self.method = method
        self.path = path
    }

    /// Reads a head that ends with an empty line.
    ///
    /// - Throws: the response that says what is wrong with it.
    static func read(_ head: some Sequence<UInt8>) throws(HTTPResponse) -> HTTPRequest {
        let line = head.prefix { $0 != 0x0D && $0 != 0x0A }
        guard line.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw HTTPResponse(status: .badRequest, text: "the request line is not plain text")
        }
        let words = line.split(separator: 0x20, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard words.count == 3, words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0",
            words[1].hasPrefix("/")
        else {
            throw HTTPResponse(status: .badRequest, text: "not a request of HTTP/1.1")
        }
        guard let method = Method(rawValue: words[0]) else {
            throw HTTPResponse(status: .methodNotAllowed, text: "read only: GET and HEAD")
        }
        return HTTPRequest(
            method: method, path: String(words[1].prefix { $0 != "?" && $0 != "#" }))
    }
}

/// What is sent back; also thrown where a request is refused.
public struct HTTPResponse: Error, Hashable, Sendable {
    public enum Status: Int, Sendable {
        case ok = 200
        case badRequest = 400
        case notFound = 404
        case methodNotAllowed = 405
        case timedOut = 408
        case headTooLarge = 431
        case unavailable = 503

        var phrase: String {
            switch self {
            case .ok: "OK"
            case .badRequest: "Bad Request"
            case .notFound: "Not Found"
            case .methodNotAllowed: "Method Not Allowed"
            case .timedOut: "Request Timeout"
            case .headTooLarge: "Request Header Fields Too Large"
            case .unavailable: "Service Unavailable"
            }
        }
    }

    public enum Content: String, Sendable {
        case text = "text/plain; charset=utf-8"
        case metrics = "text/plain; version=0.0.4; charset=utf-8"
        case json = "application/json"
        case html = "text/html; charset=utf-8"
    }

    public var status: Status
    public var content: Content
    public var body: [UInt8]

    public init(status: Status = .ok, content: Content, body: [UInt8]) {
        self.status = status
        self.content = content
        self.body = body
    }

    /// A line of plain text; its line break is added.
    public init(status: Status = .ok, text: String) {
        self.init(status: status, content: .text, body: Array((text + "\n").utf8))
    }

    /// Head and, unless the request was `HEAD`, body. The connection is closed after it.
    ///
    /// The page may run its own script and style and talk to this server, nothing else.
    func bytes(for method: HTTPRequest.Method) -> [UInt8] {
        var head = """
            HTTP/1.1 \(status.rawValue) \(status.phrase)\r
            Content-Type: \(content.rawValue)\r
            Content-Length: \(body.count)\r
            Cache-Control: no-store\r
            X-Content-Type-Options: nosniff\r
            Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; \
            script-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'\r
            Connection: close\r

            """
        if status == .methodNotAllowed { head += "Allow: GET, HEAD\r\n" }
        head += "\r\n"
        return Array(head.utf8) + (method == .head ? [] : body)
    }
}
