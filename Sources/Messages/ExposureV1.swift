import Haircuts
import Quantities

/// Reads `exposure.v1`, again and again, without allocating once its memory has grown to the
/// longest ladders seen.
///
/// Not for use by two threads at once: it works in memory of its own.
public struct ExposureDecoder {
    private let scratch = JSONScratch()
    /// What is being read; changes places with the caller's exposure when it is complete.
    private var pending = Exposure.blank

    public init() {}

    /// Reads one record. When it is refused, `exposure` stays as it was.
    ///
    /// - Parameters:
    ///   - payload: the record's value; empty for a tombstone.
    ///   - key: the record's key, which must be the asset and the shard, joined by `|`.
    ///   - timestamp: the record's own time; nil when it has none.
    public mutating func decode(
        _ payload: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer,
        recordTimestamp timestamp: Instant?, into exposure: inout Exposure
    ) throws(Refusal) {
        var reader = try scratch.reader(payload)
        do {
            try pending.read(&reader)
            try reader.finish()
            try pending.key.requireKey(key)
            try pending.time.requireNotFuture(of: timestamp)
        } catch {
            throw reader.diagnosis(error, schema: "exposure.v1")
        }
        swap(&pending, &exposure)
    }

    /// The asset and the shard that a record's key names, a tombstone's too.
    ///
    /// - Throws: `out-of-range` when it is no such key.
    public static func decodeKey(
        _ key: UnsafeRawBufferPointer
    ) throws(Refusal) -> Exposure.Key {
        try Exposure.Key(recordKey: key)
    }
}

private let exposureMembers = Members(
    required: [
        ("schema", .schema), ("asset", .asset), ("shard", .shard), ("time", .time),
        ("sequence", .sequence), ("haircutSequence", .haircutSequence), ("price", .price),
        ("pledged", .pledged), ("pledgedValue", .pledgedValue), ("borrowed", .borrowed),
        ("byHaircut", .byHaircut), ("byPrice", .byPrice), ("accounts", .accounts),
    ],
    optional: [("settlements", .settlements)])
private let settlementMembers = Members(required: [("expiry", .expiry), ("price", .price)])
private let riseMembers = Members(required: [("rise", .rise), ("value", .value)])
private let fallMembers = Members(required: [("fall", .fall), ("value", .value)])

extension Exposure {
    fileprivate mutating func read(_ reader: inout JSONReader) throws(Refusal) {
        let counts = 0...MessageRules.largestSequence
        settlements.removeAll(keepingCapacity: true)
        try reader.object(exposureMembers, .body, depth: 0) { (index, reader) throws(Refusal) in
            switch index {
            case 0: try reader.schema("exposure.v1")
            case 1: asset = try reader.identifier(.asset)
            case 2: shard = Int32(try reader.integer(.shard, in: 0...Int64(Int32.max)))
            case 3: time = try reader.instant(.time)
            case 4: sequence = try reader.integer(.sequence, in: 1...counts.upperBound)
            case 5: haircutSequence = try reader.integer(.haircutSequence, in: counts)
            case 6: price = try reader.unsignedDecimal(.price)
            case 7: pledged = try reader.unsignedDecimal(.pledged)
            case 8: pledgedValue = try reader.unsignedDecimal(.pledgedValue)
            case 9: borrowed = try reader.unsignedDecimal(.borrowed)
            case 10: try byHaircut.readLadder(&reader, .byHaircut, riseMembers, .rise)
            case 11: try byPrice.readLadder(&reader, .byPrice, fallMembers, .fall)
            case 12: accounts = try reader.integer(.accounts, in: counts)
            default: try readSettlements(&reader)
            }
        }
    }

    /// Expiries that increase, and prices.
    private mutating func readSettlements(_ reader: inout JSONReader) throws(Refusal) {
        try reader.array(.settlements, count: 0...Exposure.mostSettlements) {
            (reader) throws(Refusal) in
            var settlement = Settlement(expiry: Instant(nanoseconds: .min), price: .zero)
            try reader.object(settlementMembers, .settlements, depth: 2) {
                (index, reader) throws(Refusal) in
                switch index {
                case 0: settlement.expiry = try reader.instant(.expiry)
                default: settlement.price = try reader.unsignedDecimal(.price)
                }
            }
            if let last = settlements.last, settlement.expiry <= last.expiry {
                throw reader.refusal(.outOfRange, .settlements)
            }
            settlements.append(settlement)
        }
    }
}

extension [Exposure.Rung] {
    /// Rungs whose steps rise and whose values do not fall.
    fileprivate mutating func readLadder(
        _ reader: inout JSONReader, _ field: MessageField, _ members: Members,
        _ step: MessageField
    ) throws(Refusal) {
        removeAll(keepingCapacity: true)
        var last = Exposure.Rung(step: 0, value: .zero)
        try reader.array(field, count: 0...Exposure.mostRungs) { (reader) throws(Refusal) in
            var rung = Exposure.Rung(step: 0, value: .zero)
            try reader.object(members, field, depth: 2) { (index, reader) throws(Refusal) in
                switch index {
                case 0: rung.step = try reader.double(step, in: 0...1)
                default: rung.value = try reader.unsignedDecimal(.value)
                }
            }
            guard rung.step > last.step, rung.value >= last.value else {
                throw reader.refusal(.outOfRange, field)
            }
            append(rung)
            last = rung
        }
    }
}

extension OutputBuffer {
    /// Writes `exposure.v1`.
    ///
    /// - Parameter exposure: its steps are finite.
    public mutating func write(_ exposure: borrowing Exposure) {
        literal("{\"schema\":\"exposure.v1\",\"asset\":")
        identifier(exposure.asset)
        literal(",\"shard\":")
        integer(Int64(exposure.shard))
        literal(",\"time\":")
        instant(exposure.time)
        literal(",\"sequence\":")
        integer(exposure.sequence)
        literal(",\"haircutSequence\":")
        integer(exposure.haircutSequence)
        literal(",\"price\":")
        decimal(exposure.price)
        literal(",\"pledged\":")
        decimal(exposure.pledged)
        literal(",\"pledgedValue\":")
        decimal(exposure.pledgedValue)
        literal(",\"borrowed\":")
        decimal(exposure.borrowed)
        literal(",\"byHaircut\":[")
        write(exposure.byHaircut, "{\"rise\":")
        literal("],\"byPrice\":[")
        write(exposure.byPrice, "{\"fall\":")
        literal("],\"accounts\":")
        integer(exposure.accounts)
        if !exposure.settlements.isEmpty { write(exposure.settlements) }
        byte(UInt8(ascii: "}"))
    }

    private mutating func write(_ settlements: [Exposure.Settlement]) {
        literal(",\"settlements\":[")
        for index in settlements.indices {
            if index > 0 { byte(UInt8(ascii: ",")) }
            literal("{\"expiry\":")
            instant(settlements[index].expiry)
            literal(",\"price\":")
            decimal(settlements[index].price)
            byte(UInt8(ascii: "}"))
        }
        byte(UInt8(ascii: "]"))
    }

    private mutating func write(_ ladder: [Exposure.Rung], _ opening: StaticString) {
        for index in ladder.indices {
            if index > 0 { byte(UInt8(ascii: ",")) }
            literal(opening)
            statistic(ladder[index].step)
            literal(",\"value\":")
            decimal(ladder[index].value)
            byte(UInt8(ascii: "}"))
        }
    }
}
