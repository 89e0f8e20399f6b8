import Haircuts
import Market
import Quantities

/// Makes the accounts of a population, one after the other.
///
/// In each formula `f` is the fall of coin prices the account stands, `h` a maintenance haircut
/// and `s` a scan range: MODEL §8 solved for the debt or the contracts at which the maintenance
/// excess is 0 after that fall.
struct AccountMaker {
    private let market: OpeningMarket
    private let coins: [OpeningMarket.Asset]
    private let stables: [OpeningMarket.Asset]
    /// Accounts that drew a fall so far: the places of the falls fill 0…1 evenly.
    private var leveraged = 0

    init(market: OpeningMarket) {
        self.market = market
        let coins = market.assets.filter { $0.assetClass != .stable }
        let stables = market.assets.filter { $0.assetClass == .stable }
        self.coins = coins.isEmpty ? market.assets : coins
        self.stables = stables.isEmpty ? market.assets : stables
    }

    /// What an account holds of the market's assets, in the valuation currency.
    func pledged(_ draft: AccountDraft) -> Double {
        draft.balances.reduce(0) { sum, balance in
            let asset = market.assets.first { $0.asset == balance.asset }
            return sum + max(0, balance.quantity) * (asset?.price.double ?? 0)
        }
    }

    mutating func draft(_ kind: AccountKind, _ random: inout ScenarioRandom) -> AccountDraft {
        guard !market.assets.isEmpty else { return AccountDraft(kind: kind) }
        // Exponent 1.2: the largest hundredth holds about half. Small accounts are holders,
        // large ones make markets.
        let worth = random.pareto(exponent: 1.2, largest: 20_000)
        switch kind {
        case .holder: return holder(worth * 0.3, &random)
        case .spotLong: return spotLong(worth, &random)
        case .perpetualLong: return perpetualLong(worth, &random)
        case .stableBorrower: return stableBorrower(worth, &random)
        case .optionSeller: return optionSeller(worth, &random)
        case .marketMaker: return marketMaker(worth * 4, &random)
        }
    }

    private mutating func drawFall() -> Double {
        leveraged += 1
        return Leverage.fall(at: evenly(leveraged, offset: 0.25))
    }

    private func choose(
        _ assets: [OpeningMarket.Asset], _ random: inout ScenarioRandom
    ) -> OpeningMarket.Asset {
        assets[random.place(in: assets.map { max($0.systemCollateral, 1) })]
    }

    // Kinds

    private func holder(_ worth: Double, _ random: inout ScenarioRandom) -> AccountDraft {
        var draft = AccountDraft(kind: .holder)
        for _ in 0...Int(random.next() % 3) {
            let asset = choose(market.assets, &random)
            draft.add(worth * random.double(in: 0.2...1) / asset.price.double, of: asset.asset)
        }
        if random.unit() < 0.25 {
            let share = random.double(in: 0.02...0.25)
            draft.add(-pledged(draft) * share, of: market.valuationCurrency)
        }
        return draft
    }

    private mutating func spotLong(
        _ worth: Double, _ random: inout ScenarioRandom
    ) -> AccountDraft {
        var draft = AccountDraft(kind: .spotLong)
        let fall = drawFall()
        let first = choose(coins, &random)
        let second = random.unit() < 0.35 ? choose(coins, &random) : first
        let part = random.double(in: 0.5...1)
        var loan = 0.0
        for (asset, value) in [(first, worth * part), (second, worth * (1 - part))] {
            draft.add(value / asset.price.double, of: asset.asset)
            loan += value * (1 - fall) * (1 - asset.haircut)
        }
        if random.unit() < 0.15 {
            let stable = choose(stables, &random)
            let owed = loan / (1 + stable.haircut)
            draft.add(-owed / stable.price.double, of: stable.asset)
        } else {
            draft.add(-loan, of: market.valuationCurrency)
        }
        return draft
    }

    private mutating func perpetualLong(
        _ worth: Double, _ random: inout ScenarioRandom
    ) -> AccountDraft {
        var draft = AccountDraft(kind: .perpetualLong)
        let fall = drawFall()
        let coin = choose(coins, &random)
        let scan = coin.scan
        let haircut = coin.haircut
        switch random.unit() {
        case ..<0.2:
            // Collateral and mark both in the coin: (W·(1−f) − N·f)·(1−h) = N·s/(1−s).
            draft.add(worth / coin.price.double, of: coin.asset)
            let risk = scan / (1 - scan)
            let notional = worth * (1 - fall) * (1 - haircut) / (fall * (1 - haircut) + risk)
            draft.positions.append((perpetual(on: coin, .inverse), notional / 10))
        case ..<0.4:
            let stable = choose(stables, &random)
            draft.add(worth / stable.price.double, of: stable.asset)
            let weight = 1 - stable.haircut
            let notional = worth * weight / (fall + scan * (1 - fall))
            draft.positions.append((perpetual(on: coin, .linear), notional / coin.price.double))
        default:
            // W − N·f = N·(1−f)·s.
            draft.add(worth, of: market.valuationCurrency)
            let notional = worth / (fall + scan * (1 - fall))
            draft.positions.append((perpetual(on: coin, .linear), notional / coin.price.double))
        }
        return draft
    }

