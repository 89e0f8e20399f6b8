import Kafka

/// Where shards' effects go, and how positions follow them.
///
/// A batch is filled in ``effects``, ended by ``seal(_:)`` and carried through by ``turn(within:)``
/// until it is delivered. Errors that are thrown end the worker: what was not delivered is computed
/// again from what was.
protocol Delivery: AnyObject {
    /// What shards say goes here.
    var effects: EffectBatch { get }
    /// Where checkpoints are written when a batch is sealed.
    var checkpoints: EffectBatch { get }
    /// Whether records may be applied now.
    var isOpen: Bool { get }
    /// Whether a batch may be sealed now.
    var canSeal: Bool { get }
    /// The mark of the batch that was delivered last.
    var deliveredMark: String? { get }

    /// Makes the producer and fences its predecessors; to be called again until it is true.
    func prepare() throws(KafkaError) -> Bool

    /// Ends the batch: nothing more is added to it.
    func seal(_ settlement: Settlement) throws(KafkaError)

    /// Delivers what a batch holds before it ends, and empties it.
    ///
    /// - Throws: when it cannot be handed over within the time that calls may take.
    func spill(_ settlement: Settlement) throws(KafkaError)

    /// Whether a sealed batch is on its way.
    var isIdle: Bool { get }

    /// Carries on what is on its way.
    ///
    /// - Parameter limit: the longest wait for an answer; one request may take longer.
    func turn(within limit: Duration) throws(KafkaError)

    /// Forgets what was not delivered: it is another's to say.
    func abandon()

    /// Frees the producer.
    func close(within limit: Duration) -> Shutdown

    /// What the producer reported since the last call.
    func takeEvents() -> [ClientEvent]

    var counts: DeliveryCounts { get }
}

/// How a batch ends: the positions it brings its partitions to, and its mark.
struct Settlement {
    /// Of the lead topic; the mark is their metadata.
    var offsets: [CommittedOffset]
    /// Of the assignment the batch was computed under.
    var membership: any GroupMetadata
    /// Different for each batch of each worker that ever was.
    var mark: String
}

/// What deliveries have done since the worker started.
struct DeliveryCounts: Hashable {
    /// Batches delivered.
    var batches = 0
    /// Transactions aborted, whose effects were sent again.
    var aborts = 0
    /// Producers replaced after an error.
    var replacements = 0
}

/// The limits that deliveries keep.
enum DeliveryLimits {
    /// A batch ends at the latest this long after its first record.
    static let window = Duration.milliseconds(100)
    /// ... or with this many effects or bytes.
    static let effects = 10_000
    static let bytes = 16 << 20
    /// Of one request, which is made again when it passes.
    static let request = Duration.seconds(2)
    /// After which an unanswered commit or abort is taken for undecided, and any other call for
    /// failed: the broker's own time-out of a transaction.
    static let undecided = Duration.seconds(10)
    /// Aborts in a row for a reason that does not pass by itself.
    static let aborts = 3
}
