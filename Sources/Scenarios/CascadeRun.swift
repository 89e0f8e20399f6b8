import Engine
import Haircuts
import Margin
import Market
import Quantities

/// One cascade as it runs, step by step.
struct CascadeRun {
    private(set) var result: CascadeResult
    private let path: CrashPath
    private let mode: CascadeMode
    private var market: CascadeMarket
    private var shard: HaircutShard
    private var venue: VenueTables
    private var margin: CascadeMargin
    private var liquidator: Liquidator
    private var sink = TableSink()
    private let openingPrice: Double
    /// The first asset's newest published table.
    private var table: HaircutTable?
    /// Its haircuts of the last minute, oldest first.
    private var recent: [Double] = []
    private var soldBefore = 0.0
    /// Assets, by their place, of which the governor holds back the published haircut.
    private var governed: Set<Int> = []

    init(
        _ mode: CascadeMode, path: CrashPath, shard: HaircutShard, surfaces: [Surface],
        tables: [HaircutTable], accounts: [AccountSnapshot]
    ) {
        self.mode = mode
        self.path = path
        self.shard = shard
        market = CascadeMarket(path: path)
        venue = VenueTables(mode)
        liquidator = Liquidator(accounts, valuationCurrency: Scenario.valuationCurrency)
        openingPrice = path.tracks[0].samples[path.crashStep].price
        result = CascadeResult(
            scenario: path.name, mode: mode, accounts: accounts.count)
        var published: [HaircutTable] = []
        for table in tables {
            guard let index = market.index(of: table.asset) else { continue }
            market.take(table.impact, of: index)
            let configuration = path.tracks[index].configuration
            published.append(
                mode.isAdaptive ? table : venue.table(from: table, configuration))
        }
        margin = CascadeMargin(
            tables: published, surfaces: surfaces, accounts: accounts,
            exposureSeconds: mode.isAdaptive ? 55 : 600)
        market.advance(to: max(0, path.crashStep - 1))
        if mode == .adaptiveWithoutGovernor { liftGovernor() }
    }

    mutating func play(_ step: Int) {
        market.advance(to: step)
        let surfaces = market.surfaces()
        for surface in surfaces { margin.apply(surface) }
        sink.removeAll()
        shard.take(surfaces, market.quotes(), into: &sink)
        for table in sink.tables { publish(table) }
        margin.apply(timer: market.time)
        for alert in margin.takeAlerts() { liquidator.take(alert) }
        for place in liquidator.execute(in: &market, valuer: margin.valuer) {
            margin.apply(liquidator.accounts[place])
        }
        planAnew(step)
        closeLoop()
        record(step)
    }

    private mutating func publish(_ table: HaircutTable) {
        guard let index = market.index(of: table.asset) else { return }
        market.take(table.impact, of: index)
        let configuration = path.tracks[index].configuration
        let published = mode.isAdaptive ? table : venue.table(from: table, configuration)
        if index == 0 { self.table = published }
        if published.boundBy.contains(.governor) {
            governed.insert(index)
        } else {
            governed.remove(index)
        }
        margin.apply(published)
    }

    /// Alerts come with changes of status alone: an account that is still in liquidation when its
    /// plan is done, because prices went on falling, is given another one each minute.
    private mutating func planAnew(_ step: Int) {
        guard path.seconds[step] % 60 == 0 else { return }
        for place in liquidator.accounts.indices where !liquidator.hasPlan(place) {
            let account = liquidator.accounts[place].account
            liquidator.take(margin.plan(for: account, at: market.time), for: place)
        }
        margin.countBadDebt(at: market.time)
    }

    /// Tells the haircut stage what accounts hold and what steps would force.
    private mutating func closeLoop() {
        sink.removeAll()
        for exposure in margin.takeExposures() {
            _ = shard.apply(exposure, cause: .timer(market.time), to: &sink)
        }
        for table in sink.tables { publish(table) }
    }

    /// Two people lift the governor for as long as the crash lasts.
    private mutating func liftGovernor() {
        let control = Control(
            asset: nil, time: market.time, sequence: 1, order: .solvency,
            expires: market.time.advanced(bySeconds: Control.longestSeconds),
            reason: "a cascade without the governor", by: "scenario", approvedBy: "operator")
        _ = try? shard.apply(control, cause: .timer(market.time), to: &sink)
    }

    private mutating func record(_ step: Int) {
        result.forcedSales = liquidator.forced
        result.derivativesClosed = liquidator.closed
        result.accountsLiquidated = liquidator.accountsForced
        result.deepestPrice = min(result.deepestPrice, market.price(0) / openingPrice)
        result.deepestPriceAlone = min(
            result.deepestPriceAlone, market.priceAlone(0) / openingPrice)
        result.badDebt = max(result.badDebt, margin.badDebt)
        result.accountsBelowZero = margin.accountsBelowZero
        guard let table else { return }
        let haircut = table.maintenance.double
        result.leastHaircut = min(result.leastHaircut, haircut)
        result.mostHaircut = max(result.mostHaircut, haircut)
        result.largestMinuteStep = max(
            result.largestMinuteStep, haircut - (recent.min() ?? haircut))
        recent.append(haircut)
        if recent.count > 60 / CrashPath.stepSeconds { recent.removeFirst() }
        if path.seconds[step] % 60 == 60 - CrashPath.stepSeconds {
            if !governed.isEmpty { result.governedMinutes += 1 }
            recordMinute(table)
        }
    }

    private mutating func recordMinute(_ table: HaircutTable) {
        result.minutes.append(
            CascadeMinute(
                time: market.time, price: market.price(0), priceAlone: market.priceAlone(0),
                haircut: table.maintenance.double, target: table.target.maintenance,
                state: table.state, forcedByPoint: margin.forced(table.asset, byRise: 0.01),
                forcedByFall: margin.forced(table.asset, byFall: 0.05),
                branchingRatio: table.branchingRatio, depth: table.components.depth.double,
                sold: liquidator.forced - soldBefore, badDebt: margin.badDebt))
        soldBefore = liquidator.forced
    }
}
