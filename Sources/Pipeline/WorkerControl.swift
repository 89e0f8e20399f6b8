import Kafka
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
        var turnedAt: ContinuousClock.Instant?
        /// Since when a batch waits for its delivery.
        var undeliveredSince: ContinuousClock.Instant?
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

    /// How long the worker has not come round: a turn that hangs keeps its membership alive, so
    /// the group would wait for it.
    ///
    /// - Parameter now: by the clock the worker was given.
    public func silence(at now: ContinuousClock.Instant) -> Duration {
        state.withLock { $0.turnedAt.map { now - $0 } ?? .zero }
    }

    /// How long a batch has been waiting for its delivery.
    ///
    /// - Parameter now: by the clock the worker was given.
    public func deliveryDelay(at now: ContinuousClock.Instant) -> Duration {
        state.withLock { $0.undeliveredSince.map { now - $0 } ?? .zero }
    }

    func attach(_ wake: @escaping @Sendable () -> Void) { state.withLock { $0.wake = wake } }

    func publish(_ counters: WorkerCounters) { state.withLock { $0.counters = counters } }

    func noteTurn(at now: ContinuousClock.Instant, isDelivered: Bool) {
        state.withLock {
            $0.turnedAt = now
            if isDelivered {
                $0.undeliveredSince = nil
            } else if $0.undeliveredSince == nil {
                $0.undeliveredSince = now
            }
        }
    }

    /// Notes that the worker is gone: what it did still counts, what it held is not held.
    func retire() {
        state.withLock {
            $0.counters.release()
            $0.earlier = $0.earlier + $0.counters
            $0.counters = WorkerCounters()
            $0.turnedAt = nil
            $0.undeliveredSince = nil
        }
    }

    func report(_ failure: KafkaError?) { state.withLock { $0.failure = failure } }
}
