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
    private let control: WorkerControl
    private let turn: () throws(KafkaError) -> Void
    private let drain: () -> Void
    private let leave: () -> Void

    init(
        _ role: Role, name: String, control: WorkerControl,
        step: @escaping () throws(KafkaError) -> Void, finish: @escaping () -> Void,
        close: @escaping () -> Void
    ) {
        self.role = role
        self.name = name
        self.control = control
        turn = step
        drain = finish
        leave = close
    }

    func step() throws(KafkaError) { try turn() }

    /// As on SIGTERM: delivers what was applied and leaves.
    func finish() {
        drain()
        leave()
    }

    func close() { leave() }

    var partitions: [Int32] { control.counters.partitions }

    /// What it still has to do; nil when all there is to read was applied.
    var whyNotQuiet: String? {
        let counters = control.counters
        guard counters.caughtUp != counters.partitions.count else { return nil }
        return "\(name) serves \(counters.partitions), \(counters.caughtUp) caught up"
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
