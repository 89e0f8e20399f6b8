import Foundation

/// The feeder as its parent sees it.
final class FeederProcess {
    private let process = Process()
    private let commands = Pipe()
    private let answers = Pipe()
    private var bytes: [UInt8] = []
    let bootstrapServers: String

    init() throws {
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["feed"]
        process.standardInput = commands
        process.standardOutput = answers
        try process.run()
        var first: String?
        repeat { first = Self.line(from: answers, &bytes) } while first?.isEmpty == true
        guard let first, first.hasPrefix("broker ") else {
            throw BenchmarkFailure("the feeder did not start its broker")
        }
        bootstrapServers = String(first.dropFirst("broker ".count))
    }

    /// Makes the topics of a run and encodes its records.
    func prepare(run: Int, records: Int, cadenceMilliseconds: Int) throws {
        try tell("run \(run) \(records) \(cadenceMilliseconds)")
        try expect("prepared")
    }

    /// Says how far the consumer is; the first time lets the feed begin.
    func report(processed: Int) throws { try tell("processed \(processed)") }

    /// Waits until all records are sent.
    func finish(records: Int) throws { try expect("fed \(records)") }

    func close() {
        try? commands.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    private func tell(_ line: String) throws {
        try commands.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8))
    }

    private func expect(_ line: String) throws {
        let answer = Self.line(from: answers, &bytes)
        guard answer == line else {
            throw BenchmarkFailure("the feeder said '\(answer ?? "nothing")', not '\(line)'")
        }
    }

    private static func line(from pipe: Pipe, _ bytes: inout [UInt8]) -> String? {
        while true {
            if let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
                defer { bytes.removeSubrange(...end) }
                return String(decoding: bytes[..<end], as: UTF8.self)
            }
            let more = pipe.fileHandleForReading.availableData
            if more.isEmpty { return nil }
            bytes += more
        }
    }
}
