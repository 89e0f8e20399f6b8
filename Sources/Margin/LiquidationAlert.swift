import Haircuts
import Quantities

/// A change of an account's status, as published: `liquidation-alert.v1`.
public struct LiquidationAlert: Hashable, Sendable {
    /// A hash of account, the requirement's sequence and level, in hexadecimal.
    public var id: String
    public var account: Identifier
    public var time: Instant
    /// `healthy` is published as `cleared`.
    public var level: MarginStatus
    public var previous: MarginStatus
    public var cause: AlertCause
    /// How far the excesses are below 0, rounded up; ≥ 0.
    public var shortfall: MarginAmounts
    /// The move of the largest collateral's price that reaches liquidation, as a fraction; nil
    /// where no move does.
    public var distance: Double?
    /// What to do, in order; empty where nothing has to be sold.
    public var plan: [PlanStep]

    public init(
        id: String, account: Identifier, time: Instant, level: MarginStatus,
        previous: MarginStatus, cause: AlertCause, shortfall: MarginAmounts, distance: Double?,
        plan: [PlanStep]
    ) {
        self.id = id
        self.account = account
        self.time = time
        self.level = level
        self.previous = previous
        self.cause = cause
        self.shortfall = shortfall
        self.distance = distance
        self.plan = plan
    }

    /// An alert that says nothing, to decode into.
    public static let blank = LiquidationAlert(
        id: "", account: .unnamed, time: Instant(nanoseconds: 0), level: .healthy,
        previous: .healthy, cause: .position, shortfall: .zero, distance: nil, plan: [])
}

/// What moved an account over its line.
public enum AlertCause: String, CaseIterable, Sendable {
    case haircut, price, volatility, position
    case staleData = "stale-data"
    case override
}

/// One tranche of a plan.
public struct PlanStep: Hashable, Sendable {
    public enum Action: Hashable, Sendable {
        /// Sell collateral.
        case sell(asset: Identifier)
        /// Close a derivative.
        case close(instrument: Identifier)
    }

    public var action: Action
    /// Units of the asset, or contracts; > 0.
    public var quantity: FixedDecimal
    /// Maintenance excess gained, in the valuation currency, rounded down.
    public var relief: FixedDecimal
    /// Expected price impact at the amount cumulated, as a fraction; ≥ 0.
    public var impact: Double
    public var notBefore: Instant

    public init(
        action: Action, quantity: FixedDecimal, relief: FixedDecimal, impact: Double,
        notBefore: Instant
    ) {
        self.action = action
        self.quantity = quantity
        self.relief = relief
        self.impact = impact
        self.notBefore = notBefore
    }
}