    private func stableBorrower(
        _ worth: Double, _ random: inout ScenarioRandom
    ) -> AccountDraft {
        var draft = AccountDraft(kind: .stableBorrower)
        let stable = choose(stables, &random)
        draft.add(worth / stable.price.double, of: stable.asset)
        let weight = 1 - stable.haircut
        if random.unit() < 0.6 {
            // A loan against the peg: it stands a fall of the stable asset of 1 to 15 %.
            let fall = random.logarithmic(in: 0.01...0.15)
            draft.add(-worth * (1 - fall) * weight, of: market.valuationCurrency)
        } else {
            // Owes a coin it sold: it stands a rise of the coin of 15 to 80 %.
            let coin = choose(coins, &random)
            let rise = random.double(in: 0.15...0.8)
            let owed = worth * weight / ((1 + rise) * (1 + coin.haircut))
            draft.add(-owed / coin.price.double, of: coin.asset)
        }
        return draft
    }

    private mutating func optionSeller(
        _ worth: Double, _ random: inout ScenarioRandom
    ) -> AccountDraft {
        let listed = coins.filter { !$0.expiries.isEmpty }
        guard !listed.isEmpty else {
            var draft = perpetualLong(worth, &random)
            draft.kind = .optionSeller
            return draft
        }
        var draft = AccountDraft(kind: .optionSeller)
        let fall = drawFall()
        let coin = choose(listed, &random)
        let expiry = coin.expiries[Int(random.next() % UInt64(coin.expiries.count))]
        let puts = expiry.strikes.indices.filter { expiry.strikes[$0].double <= expiry.forward }
        let calls = expiry.strikes.indices.filter { expiry.strikes[$0].double >= expiry.forward }
        guard let put = puts.isEmpty ? nil : puts[Int(random.next() % UInt64(puts.count))] else {
            return holder(worth, &random)
        }
        draft.add(worth, of: market.valuationCurrency)
        let years = expiry.expiry.seconds(since: market.time) / (365 * 86_400)
        let needed = ShortPut(
            forward: expiry.forward, strike: expiry.strikes[put].double, years: years,
            volatility: expiry.volatilities[put], scan: coin.scan
        ).requirement(afterFall: fall)
        // At most eight times its worth in notional, however far out of the money.
        let contracts = worth / max(needed, expiry.forward / 8)
        draft.positions.append((option(on: coin, expiry, put, .put), -contracts))
        if let call = calls.last, random.unit() < 0.5 {
            draft.positions.append((option(on: coin, expiry, call, .call), -contracts / 4))
        }
        return draft
    }

    private func marketMaker(_ worth: Double, _ random: inout ScenarioRandom) -> AccountDraft {
        var draft = AccountDraft(kind: .marketMaker)
        var loan = 0.0
        for coin in coins {
            let value = worth * coin.systemCollateral / coins.reduce(1) { $0 + $1.systemCollateral }
            let quantity = value / coin.price.double
            draft.add(quantity, of: coin.asset)
            // Short against what it holds, a little more or less.
            let short = quantity * random.double(in: 0.92...1.08)
            if let expiry = coin.expiries.first, random.unit() < 0.3 {
                draft.positions.append((future(on: coin, expiry), -short))
            } else {
                draft.positions.append((perpetual(on: coin, .linear), -short))
            }
            let scan = coin.scan
            let up = scan / (1 - scan)
            // It stands a rise by a quarter at 40 to 80 % of what it could borrow for that.
            let free = 1.25 * (1 - coin.haircut - 1.08 * up) - 0.25 * 1.08
            loan += value * max(0, free) * random.double(in: 0.4...0.8)
        }
        if let coin = coins.first(where: { !$0.expiries.isEmpty }),
            let expiry = coin.expiries.last,
            let strike = expiry.strikes.indices.min(by: {
                abs(expiry.strikes[$0].double - expiry.forward)
                    < abs(expiry.strikes[$1].double - expiry.forward)
            })
        {
            let contracts = 0.03 * worth / coin.price.double * random.double(in: -1...1)
            draft.positions.append((option(on: coin, expiry, strike, .put), contracts))
            draft.positions.append((option(on: coin, expiry, strike, .call), contracts))
        }
        draft.add(-loan, of: market.valuationCurrency)
        return draft
    }
}
