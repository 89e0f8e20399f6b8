import Haircuts
import Market
import Quantities

/// The margin of accounts: MODEL §8 as a pure function of snapshots, markets and shard time.
///
/// It computes everything anew, plainly; whoever keeps figures up to date by increments must agree
/// with it.
public struct MarginModel: Sendable {
    public let parameters: MarginParameters
    /// Haircut 0, price 1.
    public let valuationCurrency: Identifier
    public let instruments: InstrumentModel

    public init(parameters: MarginParameters = MarginParameters(), valuationCurrency: Identifier) {
        self.parameters = parameters
        self.valuationCurrency = valuationCurrency
        instruments = InstrumentModel(parameters: parameters)
    }

    /// Assesses all accounts of one owner.
    ///
    /// - Parameters:
    ///   - accounts: of one owner, each once.
    ///   - tables: with the expiries of their instruments watched (`MarketTables.watch`).
    ///   - time: shard time; tables past their validity count with their fallback.
    /// - Returns: one an account, in their order.
    public func assess(
        _ accounts: [AccountSnapshot], in tables: MarketTables, at time: Instant
    ) -> [AccountAssessment] {
        let valuation = value(accounts, at: time, lookUp: { tables[$0] })
        return accounts.indices.map(valuation.assessment)
    }

    /// Values the accounts of one owner, to be asked several questions.
    ///
    /// - Parameters:
    ///   - lookUp: the market of an asset, that of the valuation currency included.
    ///   - valued: what `instruments` computed before for the same market, to save the time.
    public func value(
        _ accounts: [AccountSnapshot], at time: Instant,
        lookUp: (Identifier) -> AssetMarket?,
        valued: (Instrument) -> (value: InstrumentValue, array: ArraySlice<Double>)? = { _ in nil }
    ) -> OwnerValuation {
        value(
            OwnerBook(accounts, valuationCurrency: valuationCurrency), at: time, lookUp: lookUp,
            valued: valued)
    }

    /// As above, of a book with the valuation currency of this model.
    public func value(
        _ book: OwnerBook, at time: Instant, lookUp: (Identifier) -> AssetMarket?,
        valued: (Instrument) -> (value: InstrumentValue, array: ArraySlice<Double>)? = { _ in nil }
    ) -> OwnerValuation {
        OwnerValuation(
            model: self, book: book,
            market: OwnerMarket(
                book, at: time, instruments: instruments, lookUp: lookUp, valued: valued))
    }
}

/// One owner's accounts in one market.
public struct OwnerValuation: Sendable {
    public let model: MarginModel
    public var book: OwnerBook
    public var market: OwnerMarket

    public init(model: MarginModel, book: OwnerBook, market: OwnerMarket) {
        self.model = model
        self.book = book
        self.market = market
    }

    /// Everything about one account.
    ///
    /// - Parameter index: in the order the accounts were given.
    public func assessment(of index: Int) -> AccountAssessment {
        var evaluation = AccountEvaluation()
        evaluate(index, into: &evaluation)
        let account = book.accounts[index]
        return AccountAssessment(
            account: account.account, positionsSequence: account.positionsSequence,
            figures: evaluation.figures, unrealised: evaluation.unrealised,
            assets: evaluation.assets.map { asset($0, of: account) },
            risk: evaluation.risk.map { figure in
                AccountAssessment.Risk(
                    underlying: book.assets[figure.underlying], loss: figure.loss,
                    scenario: figure.scenario.map { ScanScenarios.all[$0] }
                        ?? RiskScenario(price: 0, volatility: .none))
            }, reasons: evaluation.reasons)
    }

    /// The figures alone.
    public func figures(of index: Int) -> MarginFigures {
        var evaluation = AccountEvaluation()
        evaluate(index, into: &evaluation)
        return evaluation.figures
    }

    func evaluate(_ index: Int, into evaluation: inout AccountEvaluation) {
        market.evaluate(
            book.accounts[index], of: book, othersHeld: heldByOthers(than: index),
            parameters: model.parameters, into: &evaluation)
    }

    /// Positive quantities of all accounts but one.
    func heldByOthers(than index: Int) -> HeldByOthers { heldByOthers(than: index, in: market) }

    func heldByOthers(than index: Int, in market: OwnerMarket) -> HeldByOthers {
        guard book.accounts.count > 1 else { return HeldByOthers() }
        var held = HeldByOthers(assets: book.assets.count)
        var quantities: [Double] = []
        for (other, account) in book.accounts.enumerated() where other != index {
            _ = market.settle(account, of: book, into: &quantities)
            held.add(quantities)
        }
        return held
    }

    private func asset(
        _ figure: AssetFigure, of account: OwnerBook.Account
    ) -> AccountAssessment.Asset {
        let prices = market.markets[figure.asset]?.prices
        let published = figure.quantity > 0 ? prices?.published.price : prices?.published.debtPrice
        return AccountAssessment.Asset(
            asset: book.assets[figure.asset], balance: account.decimals[figure.asset],
            quantity: figure.quantity, price: published ?? .zero, value: figure.value,
            loss: figure.loss,
            haircutSequence: market.markets[figure.asset]?.haircuts.sequence ?? 0)
    }
}
