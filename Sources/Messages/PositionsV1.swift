import Market
import Quantities

/// Reads `positions.v1`, again and again, without allocating once its memory has grown to the
/// largest snapshot seen.
///
/// Not for use by two threads at once: it works in memory of its own.
public struct PositionsDecoder {
    private let scratch = JSONScratch()
    /// What is being read; changes places with the caller's snapshot when it is complete.
    private var pending = AccountSnapshot.blank
    private var names = UniqueNames()

    public init() {}

    /// Reads one record. When it is refused, `snapshot` stays as it was.
    ///
    /// A record without a value (a tombstone) closes its account and is not for here: ask
    /// `decodeKey` which account it is.
    ///
    /// - Parameters:
    ///   - payload: the record's value.
    ///   - key: the record's key, which must be the account.
    ///   - timestamp: the record's own time; nil when it has none.
    public mutating func decode(
        _ payload: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer,
        recordTimestamp timestamp: Instant?, into snapshot: inout AccountSnapshot
    ) throws(Refusal) {
        var reader = try scratch.reader(payload)
        do {
            try pending.read(&reader)
            try reader.finish()
            try requireUniqueNames(reader)
            try pending.account.requireKey(key, .account)
            try pending.time.requireNotFuture(of: timestamp)
        } catch {
            throw reader.diagnosis(error, schema: "positions.v1")
        }
        swap(&pending, &snapshot)
    }

    /// The account that a record's key names: of a tombstone, the account that was closed.
    ///
    /// - Throws: `out-of-range` when the key is no name.
    public static func decodeKey(
        _ key: UnsafeRawBufferPointer
    ) throws(Refusal) -> Identifier {
        try Identifier(recordKey: key)
    }

    private mutating func requireUniqueNames(_ reader: JSONReader) throws(Refusal) {
        let balances = pending.balances
        if !names.areUnique(count: balances.count, { balances[$0].asset }) {
            throw reader.refusal(.duplicateAsset, .balances)
        }
        let positions = pending.positions
        if !names.areUnique(count: positions.count, { positions[$0].instrument }) {
            throw reader.refusal(.duplicateInstrument, .positions)
        }
    }
}

private let snapshotMembers = Members(
    required: [
        ("schema", .schema), ("account", .account), ("owner", .owner), ("time", .time),
        ("sequence", .sequence), ("balances", .balances), ("positions", .positions),
    ],
    optional: [("requirement", .requirement)])
private let balanceMembers = Members(required: [("asset", .asset), ("quantity", .quantity)])
private let positionMembers = Members(
    required: [
        ("instrument", .instrument), ("kind", .kind), ("underlying", .underlying),
        ("contract", .contract), ("multiplier", .multiplier), ("quantity", .quantity),
        ("entryPrice", .entryPrice),
    ],
    optional: [
        ("expiry", .expiry), ("strike", .strike), ("right", .right),
        ("settlement", .settlement),
    ])
private let requirementMembers = Members(required: [
    ("initial", .initial), ("maintenance", .maintenance),
])

let positionContracts = Words<Position.Contract>([("linear", .linear), ("inverse", .inverse)])
let optionRights = Words<OptionRight>([("call", .call), ("put", .put)])

extension AccountSnapshot {
    fileprivate mutating func read(_ reader: inout JSONReader) throws(Refusal) {
        requirement = nil
        try reader.object(snapshotMembers, .body, depth: 0) { (index, reader) throws(Refusal) in
            switch index {
            case 0: try reader.schema("positions.v1")
            case 1: account = try reader.identifier(.account)
            case 2: owner = try reader.identifier(.owner)
            case 3: time = try reader.instant(.time)
            case 4: sequence = try reader.integer(.sequence, in: 0...MessageRules.largestSequence)
            case 5: try readBalances(&reader)
            case 6: try readPositions(&reader)
            default: requirement = try StatedRequirement(&reader)
            }
        }
    }

