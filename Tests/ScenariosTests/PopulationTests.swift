import Haircuts
import Market
import Quantities
import Scenarios
import TestSupport
import Testing

@Suite struct PopulationTests {
    let market: OpeningMarket

    init() throws { market = try ScenarioCatalog.scenario(named: "crash-2025-10-10").opening }

    func population(_ size: Int, seed: UInt64 = 7) -> Population {
        Population(size: size, seed: seed, market: market)
    }

    @Test func theMarketOpensAtTheFirstRecordedPrices() {
        let prices = market.assets.map { "\($0.asset) \($0.price) \($0.expiries.count)" }
        #expect(
            prices == ["BTC 121504.5 2", "ETH 4341.42 2", "SOL 221.06 2", "USDE 1.0001 0"])
    }

    @Test func theSameSeedMakesTheSameAccountsAndAnotherSeedOthers() {
        #expect(population(500) == population(500))
        #expect(population(500).accounts != population(500, seed: 8).accounts)
        #expect(population(0).accounts.isEmpty)
    }

    @Test(arguments: [300, 3_000])
    func kindsHaveTheirShares(size: Int) {
        let kinds = population(size).kinds
        #expect(kinds.count == size)
        #expect(AccountKind.allCases.reduce(0) { $0 + $1.percent } == 100)
        for kind in AccountKind.allCases {
            let share = Double(kinds.count { $0 == kind }) / Double(size)
            #expect(abs(share - Double(kind.percent) / 100) < 0.02, "\(kind)")
        }
    }

    @Test func everySnapshotIsOneTheContractsAllow() {
        let accounts = population(3_000).accounts
        #expect(Set(accounts.map(\.account)).count == 3_000)
        #expect(zip(accounts, accounts.dropFirst()).allSatisfy { $0.account < $1.account })
        for account in accounts {
            #expect(account.time == market.time && account.sequence == 1)
            #expect(Set(account.balances.map(\.asset)).count == account.balances.count)
            #expect(Set(account.positions.map(\.instrument)).count == account.positions.count)
            for position in account.positions {
                #expect(position.multiplier > .zero && position.entryPrice > .zero)
                #expect(position.quantity != .zero && position.instrument != .unnamed)
            }
        }
    }

    @Test func optionsAreThoseTheSurfacesList() throws {
        var count = 0
        for position in population(3_000).accounts.flatMap(\.positions) {
            guard case .option(_, let strike, let expiry) = position.terms else { continue }
            let asset = try #require(market.assets.first { $0.asset == position.underlying })
            let listed = try #require(asset.expiries.first { $0.expiry == expiry })
            #expect(listed.strikes.contains(strike))
            count += 1
        }
        #expect(count > 300)
    }

    @Test func aFewAccountsHoldMostAndSomeOwnersHaveSeveral() {
        let accounts = population(3_000).accounts
        let held = accounts.map { Statics(market).held($0) }.sorted(by: >)
        let total = held.reduce(0, +)
        let share = held.prefix(30).reduce(0, +) / total
        #expect((0.25...0.75).contains(share), "the largest hundredth holds \(share)")
        let owners = Set(accounts.map(\.owner)).count
        #expect((2_200...2_600).contains(owners), "\(owners) owners")
    }

    @Test func whatIsPledgedAddsUpToTheSystemsCollateral() {
        for size in [300, 3_000] {
            let pledged = population(size).accounts.reduce(0) {
                $0 + Statics(market).pledged($1)
            }
            #expect(abs(pledged / 1e9 - 1) < 0.001, "\(pledged)")
        }
    }

    @Test(arguments: [300, 3_000, 20_000])
    func knownSharesBreachAtGivenFalls(size: Int) {
        let accounts = population(size).accounts
        let bands: [(fall: Double, share: ClosedRange<Double>)] = [
            (0, 0...0), (0.05, 0.005...0.03), (0.10, 0.04...0.09), (0.20, 0.13...0.23),
            (0.30, 0.23...0.35),
        ]
        for (fall, band) in bands {
            let breached = accounts.count { Statics(market, fall: fall).excess($0) < 0 }
            let share = Double(breached) / Double(size)
            #expect(band.contains(share), "after −\(fall): \(share) of \(size)")
        }
    }

    @Test func noAccountIsBelowZeroAtTheStartAndMarketMakersStandWhatLongsDoNot() {
        let population = population(3_000)
        for (account, kind) in zip(population.accounts, population.kinds) {
            #expect(Statics(market).excess(account) >= 0, "\(account.account) \(kind)")
        }
        func share(_ kind: AccountKind) -> Double {
            let members = zip(population.accounts, population.kinds).filter { $0.1 == kind }
            let breached = members.count { Statics(market, fall: 0.2).excess($0.0) < 0 }
            return Double(breached) / Double(members.count)
        }
        #expect(share(.marketMaker) < 0.02)
        #expect((0.3...0.5).contains(share(.spotLong)))
        #expect((0.3...0.5).contains(share(.perpetualLong)))
    }

    @Test func aFallOfTheStableAssetAloneBreachesThoseWhoBorrowAgainstIt() {
        let population = population(3_000)
        var breached: [AccountKind: Int] = [:]
        for (account, kind) in zip(population.accounts, population.kinds)
        where Statics(market, fall: 0, stableFall: 0.05).excess(account) < 0 {
            breached[kind, default: 0] += 1
        }
        #expect(breached[.stableBorrower, default: 0] > 50)
        #expect(breached[.spotLong] == nil)
    }
}

