import Haircuts
import Market
import Quantities
import TestSupport
import Testing

/// MODEL §1: what is remembered of one asset's market.
struct StateTests {
    func decimal(_ text: String) throws -> FixedDecimal { try #require(FixedDecimal(text)) }
    func name(_ text: String) throws -> Identifier { try #require(Identifier(text)) }
    func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: 0).advanced(bySeconds: seconds) }

    func book(
        bids: [(String, String)], asks: [(String, String)], sequence: Int64 = 1
    ) throws -> Quote {
        func levels(_ side: [(String, String)]) throws -> [BookLevel] {
            try side.map { BookLevel(price: try decimal($0.0), size: try decimal($0.1)) }
        }
        return Quote(
            asset: try name("BTC"), venue: try name("house"), kind: .book, time: at(0),
            sequence: sequence, bids: try levels(bids), asks: try levels(asks))
    }

    @Test func aLevelTwoPercentBelowMidCountsAndOneBeyondDoesNot() throws {
        let quote = try book(
            bids: [("99.5", "1"), ("98", "10"), ("97.999999999999999999", "100")],
            asks: [("100.5", "1")])
        #expect(quote.mid == FixedDecimal(100))
        #expect(quote.bidDepth == 99.5 + 980)
    }

    @Test func aMidThatEndsInHalfAUnitStillComparesExactly() throws {
        // mid 1.0000000000000000005: 2 % below it lies above 0.98.
        let quote = try book(
            bids: [("1", "1"), ("0.980000000000000001", "1"), ("0.98", "1")],
            asks: [("1.000000000000000001", "1")])
        #expect(quote.bidDepth == 1 + 0.98)
    }

    @Test func anEmptySideLeavesNoDepth() throws {
        #expect(try book(bids: [("99", "1")], asks: []).bidDepth == 0)
        #expect(try book(bids: [], asks: [("99", "1")]).mid == nil)
    }

    @Test func theSpreadForgetsHalfInTenMinutes() throws {
        var spread = SpreadStatistics()
        spread.update(spread: 0.001, at: at(0))
        #expect(spread.mean == 0.001 && spread.deviation == 0)
        spread.update(spread: 0.003, at: at(600))
        #expect(abs((spread.mean ?? 0) - 0.002) < 1e-15)
        // Against the mean before the update: half of (0.002)².
        #expect(abs(spread.deviation - 0.002 / 2.0.squareRoot()) < 1e-15)
    }

    @Test func aBaselineIsTheMedianOfADayOnceThreeHoursAreHeld() {
        var baseline = Baseline()
        for sample in 0...35 {
            baseline.update(depth: Double(sample), spread: 0.1, at: at(Int64(sample) * 300))
        }
        #expect(baseline.depth == nil, "35 samples have closed")
        baseline.update(depth: 1_000, spread: 0.1, at: at(36 * 300))
        #expect(baseline.depth == 17.5, "36 have")
    }

    @Test func aBaselineForgetsWhatIsOlderThanADay() {
        var baseline = Baseline()
        for sample in 0..<1_000 {
            baseline.update(
                depth: sample < 500 ? 1 : 9, spread: 0.1, at: at(Int64(sample) * 300 + 7))
        }
        #expect(baseline.depth == 9)
    }

    @Test func realisedVolatilityIsUndefinedUntilTwelveReturns() {
        var fast = RealisedVolatility.fast
        for bar in 0...12 {
            fast.update(price: 100 + Double(bar % 2), at: at(Int64(bar) * 300))
            #expect(fast.volatility == nil, "after \(bar) bars")
        }
        // The 13th bar closes when a price comes after it: that is the twelfth return.
        fast.update(price: 100, at: at(13 * 300))
        #expect(fast.volatility != nil)
    }

