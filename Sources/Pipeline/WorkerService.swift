import Foundation
import Kafka
import Logging

/// Makes a worker's run: a call that serves until it is stopped.
typealias WorkerStart =
    @Sendable (WorkerName, WorkerControl, Logger) throws(KafkaError) -> Void

/// One stage of one process: a number of workers, each a thread and a group member of its own. A
/// worker that fails is started anew; the process goes on.
public final class WorkerService: Sendable {
    /// `haircut` or `margin`.
    public let role: String
    private let instance: String
    private let isStatic: Bool
    private let controls: [WorkerControl]
    private let log: Logger
    private let running = DispatchGroup()
    private let body: WorkerStart

    init(
        role: String, instanceId: String?, workers: Int, log: Logger, body: @escaping WorkerStart
    ) {
        precondition(workers > 0, "a service has at least one worker")
        self.role = role
        self.body = body
        self.log = log
        instance = instanceId ?? Self.random()
        isStatic = instanceId != nil
        controls = (0..<workers).map { _ in WorkerControl() }
    }

    /// The haircut stage.
    ///
    /// - Parameter workers: > 0.
    public static func haircut(
        _ configuration: PipelineConfiguration, workers: Int, log: Logger
    ) -> WorkerService {
        WorkerService(
            role: HaircutStage.role, instanceId: configuration.instanceId, workers: workers,
            log: log
        ) { (name, control, log) throws(KafkaError) in
            try makeHaircutWorker(
                configuration, name: name, clients: KafkaClients(log: kafkaLog(log)),
                now: { ContinuousClock.now }, control: control, log: log,
                crashGuard: openCrashGuard(configuration, role: HaircutStage.role, log: log)
            ).run(until: control)
        }
    }

    /// The margin stage.
    ///
    /// - Parameter workers: > 0.
    public static func margin(
        _ configuration: PipelineConfiguration, workers: Int, log: Logger
    ) -> WorkerService {
        WorkerService(
            role: MarginStage.role, instanceId: configuration.instanceId, workers: workers,
            log: log
        ) { (name, control, log) throws(KafkaError) in
            try makeMarginWorker(
                configuration, name: name, clients: KafkaClients(log: kafkaLog(log)),
                now: { ContinuousClock.now }, control: control, log: log,
                crashGuard: openCrashGuard(configuration, role: MarginStage.role, log: log)
            ).run(until: control)
        }
    }

    private static func random() -> String {
        String(UInt64.random(in: .min ... .max), radix: 36)
    }

    /// - Returns: nil where there is to be none, or where it cannot be had, which is said.
    private static func openCrashGuard(
        _ configuration: PipelineConfiguration, role: String, log: Logger
    ) -> CrashGuard? {
        guard let folder = configuration.crashFolder else { return nil }
        do throws(CrashGuardFailure) {
            let crashGuard = try CrashGuard(folder: folder, role: role)
            if crashGuard.refusedCount > 0 {
                log.error(
                    "\(crashGuard.refusedCount) records ended the process twice and are refused")
            }
            return crashGuard
        } catch {
            log.warning("\(error): a record that ends the process will end it again")
            return nil
        }
    }

    /// Starts the threads. Call it once.
    public func start() {
        for (thread, control) in controls.enumerated() {
            var log = log
            log[metadataKey: "worker"] = "\(role)-\(thread)"
            running.enter()
            let supervisor = Thread { [self, log] in
                supervise(thread: thread, control, log)
                running.leave()
            }
            supervisor.name = "\(role)-\(thread)"
            supervisor.stackSize = 8 << 20
            supervisor.start()
        }
        watch()
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
    public var reports: [WorkerReport] {
        let now = ContinuousClock.now
        return controls.map { control in
            WorkerReport(
                counters: control.counters, failure: control.failure,
                stall: max(control.silence(at: now), control.deliveryDelay(at: now)))
        }
    }

    /// Why workers refuse to serve, if one does: topics or checkpoints that do not fit, which
    /// waiting does not mend.
    public var refusal: String? {
        failures.first { $0.operation == refusedOperation }.map(\.reason)
    }

    /// Why workers are not serving, those that are not.
    public var failures: [KafkaError] { controls.compactMap(\.failure) }

    /// The longest time that a worker has not come round, or that a batch has been waiting for its
    /// delivery.
    public var stall: Duration {
        let now = ContinuousClock.now
        return controls.map { max($0.silence(at: now), $0.deliveryDelay(at: now)) }.max() ?? .zero
    }

    /// Runs a worker, and another in its place when it fails, until it is stopped.
    private func supervise(thread: Int, _ control: WorkerControl, _ log: Logger) {
        var delay = 1.0
        while !control.isStopped {
            let begin = ContinuousClock.now
            let name = WorkerName(
                instance: instance, start: Self.random(), thread: thread, isStatic: isStatic)
            do throws(KafkaError) {
                control.report(nil)
                try body(name, control, log)
                return
            } catch {
                control.report(error)
                control.retire()
                if control.isStopped {
                    log.error("\(error); what was not committed is read again")
                    return
                }
                // One that served for a while failed by something new.
                if ContinuousClock.now - begin > .seconds(60) { delay = 1 }
                log.error("\(error); starting again in \(Int(delay)) s")
            }
            let end = Date().addingTimeInterval(delay)
            while !control.isStopped, Date() < end { Thread.sleep(forTimeInterval: 0.05) }
            delay = min(delay * 2, 30)
        }
    }

    /// Says when a worker does not come round. librdkafka's threads keep a member in its group
    /// that does nothing, so its partitions would wait unseen.
    private func watch() {
        let thread = Thread { [self] in
            var isSaid = false
            while running.wait(timeout: .now() + 1) == .timedOut {
                let stalled = stall > Self.stallLimit
                if stalled, !isSaid {
                    log.error(
                        "a \(role) worker has made no progress for \(stall.components.seconds) s")
                }
                isSaid = stalled
            }
        }
        thread.name = "\(role)-watch"
        thread.start()
    }

    /// After which a worker counts as stalled.
    public static let stallLimit = Duration.seconds(10)
}

/// What one worker says of itself.
public struct WorkerReport: Sendable {
    public var counters: WorkerCounters
    /// Why it is not serving, if it is not.
    public var failure: KafkaError?
    /// The longest time it has not come round, or that a batch has been waiting for its delivery.
    public var stall: Duration
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
