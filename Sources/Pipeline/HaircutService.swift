import Foundation
import Kafka
import Logging
import Synchronization

/// What a worker's thread and its owner share: the wish to stop, and what was done.
public final class WorkerControl: Sendable {
    private let isStopping = Atomic(false)
    private let state = Mutex(State())

    private struct State {
        var counters = WorkerCounters()
        /// Of workers that failed.
        var earlier = WorkerCounters()
        var wake: (@Sendable () -> Void)?
        var failure: KafkaError?
    }

    public init() {}

    public var isStopped: Bool { isStopping.load(ordering: .acquiring) }

    /// Asks the worker to drain, commit and leave.
    public func stop() {
        isStopping.store(true, ordering: .releasing)
        state.withLock { $0.wake }?()
    }

    public var counters: WorkerCounters { state.withLock { $0.earlier + $0.counters } }

    /// Why the worker is not serving, if it is not.
    public var failure: KafkaError? { state.withLock { $0.failure } }

    func attach(_ wake: @escaping @Sendable () -> Void) { state.withLock { $0.wake = wake } }

    func publish(_ counters: WorkerCounters) { state.withLock { $0.counters = counters } }

    /// Notes that the worker is gone: what it did still counts, what it held is not held.
    func retireCounters() {
        state.withLock {
            $0.counters.partitions = []
            $0.counters.caughtUp = 0
            $0.earlier = $0.earlier + $0.counters
            $0.counters = WorkerCounters()
        }
    }

    func report(_ failure: KafkaError?) { state.withLock { $0.failure = failure } }
}

/// The haircut stage of one process: a number of workers, each a thread and a group member of its
/// own. A worker that fails is started anew; the process goes on.
public final class HaircutService: Sendable {
    private let configuration: HaircutPipelineConfiguration
    private let controls: [WorkerControl]
    private let log: Logger
    private let running = DispatchGroup()

    /// - Parameter workers: > 0.
    public init(_ configuration: HaircutPipelineConfiguration, workers: Int, log: Logger) {
        precondition(workers > 0)
        self.configuration = configuration
        self.log = log
        controls = (0..<workers).map { _ in WorkerControl() }
    }

    /// Starts the threads. Call it once.
    public func start() {
        for (number, control) in controls.enumerated() {
            var log = log
            log[metadataKey: "worker"] = "haircut-\(number)"
            running.enter()
            let thread = Thread { [configuration, running, log] in
                supervise(configuration, control, log)
                running.leave()
            }
            thread.name = "haircut-\(number)"
            thread.stackSize = 8 << 20
            thread.start()
        }
    }

    /// Asks all workers to drain, commit and leave the group; returns at once.
    public func stop() { for control in controls { control.stop() } }

    /// Waits until all workers have ended.
    ///
    /// - Returns: false when the time passed first.
    public func wait(upTo limit: Duration) -> Bool {
        let seconds =
            Double(limit.components.seconds)
            + Double(limit.components.attoseconds) * 1e-18
        return running.wait(timeout: .now() + seconds) == .success
    }

    /// The sum over workers.
    public var counters: WorkerCounters {
        controls.reduce(WorkerCounters()) { $0 + $1.counters }
    }

    /// What each worker reports, by number.
    public var reports: [(counters: WorkerCounters, failure: KafkaError?)] {
        controls.map { (counters: $0.counters, failure: $0.failure) }
    }

    /// Why workers are not serving, those that are not.
    public var failures: [KafkaError] { controls.compactMap(\.failure) }
}

/// Runs a worker, and another in its place when it fails, until it is stopped.
private func supervise(
    _ configuration: HaircutPipelineConfiguration, _ control: WorkerControl, _ log: Logger
) {
    var delay = 1.0
    while !control.isStopped {
        let start = ContinuousClock.now
        do throws(KafkaError) {
            let worker = try HaircutWorker(
                configuration, clients: KafkaClients(log: kafkaLog(log)),
                now: { ContinuousClock.now }, control: control, log: log)
            control.report(nil)
            try worker.run()
            return
        } catch {
            control.report(error)
            control.retireCounters()
            if control.isStopped {
                log.error("\(error); what was not committed is read again")
                return
            }
            // One that served for a while failed by something new.
            if ContinuousClock.now - start > .seconds(60) { delay = 1 }
            log.error("\(error); starting again in \(Int(delay)) s")
        }
        let end = Date().addingTimeInterval(delay)
        while !control.isStopped, Date() < end { Thread.sleep(forTimeInterval: 0.05) }
        delay = min(delay * 2, 30)
    }
}

/// librdkafka's own lines, at our levels.
///
/// That a broker does not know `allow.auto.create.topics` is of no interest: the embedded one.
func kafkaLog(_ log: Logger) -> Kafka.LogHandler {
    { line in
        guard line.facility != "AUTOCREATE" else { return }
        let level: Logger.Level =
            switch line.level {
            case ...3: .error
            case 4: .warning
            case 5: .notice
            case 6: .info
            default: .debug
            }
        log.log(level: level, "librdkafka \(line.facility): \(line.text)")
    }
}
