import Haircuts
import Quantities

/// Reads `haircut.v1`, as the margin stage and other services do; a table of the shape of the one
/// before allocates nothing but texts that changed.
///
/// Not for use by two threads at once: it works in memory of its own.
public struct HaircutDecoder {
    private let scratch = JSONScratch()
    /// What is being read; changes places with the caller's table when it is complete.
    private var pending = HaircutTable.blank

    /// Most tiers of a table: one for each notional of the grid and the endless one.
    public static let mostTiers = HaircutParameters.mostNotionals + 1
    /// Most shares of a table: one for each positions partition.
    public static let mostShares = 1_024

    public init() {}

    /// Reads one record. When it is refused, `table` stays as it was.
    ///
    /// - Parameters:
    ///   - payload: the record's value; empty for a tombstone.
    ///   - key: the record's key, which must be the asset.
    ///   - timestamp: the record's own time; nil when it has none.
    public mutating func decode(
        _ payload: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer,
        recordTimestamp timestamp: Instant?, into table: inout HaircutTable
    ) throws(Refusal) {
        var reader = try scratch.reader(payload)
        do {
            try pending.read(&reader)
            try reader.finish()
            try pending.asset.requireKey(key, .asset)
            try pending.time.requireNotFuture(of: timestamp)
        } catch {
            throw reader.diagnosis(error, schema: "haircut.v1")
        }
        swap(&pending, &table)
    }
}

private let tableMembers = Members(
    required: [
        ("schema", .schema), ("asset", .asset), ("time", .time), ("sequence", .sequence),
        ("state", .state), ("price", .price), ("debtPrice", .debtPrice),
        ("reference", .reference), ("mid", .mid), ("initial", .initial),
        ("maintenance", .maintenance), ("tiers", .tiers), ("target", .target), ("gap", .gap),
        ("boundBy", .boundBy), ("next", .next), ("validUntil", .validUntil),
        ("fallback", .fallback), ("scan", .scan), ("stressVolatility", .stressVolatility),
        ("confidence", .confidence), ("branchingRatio", .branchingRatio),
        ("components", .components), ("model", .model), ("cause", .cause),
    ],
    optional: [
        ("impact", .impact), ("systemCollateral", .systemCollateral), ("shares", .shares),
    ])
private let tierMembers = Members(required: [
    ("from", .from), ("to", .to), ("initial", .initial), ("maintenance", .maintenance),
])
private let haircutMembers = Members(required: [
    ("initial", .initial), ("maintenance", .maintenance),
])
private let projectionMembers = Members(required: [
    ("initial", .initial), ("maintenance", .maintenance), ("at", .at),
])
private let scanMembers = Members(required: [("notional", .notional), ("down", .down), ("up", .up)])
private let componentMembers = Members(required: [
    ("volatility", .volatility), ("market", .market), ("liquidity", .liquidity), ("peg", .peg),
    ("divergence", .divergence), ("confidence", .confidence),
    ("horizonSeconds", .horizonSeconds), ("depth", .depth), ("depthBaseline", .depthBaseline),
    ("spread", .spread), ("quoteAge", .quoteAge), ("surfaceAge", .surfaceAge),
])
private let modelMembers = Members(required: [("version", .version), ("parameters", .parameters)])
private let impactMembers = Members(required: [
    ("halfSpread", .halfSpread), ("dailyDeviation", .dailyDeviation), ("volume", .volume),
])

let breakerStates = Words<BreakerState>([
    ("normal", .normal), ("elevated", .elevated), ("stressed", .stressed), ("frozen", .frozen),
])
let haircutBounds = Words<Bounds>(Bounds.names.map { ($0.name, $0.bound) })

