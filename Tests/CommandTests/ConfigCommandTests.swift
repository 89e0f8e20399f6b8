import Foundation
import TestSupport
import Testing

/// Runs the program that was built along with these tests.
struct Command {
    var status: Int32
    var output: String
    var errors: String

    init(_ arguments: String..., environment: [String: String] = [:]) throws {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let process = Process()
        // The test bundle is run by a helper of the toolchain or by itself: look beside both.
        let folders = [tests] + CommandLine.arguments
        let program: URL? = folders.lazy
            .map { URL(filePath: $0).deletingLastPathComponent().appending(path: "breakwater") }
            .first(where: { FileManager.default.isExecutableFile(atPath: $0.path) })
        let found: URL = try #require(program, "the program is not beside its tests")
        process.executableURL = found
        process.arguments = arguments
        process.environment = environment
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = ["output", "errors"].map { folder.appending(path: $0) }
        for file in files { try Data().write(to: file) }
        process.standardOutput = try FileHandle(forWritingTo: files[0])
        process.standardError = try FileHandle(forWritingTo: files[1])
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        status = process.terminationStatus
        output = String(decoding: try Data(contentsOf: files[0]), as: UTF8.self)
        errors = String(decoding: try Data(contentsOf: files[1]), as: UTF8.self)
    }
}

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
