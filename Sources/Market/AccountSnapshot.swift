import Quantities

/// Everything one account holds, as one message says it: `positions.v1`.
///
/// A value that is decoded into again and again: its arrays keep their storage.
public struct AccountSnapshot: Hashable, Sendable {
    public var account: Identifier
    /// Accounts of one owner are haircut together.
    public var owner: Identifier
    public var time: Instant
    /// Grows with each message of this account; 0 … 2^53 − 1.
    public var sequence: Int64
    /// Each asset at most once.
    public var balances: [Balance]
    /// Each instrument at most once.
    public var positions: [Position]
    /// The exchange's own figures, which replace the derivatives' part of the requirement.
    public var requirement: StatedRequirement?

    public init(
        account: Identifier, owner: Identifier, time: Instant, sequence: Int64,
        balances: [Balance] = [], positions: [Position] = [],
        requirement: StatedRequirement? = nil
    ) {
        self.account = account
        self.owner = owner
        self.time = time
        self.sequence = sequence
        self.balances = balances
        self.positions = positions
        self.requirement = requirement
    }

    /// A snapshot that says nothing, to decode into.
    public static let blank = AccountSnapshot(
        account: .unnamed, owner: .unnamed, time: Instant(nanoseconds: 0), sequence: 0)
}

/// An amount of one asset: held when positive, owed when negative.
public struct Balance: Hashable, Sendable {
    public var asset: Identifier
    /// In units of the asset.
    public var quantity: FixedDecimal

    @inlinable
    public init(asset: Identifier, quantity: FixedDecimal) {
        self.asset = asset
        self.quantity = quantity
    }
}

/// A position in one derivative.
public struct Position: Hashable, Sendable {
    public var instrument: Identifier
    public var terms: Terms
    public var underlying: Identifier
    /// Units of the underlying (linear) or of the valuation currency (inverse) a contract; > 0.
    public var multiplier: FixedDecimal
    /// Contracts: long when positive, short when negative.
    public var quantity: FixedDecimal
    /// Average price paid, in the valuation currency; > 0. Of options it says nothing.
    public var entryPrice: FixedDecimal

    /// What kind of derivative it is, with what only that kind has.
    public enum Terms: Hashable, Sendable {
        /// - Parameter settlement: nil is the valuation currency for linear, the underlying for
        ///   inverse contracts.
        case perpetual(Contract, settlement: Identifier?)
        case future(Contract, settlement: Identifier?, expiry: Instant)
        /// Linear and European. The strike is in the valuation currency, > 0.
        case option(OptionRight, strike: FixedDecimal, expiry: Instant)
    }

    public enum Contract: Hashable, Sendable {
        case linear, inverse
    }

    public init(
        instrument: Identifier, terms: Terms, underlying: Identifier, multiplier: FixedDecimal,
        quantity: FixedDecimal, entryPrice: FixedDecimal
    ) {
        self.instrument = instrument
        self.terms = terms
        self.underlying = underlying
        self.multiplier = multiplier
        self.quantity = quantity
        self.entryPrice = entryPrice
    }
}

public enum OptionRight: Hashable, Sendable {
    case call, put
}

/// What the exchange itself requires for an account's derivatives, in the valuation currency.
public struct StatedRequirement: Hashable, Sendable {
    /// ≥ `maintenance`.
    public var initial: FixedDecimal
    /// ≥ 0.
    public var maintenance: FixedDecimal

    public init(initial: FixedDecimal, maintenance: FixedDecimal) {
        self.initial = initial
        self.maintenance = maintenance
    }
}
