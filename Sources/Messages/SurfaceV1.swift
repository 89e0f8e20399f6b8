import Market
import Quantities

/// Reads `iv-surface.v1`, again and again; a surface of the shape of the one before allocates
/// nothing.
///
/// Whether a surface may be used is for the gate to say (MODEL §2): here its numbers are finite
/// and its arrays fit one another. Not for use by two threads at once.
public struct SurfaceDecoder {
    private let scratch = JSONScratch()
    /// What is being read; changes places with the caller's surface when it is complete.
    private var pending = Surface.blank

    public init() {}

    /// Reads one record. When it is refused, `surface` stays as it was.
    ///
    /// - Parameters:
    ///   - payload: the record's value; empty for a tombstone.
    ///   - key: the record's key, which must be the asset.
    ///   - timestamp: the record's own time; nil when it has none.
    public mutating func decode(
        _ payload: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer,
        recordTimestamp timestamp: Instant?, into surface: inout Surface
    ) throws(Refusal) {
        var reader = try scratch.reader(payload)
        do {
            var body = SurfaceReader(scratch: scratch)
            try body.read(&reader, into: &pending)
            try pending.asset.requireKey(key, .asset)
            try pending.time.requireNotFuture(of: timestamp)
        } catch {
            throw reader.diagnosis(error, schema: "iv-surface.v1")
        }
        swap(&pending, &surface)
    }
}

/// The members of a surface while they come in, in any order.
private struct SurfaceReader {
    struct Seen: OptionSet {
        let rawValue: UInt8
        static let schema = Seen(rawValue: 1)
        static let asset = Seen(rawValue: 2)
        static let time = Seen(rawValue: 4)
        static let sequence = Seen(rawValue: 8)
        static let expiries = Seen(rawValue: 16)
    }

    struct SeenOfExpiry: OptionSet {
        let rawValue: UInt8
        static let expiry = SeenOfExpiry(rawValue: 1)
        static let forward = SeenOfExpiry(rawValue: 2)
        static let strikes = SeenOfExpiry(rawValue: 4)
        static let volatilities = SeenOfExpiry(rawValue: 8)
        static let svi = SeenOfExpiry(rawValue: 16)
    }

    let strikes: UnsafeMutablePointer<FixedDecimal>
    let volatilities: UnsafeMutablePointer<Double>
    var seen: Seen = []

    init(scratch: JSONScratch) {
        strikes = scratch.strikes
        volatilities = scratch.volatilities
    }

    mutating func read(
        _ reader: inout JSONReader, into surface: inout Surface
    ) throws(Refusal) {
        try reader.open(UInt8(ascii: "{"), .body)
        if !reader.take(UInt8(ascii: "}")) {
            repeat {
                let key = try reader.key(.body)
                try readMember(key, &reader, into: &surface)
            } while try reader.hasMore(until: UInt8(ascii: "}"), .body)
        }
        try reader.finish()
        if !seen.contains(.schema) { throw reader.refusal(.missingField, .schema) }
        if !seen.contains(.asset) { throw reader.refusal(.missingField, .asset) }
        if !seen.contains(.time) { throw reader.refusal(.missingField, .time) }
        if !seen.contains(.sequence) { throw reader.refusal(.missingField, .sequence) }
        if !seen.contains(.expiries) { throw reader.refusal(.missingField, .expiries) }
    }

    private mutating func readMember(
        _ key: JSONReader.Key, _ reader: inout JSONReader, into surface: inout Surface
    ) throws(Refusal) {
        if key.matches("schema") {
            try mark(.schema, .schema, reader)
            try reader.schema("iv-surface.v1")
        } else if key.matches("asset") {
            try mark(.asset, .asset, reader)
            surface.asset = try reader.identifier(.asset)
        } else if key.matches("time") {
            try mark(.time, .time, reader)
            surface.time = try reader.instant(.time)
        } else if key.matches("sequence") {
            try mark(.sequence, .sequence, reader)
            surface.sequence = try reader.integer(
                .sequence, in: 0...MessageRules.largestSequence)
        } else if key.matches("expiries") {
            try mark(.expiries, .expiries, reader)
            try readExpiries(&reader, into: &surface.expiries)
        } else {
            try reader.note(key, since: 0, .body)
            try reader.skipValue(.body, depth: 1)
        }
    }