extension HaircutTable {
    fileprivate mutating func read(_ reader: inout JSONReader) throws(Refusal) {
        var initial = Ratio.zero
        var maintenance = Ratio.zero
        impact = nil
        systemCollateral = nil
        shares.removeAll(keepingCapacity: true)
        try reader.object(tableMembers, .body, depth: 0) { (index, reader) throws(Refusal) in
            switch index {
            case 0: try reader.schema("haircut.v1")
            case 1: asset = try reader.identifier(.asset)
            case 2: time = try reader.instant(.time)
            case 3: sequence = try reader.integer(.sequence, in: 1...MessageRules.largestSequence)
            case 4: state = try reader.word(.state, of: breakerStates)
            case 5: price = try reader.positiveDecimal(.price)
            case 6: debtPrice = try reader.positiveDecimal(.debtPrice)
            case 7: reference = try reader.positiveDecimal(.reference)
            case 8: mid = try reader.positiveDecimal(.mid)
            case 9: initial = try reader.ratio(.initial)
            case 10: maintenance = try reader.ratio(.maintenance)
            case 11: try readTiers(&reader)
            case 12: target = try Haircut(&reader, .target)
            case 13: gap = try Haircut(&reader, .gap)
            case 14: boundBy = try reader.set(.boundBy, of: haircutBounds)
            case 15: next = try reader.takeNull(.next) ? nil : Projection(&reader)
            case 16: validUntil = try reader.instant(.validUntil)
            case 17: fallback = try reader.double(.fallback, in: 0...1)
            case 18: try readScan(&reader)
            case 19: stressVolatility = try reader.double(.stressVolatility, in: 0.001...10)
            case 20: confidence = try reader.double(.confidence, in: 0...1)
            case 21: branchingRatio = try reader.double(.branchingRatio, in: JSONReader.notNegative)
            case 22: try components.read(&reader)
            case 23: try readModel(&reader)
            case 24: try cause.read(&reader)
            case 25: impact = try Impact(&reader)
            case 26: systemCollateral = try reader.unsignedDecimal(.systemCollateral)
            default: try readShares(&reader)
            }
        }
        if initial != self.initial { throw reader.refusal(.outOfRange, .initial) }
        if maintenance != self.maintenance { throw reader.refusal(.outOfRange, .maintenance) }
    }

    /// Tiers without gaps from 0 to no end, 0 ≤ maintenance ≤ initial ≤ 1 in each.
    private mutating func readTiers(_ reader: inout JSONReader) throws(Refusal) {
        tiers.removeAll(keepingCapacity: true)
        var bound: FixedDecimal? = .zero
        try reader.array(.tiers, count: 1...HaircutDecoder.mostTiers) {
            (reader) throws(Refusal) in
            let tier = try HaircutTier(&reader)
            guard let from = bound, tier.from == from, tier.to.map({ $0 > from }) ?? true,
                tier.maintenance <= tier.initial
            else { throw reader.refusal(.outOfRange, .tiers) }
            bound = tier.to
            tiers.append(tier)
        }
        if bound != nil { throw reader.refusal(.outOfRange, .tiers) }
    }

    private mutating func readScan(_ reader: inout JSONReader) throws(Refusal) {
        scan.removeAll(keepingCapacity: true)
        try reader.array(.scan, count: 1...HaircutParameters.mostNotionals) {
            (reader) throws(Refusal) in
            var range = ScanRange(notional: .zero, down: 0, up: 0)
            try reader.object(scanMembers, .scan, depth: 2) { (index, reader) throws(Refusal) in
                switch index {
                case 0: range.notional = try reader.positiveDecimal(.notional)
                case 1: range.down = try reader.double(.down, in: 0...0.999_999)
                default: range.up = try reader.double(.up, in: JSONReader.notNegative)
                }
            }
            scan.append(range)
        }
    }

    /// Fractions whose sum is at most 1, but for the rounding of what was written.
    private mutating func readShares(_ reader: inout JSONReader) throws(Refusal) {
        var sum = 0.0
        try reader.array(.shares, count: 0...HaircutDecoder.mostShares) {
            (reader) throws(Refusal) in
            let share = try reader.double(.shares, in: 0...1)
            sum += share
            shares.append(share)
        }
        if sum > 1 + 1e-9 { throw reader.refusal(.outOfRange, .shares) }
    }

