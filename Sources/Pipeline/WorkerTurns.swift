import Engine
import Kafka
import Logging

/// A worker as whoever drives it sees it: made, then stepped until it is finished or throws, then
/// closed or dropped, all on one thread.
package protocol SteppedWorker: AnyObject {
    /// One turn of the loop: answers the group, applies a bounded part of what is there, settles
    /// what is due.
    ///
    /// - Parameter wait: the longest wait for something to do, when the last turn left nothing.
    ///   A request to a broker may take longer, as long as its own limit.
    /// - Throws: when the worker cannot go on: drop it, or ``close()`` it.
    func step(upTo wait: Duration) throws(KafkaError)

    /// Waits for what is on its way and commits.
    func finish()

    /// Leaves the group and frees everything, without waiting for what is on its way.
    func close()

    var counters: WorkerCounters { get }

    /// Whether partitions are assigned, and all of them are restored and publish.
    var isServing: Bool { get }
}

extension SteppedWorker {
    /// Serves until it is stopped, then drains, commits and leaves the group.
    ///
    /// - Throws: when the worker cannot go on; it is closed then, nothing past the fault is
    ///   committed, and another may be started in its place.
    func run(until control: WorkerControl) throws(KafkaError) {
        defer { close() }
        while !control.isStopped { try step(upTo: .milliseconds(20)) }
        finish()
    }
}

/// Makes a worker of the haircut stage.
///
/// - Parameters:
///   - clients: make what it reads and writes with.
///   - now: monotonic time.
package func makeHaircutWorker(
    _ configuration: PipelineConfiguration, name: WorkerName, clients: any LogClients,
    now: @escaping () -> ContinuousClock.Instant, control: WorkerControl, log: Logger,
    crashGuard: CrashGuard? = nil
) throws(KafkaError) -> any SteppedWorker {
    try Worker(
        configuration, name: name, clients: clients, now: now, control: control, log: log,
        stage: HaircutStage(configuration, log: log), crashGuard: crashGuard)
}

/// Makes a worker of the margin stage.
///
/// - Parameters:
///   - clients: make what it reads and writes with.
///   - now: monotonic time.
package func makeMarginWorker(
    _ configuration: PipelineConfiguration, name: WorkerName, clients: any LogClients,
    now: @escaping () -> ContinuousClock.Instant, control: WorkerControl, log: Logger,
    crashGuard: CrashGuard? = nil
) throws(KafkaError) -> any SteppedWorker {
    try Worker(
        configuration, name: name, clients: clients, now: now, control: control, log: log,
        stage: MarginStage(configuration, log: log), crashGuard: crashGuard)
}
