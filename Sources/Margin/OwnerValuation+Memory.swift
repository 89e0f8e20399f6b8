import Haircuts
import Quantities
import RealModule

extension OwnerValuation {
    /// The owner's accounts and markets as they were when a requirement was published, as far as
    /// that requirement alone tells: what `cause` compares with, for whoever keeps nothing else.
    ///
    /// - Prices are the record's, by asset; everything in the asset moves with it. Underlyings
    ///   that the account neither held nor owed all moved alike, by as much as explains the marks.
    /// - Haircuts are today's, shifted so that the account's average is the record's.
    /// - Volatilities are today's times what explains the options' marks at those prices.
    /// - Positions are today's where the snapshot is the same; else the record's quantities, its
    ///   requirement and its options' marks stand for them.
    ///
    /// - Parameters:
    ///   - record: the account's last.
    ///   - index: of the account, here.
    public func remembered(_ record: MarginRequirement, of index: Int) -> OwnerValuation {
        var memory = Memory(now: self, record: record, index: index)
        memory.restorePrices()
        memory.restoreHaircuts()
        if book.accounts[index].positionsSequence == record.positionsSequence {
            memory.explainMarks()
        } else {
            memory.restorePositions()
        }
        return OwnerValuation(model: model, book: memory.book, market: memory.market())
    }
}

/// A former state, put together from one record.
private struct Memory {
    let now: OwnerValuation
    let record: MarginRequirement
    let index: Int
    var book: OwnerBook
    private var markets: [AssetMarket?]
    /// Assets whose former price the record says.
    private var isPriced: [Bool]

    init(now: OwnerValuation, record: MarginRequirement, index: Int) {
        self.now = now
        self.record = record
        self.index = index
        book = now.book
        markets = now.market.markets
        isPriced = Array(repeating: false, count: book.assets.count)
    }

    /// Whether tables were late, the record's reasons tell.
    private var wasLate: Bool { record.reasons.contains(.staleData) }

    func market() -> OwnerMarket { market(markets) }

    private func market(_ markets: [AssetMarket?]) -> OwnerMarket {
        OwnerMarket(
            book, markets: markets, at: wasLate ? .latest : record.time,
            instruments: now.model.instruments)
    }

    mutating func restorePrices() {
        for entry in record.assets where entry.price > .zero {
            guard let asset = book.index(of: entry.asset),
                asset != book.valuationIndex, let market = markets[asset]
            else { continue }
            isPriced[asset] = true
            let price =
                entry.quantity > .zero ? market.prices.price : market.prices.debtPrice
            if entry.price.double != price, price > 0 {
                markets[asset] = market.moved(by: entry.price.double / price - 1)
            }
        }
    }

    mutating func restoreHaircuts() {
        let others = now.heldByOthers(than: index)
        for entry in record.assets {
            guard let asset = book.index(of: entry.asset),
                let market = markets[asset], entry.haircutSequence != market.haircuts.sequence
            else { continue }
            let size = abs(entry.value.double)
            // Losses are rounded to the cent: a change smaller than that is none.
            guard size > 1 else { continue }
            let isHeld = entry.quantity > .zero
            let value = isHeld ? size + others[asset] * market.prices.price : size
            let average = now.market.tiers[asset].averageHaircut(at: value)
            func change(_ loss: FixedDecimal, _ average: Double) -> Double {
                let change = loss.double / size - average
                return abs(change) * size > 0.02 ? change : 0
            }
            let shift = Haircut(
                initial: change(entry.haircutLoss.initial, average.initial),
                maintenance: change(entry.haircutLoss.maintenance, average.maintenance))
            if shift == .zero && !wasLate && !now.market.prices[asset].isLate { continue }
            let tiers = now.market.tiers[asset].shifted(by: shift)
            var haircuts = market.haircuts
            haircuts.onTime = tiers
            haircuts.late = tiers
            markets[asset]?.haircuts = haircuts
        }
    }

    /// Marks of options in the record: what its sums leave over.
    private var optionMarks: Double {
        var debts = 0.0
        for entry in record.assets where entry.quantity < .zero {
            debts += entry.haircutLoss.maintenance.double - entry.value.double
        }
        let marks =
            record.excess.maintenance.double - record.collateral.maintenance.double + debts
            + record.requirement.maintenance.double
        // Each of the sums is rounded by up to a cent.
        return abs(marks) > 0.01 * Double(3 + record.assets.count) ? marks : 0
    }

    /// Finds the former prices of underlyings that are no asset of the account, and the former
    /// level of volatilities, from the marks.
    mutating func explainMarks() {
        let holdings = now.book.accounts[index].positions.map { now.book.holdings[$0.holding] }
        let unpriced = Set(holdings.map(\.underlying).filter { !isPriced[$0] })
        if !unpriced.isEmpty {
            let former = markets
            let move = solve(for: record.unrealised.double) { logarithm in
                var markets = former
                for asset in unpriced {
                    markets[asset] = former[asset]?.moved(by: Double.expMinusOne(logarithm))
                }
                return marks(markets).all
            }
            guard let move else { return }
            for asset in unpriced {
                markets[asset] = former[asset]?.moved(by: Double.expMinusOne(move))
            }
            // What is left over may be a change of volatility only where the price is known.
            return
        }
        guard holdings.contains(where: \.instrument.isOption) else { return }
        let former = markets
        func scaled(_ logarithm: Double) -> [AssetMarket?] {
            former.map { market in
                var market = market
                market?.volatilities.factor *= Double.exp(logarithm)
                return market
            }
        }
        if let factor = solve(for: optionMarks, { marks(scaled($0)).options }) {
            markets = scaled(factor)
        }
    }

    private func marks(_ markets: [AssetMarket?]) -> (options: Double, all: Double) {
        var quantities: [Double] = []
        return market(markets).settle(book.accounts[index], of: book, into: &quantities)
    }

    /// Where a function of a logarithm between −1 and 1 takes a value: nearest to 0 of those that
    /// steps of a twentieth separate; nil where it does not.
    private func solve(for value: Double, _ function: (Double) -> Double) -> Double? {
        func miss(_ x: Double) -> Double { function(x) - value }
        let start = (x: 0.0, y: miss(0))
        // Marks are rounded to the cent.
        if abs(start.y) <= 0.01 { return nil }
        var (down, up) = (start, start)
        for step in 1...20 {
            let distance = Double(step) / 20
            let nextUp = (x: distance, y: miss(distance))
            let nextDown = (x: -distance, y: miss(-distance))
            for (last, next) in [(up, nextUp), (down, nextDown)] where (last.y < 0) != (next.y < 0)
            {
                var bracket = RootBracket(last, next)
                return bracket.zero(tolerance: 0.001, precision: 1e-12, of: miss)
            }
            (down, up) = (nextDown, nextUp)
        }
        return nil
    }

    /// The record's quantities stand for balances and marks, its requirement for the positions.
    mutating func restorePositions() {
        var account = book.accounts[index]
        account.positionsSequence = record.positionsSequence
        account.positions = []
        account.stated = MarginPair(
            initial: record.requirement.initial.double,
            maintenance: record.requirement.maintenance.double)
        account.balances = Array(repeating: 0, count: book.assets.count)
        for entry in record.assets {
            guard let asset = book.index(of: entry.asset) else {
                // Of what the owner no longer has at all, its worth stands for it.
                account.balances[book.valuationIndex] +=
                    entry.value.double - entry.haircutLoss.maintenance.double
                continue
            }
            account.balances[asset] += entry.quantity.double
        }
        account.balances[book.valuationIndex] += optionMarks
        book.accounts[index] = account
    }
}
