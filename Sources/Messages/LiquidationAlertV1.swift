import Margin
import Quantities

/// Reads `liquidation-alert.v1`; an alert of the shape of the one before allocates nothing but
/// texts that changed.
///
/// Not for use by two threads at once: it works in memory of its own.
public struct LiquidationAlertDecoder {
    private let scratch = JSONScratch()
    /// What is being read; changes places with the caller's alert when it is complete.
    private var pending = LiquidationAlert.blank

    public init() {}

    /// Reads one record. When it is refused, `alert` stays as it was.
    ///
    /// - Parameters:
    ///   - payload: the record's value; empty for a tombstone.
    ///   - key: the record's key, which must be the account.
    ///   - timestamp: the record's own time; nil when it has none.
    public mutating func decode(
        _ payload: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer,
        recordTimestamp timestamp: Instant?, into alert: inout LiquidationAlert
    ) throws(Refusal) {
        var reader = try scratch.reader(payload)
        do {
            try pending.read(&reader)
            try reader.finish()
            try pending.account.requireKey(key, .account)
            try pending.time.requireNotFuture(of: timestamp)
        } catch {
            throw reader.diagnosis(error, schema: "liquidation-alert.v1")
        }
        swap(&pending, &alert)
    }
}

private let alertMembers = Members(required: [
    ("schema", .schema), ("id", .id), ("account", .account), ("time", .time), ("level", .level),
    ("previous", .previous), ("cause", .cause), ("shortfall", .shortfall),
    ("distance", .distance), ("plan", .plan),
])
private let stepMembers = Members(
    required: [
        ("action", .action), ("quantity", .quantity), ("relief", .relief), ("impact", .impact),
        ("notBefore", .notBefore),
    ],
    optional: [("asset", .asset), ("instrument", .instrument)])

/// The published levels: an account that is healthy again is `cleared`.
private let alertLevels = Words<MarginStatus>([
    ("warning", .warning), ("margin-call", .marginCall), ("liquidation", .liquidation),
    ("bankrupt", .bankrupt), ("cleared", .healthy),
])
private let alertCauses = Words<AlertCause>([
    ("haircut", .haircut), ("price", .price), ("volatility", .volatility),
    ("position", .position), ("stale-data", .staleData), ("override", .override),
])

extension LiquidationAlert {
    fileprivate mutating func read(_ reader: inout JSONReader) throws(Refusal) {
        try reader.object(alertMembers, .body, depth: 0) { (index, reader) throws(Refusal) in
            switch index {
            case 0: try reader.schema("liquidation-alert.v1")
            case 1:
                try reader.string(.id, into: &id)
                if id.isEmpty { throw reader.refusal(.outOfRange, .id) }
            case 2: account = try reader.identifier(.account)
            case 3: time = try reader.instant(.time)
            case 4: level = try reader.word(.level, of: alertLevels)
            case 5: previous = try reader.word(.previous, of: marginStatuses)
            case 6: cause = try reader.word(.cause, of: alertCauses)
            case 7: shortfall = try reader.unsignedAmounts(.shortfall, depth: 1)
            case 8: distance = try reader.takeNull(.distance) ? nil : reader.double(.distance)
            default: try readPlan(&reader)
            }
        }
    }

    private mutating func readPlan(_ reader: inout JSONReader) throws(Refusal) {
        plan.removeAll(keepingCapacity: true)
        try reader.array(.plan, count: 0...MessageRules.mostEntries) { (reader) throws(Refusal) in
            plan.append(try PlanStep(&reader))
        }
    }
}

extension PlanStep {
    private enum Kind {
        case sell, close
    }

    private static let kinds = Words<Kind>([("sell", .sell), ("close", .close)])

    /// A sale names an asset, a closing an instrument; neither names both.
    fileprivate init(_ reader: inout JSONReader) throws(Refusal) {
        self.init(
            action: .sell(asset: .unnamed), quantity: .zero, relief: .zero, impact: 0,
            notBefore: Instant(nanoseconds: 0))
        var kind = Kind.sell
        var asset: Identifier?
        var instrument: Identifier?
        try reader.object(stepMembers, .plan, depth: 2) { (index, reader) throws(Refusal) in
            switch index {
            case 0: kind = try reader.word(.action, of: Self.kinds)
            case 1: quantity = try reader.positiveDecimal(.quantity)
            case 2: relief = try reader.decimal(.relief)
            case 3: impact = try reader.double(.impact, in: JSONReader.notNegative)
            case 4: notBefore = try reader.instant(.notBefore)
            case 5: asset = try reader.identifier(.asset)
            default: instrument = try reader.identifier(.instrument)
            }
        }
        switch kind {
        case .sell:
            guard let asset else { throw reader.refusal(.missingField, .asset) }
            if instrument != nil { throw reader.refusal(.outOfRange, .instrument) }
            action = .sell(asset: asset)
        case .close:
            guard let instrument else { throw reader.refusal(.missingField, .instrument) }
            if asset != nil { throw reader.refusal(.outOfRange, .asset) }
            action = .close(instrument: instrument)
        }
    }
}

extension OutputBuffer {
    /// Writes `liquidation-alert.v1`.
    ///
    /// - Parameter alert: its numbers are finite.
    public mutating func write(_ alert: borrowing LiquidationAlert) {
        literal("{\"schema\":\"liquidation-alert.v1\",\"id\":")
        string(alert.id)
        literal(",\"account\":")
        identifier(alert.account)
        literal(",\"time\":")
        instant(alert.time)
        literal(",\"level\":")
        word(alert.level, of: alertLevels)
        literal(",\"previous\":")
        word(alert.previous, of: marginStatuses)
        literal(",\"cause\":")
        word(alert.cause, of: alertCauses)
        literal(",\"shortfall\":")
        write(alert.shortfall)
        literal(",\"distance\":")
        if let distance = alert.distance { statistic(distance) } else { literal("null") }
        literal(",\"plan\":[")
        for index in alert.plan.indices {
            if index > 0 { byte(UInt8(ascii: ",")) }
            write(alert.plan[index])
        }
        literal("]}")
    }

    private mutating func write(_ step: borrowing PlanStep) {
        switch step.action {
        case .sell(let asset):
            literal("{\"action\":\"sell\",\"asset\":")
            identifier(asset)
        case .close(let instrument):
            literal("{\"action\":\"close\",\"instrument\":")
            identifier(instrument)
        }
        literal(",\"quantity\":")
        decimal(step.quantity)
        literal(",\"relief\":")
        decimal(step.relief)
        literal(",\"impact\":")
        statistic(step.impact)
        literal(",\"notBefore\":")
        instant(step.notBefore)
        byte(UInt8(ascii: "}"))
    }
}
