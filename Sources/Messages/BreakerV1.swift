import Haircuts
import Quantities

/// Reads `breaker.v1`, again and again, without allocating.
///
/// Not for use by two threads at once: it works in memory of its own.
public struct BreakerDecoder {
    private let scratch = JSONScratch()

    public init() {}

    /// Reads one record. When it is refused, `change` stays as it was.
    ///
    /// - Parameters:
    ///   - payload: the record's value; empty for a tombstone.
    ///   - key: the record's key, which must be the asset.
    ///   - timestamp: the record's own time; nil when it has none.
    public func decode(
        _ payload: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer,
        recordTimestamp timestamp: Instant?, into change: inout BreakerChange
    ) throws(Refusal) {
        var reader = try scratch.reader(payload)
        var pending = BreakerChange.blank
        do {
            try pending.read(&reader)
            try reader.finish()
            try pending.asset.requireKey(key, .asset)
            try pending.time.requireNotFuture(of: timestamp)
        } catch {
            throw reader.diagnosis(error, schema: "breaker.v1")
        }
        change = pending
    }
}

private let changeMembers = Members(required: [
    ("schema", .schema), ("asset", .asset), ("time", .time), ("from", .from), ("to", .to),
    ("reasons", .reasons), ("since", .since),
])

private let breakerReasons = Words<BreakerReasons>(
    BreakerReasons.names.map { ($0.name, $0.reason) })

extension BreakerChange {
    fileprivate mutating func read(_ reader: inout JSONReader) throws(Refusal) {
        try reader.object(changeMembers, .body, depth: 0) { (index, reader) throws(Refusal) in
            switch index {
            case 0: try reader.schema("breaker.v1")
            case 1: asset = try reader.identifier(.asset)
            case 2: time = try reader.instant(.time)
            case 3: from = try reader.word(.from, of: breakerStates)
            case 4: to = try reader.word(.to, of: breakerStates)
            case 5: reasons = try reader.set(.reasons, of: breakerReasons)
            default: since = try reader.instant(.since)
            }
        }
    }
}

extension OutputBuffer {
    /// Writes `breaker.v1`.
    public mutating func write(_ change: BreakerChange) {
        literal("{\"schema\":\"breaker.v1\",\"asset\":")
        identifier(change.asset)
        literal(",\"time\":")
        instant(change.time)
        literal(",\"from\":")
        word(change.from, of: breakerStates)
        literal(",\"to\":")
        word(change.to, of: breakerStates)
        literal(",\"reasons\":")
        set(change.reasons, of: breakerReasons)
        literal(",\"since\":")
        instant(change.since)
        byte(UInt8(ascii: "}"))
    }
}
