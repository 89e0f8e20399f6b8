import Foundation
import Operations
import TestSupport
import Testing

@Suite struct HTTPServerTests {
    private func serve(
        _ change: (inout HTTPServer.Limits) -> Void = { _ in }
    ) throws -> HTTPServer {
        var limits = HTTPServer.Limits()
        change(&limits)
        return try HTTPServer(bind: "127.0.0.1", port: 0, limits: limits) { request in
            HTTPResponse(text: "\(request.method.rawValue) \(request.path)")
        }
    }

    private func ask(_ server: HTTPServer, _ text: String) throws -> String {
        let client = try Client(port: server.port)
        client.send(text)
        return client.readAll()
    }

    @Test func aRequestGetsItsResponseAndTheConnectionEnds() throws {
        let server = try serve()
        defer { server.stop() }
        #expect(server.port > 0)
        #expect(server.url == "http://127.0.0.1:\(server.port)")
        let response = try ask(server, "GET /a/b?c=d HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(response.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(response.contains("\r\nContent-Length: 9\r\n"))
        #expect(response.contains("\r\nConnection: close\r\n"))
        #expect(response.hasSuffix("\r\n\r\nGET /a/b\n"))
    }

    @Test func headHasTheHeadersOfGetAndNoBody() throws {
        let server = try serve()
        defer { server.stop() }
        let response = try ask(server, "HEAD /a HTTP/1.1\r\n\r\n")
        #expect(response.contains("\r\nContent-Length: 8\r\n"))
        #expect(response.hasSuffix("\r\n\r\n"))
    }

    @Test func aHeadMayComeInPieces() throws {
        let server = try serve()
        defer { server.stop() }
        let client = try Client(port: server.port)
        for character in "GET /p HTTP/1.1\r\nA: b\r\n\r\n" { client.send(String(character)) }
        #expect(client.readAll().hasSuffix("GET /p\n"))
    }

    @Test(arguments: [
        ("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 405),
        ("DELETE / HTTP/1.1\r\n\r\n", 405), ("GET / HTTP/2.0\r\n\r\n", 400),
        ("GET http://elsewhere/ HTTP/1.1\r\n\r\n", 400), ("GET /\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\n\r\n", 400), ("\r\n\r\n", 400), ("G\u{1}T / HTTP/1.1\r\n\r\n", 400),
        ("GET /\u{E9} HTTP/1.1\r\n\r\n", 400),
    ])
    func whatIsNoReadingIsRefused(_ text: String, _ status: Int) throws {
        let server = try serve()
        defer { server.stop() }
        let response = try ask(server, text)
        #expect(response.hasPrefix("HTTP/1.1 \(status) "))
        #expect(response.contains("\r\nAllow: GET, HEAD\r\n") == (status == 405))
    }

    @Test func aHeadOfTheLargestSizeIsReadAndALargerOneRefused() throws {
        let server = try serve { $0.headBytes = 200 }
        defer { server.stop() }
        func head(_ size: Int) -> String {
            let rest = "GET / HTTP/1.1\r\nA: \r\n\r\n".utf8.count
            return "GET / HTTP/1.1\r\nA: \(String(repeating: "x", count: size - rest))\r\n\r\n"
        }
        #expect(try ask(server, head(200)).hasPrefix("HTTP/1.1 200 "))
        #expect(try ask(server, head(201)).hasPrefix("HTTP/1.1 431 "))
    }

    @Test func aLineWithoutEndIsCutOffAtTheLimit() throws {
        let server = try serve()
        defer { server.stop() }
        let client = try Client(port: server.port)
        let block = String(repeating: "x", count: 4_096)
        var sent = 0
        while sent < 8 << 20, client.send(block) { sent += block.utf8.count }
        #expect(sent < 8 << 20)
        #expect(try ask(server, "GET / HTTP/1.1\r\n\r\n").hasPrefix("HTTP/1.1 200 "))
    }

    @Test func aSlowRequestIsEndedAndHindersNobody() throws {
        let server = try serve { $0.seconds = 0.5 }
        defer { server.stop() }
        let slow = try (0..<8).map { _ in try Client(port: server.port) }
        for client in slow { client.send("GET / HTT") }
        #expect(try ask(server, "GET / HTTP/1.1\r\n\r\n").hasPrefix("HTTP/1.1 200 "))
        for client in slow { #expect(client.readAll().hasPrefix("HTTP/1.1 408 ")) }
    }

    @Test func moreConnectionsThanTheLimitAreTurnedAwayUntilOneEnds() throws {
        let server = try serve {
            $0.connections = 2
            $0.seconds = 1
        }
        defer { server.stop() }
        let held = try (0..<2).map { _ in try Client(port: server.port) }
        var statuses: Set<String> = []
        for _ in 0..<20 {
            let third = try Client(port: server.port)
            statuses.insert(String(third.readAll().prefix(12)))
        }
        #expect(statuses == ["HTTP/1.1 503"])
        for client in held { _ = client.readAll() }
        let end = ContinuousClock.now + .seconds(10)
        var response = ""
        while !response.hasPrefix("HTTP/1.1 200 "), ContinuousClock.now < end {
            response = try ask(server, "GET / HTTP/1.1\r\n\r\n")
        }
        #expect(response.hasPrefix("HTTP/1.1 200 "))
    }

    @Test func stoppingEndsTheThreadsAndFreesThePort() throws {
        let server = try serve()
        let port = server.port
        #expect(server.stop(within: .seconds(10)))
        let again = try HTTPServer(bind: "127.0.0.1", port: port) { _ in HTTPResponse(text: "") }
        #expect(again.port == port)
        do throws(HTTPServerFailure) {
            _ = try HTTPServer(bind: "127.0.0.1", port: port) { _ in HTTPResponse(text: "") }
            Issue.record("one port was taken twice")
        } catch {
            #expect("\(error)" == "cannot listen on 127.0.0.1:\(port): Address already in use")
        }
        again.stop()
        #expect(throws: HTTPServerFailure.self) {
            try HTTPServer(bind: "no such host.invalid", port: 0) { _ in HTTPResponse(text: "") }
        }
    }
}
