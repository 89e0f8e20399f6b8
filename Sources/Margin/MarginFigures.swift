/// All of an account's margin as one small value: what it has, what it owes, what it needs, and
/// the questions asked of that.
///
/// In the valuation currency, unrounded; rounding is for publishing (`AccountAssessment`).
///
/// - Source: MODEL §8.
public struct MarginFigures: Hashable, Sendable {
    /// Assets and debts without haircuts, plus options' marks.
    public var equity: Double
    /// Of positive balances, after haircuts; ≥ 0.
    public var collateral: MarginPair
    /// Of negative balances, with haircuts added; ≥ 0.
    public var debts: MarginPair
    /// Marks of options, which are in no balance.
    public var optionMarks: Double
    /// Of derivatives; ≥ 0.
    public var requirement: MarginPair
    /// Whether a debt is in an asset without a price.
    public var hasUnpricedDebt: Bool

    public init(
        equity: Double, collateral: MarginPair, debts: MarginPair, optionMarks: Double = 0,
        requirement: MarginPair = .zero, hasUnpricedDebt: Bool = false
    ) {
        self.equity = equity
        self.collateral = collateral
        self.debts = debts
        self.optionMarks = optionMarks
        self.requirement = requirement
        self.hasUnpricedDebt = hasUnpricedDebt
    }

    public static let zero = MarginFigures(equity: 0, collateral: .zero, debts: .zero)

    /// Collateral − debts + options' marks − requirement.
    @inlinable
    public var excess: MarginPair {
        MarginPair(
            initial: collateral.initial - debts.initial + optionMarks - requirement.initial,
            maintenance: collateral.maintenance - debts.maintenance + optionMarks
                - requirement.maintenance)
    }

    /// S, what buffers are measured in: the maintenance requirement and a part of the debts.
    @inlinable
    public func scale(_ parameters: MarginParameters) -> Double {
        requirement.maintenance + parameters.debtScale * debts.maintenance
    }

    /// (Maintenance requirement + debts)/(maintenance collateral + options' marks): 1 is the line
    /// of liquidation; nil where nothing stands against the debt.
    public var marginRatio: Double? {
        let against = collateral.maintenance + optionMarks
        guard against > 0 else { return nil }
        let ratio = (requirement.maintenance + debts.maintenance) / against
        return ratio.isFinite ? ratio : nil
    }

    /// How far the figure that decides a status is above that status's line: the status holds
    /// below 0. `healthy` always holds.
    public func margin(
        over status: MarginStatus, _ parameters: MarginParameters
    ) -> Double {
        switch status {
        case .healthy: -.infinity
        case .warning: excess.initial - parameters.warningBuffer * scale(parameters)
        case .marginCall: excess.initial
        case .liquidation: excess.maintenance
        case .bankrupt: equity
        }
    }

    /// The status of an account that had another one before: the worst whose line it is below,
    /// where a line it was already below counts `hysteresis`·S higher.
    ///
    /// - Parameter previous: `healthy` for a new account.
    public func status(
        after previous: MarginStatus, _ parameters: MarginParameters
    ) -> MarginStatus {
        let held = parameters.hysteresis * scale(parameters)
        for status in MarginStatus.allCases.reversed() {
            let line = previous >= status ? held : 0
            if status == .marginCall && hasUnpricedDebt { return status }
            if margin(over: status, parameters) < line { return status }
        }
        return .healthy
    }
}
