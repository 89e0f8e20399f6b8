import Quantities

/// One account, evaluated: figures, and what they are made of.
///
/// A value to evaluate into again and again: its arrays keep their storage.
struct AccountEvaluation {
    var figures = MarginFigures.zero
    /// Marks of everything, in the valuation currency.
    var unrealised = 0.0
    var reasons: MarginReasons = []
    /// Balance and what settles into it, one an asset of the book.
    var quantities: [Double] = []
    var assets: [AssetFigure] = []
    var risk: [UnderlyingFigure] = []
}

/// What one asset adds to or takes from an account, unrounded.
public struct AssetFigure: Hashable, Sendable {
    /// Index in the owner's book.
    public var asset: Int
    /// Held when positive, owed when negative; not 0.
    public var quantity: Double
    /// By the sign of the quantity; 0 where there is none.
    public var price: Double
    /// Signed.
    public var value: Double
    /// Taken off an asset, added to a debt; ≥ 0.
    public var loss: MarginPair
}

/// What an account may lose on one underlying, unrounded.
public struct UnderlyingFigure: Hashable, Sendable {
    /// Index in the owner's book.
    public var underlying: Int
    /// −min(0, worst scenario) and the charge of short options; ≥ 0.
    public var loss: Double
    /// Of `ScanScenarios.all`; nil where the underlying is unknown.
    public var scenario: Int?
    /// Signed, in the valuation currency.
    public var netDelta: Double
}

/// Positive quantities of an owner's other accounts together, by asset of the book.
struct HeldByOthers {
    /// Empty: there are none.
    private var quantities: [Double] = []

    init() {}

    init(assets: Int) {
        quantities = Array(repeating: 0, count: assets)
    }

    subscript(asset: Int) -> Double { quantities.isEmpty ? 0 : quantities[asset] }

    /// - Parameter balances: of one of them, one an asset; debts do not count.
    mutating func add(_ balances: [Double]) {
        for asset in quantities.indices { quantities[asset] += max(0, balances[asset]) }
    }
}

extension OwnerMarket {
    /// Balances and what derivatives settle into them.
    ///
    /// - Returns: marks of options, which join no balance, and of everything.
    func settle(
        _ account: OwnerBook.Account, of book: OwnerBook, into quantities: inout [Double]
    ) -> (options: Double, all: Double) {
        quantities.removeAll(keepingCapacity: true)
        quantities.append(contentsOf: account.balances)
        var options = 0.0
        var all = 0.0
        for lot in account.positions {
            let value = values[lot.holding]
            if value.isUnknown { continue }
            let mark = lot.quantity * value.level - lot.entryAmount
            if let settlement = book.holdings[lot.holding].settlement {
                quantities[settlement] += mark
                all += mark * prices[settlement].reference
            } else {
                options += mark
                all += mark
            }
        }
        return (options, all)
    }

    /// Evaluates one account.
    ///
    /// - Parameter othersHeld: is haircut with what this account holds.
    func evaluate(
        _ account: OwnerBook.Account, of book: OwnerBook, othersHeld: HeldByOthers,
        parameters: MarginParameters, into evaluation: inout AccountEvaluation
    ) {
        evaluation.reasons = []
        evaluation.assets.removeAll(keepingCapacity: true)
        evaluation.risk.removeAll(keepingCapacity: true)
        let marks = settle(account, of: book, into: &evaluation.quantities)
        evaluation.unrealised = marks.all
        evaluation.figures = .zero
        evaluation.figures.optionMarks = marks.options
        evaluation.figures.equity = marks.options
        for asset in book.assets.indices {
            let quantity = evaluation.quantities[asset]
            if quantity > 0 {
                hold(quantity, of: asset, others: othersHeld[asset], in: &evaluation)
            } else if quantity < 0 {
                owe(-quantity, of: asset, in: &evaluation)
            }
        }
        assessRisk(account, of: book, in: &evaluation)
        let maintenance = evaluation.risk.reduce(0) { $0 + $1.loss }
        evaluation.figures.requirement = MarginPair(
            initial: parameters.initialMultiplier * maintenance, maintenance: maintenance)
        if let stated = account.stated {
            evaluation.figures.requirement = stated
            evaluation.reasons.insert(.statedRequirement)
        }
    }

