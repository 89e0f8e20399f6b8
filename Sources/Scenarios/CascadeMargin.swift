import Engine
import Haircuts
import Margin
import Market
import Quantities

/// The margin stage of a cascade: one shard with all accounts, and what it last said.
struct CascadeMargin {
    private var shard: MarginShard
    private var sink = Sink()
    /// For questions a shard does not answer: what a contract is worth, and another plan.
    private let model = MarginModel(valuationCurrency: Scenario.valuationCurrency)
    private var markets = MarketTables(valuationCurrency: Scenario.valuationCurrency)
    /// Of plans that follow on others; those of alerts have the shard's own.
    private var budget = TrancheBudget()
    private var accounts: [Identifier: AccountSnapshot] = [:]
    private var owners: [Identifier: [Identifier]] = [:]
    private var wasBelow: Set<Identifier> = []
    /// What accounts below zero are below it, together, in the valuation currency.
    private(set) var badDebt = 0.0

    private struct Sink: MarginSink {
        var alerts: [LiquidationAlert] = []
        var statuses: [Identifier: MarginStatus] = [:]
        var exposures: [Exposure] = []
        /// The newest of each asset.
        var ladders: [Identifier: Exposure] = [:]

        mutating func publish(
            _ requirement: borrowing MarginRequirement, alert: LiquidationAlert?
        ) {
            statuses[requirement.account] = requirement.status
            if let alert { alerts.append(alert) }
        }

        mutating func publish(_ exposure: borrowing Exposure) {
            let exposure = copy exposure
            exposures.append(exposure)
            ladders[exposure.asset] = exposure
        }
    }

    /// Begins with what is known when the crash begins; alerts of that moment come first.
    ///
    /// - Parameter exposureSeconds: time between two exposures of an asset.
    init(
        tables: [HaircutTable], surfaces: [Surface], accounts: [AccountSnapshot],
        exposureSeconds: Int
    ) {
        var parameters = MarginParameters()
        parameters.exposureMilliseconds = Double(exposureSeconds) * 1e3
        shard = MarginShard(
            MarginConfiguration(
                valuationCurrency: Scenario.valuationCurrency, parameters: parameters),
            shard: 0, shardCount: 1)
        for surface in surfaces { apply(surface) }
        for table in tables { apply(table) }
        for account in accounts { apply(account) }
        shard.serve(to: &sink)
    }

    var accountsBelowZero: Int { wasBelow.count }

    mutating func apply(_ account: AccountSnapshot) {
        markets.watch(account.positions)
        if accounts.updateValue(account, forKey: account.account) == nil {
            owners[account.owner, default: []].append(account.account)
        }
        // A synthetic snapshot breaks no rule; one that did would be refused and change nothing.
        _ = try? shard.apply(account, cause: .timer(account.time), to: &sink)
    }

    mutating func apply(_ table: HaircutTable) {
        markets.apply(table)
        _ = shard.apply(table, cause: .timer(table.time), to: &sink)
    }

    mutating func apply(_ surface: Surface) {
        markets.apply(PreparedSurface(surface), of: surface.asset)
        _ = try? shard.apply(surface, cause: .timer(surface.time), to: &sink)
    }

    mutating func apply(timer: Instant) { shard.apply(timer: timer, to: &sink) }

    /// The alerts since last asked.
    mutating func takeAlerts() -> [LiquidationAlert] {
        defer { sink.alerts.removeAll(keepingCapacity: true) }
        return sink.alerts
    }

    /// The exposures published since last asked.
    mutating func takeExposures() -> [Exposure] {
        defer { sink.exposures.removeAll(keepingCapacity: true) }
        return sink.exposures
    }

    /// What values contracts now.
    var valuer: ContractValuer { ContractValuer(instruments: model.instruments, markets: markets) }

    /// A plan for an account that is still in liquidation; empty for any other.
    mutating func plan(for account: Identifier, at time: Instant) -> [PlanStep] {
        guard sink.statuses[account, default: .healthy] >= .liquidation,
            let (valuation, place) = valuation(of: account, at: time)
        else { return [] }
        return valuation.plan(of: place, budget: &budget)
    }

    /// Counts what accounts are below zero.
    mutating func countBadDebt(at time: Instant) {
        badDebt = 0
        for account in sink.statuses.filter({ $0.value == .bankrupt }).keys.sorted() {
            guard let (valuation, place) = valuation(of: account, at: time) else { continue }
            wasBelow.insert(account)
            badDebt += max(0, -valuation.figures(of: place).equity)
        }
    }

    private func valuation(
        of account: Identifier, at time: Instant
    ) -> (valuation: OwnerValuation, place: Int)? {
        guard let owner = accounts[account]?.owner, let members = owners[owner],
            let place = members.firstIndex(of: account)
        else { return nil }
        let valuation = model.value(
            members.compactMap { accounts[$0] }, at: time, lookUp: { markets[$0] })
        return (valuation, place)
    }

    /// What plans would sell if an asset's maintenance haircut rose, or its price fell, by one of
    /// the ladder's steps, in the valuation currency.
    func forced(_ asset: Identifier, byRise rise: Double) -> Double {
        Self.value(at: rise, in: sink.ladders[asset]?.byHaircut)
    }

    func forced(_ asset: Identifier, byFall fall: Double) -> Double {
        Self.value(at: fall, in: sink.ladders[asset]?.byPrice)
    }

    private static func value(at step: Double, in ladder: [Exposure.Rung]?) -> Double {
        ladder?.first { abs($0.step - step) < 1e-9 }?.value.double ?? 0
    }
}

/// Values contracts by the newest tables and surfaces.
struct ContractValuer {
    let instruments: InstrumentModel
    let markets: MarketTables

    /// What one contract is worth and how it moves; nil where nothing is known of its underlying.
    func value(of position: Position) -> InstrumentValue? {
        guard let market = markets[position.underlying] else { return nil }
        var array: [Double] = []
        return instruments.value(of: Instrument(position), in: market, appendingTo: &array)
    }
}