    private mutating func mark(
        _ field: Seen, _ name: MessageField, _ reader: JSONReader
    ) throws(Refusal) {
        if !seen.insert(field).inserted { throw reader.refusal(.duplicateField, name) }
    }

    private func readExpiries(
        _ reader: inout JSONReader, into expiries: inout [Surface.Expiry]
    ) throws(Refusal) {
        try reader.open(UInt8(ascii: "["), .expiries)
        if reader.take(UInt8(ascii: "]")) { throw reader.refusal(.outOfRange, .expiries) }
        var count = 0
        repeat {
            if count == Surface.mostExpiries { throw reader.refusal(.outOfRange, .expiries) }
            if count == expiries.count { expiries.append(.empty) }
            try readExpiry(&reader, into: &expiries[count])
            count += 1
        } while try reader.hasMore(until: UInt8(ascii: "]"), .expiries)
        expiries.removeLast(expiries.count - count)
    }

    private func readExpiry(
        _ reader: inout JSONReader, into expiry: inout Surface.Expiry
    ) throws(Refusal) {
        try reader.open(UInt8(ascii: "{"), .expiries)
        let firstKey = reader.keyCount
        var seen: SeenOfExpiry = []
        var strikeCount = 0
        var volatilityCount = 0
        func mark(_ field: SeenOfExpiry, _ name: MessageField) throws(Refusal) {
            if !seen.insert(field).inserted { throw reader.refusal(.duplicateField, name) }
        }
        if !reader.take(UInt8(ascii: "}")) {
            repeat {
                let key = try reader.key(.expiries)
                if key.matches("expiry") {
                    try mark(.expiry, .expiry)
                    expiry.expiry = try reader.instant(.expiry)
                } else if key.matches("forward") {
                    try mark(.forward, .forward)
                    expiry.forward = try reader.positiveDecimal(.forward)
                } else if key.matches("strikes") {
                    try mark(.strikes, .strikes)
                    strikeCount = try readStrikes(&reader)
                } else if key.matches("volatilities") {
                    try mark(.volatilities, .volatilities)
                    volatilityCount = try readVolatilities(&reader)
                } else if key.matches("svi") {
                    try mark(.svi, .svi)
                    expiry.smile = .svi(try readSVI(&reader))
                } else {
                    try reader.note(key, since: firstKey, .expiries)
                    try reader.skipValue(.expiries, depth: 3)
                }
            } while try reader.hasMore(until: UInt8(ascii: "}"), .expiries)
        }
        reader.keyCount = firstKey
        if !seen.contains(.expiry) { throw reader.refusal(.missingField, .expiry) }
        if !seen.contains(.forward) { throw reader.refusal(.missingField, .forward) }
        if seen.contains(.svi) {
            if seen.contains(.strikes) { throw reader.refusal(.outOfRange, .svi) }
            if seen.contains(.volatilities) { throw reader.refusal(.outOfRange, .svi) }
            return
        }
        if !seen.contains(.strikes) { throw reader.refusal(.missingField, .strikes) }
        if !seen.contains(.volatilities) { throw reader.refusal(.missingField, .volatilities) }
        if strikeCount != volatilityCount { throw reader.refusal(.outOfRange, .volatilities) }
        expiry.smile.setGrid(
            strikes: UnsafeBufferPointer(start: strikes, count: strikeCount),
            volatilities: UnsafeBufferPointer(start: volatilities, count: volatilityCount))
    }

