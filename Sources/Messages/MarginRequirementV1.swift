import Haircuts
import Margin
import Quantities

/// Reads `margin-requirement.v1`, as a restart does for every account; a requirement of the shape
/// of the one before allocates nothing but texts that changed.
///
/// Not for use by two threads at once: it works in memory of its own.
public struct MarginRequirementDecoder {
    private let scratch = JSONScratch()
    /// What is being read; changes places with the caller's requirement when it is complete.
    private var pending = MarginRequirement.blank

    public init() {}

    /// Reads one record. When it is refused, `requirement` stays as it was.
    ///
    /// Of a record without a value (a tombstone), whose account is closed, ask `decodeKey`.
    ///
    /// - Parameters:
    ///   - payload: the record's value.
    ///   - key: the record's key, which must be the account.
    ///   - timestamp: the record's own time; nil when it has none.
    public mutating func decode(
        _ payload: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer,
        recordTimestamp timestamp: Instant?, into requirement: inout MarginRequirement
    ) throws(Refusal) {
        var reader = try scratch.reader(payload)
        do {
            try pending.read(&reader)
            try reader.finish()
            try pending.account.requireKey(key, .account)
            try pending.time.requireNotFuture(of: timestamp)
        } catch {
            throw reader.diagnosis(error, schema: "margin-requirement.v1")
        }
        swap(&pending, &requirement)
    }

    /// The account that a record's key names, a tombstone's too.
    ///
    /// - Throws: `out-of-range` when the key is no name.
    public static func decodeKey(
        _ key: UnsafeRawBufferPointer
    ) throws(Refusal) -> Identifier {
        try Identifier(recordKey: key)
    }
}

private let requirementMembers = Members(required: [
    ("schema", .schema), ("account", .account), ("time", .time), ("sequence", .sequence),
    ("status", .status), ("equity", .equity), ("collateral", .collateral),
    ("unrealised", .unrealised), ("requirement", .requirement), ("excess", .excess),
    ("marginRatio", .marginRatio), ("assets", .assets), ("reasons", .reasons), ("risk", .risk),
    ("positionsSequence", .positionsSequence), ("cause", .cause),
])
private let assetMembers = Members(required: [
    ("asset", .asset), ("quantity", .quantity), ("price", .price), ("value", .value),
    ("haircutLoss", .haircutLoss), ("haircutSequence", .haircutSequence),
])
private let riskMembers = Members(required: [
    ("underlying", .underlying), ("loss", .loss), ("scenario", .scenario),
])
private let scenarioMembers = Members(required: [
    ("price", .price), ("volatility", .volatility),
])

let marginStatuses = Words<MarginStatus>([
    ("healthy", .healthy), ("warning", .warning), ("margin-call", .marginCall),
    ("liquidation", .liquidation), ("bankrupt", .bankrupt),
])
let marginReasons = Words<MarginReasons>(MarginReasons.names.map { ($0.name, $0.reason) })
let volatilityShifts = Words<RiskScenario.VolatilityShift>([
    ("up", .up), ("down", .down), ("none", .none),
])

extension MarginRequirement {
    fileprivate mutating func read(_ reader: inout JSONReader) throws(Refusal) {
        let largest = MessageRules.largestSequence
        try reader.object(requirementMembers, .body, depth: 0) { (index, reader) throws(Refusal) in
            switch index {
            case 0: try reader.schema("margin-requirement.v1")
            case 1: account = try reader.identifier(.account)
            case 2: time = try reader.instant(.time)
            case 3: sequence = try reader.integer(.sequence, in: 1...largest)
            case 4: status = try reader.word(.status, of: marginStatuses)
            case 5: equity = try reader.decimal(.equity)
            case 6: collateral = try reader.unsignedAmounts(.collateral, depth: 1)
            case 7: unrealised = try reader.decimal(.unrealised)
            case 8: requirement = try reader.unsignedAmounts(.requirement, depth: 1)
            case 9: excess = try reader.amounts(.excess, depth: 1)
            case 10:
                marginRatio =
                    try reader.takeNull(.marginRatio)
                    ? nil : reader.double(.marginRatio, in: JSONReader.notNegative)
            case 11: try readAssets(&reader)
            case 12: reasons = try reader.set(.reasons, of: marginReasons)
            case 13: try readRisk(&reader)
            case 14: positionsSequence = try reader.integer(.positionsSequence, in: 0...largest)
            default: try cause.read(&reader)
            }
        }
    }

    private mutating func readAssets(_ reader: inout JSONReader) throws(Refusal) {
        assets.removeAll(keepingCapacity: true)
        try reader.array(.assets, count: 0...MessageRules.mostEntries) {
            (reader) throws(Refusal) in
            var margin = AssetMargin(
                asset: .unnamed, quantity: .zero, price: .zero, value: .zero, haircutLoss: .zero,
                haircutSequence: 0)
            try reader.object(assetMembers, .assets, depth: 2) { (index, reader) throws(Refusal) in
                switch index {
                case 0: margin.asset = try reader.identifier(.asset)
                case 1: margin.quantity = try reader.decimal(.quantity)
                case 2: margin.price = try reader.unsignedDecimal(.price)
                case 3: margin.value = try reader.decimal(.value)
                case 4: margin.haircutLoss = try reader.unsignedAmounts(.haircutLoss, depth: 3)
                default:
                    margin.haircutSequence = try reader.integer(
                        .haircutSequence, in: 0...MessageRules.largestSequence)
                }
            }
            assets.append(margin)
        }
    }

    private mutating func readRisk(_ reader: inout JSONReader) throws(Refusal) {
        risk.removeAll(keepingCapacity: true)
        try reader.array(.risk, count: 0...MessageRules.mostEntries) { (reader) throws(Refusal) in
            var entry = UnderlyingRisk(
                underlying: .unnamed, loss: .zero,
                scenario: RiskScenario(price: 0, volatility: .none))
            try reader.object(riskMembers, .risk, depth: 2) { (index, reader) throws(Refusal) in
                switch index {
                case 0: entry.underlying = try reader.identifier(.underlying)
                case 1: entry.loss = try reader.unsignedDecimal(.loss)
                default: try entry.scenario.read(&reader)
                }
            }
            risk.append(entry)
        }
    }
}

extension RiskScenario {
    /// The price in scan ranges, −2…2.
    fileprivate mutating func read(_ reader: inout JSONReader) throws(Refusal) {
        try reader.object(scenarioMembers, .scenario, depth: 3) { (index, reader) throws(Refusal) in
            switch index {
            case 0: price = try reader.double(.price, in: -2...2)
            default: volatility = try reader.word(.volatility, of: volatilityShifts)
            }
        }
    }
}
