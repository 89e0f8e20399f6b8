import Engine
import Haircuts
import Margin
import Market
import Quantities

/// A crash with a venue in it: prices fall by themselves, haircuts follow or do not, accounts
/// breach, their plans are executed, and what is sold moves the price further.
///
/// The real shards do the work: `HaircutShard` is given books and surfaces moved by the selling,
/// its tables go to the margin stage, whose alerts go to a liquidator, whose new positions go back;
/// exposures close the loop. No Kafka, no clock: the same path, accounts and mode give the same
/// result.
public struct Cascade: Sendable {
    public let path: CrashPath
    /// Those that no mode would have turned away at the opening.
    public let accounts: [AccountSnapshot]
    /// As they are when the crash begins.
    private let shard: HaircutShard
    private let surfaces: [Surface]
    private let tables: [HaircutTable]

    /// Runs the warm-up and makes the accounts.
    ///
    /// Leverage is reckoned with the larger of the venues' haircuts and Breakwater's own at the
    /// opening, so that no mode begins by liquidating accounts that another would not have
    /// admitted; the few that are still short of margin in one of them are left out of all.
    ///
    /// - Parameters:
    ///   - size: accounts to make; those left out are not replaced.
    ///   - seed: of the accounts.
    public init(path: CrashPath, size: Int, seed: UInt64) {
        self.path = path
        let warmUp = WarmUp(path)
        shard = warmUp.shard
        surfaces = warmUp.surfaces
        tables = warmUp.tables
        var opening = path.opening
        for index in opening.assets.indices {
            guard let table = tables.first(where: { $0.asset == opening.assets[index].asset })
            else { continue }
            let haircut = table.tiers.first { ($0.to ?? .zero) >= FixedDecimal(20_000_000) }
            opening.assets[index].haircut = max(
                opening.assets[index].haircut, haircut?.maintenance.double ?? 1)
            opening.assets[index].scan = max(
                opening.assets[index].scan, table.scan.first?.down ?? 1)
        }
        let population = Population(size: size, seed: seed, market: opening)
        accounts = Self.admitted(population.accounts, warmUp)
    }

    /// Accounts with maintenance excess under the tables of both kinds of modes.
    private static func admitted(
        _ accounts: [AccountSnapshot], _ warmUp: WarmUp
    ) -> [AccountSnapshot] {
        var owners: [Identifier: [AccountSnapshot]] = [:]
        for account in accounts { owners[account.owner, default: []].append(account) }
        var refused: Set<Identifier> = []
        let model = MarginModel(valuationCurrency: Scenario.valuationCurrency)
        for tables in [warmUp.tables, warmUp.venueTables] {
            var markets = MarketTables(valuationCurrency: Scenario.valuationCurrency)
            for table in tables { markets.apply(table) }
            for surface in warmUp.surfaces {
                markets.apply(PreparedSurface(surface), of: surface.asset)
            }
            let time = tables.map(\.time).max() ?? warmUp.path.start
            for accounts in owners.values {
                for assessed in model.assess(accounts, in: markets, at: time)
                where assessed.figures.excess.maintenance < 0 {
                    refused.insert(assessed.account)
                }
            }
        }
        return accounts.filter { !refused.contains($0.account) }
    }

    /// Plays the crash.
    public func run(_ mode: CascadeMode) -> CascadeResult {
        var run = CascadeRun(
            mode, path: path, shard: shard, surfaces: surfaces, tables: tables, accounts: accounts)
        for step in path.crashStep..<path.seconds.count { run.play(step) }
        return run.result
    }
}

/// The calm before: volatilities, baselines and limiters form.
private struct WarmUp {
    let path: CrashPath
    private(set) var shard: HaircutShard
    private(set) var surfaces: [Surface] = []
    private(set) var sink = TableSink()

    init(_ path: CrashPath) {
        self.path = path
        shard = HaircutShard(assets: path.tracks.map(\.configuration), exposureShards: 1)
        var market = CascadeMarket(path: path)
        for step in 0..<path.crashStep {
            market.advance(to: step)
            let surfaces = market.surfaces()
            if !surfaces.isEmpty { self.surfaces = surfaces }
            shard.take(surfaces, market.quotes(), into: &sink)
        }
    }

    var tables: [HaircutTable] { sink.tables }

    var venueTables: [HaircutTable] {
        var venue = VenueTables(.fixed)
        return tables.compactMap { table in
            path.tracks.first { $0.configuration.asset == table.asset }
                .map { venue.table(from: table, $0.configuration) }
        }
    }
}

/// Keeps the newest table of each asset, in the order in which assets first came.
struct TableSink: HaircutSink {
    private(set) var tables: [HaircutTable] = []

    mutating func publish(_ table: borrowing HaircutTable) {
        let table = copy table
        if let place = tables.firstIndex(where: { $0.asset == table.asset }) {
            tables[place] = table
        } else {
            tables.append(table)
        }
    }

    mutating func removeAll() { tables.removeAll(keepingCapacity: true) }
}

extension HaircutShard {
    /// Applies what a step brings. A surface the gate refuses is dropped, as a worker would.
    mutating func take(_ surfaces: [Surface], _ quotes: [Quote], into sink: inout TableSink) {
        for surface in surfaces {
            _ = try? apply(surface, cause: .timer(surface.time), to: &sink)
        }
        for quote in quotes { _ = apply(quote, cause: .timer(quote.time), to: &sink) }
    }
}