    private func readStrikes(_ source: inout JSONReader) throws(Refusal) -> Int {
        var reader = source
        defer { source.at = reader.at }
        try reader.open(UInt8(ascii: "["), .strikes)
        if reader.take(UInt8(ascii: "]")) { throw reader.refusal(.outOfRange, .strikes) }
        var count = 0
        repeat {
            if count == Surface.mostStrikes { throw reader.refusal(.outOfRange, .strikes) }
            strikes[count] = try reader.positiveDecimal(.strikes)
            count += 1
        } while try reader.hasMore(until: UInt8(ascii: "]"), .strikes)
        return count
    }

    private func readVolatilities(_ source: inout JSONReader) throws(Refusal) -> Int {
        var reader = source
        defer { source.at = reader.at }
        try reader.open(UInt8(ascii: "["), .volatilities)
        if reader.take(UInt8(ascii: "]")) { throw reader.refusal(.outOfRange, .volatilities) }
        var count = 0
        repeat {
            if count == Surface.mostStrikes { throw reader.refusal(.outOfRange, .volatilities) }
            volatilities[count] = try reader.double(.volatilities)
            count += 1
        } while try reader.hasMore(until: UInt8(ascii: "]"), .volatilities)
        return count
    }

    private func readSVI(_ reader: inout JSONReader) throws(Refusal) -> Surface.SVI {
        try reader.open(UInt8(ascii: "{"), .svi)
        let firstKey = reader.keyCount
        var svi = Surface.SVI(a: 0, b: 0, rho: 0, m: 0, sigma: 0)
        var seen: UInt8 = 0
        func number(_ bit: UInt8, _ field: MessageField) throws(Refusal) -> Double {
            if seen & bit != 0 { throw reader.refusal(.duplicateField, field) }
            seen |= bit
            return try reader.double(field)
        }
        if !reader.take(UInt8(ascii: "}")) {
            repeat {
                let key = try reader.key(.svi)
                if key.matches("a") {
                    svi.a = try number(1, .a)
                } else if key.matches("b") {
                    svi.b = try number(2, .b)
                } else if key.matches("rho") {
                    svi.rho = try number(4, .rho)
                } else if key.matches("m") {
                    svi.m = try number(8, .m)
                } else if key.matches("sigma") {
                    svi.sigma = try number(16, .sigma)
                } else {
                    try reader.note(key, since: firstKey, .svi)
                    try reader.skipValue(.svi, depth: 4)
                }
            } while try reader.hasMore(until: UInt8(ascii: "}"), .svi)
        }
        reader.keyCount = firstKey
        let fields: [MessageField] = [.a, .b, .rho, .m, .sigma]
        for (index, field) in fields.enumerated() where seen & 1 << UInt8(index) == 0 {
            throw reader.refusal(.missingField, field)
        }
        return svi
    }
}

extension Surface.Expiry {
    fileprivate static var empty: Surface.Expiry {
        Surface.Expiry(
            expiry: Instant(nanoseconds: 0), forward: .zero,
            smile: .grid(strikes: [], volatilities: []))
    }
}

extension Surface.Smile {
    /// Becomes this grid, in the storage of the grid it was.
    fileprivate mutating func setGrid(
        strikes: UnsafeBufferPointer<FixedDecimal>, volatilities: UnsafeBufferPointer<Double>
    ) {
        var keptStrikes: [FixedDecimal] = []
        var keptVolatilities: [Double] = []
        if case .grid(let strikes, let volatilities) = self {
            keptStrikes = strikes
            keptVolatilities = volatilities
            // Given up here, so that the arrays have one owner and are changed in place.
            self = .svi(Surface.SVI(a: 0, b: 0, rho: 0, m: 0, sigma: 0))
        }
        keptStrikes.removeAll(keepingCapacity: true)
        keptStrikes.append(contentsOf: strikes)
        keptVolatilities.removeAll(keepingCapacity: true)
        keptVolatilities.append(contentsOf: volatilities)
        self = .grid(strikes: keptStrikes, volatilities: keptVolatilities)
    }
}
