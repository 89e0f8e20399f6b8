import Haircuts
import Quantities

/// Everything about one account against the markets, unrounded, ready to be published.
public struct AccountAssessment: Sendable {
    public var account: Identifier
    /// Of the snapshot it rests on.
    public var positionsSequence: Int64
    public var figures: MarginFigures
    /// Marks of perpetuals, futures and options, in the valuation currency.
    public var unrealised: Double
    /// One for each asset held or owed, in order of their names.
    public var assets: [Asset]
    /// One for each underlying with derivatives, in order of their names.
    public var risk: [Risk]
    public var reasons: MarginReasons

    /// What one asset adds or takes.
    public struct Asset: Hashable, Sendable {
        public var asset: Identifier
        /// The balance as sent.
        public var balance: FixedDecimal
        /// The balance with what derivatives settle into it.
        public var quantity: Double
        /// By the sign of the quantity; 0 where there is none.
        public var price: FixedDecimal
        /// In the valuation currency, signed.
        public var value: Double
        /// Taken off an asset, added to a debt; ≥ 0.
        public var loss: MarginPair
        public var haircutSequence: Int64
    }

    /// What may be lost on one underlying.
    public struct Risk: Hashable, Sendable {
        public var underlying: Identifier
        /// In the valuation currency; ≥ 0.
        public var loss: Double
        public var scenario: RiskScenario
    }

    /// The requirement to publish: money to the cent against the account.
    ///
    /// - Parameters:
    ///   - sequence: one more than the account's last.
    ///   - status: from `figures.status(after:)`.
    public func requirement(
        time: Instant, sequence: Int64, status: MarginStatus, cause: Cause
    ) -> MarginRequirement {
        MarginRequirement(
            account: account, time: time, sequence: sequence, status: status,
            equity: .cents(figures.equity, .down),
            collateral: MarginAmounts(figures.collateral, .down),
            unrealised: .cents(unrealised, .down),
            requirement: MarginAmounts(figures.requirement, .up),
            excess: MarginAmounts(figures.excess, .down), marginRatio: figures.marginRatio,
            assets: assets.map(published), reasons: reasons,
            risk: risk.map {
                UnderlyingRisk(
                    underlying: $0.underlying, loss: .cents($0.loss, .up), scenario: $0.scenario)
            }, positionsSequence: positionsSequence, cause: cause)
    }

    /// How far the excesses are below 0, rounded up.
    public var shortfall: MarginAmounts {
        let excess = figures.excess
        return MarginAmounts(
            MarginPair(initial: max(0, -excess.initial), maintenance: max(0, -excess.maintenance)),
            .up)
    }

    private func published(_ asset: Asset) -> AssetMargin {
        let mark = asset.quantity - asset.balance.double
        let quantity =
            mark == 0 ? asset.balance : asset.balance + .units(mark, fractionDigits: 8, .down)
        return AssetMargin(
            asset: asset.asset, quantity: quantity.held, price: asset.price,
            value: .cents(asset.value, .down), haircutLoss: MarginAmounts(asset.loss, .up),
            haircutSequence: asset.haircutSequence)
    }
}

extension MarginAmounts {
    /// To the cent in one direction.
    init(_ pair: MarginPair, _ rule: FloatingPointRoundingRule) {
        self.init(
            initial: .cents(pair.initial, rule), maintenance: .cents(pair.maintenance, rule))
    }
}

extension FixedDecimal {
    /// The largest number a message can say.
    static let largest = FixedDecimal(units: 1_000_000_000_000_000_000 * unitsPerOne - 1)

    /// Money to the cent, held within what a message can say.
    static func cents(_ value: Double, _ rule: FloatingPointRoundingRule) -> FixedDecimal {
        units(value, fractionDigits: 2, rule)
    }

    /// A binary number as a decimal, held within what a message can say.
    static func units(
        _ value: Double, fractionDigits: Int, _ rule: FloatingPointRoundingRule
    ) -> FixedDecimal {
        if let decimal = FixedDecimal(value, fractionDigits: fractionDigits, rounding: rule) {
            return decimal
        }
        return value < 0 ? -largest : largest
    }

    /// This number, held within what a message can say.
    var held: FixedDecimal { max(-Self.largest, min(Self.largest, self)) }
}
