import Foundation
import TestSupport
import Testing

/// A certificate of its own making for 127.0.0.1, with its key, in a folder that goes with it.
final class Certificate {
    let folder: URL
    var file: String { folder.appending(path: "certificate.pem").path }
    var key: String { folder.appending(path: "key.pem").path }

    /// - Parameter address: whom it is for.
    init(for address: String = "127.0.0.1") throws {
        folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let openssl = try RunningProcess(
            program: URL(filePath: "/usr/bin/openssl"),
            [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                "/CN=breakwater-test", "-addext", "subjectAltName=IP:\(address)", "-keyout", key,
                "-out", file,
            ])
        try openssl.waitUntilExit(within: .seconds(30))
        try #require(openssl.status == 0, "\(openssl.errors)")
    }

    deinit { try? FileManager.default.removeItem(at: folder) }
}

/// FAULTS 18: wrong certificates and refused passwords.
@Suite(.serialized) struct TLSTests {
    /// A configuration that reaches the broker by TLS through a proxy.
    private func configuration(_ broker: BrokerProcess, _ proxy: Proxy, ca: String) -> String {
        broker.configuration().replacing(
            "kafka: {bootstrapServers: \"\(broker.address)\", groupId: test}",
            with: "kafka: {bootstrapServers: \"\(proxy.address)\", groupId: test, security: "
                + "{protocol: ssl, caFile: \"\(ca)\"}}")
    }

    private func readiness(of service: RunningProcess) -> (status: Int, body: String) {
        let match = service.errors.firstMatch(of: /metrics: http:\/\/127\.0\.0\.1:([0-9]+)\n/)
        return match.flatMap { Int($0.1) }.map { Client.get(port: $0, "/readyz") } ?? (0, "")
    }

    @Test func withTheRightCertificateTheServiceBecomesReadyOverTLS() throws {
        let certificate = try Certificate()
        let broker = try BrokerProcess(topics: BrokerProcess.topics)
        let proxy = try Proxy(to: broker, certificate: (certificate.file, certificate.key))
        try withFile(configuration(broker, proxy, ca: certificate.file)) { path in
            let service = try RunningProcess(["run", "--config", path])
            try service.wait(upTo: .seconds(60), for: "readiness over TLS") {
                readiness(of: service).status == 200
            }
            service.signal(SIGTERM)
            try service.waitUntilExit(within: .seconds(10))
            #expect(service.status == 0)
        }
    }

    @Test(arguments: ["another signer", "another address", "no TLS at all"])
    func aWrongCertificateIsSaidAndEndsNothing(_ fault: String) throws {
        let right = try Certificate()
        let wrong = try Certificate(for: fault == "another address" ? "127.0.0.9" : "127.0.0.1")
        let broker = try BrokerProcess(topics: BrokerProcess.topics)
        let shown = fault == "another signer" ? right : wrong
        let proxy = try Proxy(
            to: broker, certificate: fault == "no TLS at all" ? nil : (shown.file, shown.key))
        try withFile(configuration(broker, proxy, ca: wrong.file)) { path in
            let service = try RunningProcess(["run", "--config", path])
            try service.wait(upTo: .seconds(30), for: "the reason") {
                service.errors.lowercased().contains("ssl")
            }
            #expect(readiness(of: service).status == 503)
            try service.wait(upTo: .seconds(15), for: "the reason on the page") {
                readiness(of: service).body.lowercased().contains("not answered yet: could not")
            }
            #expect(readiness(of: service).body.lowercased().contains("ssl"))
            #expect(service.isRunning)
            // Said, but not a line for every attempt.
            Thread.sleep(forTimeInterval: 3)
            let lines = service.errors.split(separator: "\n").count
            #expect(lines < 60, "\(service.errors.suffix(3_000))")
            service.signal(SIGTERM)
            try service.waitUntilExit(within: .seconds(10))
            #expect(service.status == 0)
        }
    }
}

/// A planted secret is in nothing that any command prints.
@Suite(.serialized) struct SecretsOfCommandsTests {
    static let word = "hunter2-never-seen"
    static let people = ["--reason", "r", "--by", "a", "--approved-by", "b"]
    static let commands: [[String]] = [
        ["run"], ["config", "show"], ["config", "check"], ["topics", "list"], ["topics", "check"],
        ["topics", "create"], ["feed", "crash-2025-10-10"], ["control", "list"],
        ["control", "withdraw", "--asset", "*", "--action", "freeze"],
        ["control", "freeze", "--asset", "*", "--expires-in", "1h"] + people,
        ["explain", "--asset", "BTC"],
    ]

    /// The broker is one that refuses every user, so that clients have something to say of it.
    @Test(arguments: commands)
    func whateverACommandSaysTheSecretIsNotInIt(_ arguments: [String]) throws {
        let broker = try BrokerProcess(topics: BrokerProcess.topics)
        let yaml = broker.configuration().replacing(
            "groupId: test}",
            with: "groupId: test, security: {protocol: sasl_plaintext, mechanism: PLAIN}, "
                + "librdkafka: {debug: \"security,broker,conf\"}}"
        ).replacing("http: {port: 0}", with: "http: {port: 0}\nlog: {level: trace}")
        try withFile(yaml) { path in
            let isConfig = arguments.first == "config"
            let process = try RunningProcess(
                arguments + (isConfig ? [path] : ["--config", path]),
                environment: [
                    "BREAKWATER_KAFKA__SECURITY__USERNAME": "\(Self.word)-u",
                    "BREAKWATER_KAFKA__SECURITY__PASSWORD": "\(Self.word)-p",
                    "BREAKWATER_KAFKA__LIBRDKAFKA__SSL_KEY_PASSWORD": "\(Self.word)-k",
                ])
            // Some say nothing until they give up on the broker, after ten seconds and more.
            let start = ContinuousClock.now
            func isEnough(_ passed: Duration) -> Bool {
                passed > .seconds(30)
                    || passed > .seconds(4) && !(process.output + process.errors).isEmpty
            }
            while process.isRunning, !isEnough(ContinuousClock.now - start) {
                Thread.sleep(forTimeInterval: 0.05)
            }
            // Not asked to end in order: what it says until then is what counts.
            process.signal(SIGKILL)
            try process.waitUntilExit(within: .seconds(15))
            let said = process.output + process.errors
            #expect(!said.isEmpty)
            #expect(!said.contains(Self.word))
        }
    }
}
