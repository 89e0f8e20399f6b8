import Foundation
import Glibc
import Testing

/// The program that was built along with these tests.
enum Program {
    static func find() throws -> URL {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        // The test bundle is run by a helper of the toolchain or by itself: look beside both.
        let folders = [tests] + CommandLine.arguments
        let program: URL? = folders.lazy
            .map { URL(filePath: $0).deletingLastPathComponent().appending(path: "breakwater") }
            .first(where: { FileManager.default.isExecutableFile(atPath: $0.path) })
        return try #require(program, "the program is not beside its tests")
    }
}

/// A run of the program that has ended.
struct Command {
    var status: Int32
    var output: String
    var errors: String

    init(_ arguments: String..., environment: [String: String] = [:]) throws {
        let process = try RunningProcess(arguments, environment: environment)
        defer { process.kill() }
        try process.waitUntilExit(within: .seconds(120))
        (status, output, errors) = (process.status, process.output, process.errors)
    }
}

/// A process, the program or another, whose output can be read while it runs. It does not outlive
/// this value.
final class RunningProcess {
    private let process = Process()
    private let folder: URL
    private let files: [URL]

    /// - Parameter program: nil for the program under test.
    init(
        program: URL? = nil, _ arguments: [String], environment: [String: String] = [:]
    ) throws {
        process.executableURL = try program ?? Program.find()
        process.arguments = arguments
        process.environment = environment
        folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        files = ["output", "errors"].map { [folder] in folder.appending(path: $0) }
        for file in files { try Data().write(to: file) }
        process.standardOutput = try FileHandle(forWritingTo: files[0])
        process.standardError = try FileHandle(forWritingTo: files[1])
        process.standardInput = FileHandle.nullDevice
        try process.run()
    }

    deinit { kill() }

    var id: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }
    var output: String { text(0) }
    var errors: String { text(1) }
    var status: Int32 { process.terminationStatus }

    private func text(_ index: Int) -> String {
        (try? Data(contentsOf: files[index])).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    func signal(_ number: Int32) { _ = Glibc.kill(process.processIdentifier, number) }

    /// Ends it, if it runs, and forgets its output.
    func kill() {
        if process.isRunning {
            signal(SIGKILL)
            process.waitUntilExit()
        }
        try? FileManager.default.removeItem(at: folder)
    }

    func waitUntilExit(
        within limit: Duration, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try wait(upTo: limit, for: "the end of the process", sourceLocation: sourceLocation) {
            !isRunning
        }
        process.waitUntilExit()
    }

    func wait(
        upTo limit: Duration = .seconds(20), for what: String,
        sourceLocation: SourceLocation = #_sourceLocation, until isSo: () throws -> Bool
    ) throws {
        let end = ContinuousClock.now + limit
        while try !isSo() {
            guard ContinuousClock.now < end else {
                Issue.record(
                    "not within \(limit): \(what); its errors: \(errors.suffix(2_000))",
                    sourceLocation: sourceLocation)
                throw NotInTime()
            }
            Thread.sleep(forTimeInterval: 0.02)
        }
    }
}

/// Ends a test that would only wait in vain from here on.
struct NotInTime: Error {}

/// Starts the embedded broker as a process of its own.
final class BrokerProcess {
    let process: RunningProcess
    /// For `bootstrap.servers`.
    let address: String

    init(topics: [String: Int]) throws {
        let arguments = topics.sorted { $0.key < $1.key }.flatMap {
            ["--topic", "\($0.key):\($0.value)"]
        }
        let process = try RunningProcess(["broker"] + arguments)
        self.process = process
        try process.wait(for: "the broker's address") { process.output.contains("\n") }
        let line = try #require(
            process.output.prefixMatch(of: /bootstrap\.servers=(127\.0\.0\.1:[0-9]+)\n/))
        address = String(line.1)
    }

    /// A configuration for it, read by the service and the feed alike.
    func configuration(clock: String = "event") -> String {
        """
        kafka: {bootstrapServers: "\(address)", groupId: test}
        delivery: at-least-once
        clock: \(clock)
        http: {port: 0}
        assets:
          - {id: BTC, class: major, primaryVenue: binance, dailyVolume: "100000", \
        depthReference: "40000000", systemCollateral: "500000000"}
          - {id: ETH, class: major, primaryVenue: binance, dailyVolume: "1000000", \
        depthReference: "20000000", systemCollateral: "200000000"}

        """
    }

    static let topics = [
        "market.quotes.v1": 2, "market.iv-surfaces.v1": 2, "risk.haircuts.v1": 2,
        "risk.breakers.v1": 2, "risk.exposures.v1": 2, "breakwater.checkpoints.v1": 2,
        "accounts.positions.v1": 2, "risk.margin-requirements.v1": 2,
        "risk.liquidation-alerts.v1": 2, "risk.controls.v1": 1, "breakwater.dead-letters.v1": 1,
    ]
}
