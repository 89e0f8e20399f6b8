import Haircuts
import Quantities

/// Chooses trades one after the other, each time the one with the most maintenance excess gained
/// per expected cost, until the target is reached or nothing is left.
///
/// Every trade is carried out, the account evaluated again, and the trade undone, so that tiers,
/// debts, deltas and risk arrays count as they do everywhere else.
///
/// - Source: MODEL §8, the plan.
struct LiquidationPlanner {
    private var valuation: OwnerValuation
    private let index: Int
    /// Whether steps are fitted into a budget; where not (for ladders), an asset without depth is
    /// sold in one piece.
    private let isPaced: Bool
    private let othersHeld: HeldByOthers
    /// The account as it is after the trades chosen.
    private var account: OwnerBook.Account
    /// What proceeds repay; nil: they stay in the valuation currency.
    private var debt: AssetFigure?
    private var figures = MarginFigures.zero
    /// Traded so far, by asset, in the valuation currency: impact grows with it.
    private var traded: [Double]
    private var evaluation = AccountEvaluation()

    /// Amounts below this are not worth a step.
    private static let leastAmount = 0.01
    /// Where there are more possible trades than this, the most promising are tried.
    private static let mostTried = 16

    enum Action {
        /// An asset of the book.
        case sell(Int)
        /// A position of the account.
        case close(Int)
    }

    /// A trade tried out.
    struct Trial {
        var action: Action
        /// Value sold, or delta closed, in the valuation currency.
        var amount: Double
        var quantity: Double
        /// Whether nothing is left of what is traded.
        var isWhole: Bool
        /// The asset whose depth paces it; nil: none does.
        var paced: Int?
        var notBefore: Instant
        /// As a fraction, and with the fee in the valuation currency.
        var impact = 0.0
        var cost = 0.0
        /// Maintenance excess gained.
        var gain = 0.0
        /// The account's figures afterwards.
        var figures = MarginFigures.zero

        /// The same trade with a part of its size, 0…1.
        func resized(by part: Double) -> Trial {
            var trial = self
            trial.amount *= part
            trial.quantity *= part
            trial.isWhole = isWhole && part >= 1
            return trial
        }
    }

    init(valuation: OwnerValuation, account index: Int, isPaced: Bool) {
        self.valuation = valuation
        self.index = index
        self.isPaced = isPaced
        // Every trade is tried in the same market.
        self.valuation.market.fillArrays(valuation.book)
        account = valuation.book.accounts[index]
        othersHeld = valuation.heldByOthers(than: index)
        traded = Array(repeating: 0, count: valuation.book.assets.count)
    }

    private var book: OwnerBook { valuation.book }
    private var parameters: MarginParameters { valuation.model.parameters }

    mutating func plan(budget: inout TrancheBudget) -> [PlannedTrade] {
        look()
        guard figures.excess.maintenance < 0 else { return [] }
        var trades: [PlannedTrade] = []
        while trades.count < OwnerValuation.mostPlanSteps, missing(figures) > 0,
            let best = best(budget)
        {
            let trial = missing(best.figures) < 0 ? shortened(best) : best
            trades.append(carryOut(trial, budget: &budget))
            look()
        }
        return trades
    }

    /// Evaluates the account as it now is.
    private mutating func look() {
        figures = evaluate()
        debt = debtToRepay()
    }

    private mutating func evaluate() -> MarginFigures {
        valuation.market.evaluate(
            account, of: book, othersHeld: othersHeld, parameters: parameters, into: &evaluation)
        return evaluation.figures
    }

    /// How far the maintenance excess is below the plan's target.
    private func missing(_ figures: MarginFigures) -> Double {
        parameters.planTarget * figures.scale(parameters) - figures.excess.maintenance
    }