    private mutating func readModel(_ reader: inout JSONReader) throws(Refusal) {
        try reader.object(modelMembers, .model, depth: 1) { (index, reader) throws(Refusal) in
            switch index {
            case 0:
                try reader.string(.version, into: &modelVersion)
                if modelVersion.isEmpty { throw reader.refusal(.outOfRange, .version) }
            default:
                try reader.string(.parameters, into: &parametersHash)
                guard Self.isHash(parametersHash) else {
                    throw reader.refusal(.outOfRange, .parameters)
                }
            }
        }
    }

    /// Whether a text is `sha256:` and 64 hexadecimal digits in small letters.
    private static func isHash(_ text: String) -> Bool {
        let prefix = "sha256:"
        guard text.utf8.count == prefix.utf8.count + 64, text.hasPrefix(prefix) else {
            return false
        }
        return text.utf8.dropFirst(prefix.utf8.count).allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
        }
    }
}

extension HaircutTier {
    fileprivate init(_ reader: inout JSONReader) throws(Refusal) {
        self.init(from: .zero, to: nil, initial: .one, maintenance: .one)
        try reader.object(tierMembers, .tiers, depth: 2) { (index, reader) throws(Refusal) in
            switch index {
            case 0: from = try reader.unsignedDecimal(.from)
            case 1: to = try reader.takeNull(.to) ? nil : reader.positiveDecimal(.to)
            case 2: initial = try reader.ratio(.initial)
            default: maintenance = try reader.ratio(.maintenance)
            }
        }
    }
}

extension Haircut {
    fileprivate init(_ reader: inout JSONReader, _ field: MessageField) throws(Refusal) {
        self = .zero
        try reader.object(haircutMembers, field, depth: 1) { (index, reader) throws(Refusal) in
            switch index {
            case 0: initial = try reader.double(.initial, in: 0...1)
            default: maintenance = try reader.double(.maintenance, in: 0...1)
            }
        }
    }
}

extension Projection {
    fileprivate init(_ reader: inout JSONReader) throws(Refusal) {
        self.init(initial: .one, maintenance: .one, at: Instant(nanoseconds: 0))
        try reader.object(projectionMembers, .next, depth: 1) { (index, reader) throws(Refusal) in
            switch index {
            case 0: initial = try reader.ratio(.initial)
            case 1: maintenance = try reader.ratio(.maintenance)
            default: at = try reader.instant(.at)
            }
        }
    }
}

extension Impact {
    fileprivate init(_ reader: inout JSONReader) throws(Refusal) {
        self.init(halfSpread: 0, dailyDeviation: 0, volume: .zero)
        try reader.object(impactMembers, .impact, depth: 1) { (index, reader) throws(Refusal) in
            switch index {
            case 0: halfSpread = try reader.double(.halfSpread, in: JSONReader.notNegative)
            case 1: dailyDeviation = try reader.double(.dailyDeviation, in: JSONReader.notNegative)
            default: volume = try reader.positiveDecimal(.volume)
            }
        }
    }
}

extension Components {
    fileprivate mutating func read(_ reader: inout JSONReader) throws(Refusal) {
        try reader.object(componentMembers, .components, depth: 1) {
            (index, reader) throws(Refusal) in
            switch index {
            case 0: volatility = try reader.double(.volatility, in: JSONReader.notNegative)
            case 1: market = try reader.double(.market, in: 0...1)
            case 2: liquidity = try reader.double(.liquidity, in: 0...1)
            case 3: peg = try reader.double(.peg, in: 0...1)
            case 4: divergence = try reader.double(.divergence, in: 0...1)
            case 5: confidence = try reader.double(.confidence, in: 0...1)
            case 6: horizonSeconds = try reader.double(.horizonSeconds, in: JSONReader.notNegative)
            case 7: depth = try reader.unsignedDecimal(.depth)
            case 8: depthBaseline = try reader.unsignedDecimal(.depthBaseline)
            case 9: spread = try reader.double(.spread, in: JSONReader.notNegative)
            case 10: quoteAge = try reader.double(.quoteAge, in: JSONReader.notNegative)
            default:
                surfaceAge =
                    try reader.takeNull(.surfaceAge)
                    ? nil : reader.double(.surfaceAge, in: JSONReader.notNegative)
            }
        }
    }
}
