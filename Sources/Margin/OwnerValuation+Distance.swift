import Haircuts
import Quantities
import RealModule

extension OwnerValuation {
    /// This valuation after a move of one asset's price, everything in that asset moving with it.
    ///
    /// - Parameter move: a fraction, > −1.
    public func moved(_ asset: Identifier, by move: Double) -> OwnerValuation {
        var moved = self
        guard let index = book.index(of: asset) else { return self }
        moved.move(index, by: move)
        return moved
    }

    /// This valuation after a rise of all maintenance haircuts of one asset.
    public func raised(_ asset: Identifier, by rise: Double) -> OwnerValuation {
        var raised = self
        guard let index = book.index(of: asset), index != book.valuationIndex,
            let old = market.markets[index]
        else { return self }
        raised.market.replace(
            index, by: old.raised(by: rise), book: book, instruments: model.instruments)
        return raised
    }

    mutating func move(_ asset: Int, by move: Double) {
        guard asset != book.valuationIndex, let old = market.markets[asset] else { return }
        market.replace(
            asset, by: old.moved(by: move), book: book, instruments: model.instruments)
    }

    /// The asset that counts most among an account's collateral, by marked value; nil where there
    /// is none but the valuation currency.
    func largestCollateral(of evaluation: AccountEvaluation) -> Int? {
        var largest: AssetFigure?
        for figure in evaluation.assets
        where figure.value > 0 && figure.asset != book.valuationIndex
            && figure.value > largest?.value ?? 0
        {
            largest = figure
        }
        return largest?.asset
    }

    /// The move of the largest collateral's price at which the maintenance excess is 0, everything
    /// in that asset moving with it: the nearest one, in logarithms.
    ///
    /// - Returns: a fraction above −1 and at most 10; nil where there is no collateral that moves,
    ///   or no such move.
    public func distance(of index: Int) -> Double? {
        var search = DistanceSearch(valuation: self, account: index)
        return search.distance()
    }
}

/// Looks for the nearest zero of the maintenance excess as one asset's price moves.
///
/// The excess is continuous and piecewise smooth in the logarithm of the price. Steps that widen
/// with the distance bracket a change of sign on either side; the bracket is then narrowed.
private struct DistanceSearch {
    var valuation: OwnerValuation
    let account: Int
    private var evaluation = AccountEvaluation()
    private var asset = 0
    private var market: AssetMarket?
    /// Of the figures whose difference the excess is.
    private var scale = 0.0

    /// Logarithms of the price's factor that are looked at on either side: to 11 times the price,
    /// and to a millionth of it.
    private static let highest = Double.log(11)
    private static let lowest = -Double.log(1e6)
    private static let firstStep = 0.01
    private static let growth = 1.4

    init(valuation: OwnerValuation, account: Int) {
        self.valuation = valuation
        self.account = account
    }

    mutating func distance() -> Double? {
        valuation.evaluate(account, into: &evaluation)
        guard let asset = valuation.largestCollateral(of: evaluation),
            let market = valuation.market.markets[asset]
        else { return nil }
        self.asset = asset
        self.market = market
        let now = evaluation.figures.excess.maintenance
        if now == 0 { return 0 }
        scale = evaluation.figures.collateral.maintenance + evaluation.figures.debts.maintenance
        let holdings = valuation.book.holdings
        if !holdings.contains(where: { $0.underlying == asset }) { return spotDistance(now) }
        var down = Side(x: 0, y: now, step: -Self.firstStep, end: Self.lowest)
        var up = Side(x: 0, y: now, step: Self.firstStep, end: Self.highest)
        // The nearer step of the two is taken first, so that the nearest zero is found first.
        while !down.isDone || !up.isDone {
            let goesDown = !down.isDone && (up.isDone || down.reach <= up.reach)
            if goesDown {
                if let root = advance(&down) { return root }
            } else if let root = advance(&up) {
                return root
            }
        }
        return nil
    }

    /// Where no derivative moves, only what the collateral counts does, and the value at which it
    /// counts what is needed is found tier by tier.
    private func spotDistance(_ excess: Double) -> Double? {
        let held = evaluation.quantities[asset]
        guard let price = market?.prices.price, held > 0, price > 0 else { return nil }
        let total = held + valuation.heldByOthers(than: account)[asset]
        let tiers = valuation.market.tiers[asset]
        let counted = tiers.collateral(of: total * price).maintenance
        // Of the owner's whole holding, this account has its part.
        let needed = counted - excess * total / held
        guard needed > 0, let value = tiers.value(counting: needed) else { return nil }
        let move = value / (total * price) - 1
        return move <= 10 ? move : nil
    }

    /// One direction of the search, in logarithms.
    private struct Side {
        var x: Double
        var y: Double
        var step: Double
        let end: Double
        var isDone: Bool { x == end }
        /// How far away the next step ends.
        var reach: Double { abs(x + step) }
    }

    private mutating func advance(_ side: inout Side) -> Double? {
        let next =
            side.step < 0 ? max(side.end, side.x + side.step) : min(side.end, side.x + side.step)
        let y = excess(at: next)
        if (y < 0) != (side.y < 0) || y == 0 {
            var bracket = RootBracket((side.x, side.y), (next, y))
            let root = bracket.zero(tolerance: 1e-12 * scale, precision: 1e-13) { excess(at: $0) }
            return Double.expMinusOne(root)
        }
        side.x = next
        side.y = y
        side.step *= Self.growth
        return nil
    }

    private mutating func excess(at logarithm: Double) -> Double {
        valuation.market.replace(
            asset, by: market?.moved(by: Double.expMinusOne(logarithm)), book: valuation.book,
            instruments: valuation.model.instruments)
        valuation.evaluate(account, into: &evaluation)
        return evaluation.figures.excess.maintenance
    }
}
