import Foundation
import Logging
import Pipeline
import Testing

/// A record that ends the process, by a defect that no language can catch, ends it twice.
///
/// The defect planted here is in the log: what it is told of POISON traps. Each process meets the
/// same records in a log of its own, as it would on a broker.
@Suite struct CrashGuardTests {
    /// What one process sees: two good books and a bad one between them.
    private struct Process {
        let bus: MemoryBus
        let run: MemoryBus.Run

        init(_ folder: String, trapping: Bool = true) throws {
            bus = try MemoryBus()
            let lines = bus.lines.logger
            run = try bus.haircut(
                log: trapping ? Logger(label: "trap") { _ in TrappingLog(next: lines) } : lines,
                crashGuard: CrashGuard(folder: folder, role: "haircut"))
            try bus.send(.surface(at: 0, sequence: 1))
            try bus.send(.book(at: 10, sequence: 1))
            try bus.send(.book("POISON", at: 20, sequence: 1))
            try bus.send(.book(at: 2_000, sequence: 2))
        }
    }

    private static func dies(in folder: String) async {
        await #expect(processExitsWith: .failure) { [folder] in
            try Process(folder).run.settle()
        }
    }

    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "breakwater-crash-\(UInt64.random(in: .min ... .max))").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(folder)
    }

    @Test func aRecordThatEndsTheProcessTwiceIsRefusedTheThirdTimeAndTheStreamGoesOn() async throws
    {
        try await withFolder { folder in
            await Self.dies(in: folder)
            await Self.dies(in: folder)
            let third = try Process(folder)
            try third.run.settle()
            let letters = third.bus.records(Bus.topics.deadLetters)
            #expect(
                letters.map { $0.key.map { String(decoding: $0, as: UTF8.self) } } == ["POISON"])
            #expect(third.run.worker.counters.refusals == ["repeated-crash": 1])
            #expect(try third.bus.tables().last?.time == Message.at(2_000))
            #expect(third.bus.lines.contains("offset 1 ended the process twice: it is refused"))
        }
    }

    @Test func whatIsRefusedStaysSoForTheNextProcess() async throws {
        try await withFolder { folder in
            await Self.dies(in: folder)
            await Self.dies(in: folder)
            for _ in 0..<2 {
                let next = try Process(folder)
                try next.run.settle()
                #expect(next.run.worker.counters.refused == 1)
            }
        }
    }

    @Test func aRecordThatWasThereWhenTheProcessEndedOnceIsAppliedAgain() async throws {
        try await withFolder { folder in
            await Self.dies(in: folder)
            let second = try Process(folder, trapping: false)
            try second.run.settle()
            #expect(second.run.worker.counters.refused == 0)
            #expect(second.run.worker.counters.quotes == 3)
        }
    }

    @Test func aProcessThatIsKilledBetweenRecordsBlamesNone() async throws {
        try await withFolder { folder in
            for _ in 0..<3 {
                let process = try Process(folder, trapping: false)
                try process.run.settle()
                process.run.kill()
                #expect(process.run.worker.counters.refused == 0)
            }
        }
    }

    @Test func twoThatShareAFolderHaveAFileEach() async throws {
        try await withFolder { folder in
            let guards = [
                try CrashGuard(folder: folder, role: "margin"),
                try CrashGuard(folder: folder, role: "margin"),
            ]
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
                    == ["margin-0.guard", "margin-1.guard"])
            withExtendedLifetime(guards) {}
        }
    }

    @Test func aFolderThatCannotBeMadeIsSaid() {
        let failure = #expect(throws: CrashGuardFailure.self) {
            try CrashGuard(folder: "/proc/nothing", role: "haircut")
        }
        #expect(failure?.description.hasPrefix("could not make /proc/nothing: ") == true)
    }
}

/// The planted defect.
private struct TrappingLog: Logging.LogHandler {
    let next: Logger
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        precondition(!"\(event.message)".contains("asset POISON is not"), "a planted defect")
        next.log(level: event.level, event.message)
    }
}
