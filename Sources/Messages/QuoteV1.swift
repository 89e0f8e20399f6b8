import Market
import Quantities

/// Reads `quote.v1`, again and again, without allocating once its memory has grown to the largest
/// record seen.
///
/// Not for use by two threads at once: it works in memory of its own.
public struct QuoteDecoder {
    private let scratch = JSONScratch()

    public init() {}

    /// Reads one record. The arrays of `quote` keep their storage; when the record is refused,
    /// `quote` stays as it was.
    ///
    /// - Parameters:
    ///   - payload: the record's value; empty for a tombstone.
    ///   - key: the record's key, which must be the asset.
    ///   - timestamp: the record's own time; nil when it has none.
    public func decode(
        _ payload: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer,
        recordTimestamp timestamp: Instant?, into quote: inout Quote
    ) throws(Refusal) {
        var reader = try scratch.reader(payload)
        var fields = QuoteFields(levels: scratch.levels)
        do {
            try fields.read(&reader)
            try fields.check(reader)
            try fields.asset.requireKey(key, .asset)
            try fields.time.requireNotFuture(of: timestamp)
        } catch {
            throw reader.diagnosis(error, schema: "quote.v1")
        }
        fields.store(into: &quote)
    }
}

/// The fields of a quote while they come in, in any order.
private struct QuoteFields {
    /// One bit for each known field that came.
    struct Seen: OptionSet {
        let rawValue: UInt16
        static let schema = Seen(rawValue: 1)
        static let asset = Seen(rawValue: 2)
        static let venue = Seen(rawValue: 4)
        static let kind = Seen(rawValue: 8)
        static let time = Seen(rawValue: 16)
        static let sequence = Seen(rawValue: 32)
        static let bids = Seen(rawValue: 64)
        static let asks = Seen(rawValue: 128)
        static let dailyVolume = Seen(rawValue: 256)
        static let price = Seen(rawValue: 512)
    }

    /// Both sides, bids first; room for `Quote.mostLevels` each.
    let levels: UnsafeMutablePointer<BookLevel>
    var seen: Seen = []
    var asset = Identifier.unnamed
    var venue = Identifier.unnamed
    var kind = Quote.Kind.book
    var time = Instant(nanoseconds: 0)
    var sequence: Int64 = 0
    var bidCount = 0
    var askCount = 0
    var dailyVolume: FixedDecimal?
    var price = FixedDecimal.zero

    init(levels: UnsafeMutablePointer<BookLevel>) {
        self.levels = levels
    }

    mutating func read(_ reader: inout JSONReader) throws(Refusal) {
        try reader.open(UInt8(ascii: "{"), .body)
        if !reader.take(UInt8(ascii: "}")) {
            repeat {
                let key = try reader.key(.body)
                try readMember(key, &reader)
            } while try reader.hasMore(until: UInt8(ascii: "}"), .body)
        }
        try reader.finish()
    }

    @inline(__always)
    private mutating func readMember(
        _ key: JSONReader.Key, _ reader: inout JSONReader
    ) throws(Refusal) {
        if key.matches("bids") {
            try mark(.bids, .bids, reader)
            bidCount = try readLevels(levels, isBid: true, &reader)
        } else if key.matches("asks") {
            try mark(.asks, .asks, reader)
            askCount = try readLevels(levels + Quote.mostLevels, isBid: false, &reader)
        } else if key.matches("schema") {
            try mark(.schema, .schema, reader)
            try reader.schema("quote.v1")
        } else if key.matches("asset") {
            try mark(.asset, .asset, reader)
            asset = try reader.identifier(.asset)
        } else if key.matches("venue") {
            try mark(.venue, .venue, reader)
            venue = try reader.identifier(.venue)
        } else if key.matches("kind") {
            try mark(.kind, .kind, reader)
            kind = try readKind(&reader)
        } else if key.matches("time") {
            try mark(.time, .time, reader)
            time = try reader.instant(.time)
        } else if key.matches("sequence") {
            try mark(.sequence, .sequence, reader)
            sequence = try reader.integer(.sequence, in: 0...MessageRules.largestSequence)
        } else if key.matches("price") {
            try mark(.price, .price, reader)
            price = try reader.positiveDecimal(.price)
        } else if key.matches("dailyVolume") {
            try mark(.dailyVolume, .dailyVolume, reader)
            dailyVolume = try reader.positiveDecimal(.dailyVolume)
        } else {
            try reader.note(key, since: 0, .body)
            try reader.skipValue(.body, depth: 1)
        }
    }

