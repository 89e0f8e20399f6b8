import Haircuts
import Quantities

extension OwnerValuation {
    /// Most steps a plan may have.
    public static let mostPlanSteps = 256

    /// The plan with the least impact that lifts the maintenance excess to 0.05·S, as steps that
    /// fit a budget; everything that can be sold where that does not suffice.
    ///
    /// - Parameter budget: shared by the plans that sell together.
    /// - Returns: nothing while the maintenance excess is not below 0; at most `mostPlanSteps`.
    public func plan(of index: Int, budget: inout TrancheBudget) -> [PlanStep] {
        var planner = LiquidationPlanner(valuation: self, account: index, isPaced: true)
        return planner.plan(budget: &budget).map(\.step)
    }

    /// What the plan of an account would sell of one asset, in the valuation currency: the asset
    /// itself and long derivatives on it, however long that takes.
    public func forcedSale(of index: Int, asset: Identifier) -> Double {
        var planner = LiquidationPlanner(valuation: self, account: index, isPaced: false)
        var budget = TrancheBudget()
        return planner.plan(budget: &budget).reduce(0) { sum, trade in
            trade.sold == asset ? sum + trade.amount : sum
        }
    }
}

/// One step of a plan with what the ladders need of it.
struct PlannedTrade {
    var step: PlanStep
    /// What is sold: the asset, or the underlying of a derivative closed that is long; nil where
    /// something is bought.
    var sold: Identifier?
    /// In the valuation currency; ≥ 0.
    var amount: Double
}
