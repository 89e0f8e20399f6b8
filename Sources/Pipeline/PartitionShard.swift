import Engine
import Haircuts
import Kafka
import Market
import Messages
import Quantities

/// The shard of one quotes partition with the inputs that feed it.
final class PartitionShard {
    let partition: Int32
    var engine: HaircutShard
    /// Surfaces before quotes: of two records of one time, the surface is applied first.
    let inputs: [ShardInput]

    private let clock: PipelineClock
    /// When a record or timer was last applied, by the monotonic clock.
    private var appliedAt: ContinuousClock.Instant

    static let timerInterval = Duration.milliseconds(100)

    init(
        partition: Int32, engine: HaircutShard, clock: PipelineClock, now: ContinuousClock.Instant,
        inputs: [ShardInput]
    ) {
        self.partition = partition
        self.engine = engine
        self.clock = clock
        self.inputs = inputs
        appliedAt = now
    }

    /// The input whose head is to be applied next: the one with the earliest record.
    ///
    /// - Returns: nil when nothing is fetched, or when an input without a record may yet bring an
    ///   earlier one: until it has reached its end once or, with `clock: event`, is there now. With
    ///   the wall clock nobody waits for a fetch: there, order is the order of arrival.
    func nextInput() -> ShardInput? {
        var first: ShardInput?
        var earliest = Int64.max
        for input in inputs {
            guard let head = input.head else {
                if clock == .event ? input.isAtEnd : input.hasCaughtUp { continue }
                return nil
            }
            let time = head.timestampMilliseconds ?? 0
            if first == nil || time < earliest {
                first = input
                earliest = time
            }
        }
        return first
    }

    /// Whether all there is to read was applied.
    var isCaughtUp: Bool { inputs.allSatisfy(\.isAtEnd) }

    func noteApplied(at now: ContinuousClock.Instant) { appliedAt = now }

    /// The time to give the shard, if a timer is due: its newest time and what has passed since.
    ///
    /// Only a shard that has caught up with all inputs has timers: catching up is not staleness.
    func dueTimer(now: ContinuousClock.Instant) -> Instant? {
        let passed = now - appliedAt
        guard passed >= Self.timerInterval, isCaughtUp, let time = engine.time else { return nil }
        appliedAt = now
        let (seconds, attoseconds) = passed.components
        return time.advanced(byNanoseconds: seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}

/// The decoders of a worker and the values they decode into, again and again.
struct Decoders {
    private var quotes = QuoteDecoder()
    private var surfaces = SurfaceDecoder()
    private(set) var quote: Quote
    private(set) var surface: Surface

    init() {
        quote = .blank
        surface = .blank
    }

    mutating func decodeQuote(
        _ payload: UnsafeRawBufferPointer, _ key: UnsafeRawBufferPointer, _ timestamp: Instant?
    ) throws(Refusal) {
        try quotes.decode(payload, key: key, recordTimestamp: timestamp, into: &quote)
    }

    mutating func decodeSurface(
        _ payload: UnsafeRawBufferPointer, _ key: UnsafeRawBufferPointer, _ timestamp: Instant?
    ) throws(Refusal) {
        try surfaces.decode(payload, key: key, recordTimestamp: timestamp, into: &surface)
    }
}
