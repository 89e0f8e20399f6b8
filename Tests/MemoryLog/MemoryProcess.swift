import Kafka

/// A request that a client makes, where a fault may strike.
public enum Call: String, CaseIterable, Sendable {
    case join, heartbeat, fetch, commit, committed, watermarks
    case initialize, produce, sendOffsets, commitTransaction, abortTransaction
}

/// What happens to a request.
public enum Interference: Sendable {
    /// It is done and answered.
    case none
    /// It is not done, and the caller gets this error.
    case refused(KafkaError)
    /// It is done, but the caller gets this error.
    case answerLost(KafkaError)
    /// The caller gets this error now; it is done so many milliseconds later.
    case late(KafkaError, milliseconds: Int64)
    /// The network takes so many milliseconds; the client's heartbeats go on.
    case slow(milliseconds: Int64)
    /// The process stands still for so many milliseconds before, its heartbeats as well.
    case frozen(milliseconds: Int64)
    /// The process is killed before the request is sent.
    case killedBefore
    /// The process is killed before the answer comes.
    case killedAfter
}

/// A process whose clients live on a log in memory, and die with it.
///
/// Faults are the test's to choose, request by request: see ``interfere``. Time passes when the
/// test says so, also within a request: see ``pass``.
public final class MemoryProcess: LogClients {
    public let log: MemoryLog
    public let name: String
    /// Chooses what happens to a request.
    public var interfere: (Call) -> Interference = { _ in .none }
    /// Lets milliseconds pass while this process waits, in which others may act.
    public var pass: (Int64) -> Void
    /// From now on nothing this process asks for is done or answered.
    public private(set) var isKilled = false
    /// Calls since it was killed.
    private var deadCalls = 0
    /// Whether its threads stand still, those that send heartbeats included.
    public var isFrozen = false
    /// How many records a fetch of a partition may bring at most, of so many that are asked for.
    public var reads: (TopicPartition, Int) -> Int = { _, limit in limit }

    public init(_ name: String, on log: MemoryLog) {
        self.name = name
        self.log = log
        pass = { log.advance(to: log.now + $0) }
    }

    /// Ends the process at once: nothing is closed, aborted or left.
    public func kill() { isKilled = true }

    /// Stands still while time passes.
    public func freeze(milliseconds: Int64) {
        isFrozen = true
        pass(milliseconds)
        isFrozen = false
    }

    public func makeConsumer(
        _ configuration: ClientConfiguration
    ) throws(KafkaError) -> any LogConsumer {
        try checkAlive("start a consumer")
        return MemoryConsumer(configuration, of: self)
    }

    public func makeProducer(
        _ configuration: ClientConfiguration, deliveryTags: Int
    ) throws(KafkaError) -> any LogProducer {
        try checkAlive("start a producer")
        return MemoryProducer(configuration, deliveryTags: deliveryTags, of: self)
    }

    /// - Throws: when the process was killed. Time passes for who goes on asking until it has, as
    ///   it would for one whose broker does not answer.
    func checkAlive(_ operation: String) throws(KafkaError) {
        guard !isKilled else {
            deadCalls += 1
            if deadCalls > 20 { pass(20) }
            throw KafkaError(
                code: KafkaError.Code.clientFatal, operation: operation,
                reason: "the process was killed", isFatal: true)
        }
    }

    /// Makes a request, unless and as the test interferes.
    func request<Answer>(
        _ call: Call, _ operation: String, _ effect: @escaping () throws(BrokerError) -> Answer
    ) throws(KafkaError) -> Answer {
        try checkAlive(operation)
        switch interfere(call) {
        case .none:
            break
        case .refused(let error):
            throw error
        case .answerLost(let error):
            _ = try? effect()
            throw error
        case .late(let error, let milliseconds):
            log.schedule(at: log.now + milliseconds) { _ = try? effect() }
            throw error
        case .slow(let milliseconds):
            pass(milliseconds)
        case .frozen(let milliseconds):
            freeze(milliseconds: milliseconds)
        case .killedBefore:
            kill()
        case .killedAfter:
            _ = try? effect()
            kill()
        }
        try checkAlive(operation)
        do throws(BrokerError) {
            return try effect()
        } catch {
            throw KafkaError(code: error.rawValue, operation: operation)
        }
    }
}