    /// The debt whose next unit of value weighs most.
    private func debtToRepay() -> AssetFigure? {
        var heaviest: (figure: AssetFigure, weight: Double)?
        for figure in evaluation.assets where figure.quantity < 0 && figure.price > 0 {
            let tiers = valuation.market.tiers[figure.asset]
            let weight = 2 - tiers.weight(at: -figure.value).maintenance
            if weight > heaviest?.weight ?? 0 { heaviest = (figure, weight) }
        }
        return heaviest?.figure
    }

    // Choosing

    /// The trade that gains most per cost; where none gains, the one that loses least, so that
    /// everything goes in the end.
    private mutating func best(_ budget: TrancheBudget) -> Trial? {
        let quantities = evaluation.quantities
        var trials: [Trial] = []
        for asset in book.assets.indices {
            let sellable = min(
                quantities[asset], account.balances[asset], account.decimals[asset].double)
            if let trial = sale(of: asset, sellable, budget) { trials.append(trial) }
        }
        for lot in account.positions.indices where account.positions[lot].quantity != 0 {
            if let trial = closing(of: lot, budget) { trials.append(trial) }
        }
        if trials.count > Self.mostTried {
            let estimates = trials.map { estimate($0) }
            let order = trials.indices.sorted { estimates[$0] > estimates[$1] }
            trials = order.prefix(Self.mostTried).map { trials[$0] }
        }
        var best: (trial: Trial, ratio: Double)?
        for trial in trials {
            let trial = tried(trial)
            // Only as much counts as is missing, at the cost of a trade of that size.
            let need = missing(figures)
            let fitting =
                trial.gain > need ? priced(trial.resized(by: need / trial.gain)) : trial
            let gain = min(trial.gain, need)
            let ratio = gain / max(fitting.cost, 1e-9 * max(1, abs(gain)))
            if ratio > best?.ratio ?? -.infinity { best = (trial, ratio) }
        }
        return best?.trial
    }

    /// Gain per cost as it would be if nothing else of the account changed: tiers and the worst
    /// scenario stay.
    private func estimate(_ trial: Trial) -> Double {
        let cost = max(priced(trial).cost, 1e-9)
        switch trial.action {
        case .sell(let asset):
            let value = evaluation.quantities[asset] * trial.amount / max(trial.quantity, 1e-18)
            let weight = valuation.market.tiers[asset].weight(at: value).maintenance
            return (trial.amount * (1 - weight) - cost) / cost
        case .close(let lot):
            let position = account.positions[lot]
            let value = valuation.market.values[position.holding]
            let part = trial.quantity / abs(position.quantity)
            if value.isUnknown { return position.entryNotional * part / cost }
            let underlying = book.holdings[position.holding].underlying
            guard let ladder = valuation.market.markets[underlying]?.haircuts.scan,
                let risk = evaluation.risk.first(where: { $0.underlying == underlying }),
                let scenario = risk.scenario
            else { return 0 }
            let rung = ladder.place(of: risk.netDelta).rung
            let gains = valuation.market.gains(of: position.holding, at: rung, of: ladder)
            let charge = position.quantity < 0 ? -position.quantity * value.shortCharge : 0
            return (charge - position.quantity * gains[scenario]) * part / cost
        }
    }

    /// The part of a trade that just reaches the target, where all of it does more.
    private mutating func shortened(_ trial: Trial) -> Trial {
        // Met is a target that is exceeded by a hundredth of a thousandth, or by a last digit.
        let tolerance = max(5e-6, 1e-12 * trial.amount)
        var bracket = RootBracket(
            (0, missing(figures) + tolerance), (1, missing(trial.figures) + tolerance))
        var least = trial
        for _ in 0..<60 where abs(missing(least.figures) + tolerance) > tolerance {
            let part = bracket.guess
            let tried = tried(trial.resized(by: part))
            bracket.narrow(to: part, missing(tried.figures) + tolerance)
            if missing(tried.figures) <= 0 { least = tried }
        }
        return least
    }

    // Trades

