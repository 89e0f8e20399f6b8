import Foundation
import TestSupport
import Testing

/// Gives the body the path of a file with this text.
func withFile(_ text: String, _ body: (String) throws -> Void) throws {
    let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString + ".yaml")
    try Data(text.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    try body(file.path)
}

@Suite struct ConfigCommandTests {
    static let good = """
        kafka: {bootstrapServers: "127.0.0.1:9092"}
        assets:
          - {id: BTC, class: major, primaryVenue: house, dailyVolume: 1, depthReference: 1}

        """

    @Test func aGoodFileIsFineInOneLine() throws {
        try withFile(Self.good) { path in
            let command = try Command("config", "check", path)
            #expect(command.status == 0)
            #expect(
                command.output == "\(path): fine: 1 asset, workers: 1 haircut, 1 margin, "
                    + "exactly-once, brokers 127.0.0.1:9092\n")
            #expect(command.errors == "")
        }
    }

    @Test func everyProblemIsSaidAndTheStatusIsTwo() throws {
        try withFile(Self.good + "clok: wall\nhttp: {port: 70000}\n") { path in
            for verb in ["check", "show"] {
                let command = try Command(
                    "config", verb, path, environment: ["BREAKWATER_LOG__LEVEL": "loud"])
                #expect(command.status == 2)
                #expect(command.output == "")
                #expect(
                    command.errors == """
                        \(path):4: clok is not a known key (did you mean clock?)
                        \(path):5: http.port must be a whole number from 0 to 65535
                        BREAKWATER_LOG__LEVEL: log.level must be trace, debug, info, notice, \
                        warning, error or critical

                        """)
            }
        }
    }

    @Test func whatIsShownIsInForceAndFineAgain() throws {
        try withFile(Self.good) { path in
            let shown = try Command(
                "config", "show", path, environment: ["BREAKWATER_HTTP__PORT": "0"])
            #expect(shown.status == 0)
            #expect(shown.output.contains("\n  port: 0\n"))
            #expect(shown.output.contains("\n      jumpMean: 0.05\n"))
            try withFile(shown.output) { again in
                let second = try Command("config", "show", again)
                #expect(second.output == shown.output)
            }
        }
    }

    @Test func noSecretIsShown() throws {
        let yaml =
            "kafka: {bootstrapServers: a, security: {protocol: sasl_ssl, mechanism: PLAIN}}\n"
        try withFile(yaml) { path in
            let command = try Command(
                "config", "show", path,
                environment: [
                    "BREAKWATER_KAFKA__SECURITY__USERNAME": "hunter-u",
                    "BREAKWATER_KAFKA__SECURITY__PASSWORD": "hunter-p",
                ])
            #expect(command.status == 0)
            #expect(command.output.contains("password: \"***\""))
            #expect(!(command.output + command.errors).contains("hunter"))
        }
    }

    @Test(arguments: [["config", "chek"], ["config", "check"], ["nonsense"], ["--nonsense"]])
    func wrongUsageHasStatusTwo(_ arguments: [String]) throws {
        let command =
            arguments.count == 1
            ? try Command(arguments[0]) : try Command(arguments[0], arguments[1])
        #expect(command.status == 2)
        #expect(command.output == "")
        #expect(command.errors.contains("Usage: breakwater"))
    }

    @Test func aMissingFileHasStatusTwo() throws {
        let command = try Command("config", "check", "/nonexistent/a.yaml")
        #expect(command.status == 2)
        #expect(command.errors == "/nonexistent/a.yaml: there is no such file\n")
    }

    @Test func theHelpTeaches() throws {
        let command = try Command("--help")
        #expect(command.status == 0)
        for word in ["Quick start", "config check", "BREAKWATER_KAFKA__BOOTSTRAP_SERVERS", "130"] {
            #expect(command.output.contains(word))
        }
        let inner = try Command("config", "check", "--help")
        #expect(inner.status == 0)
    }
}
