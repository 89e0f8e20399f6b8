import Kafka
import Logging
import MemoryLog
import Pipeline
import Synchronization

/// The two kinds of worker.
enum Role: String {
    case haircut, margin
}

/// A production worker of either role on the clients of a process in memory.
final class SimulatedWorker {
    let role: Role
    let name: String
    private let worker: any SteppedWorker

    init(_ role: Role, name: String, worker: any SteppedWorker) {
        self.role = role
        self.name = name
        self.worker = worker
    }

    func step() throws(KafkaError) { try worker.step(upTo: .zero) }

    /// As on SIGTERM: delivers what was applied and leaves.
    func finish() {
        worker.finish()
        worker.close()
    }

    func close() { worker.close() }

    var partitions: [Int32] { worker.counters.partitions }

    /// What it still has to do; nil when all there is to read was applied.
    var whyNotQuiet: String? {
        let counters = worker.counters
        guard !counters.partitions.isEmpty else { return nil }
        guard counters.serving == counters.partitions,
            counters.caughtUp == counters.partitions.count
        else {
            return "\(name) serves \(counters.serving) of \(counters.partitions), "
                + "\(counters.caughtUp) caught up"
        }
        return nil
    }
}

/// What workers logged and nobody has taken yet.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    /// Keeps a thousand at most: a worker that never ends must not fill the memory.
    func append(_ line: String) {
        lines.withLock { if $0.count < 1_000 { $0.append(line) } }
    }

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