    /// What may be traded now of an asset, and when.
    private func room(
        of asset: Int, _ budget: TrancheBudget
    ) -> (amount: Double, notBefore: Instant)? {
        let time = valuation.market.time
        guard asset != book.valuationIndex, let market = valuation.market.markets[asset] else {
            return (.infinity, time)
        }
        guard isPaced else {
            let most = parameters.trancheShare * market.selling.depth
            return (most > 0 ? most : .infinity, time)
        }
        return budget.room(of: book.assets[asset], market.selling, at: time, parameters)
    }

    /// Selling an asset, into the debt if there is one, and no more than repays it.
    private func sale(of asset: Int, _ sellable: Double, _ budget: TrancheBudget) -> Trial? {
        let price = valuation.market.prices[asset].held
        guard sellable * price >= Self.leastAmount else { return nil }
        let isMoney = asset == book.valuationIndex
        if isMoney && debt == nil { return nil }
        let paced = isMoney ? debt?.asset ?? asset : asset
        guard let (room, notBefore) = room(of: paced, budget) else { return nil }
        let amount = sellable * price
        let trial = Trial(
            action: .sell(asset), amount: amount, quantity: sellable, isWhole: true,
            paced: paced == book.valuationIndex ? nil : paced, notBefore: notBefore)
        var fitting = trial.resized(by: min(1, room / amount))
        guard let debt else { return fitting }
        // A smaller trade costs less a unit, so that the part that repays is found in a few turns.
        for _ in 0..<8 {
            let proceeds = fitting.amount - priced(fitting).cost
            guard proceeds > -debt.value else { break }
            fitting = fitting.resized(by: -debt.value / proceeds)
        }
        return fitting
    }

    /// Closing a position: what it is worth becomes balance, and its risk goes.
    private func closing(of lot: Int, _ budget: TrancheBudget) -> Trial? {
        let position = account.positions[lot]
        let value = valuation.market.values[position.holding]
        let underlying = book.holdings[position.holding].underlying
        guard !value.isSettled, let (room, notBefore) = room(of: underlying, budget) else {
            return nil
        }
        // What moves the market is the delta.
        let amount = abs(position.quantity * value.delta)
        let trial = Trial(
            action: .close(lot), amount: amount, quantity: abs(position.quantity), isWhole: true,
            paced: amount > 0 ? underlying : nil, notBefore: notBefore)
        return trial.resized(by: amount > room ? room / amount : 1)
    }

    /// The trade with its gain; the account is as before.
    private mutating func tried(_ trial: Trial) -> Trial {
        var trial = priced(trial)
        let former = state(before: trial)
        trade(trial)
        trial.figures = evaluate()
        undo(trial, to: former)
        trial.gain = trial.figures.excess.maintenance - figures.excess.maintenance
        return trial
    }

    /// What a trade changes of the account.
    private struct State {
        /// Of what is sold, or what a position closed settles in.
        var first: Double
        /// Of what proceeds go to, or fees are paid from.
        var second: Double
        var lot: OwnerBook.Lot?
    }

    /// The two balances that a trade changes; they may be the same.
    private func balances(of trial: Trial) -> (first: Int, second: Int) {
        switch trial.action {
        case .sell(let asset):
            return (asset, debt?.asset ?? book.valuationIndex)
        case .close(let lot):
            let holding = book.holdings[account.positions[lot].holding]
            return (holding.settlement ?? book.valuationIndex, book.valuationIndex)
        }
    }

    private func state(before trial: Trial) -> State {
        let (first, second) = balances(of: trial)
        var state = State(first: account.balances[first], second: account.balances[second])
        if case .close(let lot) = trial.action { state.lot = account.positions[lot] }
        return state
    }

    private mutating func undo(_ trial: Trial, to state: State) {
        let (first, second) = balances(of: trial)
        account.balances[first] = state.first
        account.balances[second] = state.second
        if case .close(let lot) = trial.action, let former = state.lot {
            account.positions[lot] = former
        }
    }