    private func hold(
        _ quantity: Double, of asset: Int, others: Double, in evaluation: inout AccountEvaluation
    ) {
        let prices = prices[asset]
        guard prices.isKnown else {
            evaluation.reasons.insert(.unknownAsset)
            evaluation.assets.append(
                AssetFigure(asset: asset, quantity: quantity, price: 0, value: 0, loss: .zero))
            return
        }
        if prices.isLate { evaluation.reasons.insert(.staleData) }
        let price = prices.held
        let value = quantity * price
        var counted = tiers[asset].collateral(of: (quantity + others) * price)
        if others > 0 { counted = counted * (quantity / (quantity + others)) }
        evaluation.figures.equity += value
        evaluation.figures.collateral = evaluation.figures.collateral + counted
        evaluation.assets.append(
            AssetFigure(
                asset: asset, quantity: quantity, price: price, value: value,
                loss: MarginPair(initial: value, maintenance: value) - counted))
    }

    private func owe(_ quantity: Double, of asset: Int, in evaluation: inout AccountEvaluation) {
        let prices = prices[asset]
        guard prices.isKnown else {
            evaluation.reasons.insert(.unpriced)
            evaluation.figures.hasUnpricedDebt = true
            evaluation.assets.append(
                AssetFigure(asset: asset, quantity: -quantity, price: 0, value: 0, loss: .zero))
            return
        }
        if prices.isLate { evaluation.reasons.insert(.staleData) }
        let price = prices.owed
        let value = quantity * price
        let counted = tiers[asset].debt(of: value)
        evaluation.figures.equity -= value
        evaluation.figures.debts = evaluation.figures.debts + counted
        evaluation.assets.append(
            AssetFigure(
                asset: asset, quantity: -quantity, price: price, value: -value,
                loss: counted - MarginPair(initial: value, maintenance: value)))
    }

    /// The risk of each underlying: positions lie in the order of their underlyings.
    private func assessRisk(
        _ account: OwnerBook.Account, of book: OwnerBook, in evaluation: inout AccountEvaluation
    ) {
        var start = 0
        while start < account.positions.count {
            let underlying = book.holdings[account.positions[start].holding].underlying
            var end = start + 1
            while end < account.positions.count,
                book.holdings[account.positions[end].holding].underlying == underlying
            {
                end += 1
            }
            let lots = account.positions[start..<end]
            for lot in lots { evaluation.reasons.formUnion(values[lot.holding].reasons) }
            evaluation.risk.append(risk(of: lots, underlying: underlying))
            start = end
        }
    }

    /// −min(0, worst of the sixteen scenarios) at the range of the net delta, and the charge of
    /// short options.
    private func risk(of lots: ArraySlice<OwnerBook.Lot>, underlying: Int) -> UnderlyingFigure {
        var delta = 0.0
        var charge = 0.0
        var unknown = 0.0
        var isUnknown = false
        for lot in lots {
            let value = values[lot.holding]
            delta += lot.quantity * value.delta
            if lot.quantity < 0 { charge -= lot.quantity * value.shortCharge }
            if value.isUnknown {
                isUnknown = true
                unknown += lot.entryNotional
            }
        }
        guard !isUnknown, let market = markets[underlying] else {
            return UnderlyingFigure(
                underlying: underlying, loss: unknown, scenario: nil, netDelta: 0)
        }
        let ladder = market.haircuts.scan
        let (rung, fraction) = ladder.place(of: delta)
        var lower = SIMD16<Double>()
        var upper = SIMD16<Double>()
        for lot in lots {
            lower += gains(of: lot.holding, at: rung, of: ladder) * lot.quantity
            if fraction > 0 {
                upper += gains(of: lot.holding, at: rung + 1, of: ladder) * lot.quantity
            }
        }
        let gains = fraction > 0 ? lower + (upper - lower) * fraction : lower
        var worst = 0
        for scenario in 1..<ScanScenarios.count where gains[scenario] < gains[worst] {
            worst = scenario
        }
        return UnderlyingFigure(
            underlying: underlying, loss: max(0, -gains[worst]) + charge, scenario: worst,
            netDelta: delta)
    }
}
