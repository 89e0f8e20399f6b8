import Kafka
import Logging
import MemoryLog
import Pipeline
import Synchronization

/// A production worker on the clients of a process in memory.
final class SimulatedWorker {
    private let process: MemoryProcess
    private let worker: HaircutWorker
    private let control = WorkerControl()

    init(_ process: MemoryProcess, plan: Plan, lines: LogLines) throws(KafkaError) {
        self.process = process
        let log = process.log
        worker = try HaircutWorker(
            Production.configuration(plan, instance: process.name), clients: process,
            now: { Production.monotonic(log.now) }, control: control,
            log: Logger(label: process.name) { NotingLog(name: $0, lines: lines) })
    }

    func step() throws(KafkaError) { try worker.step(upTo: .zero) }

    func finish() {
        worker.finish()
        worker.close()
    }

    func close() { worker.close() }

    var partitions: [Int32] { control.counters.partitions }

    /// All partitions are served and all there is to read was applied and committed.
    var isQuiet: Bool { control.counters.caughtUp == partitions.count }

    var whyNotQuiet: String {
        "process \(process.name) serves \(partitions), \(control.counters.caughtUp) caught up"
    }
}

/// What workers logged and nobody has taken yet.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    func append(_ line: String) { lines.withLock { $0.append(line) } }

    func take() -> [String] {
        lines.withLock { lines in
            defer { lines.removeAll() }
            return lines
        }
    }
}

/// Keeps what workers log, for the report of a run that failed.
struct NotingLog: Logging.LogHandler {
    let name: String
    let lines: LogLines
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { lines.append("\(name): \(event.message)") }
}