    private mutating func trade(_ trial: Trial) {
        let (first, second) = balances(of: trial)
        switch trial.action {
        case .sell:
            account.balances[first] -= trial.quantity
            account.balances[second] += (trial.amount - trial.cost) / (debt?.price ?? 1)
        case .close(let lot):
            let position = account.positions[lot]
            let value = valuation.market.values[position.holding]
            let part = trial.isWhole ? 1 : trial.quantity / abs(position.quantity)
            let mark =
                value.isUnknown ? 0 : position.quantity * value.level - position.entryAmount
            account.balances[first] += mark * part
            account.balances[second] -= trial.cost
            account.positions[lot].quantity *= 1 - part
            account.positions[lot].entryAmount *= 1 - part
            account.positions[lot].entryNotional *= 1 - part
        }
    }

    // Costs

    /// The trade with its expected impact and cost.
    private func priced(_ trial: Trial) -> Trial {
        var trial = trial
        let fee = parameters.feeBasisPoints / 10_000
        switch trial.action {
        case .sell(let asset):
            let bought = debt.map { impact(of: trial.amount, in: $0.asset) } ?? 0
            trial.impact = min(1, impact(of: trial.amount, in: asset) + bought)
            trial.cost = min(1, trial.impact + fee) * trial.amount
        case .close(let lot):
            let position = account.positions[lot]
            let value = valuation.market.values[position.holding]
            // The fee is on the whole notional.
            let notional =
                value.isUnknown
                ? position.entryNotional * trial.quantity / abs(position.quantity)
                : value.notional * trial.quantity
            let underlying = book.holdings[position.holding].underlying
            trial.impact = impact(of: trial.amount, in: underlying)
            trial.cost = trial.impact * trial.amount + fee * notional
        }
        return trial
    }

    /// Expected impact of an amount after what was traded before, as a fraction of the price.
    private func impact(of amount: Double, in asset: Int) -> Double {
        guard asset != book.valuationIndex,
            let impact = valuation.market.markets[asset]?.selling.impact
        else { return 0 }
        return impact.cost(ofSelling: traded[asset] + amount)
    }

    // Carrying out

    private mutating func carryOut(
        _ trial: Trial, budget: inout TrancheBudget
    ) -> PlannedTrade {
        let action: PlanStep.Action
        let left: FixedDecimal
        var sold: Identifier?
        switch trial.action {
        case .sell(let asset):
            action = .sell(asset: book.assets[asset])
            left = account.decimals[asset]
            sold = book.assets[asset]
            traded[asset] += trial.amount
            if let debt { traded[debt.asset] += trial.amount }
        case .close(let lot):
            let position = account.positions[lot]
            let holding = book.holdings[position.holding]
            action = .close(instrument: holding.instrument.identifier)
            left = position.decimal < .zero ? -position.decimal : position.decimal
            let delta = position.quantity * valuation.market.values[position.holding].delta
            sold = delta > 0 ? holding.instrument.underlying : nil
            traded[holding.underlying] += trial.amount
        }
        if isPaced, let paced = trial.paced {
            budget.take(trial.amount, of: book.assets[paced], in: trial.notBefore)
        }
        // Rounded up to what an order can say, but never more than there is.
        let quantity = min(left, .units(trial.quantity, fractionDigits: 8, .up))
        let former = account.balances
        trade(trial)
        for asset in former.indices where account.balances[asset] != former[asset] {
            account.decimals[asset] = .units(
                account.balances[asset], fractionDigits: 8, .down)
        }
        switch trial.action {
        case .sell(let asset): account.decimals[asset] = left - quantity
        case .close(let lot):
            let position = account.positions[lot].decimal
            account.positions[lot].decimal += position < .zero ? quantity : -quantity
        }
        return PlannedTrade(
            step: PlanStep(
                action: action, quantity: quantity, relief: .cents(trial.gain, .down),
                impact: trial.impact, notBefore: trial.notBefore), sold: sold,
            amount: trial.amount)
    }
}
