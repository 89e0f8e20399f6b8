import Haircuts
import Margin
import Market
import Quantities

/// Carries out the plans of liquidation alerts on synthetic accounts: what a venue's liquidation
/// engine would do.
///
/// Proceeds go into debts, the largest first, else the valuation currency. A plan ends when its
/// account leaves liquidation, and a new alert's plan takes the place of the old one.
struct Liquidator {
    /// As they stand after what was executed; sequences count on.
    private(set) var accounts: [AccountSnapshot]
    /// Value traded by plans so far, in the valuation currency.
    private(set) var forced = 0.0
    /// The part of it that was derivatives closed.
    private(set) var closed = 0.0
    private let valuationCurrency: Identifier
    private var places: [Identifier: Int] = [:]
    private var plans: [[PlanStep]]
    private var wasForced: [Bool]
    /// Accounts with a step to come, in the order in which their plans came.
    private var waiting: [Int] = []

    /// Of each trade, taken off what it brings; the model's expected cost has the same.
    static let fee = 0.001

    init(_ accounts: [AccountSnapshot], valuationCurrency: Identifier) {
        self.accounts = accounts
        self.valuationCurrency = valuationCurrency
        for (place, account) in accounts.enumerated() { places[account.account] = place }
        plans = Array(repeating: [], count: accounts.count)
        wasForced = Array(repeating: false, count: accounts.count)
    }

    var accountsForced: Int { wasForced.count { $0 } }

    func place(of account: Identifier) -> Int? { places[account] }

    /// Whether a plan has steps to come.
    func hasPlan(_ place: Int) -> Bool { !plans[place].isEmpty }

    mutating func take(_ alert: LiquidationAlert) {
        guard let place = places[alert.account] else { return }
        take(alert.level >= .liquidation ? alert.plan : [], for: place)
    }

    mutating func take(_ plan: [PlanStep], for place: Int) {
        if plans[place].isEmpty, !plan.isEmpty { waiting.append(place) }
        plans[place] = plan
    }

    /// Executes every step that is due.
    ///
    /// - Returns: the accounts that changed, in the order of execution.
    mutating func execute(
        in market: inout CascadeMarket, valuer: ContractValuer
    ) -> [Int] {
        let now = market.time
        var changed: [Int] = []
        for place in waiting {
            let due = plans[place].prefix { $0.notBefore <= now }
            guard !due.isEmpty else { continue }
            plans[place].removeFirst(due.count)
            for step in due { execute(step, of: place, in: &market, valuer) }
            accounts[place].sequence += 1
            accounts[place].time = now
            wasForced[place] = true
            changed.append(place)
        }
        waiting.removeAll { plans[$0].isEmpty }
        return changed
    }

    private mutating func execute(
        _ step: PlanStep, of place: Int, in market: inout CascadeMarket, _ valuer: ContractValuer
    ) {
        switch step.action {
        case .sell(let asset):
            sell(step.quantity, of: asset, from: place, in: &market)
        case .close(let instrument):
            let positions = accounts[place].positions
            guard let index = positions.firstIndex(where: { $0.instrument == instrument }),
                let value = valuer.value(of: positions[index])
            else { return }
            close(step.quantity, at: index, of: place, value, in: &market)
        }
    }

    private mutating func sell(
        _ quantity: FixedDecimal, of asset: Identifier, from place: Int,
        in market: inout CascadeMarket
    ) {
        let balances = accounts[place].balances
        guard let held = balances.first(where: { $0.asset == asset })?.quantity, held > .zero
        else { return }
        let sold = min(quantity, held)
        var proceeds = sold.double
        if let index = market.index(of: asset) {
            let worth = sold.double * market.price(index)
            forced += worth
            proceeds = sold.double * market.trade(worth, of: index) * (1 - Self.fee)
        }
        change(asset, by: -sold, of: place)
        repay(proceeds, of: place, in: &market)
    }

    /// Buys back what is owed, the largest debt first; the rest is kept as money.
    private mutating func repay(
        _ proceeds: Double, of place: Int, in market: inout CascadeMarket
    ) {
        var rest = proceeds
        let debts = accounts[place].balances.filter { $0.quantity < .zero }
            .map { debt -> (asset: Identifier, index: Int?, worth: Double) in
                let index = market.index(of: debt.asset)
                let price = index.map { market.price($0) } ?? 1
                return (debt.asset, index, -debt.quantity.double * price)
            }.sorted { $0.worth > $1.worth }
        for debt in debts where rest > 0 {
            let spent = min(rest, debt.worth)
            rest -= spent
            var price = 1.0
            if let index = debt.index {
                forced += spent
                price = market.trade(-spent, of: index) / (1 - Self.fee)
            }
            change(debt.asset, by: decimal(spent / price, digits: 8), of: place)
        }
        change(valuationCurrency, by: decimal(rest, digits: 8), of: place)
    }

    private mutating func close(
        _ quantity: FixedDecimal, at index: Int, of place: Int, _ value: InstrumentValue,
        in market: inout CascadeMarket
    ) {
        let position = accounts[place].positions[index]
        let isLong = position.quantity > .zero
        let size = min(quantity, isLong ? position.quantity : -position.quantity)
        let part = isLong ? size : -size
        let share = part.double / position.quantity.double
        // A long position is sold: its delta's value goes to the market.
        let traded = part.double * value.delta
        var cost = 0.0
        if let asset = market.index(of: position.underlying) {
            forced += abs(traded)
            closed += abs(traded)
            let price = market.price(asset)
            let got = market.trade(traded, of: asset)
            cost = abs(traded) * (abs(price - got) / price + Self.fee)
        }
        let mark = part.double * value.level - position.entryAmount * share
        let instrument = Instrument(position)
        if let settlement = instrument.settlement(valuationCurrency: valuationCurrency) {
            change(settlement, by: decimal(mark, digits: 8), of: place)
        } else {
            change(valuationCurrency, by: decimal(mark, digits: 8), of: place)
        }
        change(valuationCurrency, by: decimal(-cost, digits: 8), of: place)
        accounts[place].positions[index].quantity = position.quantity - part
        accounts[place].positions.removeAll { $0.quantity == .zero }
    }

    private mutating func change(_ asset: Identifier, by amount: FixedDecimal, of place: Int) {
        if let index = accounts[place].balances.firstIndex(where: { $0.asset == asset }) {
            accounts[place].balances[index].quantity =
                accounts[place].balances[index].quantity + amount
        } else if amount != .zero {
            accounts[place].balances.append(Balance(asset: asset, quantity: amount))
        }
        accounts[place].balances.removeAll { $0.quantity == .zero }
    }
}
