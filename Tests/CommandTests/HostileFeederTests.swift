import Foundation
import TestSupport
import Testing

/// FAULTS 7 and 20: no input makes memory grow without bound.
@Suite(.serialized) struct HostileFeederTests {
    /// Physical memory of a process, in megabytes.
    private func residentMegabytes(of process: RunningProcess) throws -> Double {
        let text = try String(contentsOfFile: "/proc/\(process.id)/statm", encoding: .utf8)
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Double($0) }
        return try #require(pages) * Double(sysconf(Int32(_SC_PAGESIZE))) / 1e6
    }

    @Test func aHostileFeederDoesNotMakeMemoryGrow() throws {
        let environment = ProcessInfo.processInfo.environment
        let seconds = Double(environment["BREAKWATER_TEST_HOSTILE_SECONDS"] ?? "") ?? 15
        let seed = Int(environment["BREAKWATER_SEED"] ?? "") ?? 1
        print("seed \(seed)")
        let broker = try BrokerProcess(topics: BrokerProcess.topics)
        try withFile(broker.configuration()) { path in
            let service = try RunningProcess(["run", "--config", path])
            try service.wait(upTo: .seconds(60), for: "an assignment") {
                service.errors.contains("serving market.quotes.v1 partitions")
            }
            func feed(_ seconds: Double, _ seed: Int) throws {
                let feeder = try RunningProcess(
                    program: Repository.file(".venv/bin/python"),
                    [
                        Repository.file("Tests/Integration/hostile.py").path, broker.address,
                        "\(seconds)", "\(seed)",
                    ])
                try feeder.waitUntilExit(within: .seconds(seconds + 60))
                #expect(feeder.status == 0, "\(feeder.output) \(feeder.errors)")
            }
            // Buffers, queues and the allocator's own reserves fill up first.
            try feed(max(5, seconds / 3), seed)
            let before = try residentMegabytes(of: service)
            try feed(seconds, seed + 1)
            let after = try residentMegabytes(of: service)
            print("resident memory \(before) MB, after \(seconds) s more \(after) MB")
            #expect(after < before + 64)
            #expect(after < 400)
            #expect(service.isRunning)
            service.signal(SIGTERM)
            try service.waitUntilExit(within: .seconds(10))
            #expect(service.status == 0)
            let refused = service.errors.firstMatch(of: /([0-9]+) refused/).flatMap { Int($0.1) }
            #expect(try #require(refused) > 100)
        }
    }
}
