import Haircuts
import Quantities

/// How an account stands, from well to lost.
public enum MarginStatus: String, CaseIterable, Comparable, Sendable {
    case healthy, warning
    case marginCall = "margin-call"
    case liquidation, bankrupt

    /// 0 is healthy.
    public var severity: Int {
        switch self {
        case .healthy: 0
        case .warning: 1
        case .marginCall: 2
        case .liquidation: 3
        case .bankrupt: 4
        }
    }

    public static func < (left: MarginStatus, right: MarginStatus) -> Bool {
        left.severity < right.severity
    }
}

/// A pair of amounts in the valuation currency, for new risk and for existing risk.
public struct MarginAmounts: Hashable, Sendable {
    public var initial: FixedDecimal
    public var maintenance: FixedDecimal

    @inlinable
    public init(initial: FixedDecimal, maintenance: FixedDecimal) {
        self.initial = initial
        self.maintenance = maintenance
    }

    public static let zero = MarginAmounts(initial: .zero, maintenance: .zero)
}

/// The margin state of one account, as published: `margin-requirement.v1`, MODEL §8.
///
/// Money is in whole cents: requirements and debts rounded up, collateral and marks down.
public struct MarginRequirement: Hashable, Sendable {
    public var account: Identifier
    /// Shard time.
    public var time: Instant
    /// Grows by one with each requirement of this account, from 1.
    public var sequence: Int64
    public var status: MarginStatus
    /// Marked, without haircuts.
    public var equity: FixedDecimal
    /// Of positive balances, after haircuts; ≥ 0.
    public var collateral: MarginAmounts
    /// Marks of perpetuals, futures and options.
    public var unrealised: FixedDecimal
    /// Of derivatives; ≥ 0.
    public var requirement: MarginAmounts
    public var excess: MarginAmounts
    /// 1 is liquidation; nil where nothing stands against the debt.
    public var marginRatio: Double?
    /// One for each asset held or owed, in order of their names.
    public var assets: [AssetMargin]
    public var reasons: MarginReasons
    /// One for each underlying with derivatives, in order of their names.
    public var risk: [UnderlyingRisk]
    /// Of the snapshot it rests on.
    public var positionsSequence: Int64
    public var cause: Cause

    public init(
        account: Identifier, time: Instant, sequence: Int64, status: MarginStatus,
        equity: FixedDecimal, collateral: MarginAmounts, unrealised: FixedDecimal,
        requirement: MarginAmounts, excess: MarginAmounts, marginRatio: Double?,
        assets: [AssetMargin], reasons: MarginReasons, risk: [UnderlyingRisk],
        positionsSequence: Int64, cause: Cause
    ) {
        self.account = account
        self.time = time
        self.sequence = sequence
        self.status = status
        self.equity = equity
        self.collateral = collateral
        self.unrealised = unrealised
        self.requirement = requirement
        self.excess = excess
        self.marginRatio = marginRatio
        self.assets = assets
        self.reasons = reasons
        self.risk = risk
        self.positionsSequence = positionsSequence
        self.cause = cause
    }

    /// A requirement that says nothing, to decode into.
    public static let blank = MarginRequirement(
        account: .unnamed, time: Instant(nanoseconds: 0), sequence: 0, status: .healthy,
        equity: .zero, collateral: .zero, unrealised: .zero, requirement: .zero, excess: .zero,
        marginRatio: nil, assets: [], reasons: [], risk: [], positionsSequence: 0,
        cause: .timer(Instant(nanoseconds: 0)))
}

/// What one asset adds to or takes from an account.
public struct AssetMargin: Hashable, Sendable {
    public var asset: Identifier
    /// The balance with what derivatives settle into it; owed when negative.
    public var quantity: FixedDecimal
    /// Price of one unit, by the sign of the quantity; 0 where there is none.
    public var price: FixedDecimal
    public var value: FixedDecimal
    /// Taken off an asset, added to a debt; ≥ 0.
    public var haircutLoss: MarginAmounts
    /// Of the table used; 0 for the valuation currency and where there is none.
    public var haircutSequence: Int64

    public init(
        asset: Identifier, quantity: FixedDecimal, price: FixedDecimal, value: FixedDecimal,
        haircutLoss: MarginAmounts, haircutSequence: Int64
    ) {
        self.asset = asset
        self.quantity = quantity
        self.price = price
        self.value = value
        self.haircutLoss = haircutLoss
        self.haircutSequence = haircutSequence
    }
}

/// The worst that may happen to an account's derivatives on one underlying.
public struct UnderlyingRisk: Hashable, Sendable {
    public var underlying: Identifier
    /// In the valuation currency, rounded up; ≥ 0.
    public var loss: FixedDecimal
    public var scenario: RiskScenario

    public init(underlying: Identifier, loss: FixedDecimal, scenario: RiskScenario) {
        self.underlying = underlying
        self.loss = loss
        self.scenario = scenario
    }
}

/// A move of price and volatility.
public struct RiskScenario: Hashable, Sendable {
    public enum VolatilityShift: String, CaseIterable, Sendable {
        case up, down, none
    }

    /// In scan ranges: −2, −1, −⅔, −⅓, 0, ⅓, ⅔, 1, 2.
    public var price: Double
    public var volatility: VolatilityShift

    public init(price: Double, volatility: VolatilityShift) {
        self.price = price
        self.volatility = volatility
    }
}

/// What a reader has to know about how a requirement was reached.
public struct MarginReasons: OptionSet, Hashable, Sendable {
    public var rawValue: UInt16

    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// A debt in an asset without a price: at least margin-call.
    public static let unpriced = MarginReasons(rawValue: 1)
    /// A holding in an asset without a haircut table counts nothing.
    public static let unknownAsset = MarginReasons(rawValue: 2)
    /// A derivative on an underlying without a haircut table: risk is its full notional.
    public static let unknownUnderlying = MarginReasons(rawValue: 4)
    /// Options priced at the stress volatility, for want of a surface.
    public static let stressVolatility = MarginReasons(rawValue: 8)
    /// A haircut table past its validity: initial at least the fallback.
    public static let staleData = MarginReasons(rawValue: 16)
    /// The derivatives' part is the exchange's own.
    public static let statedRequirement = MarginReasons(rawValue: 32)
    /// A future or option past its expiry, settled or waiting for its price.
    public static let expired = MarginReasons(rawValue: 64)

    /// Each reason with its published name, in published order.
    public static let names: [(reason: MarginReasons, name: StaticString)] = [
        (.unpriced, "unpriced"), (.unknownAsset, "unknown-asset"),
        (.unknownUnderlying, "unknown-underlying"), (.stressVolatility, "stress-volatility"),
        (.staleData, "stale-data"), (.statedRequirement, "stated-requirement"),
        (.expired, "expired"),
    ]
}