    @Test func aBarClosesAtItsLastPriceAndAGapSpreadsItsReturn() {
        var fast = RealisedVolatility.fast
        fast.update(price: 100, at: at(0))
        fast.update(price: 110, at: at(299))
        fast.update(price: 500, at: at(300))
        fast.update(price: 121, at: at(599))
        #expect(fast.returns == 0)
        fast.update(price: 121, at: at(1_200))
        #expect(fast.returns == 1)
        #expect(abs(fast.variance - 0.0953101798043249 * 0.0953101798043249) < 1e-15)
        // Bars 2 and 3 were empty: the return from bar 1 to bar 4 lies over three bars.
        fast.update(price: 121, at: at(1_500))
        #expect(fast.returns == 2)
    }

    @Test func withASourceMissingTheReferenceIsHeldAndConfidenceDoesNotRise() throws {
        var sources = PriceSources(configured: nil, staleSeconds: 60, dispersionTolerance: 0.05)
        func quote(_ venue: String, _ price: String, _ second: Int64) throws {
            _ = sources.receive(
                venue: try name(venue), kind: .index, time: at(second), sequence: second + 1,
                price: try decimal(price))
            sources.settle(at: at(second))
        }
        try quote("a", "100", 0)
        try quote("b", "101", 1)
        try quote("c", "102", 2)
        #expect(sources.reference == FixedDecimal(101))
        let before = sources.confidence
        try quote("b", "80", 70)
        #expect(sources.reference == FixedDecimal(101), "a and c are stale")
        #expect(sources.confidence <= before)
        try quote("a", "81", 71)
        try quote("c", "82", 72)
        #expect(sources.reference == FixedDecimal(81), "all three are back")
    }

    @Test func theConfiguredNumberOfSourcesIsTheMostThatIsMissed() throws {
        var sources = PriceSources(configured: 1, staleSeconds: 60, dispersionTolerance: 0.05)
        for (second, price) in [(0, 100), (100, 90)] as [(Int64, Int)] {
            for venue in second == 0 ? ["a", "b"] : ["a"] {
                _ = sources.receive(
                    venue: try name(venue), kind: .index, time: at(second), sequence: second + 1,
                    price: FixedDecimal(price))
            }
            sources.settle(at: at(second))
        }
        #expect(sources.reference == FixedDecimal(90))
    }

    @Test func ofTwoSourcesTheOneNearerTheLastReferenceCounts() throws {
        var sources = PriceSources(configured: nil, staleSeconds: 60, dispersionTolerance: 0.05)
        for (venue, price, sequence) in [("a", "1", 1), ("b", "0.999", 1), ("a", "0.65", 2)] {
            _ = sources.receive(
                venue: try name(venue), kind: .book, time: at(0), sequence: Int64(sequence),
                price: try decimal(price))
            sources.settle(at: at(0))
        }
        #expect(sources.reference?.description == "0.999")
    }

    @Test func sourcesThatNeverEndDoNotGrowTheState() throws {
        var sources = PriceSources(configured: 2, staleSeconds: 60, dispersionTolerance: 0.05)
        for number in 0..<1_000 {
            _ = sources.receive(
                venue: try name("v\(number)"), kind: .index, time: at(Int64(number)), sequence: 1,
                price: FixedDecimal(100))
            sources.settle(at: at(Int64(number)))
        }
        // The newest is known, so a repetition is told from a new message.
        let again = sources.receive(
            venue: try name("v999"), kind: .index, time: at(999), sequence: 1, price: nil)
        #expect(again == .duplicate)
    }

    @Test func theValuationPriceIsHeldToThreePercentBelowTheReference() throws {
        func prices(_ mid: String) throws -> [String] {
            let valuation = Valuation(mid: try decimal(mid), reference: FixedDecimal(100))
            return [valuation.price.description, valuation.debtPrice.description]
        }
        #expect(try prices("99") == ["99", "100"])
        #expect(try prices("65") == ["97", "100"])
        #expect(try prices("103") == ["100", "103"])
    }
}