    private mutating func readBalances(_ reader: inout JSONReader) throws(Refusal) {
        balances.removeAll(keepingCapacity: true)
        try reader.array(.balances, count: 0...MessageRules.mostEntries) {
            (reader) throws(Refusal) in
            var balance = Balance(asset: .unnamed, quantity: .zero)
            try reader.object(balanceMembers, .balances, depth: 2) {
                (index, reader) throws(Refusal) in
                switch index {
                case 0: balance.asset = try reader.identifier(.asset)
                default: balance.quantity = try reader.decimal(.quantity)
                }
            }
            balances.append(balance)
        }
    }

    private mutating func readPositions(_ reader: inout JSONReader) throws(Refusal) {
        positions.removeAll(keepingCapacity: true)
        try reader.array(.positions, count: 0...MessageRules.mostEntries) {
            (reader) throws(Refusal) in
            var fields = PositionFields()
            try fields.read(&reader)
            positions.append(fields.position)
        }
    }
}

/// The members of a position while they come in, in any order.
private struct PositionFields {
    enum Kind {
        case perpetual, future, option
    }

    static let kinds = Words<Kind>([
        ("perpetual", .perpetual), ("future", .future), ("option", .option),
    ])

    var position = Position(
        instrument: .unnamed, terms: .perpetual(.linear, settlement: nil), underlying: .unnamed,
        multiplier: .zero, quantity: .zero, entryPrice: .zero)
    var kind = Kind.perpetual
    var contract = Position.Contract.linear
    var expiry: Instant?
    var strike: FixedDecimal?
    var right: OptionRight?
    var settlement: Identifier?

    mutating func read(_ reader: inout JSONReader) throws(Refusal) {
        try reader.object(positionMembers, .positions, depth: 2) {
            (index, reader) throws(Refusal) in
            switch index {
            case 0: position.instrument = try reader.identifier(.instrument)
            case 1: kind = try reader.word(.kind, of: Self.kinds)
            case 2: position.underlying = try reader.identifier(.underlying)
            case 3: contract = try reader.word(.contract, of: positionContracts)
            case 4: position.multiplier = try reader.positiveDecimal(.multiplier)
            case 5: position.quantity = try reader.decimal(.quantity)
            case 6: position.entryPrice = try reader.unsignedDecimal(.entryPrice)
            case 7: expiry = try reader.instant(.expiry)
            case 8: strike = try reader.positiveDecimal(.strike)
            case 9: right = try reader.word(.right, of: optionRights)
            default: settlement = try reader.identifier(.settlement)
            }
        }
        position.terms = try terms(reader)
    }

    /// What the kind needs must be there, what it does not have must not.
    private func terms(_ reader: JSONReader) throws(Refusal) -> Position.Terms {
        if kind == .option {
            if contract != .linear { throw reader.refusal(.outOfRange, .contract) }
            if settlement != nil { throw reader.refusal(.outOfRange, .settlement) }
            guard let strike else { throw reader.refusal(.missingField, .strike) }
            guard let right else { throw reader.refusal(.missingField, .right) }
            guard let expiry else { throw reader.refusal(.missingField, .expiry) }
            return .option(right, strike: strike, expiry: expiry)
        }
        if position.entryPrice == .zero { throw reader.refusal(.outOfRange, .entryPrice) }
        if strike != nil { throw reader.refusal(.outOfRange, .strike) }
        if right != nil { throw reader.refusal(.outOfRange, .right) }
        if kind == .future {
            guard let expiry else { throw reader.refusal(.missingField, .expiry) }
            return .future(contract, settlement: settlement, expiry: expiry)
        }
        if expiry != nil { throw reader.refusal(.outOfRange, .expiry) }
        return .perpetual(contract, settlement: settlement)
    }
}

extension StatedRequirement {
    fileprivate init(_ reader: inout JSONReader) throws(Refusal) {
        self.init(initial: .zero, maintenance: .zero)
        try reader.object(requirementMembers, .requirement, depth: 1) {
            (index, reader) throws(Refusal) in
            switch index {
            case 0: initial = try reader.unsignedDecimal(.initial)
            default: maintenance = try reader.unsignedDecimal(.maintenance)
            }
        }
        if maintenance > initial { throw reader.refusal(.outOfRange, .maintenance) }
    }
}
