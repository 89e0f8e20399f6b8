import Engine
import Haircuts
import Margin
import Market
import Quantities

/// The margin stage of a cascade.
struct CascadeMargin {
    private let model = MarginModel(valuationCurrency: Scenario.valuationCurrency)
    private var markets = MarketTables(valuationCurrency: Scenario.valuationCurrency)
    private var owners: [Identifier: Int] = [:]
    private var accounts: [[AccountSnapshot]] = []
    private var statuses: [[MarginStatus]] = []
    private var equities: [[Double]] = []
    private var wasBelow: Set<Identifier> = []
    private var budget = TrancheBudget()
    private(set) var badDebt = 0.0

    var accountsBelowZero: Int { wasBelow.count }

    mutating func apply(_ account: AccountSnapshot) {
        markets.watch(account.positions)
        guard let owner = owners[account.owner] else {
            owners[account.owner] = accounts.count
            accounts.append([account])
            statuses.append([.healthy])
            equities.append([0])
            return
        }
        if let place = accounts[owner].firstIndex(where: { $0.account == account.account }) {
            accounts[owner][place] = account
        } else {
            accounts[owner].append(account)
            statuses[owner].append(.healthy)
            equities[owner].append(0)
        }
    }

    mutating func apply(_ table: HaircutTable) { markets.apply(table) }

    mutating func apply(_ surface: Surface) {
        markets.apply(PreparedSurface(surface), of: surface.asset)
    }

    func value(of position: Position) -> InstrumentValue? {
        var array: [Double] = []
        return model.instruments.value(
            of: Instrument(position), in: markets[position.underlying], appendingTo: &array)
    }

    mutating func alerts(at time: Instant) -> [LiquidationAlert] {
        var alerts: [LiquidationAlert] = []
        var due: [(owner: Int, place: Int, shortfall: Double)] = []
        badDebt = 0
        for owner in accounts.indices {
            let valuation = model.value(accounts[owner], at: time, lookUp: { markets[$0] })
            for place in accounts[owner].indices {
                let figures = valuation.figures(of: place)
                let status = figures.status(after: statuses[owner][place], model.parameters)
                if figures.equity < 0 {
                    badDebt -= figures.equity
                    wasBelow.insert(accounts[owner][place].account)
                }
                if status != statuses[owner][place] {
                    due.append((owner, place, -figures.excess.maintenance))
                }
                let previous = statuses[owner][place]
                statuses[owner][place] = status
                guard status != previous else { continue }
                alerts.append(
                    LiquidationAlert(
                        id: "", account: accounts[owner][place].account, time: time,
                        level: status, previous: previous, cause: .price, shortfall: .zero,
                        distance: nil,
                        plan: status >= .liquidation
                            ? valuation.plan(of: place, budget: &budget) : []))
            }
        }
        return alerts
    }

    mutating func plan(for account: AccountSnapshot, at time: Instant) -> [PlanStep] {
        guard let owner = owners[account.owner],
            let place = accounts[owner].firstIndex(where: { $0.account == account.account }),
            statuses[owner][place] >= .liquidation
        else { return [] }
        return model.value(accounts[owner], at: time, lookUp: { markets[$0] })
            .plan(of: place, budget: &budget)
    }

    func forced(_ asset: Identifier, byRise rise: Double) -> Double { 0 }
    func forced(_ asset: Identifier, byFall fall: Double) -> Double { 0 }
}