    @inline(__always)
    private mutating func mark(
        _ field: Seen, _ name: MessageField, _ reader: JSONReader
    ) throws(Refusal) {
        if seen.contains(field) { throw reader.refusal(.duplicateField, name) }
        seen.formUnion(field)
    }

    private func readKind(_ reader: inout JSONReader) throws(Refusal) -> Quote.Kind {
        let name = try reader.string(.kind)
        if name.elementsEqual("book".utf8) { return .book }
        if name.elementsEqual("index".utf8) { return .index }
        throw reader.refusal(.outOfRange, .kind)
    }

    /// One side of the book: `[["61234.5","1.25"],…]`, best first.
    private func readLevels(
        _ levels: UnsafeMutablePointer<BookLevel>, isBid: Bool, _ source: inout JSONReader
    ) throws(Refusal) -> Int {
        // In a local variable, which lives in registers.
        var reader = source
        defer { source.at = reader.at }
        let field: MessageField = isBid ? .bids : .asks
        try reader.open(UInt8(ascii: "["), field)
        if reader.take(UInt8(ascii: "]")) { return 0 }
        var count = 0
        var last = FixedDecimal.zero
        repeat {
            try reader.open(UInt8(ascii: "["), field)
            let price = try reader.decimal(field)
            try reader.open(UInt8(ascii: ","), field)
            let size = try reader.decimal(field)
            try reader.open(UInt8(ascii: "]"), field)
            if price.units <= 0 || size.units <= 0 {
                throw reader.refusal(.levelNotPositive, field)
            }
            if count > 0, isBid ? price >= last : price <= last {
                throw reader.refusal(.levelsOutOfOrder, field)
            }
            if count == Quote.mostLevels { throw reader.refusal(.outOfRange, field) }
            (levels + count).initialize(to: BookLevel(price: price, size: size))
            last = price
            count += 1
        } while try reader.hasMore(until: UInt8(ascii: "]"), field)
        return count
    }

    /// What must hold once all fields are there.
    func check(_ reader: JSONReader) throws(Refusal) {
        if !seen.contains(.schema) { throw reader.refusal(.missingField, .schema) }
        if !seen.contains(.asset) { throw reader.refusal(.missingField, .asset) }
        if !seen.contains(.venue) { throw reader.refusal(.missingField, .venue) }
        if !seen.contains(.kind) { throw reader.refusal(.missingField, .kind) }
        if !seen.contains(.time) { throw reader.refusal(.missingField, .time) }
        if !seen.contains(.sequence) { throw reader.refusal(.missingField, .sequence) }
        switch kind {
        case .book:
            if !seen.contains(.bids) { throw reader.refusal(.missingField, .bids) }
            if !seen.contains(.asks) { throw reader.refusal(.missingField, .asks) }
            if bidCount > 0, askCount > 0, levels[0].price >= levels[Quote.mostLevels].price {
                throw reader.refusal(.crossedBook, .bids)
            }
        case .index:
            if !seen.contains(.price) { throw reader.refusal(.missingField, .price) }
        }
    }

    /// A field that belongs to the other kind was checked but is not kept.
    @inline(__always)
    func store(into quote: inout Quote) {
        let isBook = kind == .book
        quote.asset = asset
        quote.venue = venue
        quote.kind = kind
        quote.time = time
        quote.sequence = sequence
        quote.bids.removeAll(keepingCapacity: true)
        quote.asks.removeAll(keepingCapacity: true)
        if isBook {
            quote.bids.append(contentsOf: UnsafeBufferPointer(start: levels, count: bidCount))
            quote.asks.append(
                contentsOf: UnsafeBufferPointer(
                    start: levels + Quote.mostLevels, count: askCount))
        }
        quote.dailyVolume = isBook ? dailyVolume : nil
        quote.price = isBook ? .zero : price
    }
}
