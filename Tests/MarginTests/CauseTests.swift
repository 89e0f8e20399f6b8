import Haircuts
import Margin
import Market
import Quantities
import Testing

/// Why a status changed: from the state at the last requirement, and from that requirement alone.
@Suite("Causes")
struct CauseTests {
    /// A state: the account and the markets at a shard time.
    struct State {
        var account: AccountSnapshot
        var tables: MarketTables
        var time: Instant

        var valuation: OwnerValuation {
            let tables = tables
            return margin.value([account], at: time, lookUp: { tables[$0] })
        }
    }

    /// The cause by both ways, which have to agree.
    func cause(
        from before: State, to now: State, sourceLocation: SourceLocation = #_sourceLocation
    ) -> AlertCause {
        let figures = before.valuation.figures(of: 0)
        let previous = figures.status(after: .healthy, margin.parameters)
        let status = now.valuation.figures(of: 0).status(after: previous, margin.parameters)
        #expect(status != previous, sourceLocation: sourceLocation)
        let record = before.valuation.assessment(of: 0).requirement(
            time: before.time, sequence: 1, status: previous, cause: .timer(before.time))
        let exact = now.valuation.cause(
            of: 0, before: before.valuation, previous: previous, status: status)
        let remembered = now.valuation.cause(
            of: 0, before: now.valuation.remembered(record, of: 0), previous: previous,
            status: status)
        #expect(exact == remembered, sourceLocation: sourceLocation)
        return exact
    }

    let borrower = account(["BTC": "1", "USDT": "-50000"])
    var start: State { State(account: borrower, tables: markets(), time: moment(1)) }

    private func later(_ change: (inout HaircutTable) -> Void) -> State {
        var table = bitcoin(time: moment(2), sequence: 2)
        change(&table)
        var state = start
        state.tables.apply(table)
        state.time = moment(2)
        return state
    }

    @Test func aFallOfThePriceNamesThePrice() {
        let now = later {
            $0.price = decimal("51000")
            $0.debtPrice = decimal("51050")
            $0.reference = decimal("51050")
        }
        #expect(cause(from: start, to: now) == .price)
        #expect(cause(from: now, to: start) == .price)
    }

    @Test func aRiseOfTheHaircutNamesTheHaircut() {
        let now = later {
            $0.tiers = tiers((to: "1000000", initial: 0.2, maintenance: 0.18))
        }
        #expect(cause(from: start, to: now) == .haircut)
        #expect(cause(from: now, to: start) == .haircut)
    }

    @Test func anOverrideNamesItself() {
        let now = later {
            $0.tiers = tiers((to: "1000000", initial: 0.5, maintenance: 0.3))
            $0.boundBy = .override
        }
        #expect(cause(from: start, to: now) == .override)
    }

    @Test func dataPastItsValidityNamesItself() {
        var now = start
        now.time = moment(60)
        #expect(cause(from: start, to: now) == .staleData)
        #expect(cause(from: now, to: start) == .staleData)
    }

    @Test func anotherSnapshotNamesThePosition() {
        var now = start
        now.account = account(["BTC": "1", "USDT": "-58000"])
        now.account.sequence = 2
        #expect(cause(from: start, to: now) == .position)
        #expect(cause(from: now, to: start) == .position)
    }

    @Test func closingAPositionThatWasMarginedNamesThePosition() {
        var before = start
        before.account = account(
            ["BTC": "1", "USDT": "-50000"], positions: [perpetual("BTC", "-1", at: "60060")])
        var now = before
        now.account = borrower
        now.account.sequence = 2
        #expect(cause(from: before, to: now) == .position)
    }

    @Test func whereNothingAloneUndoesItTheLargestEffectNamesIt() {
        // Haircut and price each suffice for a margin call; together they cannot be undone alone.
        let now = later {
            $0.price = decimal("50000")
            $0.debtPrice = decimal("50000")
            $0.reference = decimal("50000")
            $0.tiers = tiers((to: "1000000", initial: 0.2, maintenance: 0.19))
        }
        #expect(cause(from: start, to: now) == .price)
    }

    @Test func theFirstInOrderThatUndoesItNamesIt() {
        // Either would do: the haircut comes before the price.
        let now = later {
            $0.price = decimal("57500")
            $0.debtPrice = decimal("57500")
            $0.reference = decimal("57500")
            $0.tiers = tiers((to: "1000000", initial: 0.13, maintenance: 0.08))
        }
        #expect(cause(from: start, to: now) == .haircut)
    }

    /// A short put, with dollars and a little BTC so that the record knows the price of BTC.
    func seller(_ dollars: String) -> AccountSnapshot {
        account(
            ["USD": dollars, "BTC": "0.01"],
            positions: [
                option(.put, "BTC", "-1", strike: "58000", expiry: moment(30 * 86_400))
            ])
    }

    @Test func aRiseOfVolatilityNamesTheVolatility() {
        var before = State(account: seller("13000"), tables: markets(), time: moment(1))
        before.tables.apply(flatSurface(volatility: 0.5), of: id("BTC"))
        var now = before
        now.tables.apply(flatSurface(volatility: 1.1), of: id("BTC"))
        now.time = moment(2)
        #expect(cause(from: before, to: now) == .volatility)
    }

    @Test func aFallOfAnUnderlyingThatIsNotHeldNamesThePrice() {
        let trader = account(
            ["USDT": "10000"], positions: [perpetual("BTC", "1", at: "60060", settlement: "USDT")])
        let before = State(account: trader, tables: markets(), time: moment(1))
        var now = before
        now.tables.apply(bitcoin(price: "57000", debtPrice: "57060", time: moment(2), sequence: 2))
        now.time = moment(2)
        #expect(cause(from: before, to: now) == .price)
    }
}