/// The margin of an account reckoned once, simply, after a fall: fixed haircuts and scan ranges,
/// no owners or tiers, each option at its listed volatility.
struct Statics {
    private let market: OpeningMarket
    private let fall: Double
    private let stableFall: Double

    init(_ market: OpeningMarket, fall: Double = 0, stableFall: Double = 0) {
        (self.market, self.fall, self.stableFall) = (market, fall, stableFall)
    }

    private func asset(_ name: Identifier) -> OpeningMarket.Asset? {
        market.assets.first { $0.asset == name }
    }

    private func price(_ name: Identifier) -> Double {
        guard let asset = asset(name) else { return 1 }
        return asset.price.double * (1 - (asset.assetClass == .stable ? stableFall : fall))
    }

    private func haircut(_ name: Identifier) -> Double {
        switch asset(name)?.assetClass {
        case nil: 0
        case .major: 0.05
        case .alt: 0.10
        case .stable: 0.02
        }
    }

    /// Positive balances at the opening, money included, and without it.
    func held(_ account: AccountSnapshot) -> Double {
        account.balances.reduce(0) { $0 + max(0, $1.quantity.double) * price($1.asset) }
    }

    func pledged(_ account: AccountSnapshot) -> Double {
        account.balances.filter { asset($0.asset) != nil }
            .reduce(0) { $0 + max(0, $1.quantity.double) * price($1.asset) }
    }

    /// The maintenance excess, in the valuation currency.
    func excess(_ account: AccountSnapshot) -> Double {
        var quantities: [Identifier: Double] = [:]
        for balance in account.balances { quantities[balance.asset] = balance.quantity.double }
        var excess = 0.0
        var exposure: [Identifier: [(Double) -> Double]] = [:]
        for position in account.positions {
            let name = position.underlying
            let price = price(name)
            let size = position.quantity.double * position.multiplier.double
            let entry = position.entryPrice.double
            switch position.terms {
            case .perpetual(.inverse, _), .future(.inverse, _, _):
                quantities[name, default: 0] += size * (1 / entry - 1 / price)
                exposure[name, default: []].append { move in size * move / (1 + move) }
            case .perpetual, .future:
                excess += size * (price - entry)
                exposure[name, default: []].append { move in size * price * move }
            case .option(let right, let strike, let expiry):
                let value = optionValue(position, right, strike.double, expiry)
                excess += size * value(0)
                exposure[name, default: []].append { move in
                    size * (value(move) - value(0)) - max(0, -size) * 0.005 * price
                }
            }
        }
        for (name, quantity) in quantities.sorted(by: { $0.key < $1.key }) {
            let sign = quantity < 0 ? 1.0 : -1.0
            excess += quantity * price(name) * (1 + sign * haircut(name))
        }
        for (name, losses) in exposure.sorted(by: { $0.key < $1.key }) {
            let scan = asset(name)?.assetClass == .alt ? 0.20 : 0.10
            let worst = [-scan, 0, scan / (1 - scan)].map { move in
                losses.reduce(0) { $0 + $1(move) }
            }
            excess += min(0, worst.min() ?? 0)
        }
        return excess
    }

    private func optionValue(
        _ position: Position, _ right: OptionRight, _ strike: Double, _ expiry: Instant
    ) -> (Double) -> Double {
        let listed = asset(position.underlying)?.expiries.first { $0.expiry == expiry }
        let forward = (listed?.forward ?? strike) * (1 - fall)
        let years = expiry.seconds(since: market.time) / (365 * 86_400)
        let place = listed?.strikes.firstIndex { $0.double == strike } ?? 0
        let volatility = listed?.volatilities[place] ?? 0
        return { move in
            Black76(
                right == .put ? .put : .call, forward: forward * (1 + move), strike: strike,
                years: years, volatility: volatility * (move == 0 ? 1 : 1.5)
            ).price
        }
    }
}
