import CRdKafka

/// What became of the messages produced under one tag, since the tag was last reset.
public struct Deliveries: Sendable, Equatable {
    /// Taken by the producer's queue.
    public package(set) var accepted = 0
    /// Written by the broker.
    public package(set) var delivered = 0
    /// Not written, or not known to be.
    public package(set) var failed = 0
    /// Dropped by ``Producer/purge()`` or an aborted transaction, as asked.
    public package(set) var purged = 0
    /// The code of the last failure; 0 for none.
    public package(set) var lastFailureCode: Int32 = 0

    /// Still on their way.
    public var outstanding: Int { accepted - delivered - failed - purged }

    public init() {}
}

/// ``Deliveries`` by tag, counted on the polling thread without allocating.
final class DeliveryCounters {
    let count: Int
    private let counters: UnsafeMutablePointer<Deliveries>

    init(tags: Int) {
        count = tags
        counters = .allocate(capacity: max(1, tags))
        counters.initialize(repeating: Deliveries(), count: max(1, tags))
    }

    deinit { counters.deallocate() }

    subscript(tag: Int) -> Deliveries {
        get { counters[checked(tag)] }
        _modify { yield &counters[checked(tag)] }
    }

    private func checked(_ tag: Int) -> Int {
        precondition(tag >= 0 && tag < count, "a tag is below the producer's deliveryTags")
        return tag
    }
}
