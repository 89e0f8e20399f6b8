import Haircuts
import Quantities

/// Reads `haircut.v1`, as the margin stage and other services do; a table of the shape of the one
/// before allocates nothing but texts that changed.
///
/// Not for use by two threads at once: it works in memory of its own.
public struct HaircutDecoder {
    private let scratch = JSONScratch()
    /// What is being read; changes places with the caller's table when it is complete.
    private var pending = HaircutTable.empty

    /// Most tiers of a table: one for each notional of the grid and the endless one.
    public static let mostTiers = HaircutParameters.mostNotionals + 1

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

private let tableMembers = Members(required: [
    ("schema", .schema), ("asset", .asset), ("time", .time), ("sequence", .sequence),
    ("state", .state), ("price", .price), ("debtPrice", .debtPrice), ("reference", .reference),
    ("mid", .mid), ("initial", .initial), ("maintenance", .maintenance), ("tiers", .tiers),
    ("target", .target), ("gap", .gap), ("boundBy", .boundBy), ("next", .next),
    ("validUntil", .validUntil), ("fallback", .fallback), ("scan", .scan),
    ("stressVolatility", .stressVolatility), ("confidence", .confidence),
    ("branchingRatio", .branchingRatio), ("components", .components), ("model", .model),
    ("cause", .cause),
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
private let causeMembers = Members(
    required: [],
    optional: [
        ("topic", .topic), ("partition", .partition), ("offset", .offset), ("timer", .timer),
    ])

private let notNegative = 0...Double.greatestFiniteMagnitude

extension HaircutTable {
    fileprivate mutating func read(_ reader: inout JSONReader) throws(Refusal) {
        var initial = Ratio.zero
        var maintenance = Ratio.zero
        try reader.object(tableMembers, .body, depth: 0) { (index, reader) throws(Refusal) in
            switch index {
            case 0: try reader.schema("haircut.v1")
            case 1: asset = try reader.identifier(.asset)
            case 2: time = try reader.instant(.time)
            case 3: sequence = try reader.integer(.sequence, in: 1...MessageRules.largestSequence)
            case 4: state = try BreakerState(&reader)
            case 5: price = try reader.positiveDecimal(.price)
            case 6: debtPrice = try reader.positiveDecimal(.debtPrice)
            case 7: reference = try reader.positiveDecimal(.reference)
            case 8: mid = try reader.positiveDecimal(.mid)
            case 9: initial = try reader.ratio(.initial)
            case 10: maintenance = try reader.ratio(.maintenance)
            case 11: try readTiers(&reader)
            case 12: target = try Haircut(&reader, .target)
            case 13: gap = try Haircut(&reader, .gap)
            case 14: boundBy = try Bounds(&reader)
            case 15: next = try reader.takeNull(.next) ? nil : Projection(&reader)
            case 16: validUntil = try reader.instant(.validUntil)
            case 17: fallback = try reader.double(.fallback, in: 0...1)
            case 18: try readScan(&reader)
            case 19: stressVolatility = try reader.double(.stressVolatility, in: 0.001...10)
            case 20: confidence = try reader.double(.confidence, in: 0...1)
            case 21: branchingRatio = try reader.double(.branchingRatio, in: notNegative)
            case 22: try components.read(&reader)
            case 23: try readModel(&reader)
            default: try cause.read(&reader)
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
                default: range.up = try reader.double(.up, in: notNegative)
                }
            }
            scan.append(range)
        }
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

    fileprivate static var empty: HaircutTable {
        let never = Instant(nanoseconds: 0)
        return HaircutTable(
            asset: .placeholder, time: never, sequence: 0, state: .frozen, price: .zero,
            debtPrice: .zero, reference: .zero, mid: .zero, tiers: [], target: .zero, gap: .zero,
            boundBy: [], next: nil, validUntil: never, fallback: 1, scan: [],
            stressVolatility: 0, confidence: 0, branchingRatio: 0,
            components: Components(
                volatility: 0, market: 0, liquidity: 0, peg: 0, divergence: 0, confidence: 0,
                horizonSeconds: 0, depth: .zero, depthBaseline: .zero, spread: 0, quoteAge: 0,
                surfaceAge: nil),
            modelVersion: "", parametersHash: "", cause: .timer(never))
    }
}

extension BreakerState {
    fileprivate init(_ reader: inout JSONReader) throws(Refusal) {
        let name = try reader.string(.state)
        if name.elementsEqual("normal".utf8) {
            self = .normal
        } else if name.elementsEqual("elevated".utf8) {
            self = .elevated
        } else if name.elementsEqual("stressed".utf8) {
            self = .stressed
        } else if name.elementsEqual("frozen".utf8) {
            self = .frozen
        } else {
            throw reader.refusal(.outOfRange, .state)
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

extension Bounds {
    /// Names in any order, each at most once.
    fileprivate init(_ reader: inout JSONReader) throws(Refusal) {
        var bounds: Bounds = []
        try reader.array(.boundBy, count: 0...Bounds.names.count) { (reader) throws(Refusal) in
            let name = try reader.string(.boundBy)
            for entry in Bounds.names where entry.name.utf8CodeUnitCount == name.count {
                let start = entry.name.utf8Start
                guard name.indices.allSatisfy({ name[$0] == start[$0] }) else { continue }
                if bounds.insert(entry.bound).inserted { return }
            }
            throw reader.refusal(.outOfRange, .boundBy)
        }
        self = bounds
    }
}

extension Components {
    fileprivate mutating func read(_ reader: inout JSONReader) throws(Refusal) {
        try reader.object(componentMembers, .components, depth: 1) {
            (index, reader) throws(Refusal) in
            switch index {
            case 0: volatility = try reader.double(.volatility, in: notNegative)
            case 1: market = try reader.double(.market, in: 0...1)
            case 2: liquidity = try reader.double(.liquidity, in: 0...1)
            case 3: peg = try reader.double(.peg, in: 0...1)
            case 4: divergence = try reader.double(.divergence, in: 0...1)
            case 5: confidence = try reader.double(.confidence, in: 0...1)
            case 6: horizonSeconds = try reader.double(.horizonSeconds, in: notNegative)
            case 7: depth = try reader.unsignedDecimal(.depth)
            case 8: depthBaseline = try reader.unsignedDecimal(.depthBaseline)
            case 9: spread = try reader.double(.spread, in: notNegative)
            case 10: quoteAge = try reader.double(.quoteAge, in: notNegative)
            default:
                surfaceAge =
                    try reader.takeNull(.surfaceAge)
                    ? nil : reader.double(.surfaceAge, in: notNegative)
            }
        }
    }
}

extension Cause {
    /// A record, by topic, partition and offset, or a timer; never parts of both.
    fileprivate mutating func read(_ reader: inout JSONReader) throws(Refusal) {
        var topic = ""
        var partition: Int64 = 0
        var offset: Int64 = 0
        var timer = Instant(nanoseconds: 0)
        if case .record(let last, _, _) = self { topic = last }
        let seen = try reader.object(causeMembers, .cause, depth: 1) {
            (index, reader) throws(Refusal) in
            switch index {
            case 0:
                try reader.string(.topic, into: &topic)
                if topic.isEmpty { throw reader.refusal(.outOfRange, .topic) }
            case 1: partition = try reader.integer(.partition, in: 0...Int64(Int32.max))
            case 2: offset = try reader.integer(.offset, in: 0...MessageRules.largestSequence)
            default: timer = try reader.instant(.timer)
            }
        }
        switch seen {
        case 0b0111:
            self = .record(topic: topic, partition: Int32(partition), offset: offset)
        case 0b1000: self = .timer(timer)
        case 0: throw reader.refusal(.missingField, .topic)
        case 0b1001...0b1111: throw reader.refusal(.outOfRange, .cause)
        default:
            let missing = (~seen).trailingZeroBitCount
            throw reader.refusal(.missingField, causeMembers.all[missing].field)
        }
    }
}
