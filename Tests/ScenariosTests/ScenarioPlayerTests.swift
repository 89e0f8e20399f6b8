import Foundation
import Haircuts
import Market
import Quantities
import Scenarios
import TestSupport
import Testing

@Suite struct ScenarioPlayerTests {
    let crash: Scenario

    init() throws { crash = try ScenarioCatalog.scenario(named: "crash-2025-10-10") }

    @Test func theEventsAreTheSameInEveryRun() {
        var hash = EventHash()
        var count = 0
        for event in crash.events() {
            hash.add(event)
            count += 1
        }
        #expect(count == 203_688)
        // Sizes depend on `FixedDecimal.double`: before it was exact this was 7feee571252aedb1.
        #expect(hash.value == 0x7fe9_7cbb_6df8_edb1)
    }

    @Test func timeAdvancesWithEachEventAndSequencesCountByOne() {
        struct Source: Hashable {
            var asset: Identifier
            var venue: Identifier?
        }
        var previous = crash.start.advanced(byNanoseconds: -1)
        var last: [Source: Int64] = [:]
        for event in crash.events() {
            must(event.time > previous)
            must(event.time < crash.end)
            previous = event.time
            let (venue, sequence) =
                switch event {
                case .quote(let quote): (Optional(quote.venue), quote.sequence)
                case .surface(let surface): (nil, surface.sequence)
                }
            let source = Source(asset: event.asset, venue: venue)
            must(sequence == (last[source] ?? 0) + 1)
            last[source] = sequence
        }
        #expect(last.count == 12)
    }

    @Test func noBookIsCrossedAndLevelsAreOrderedAndReachFivePercent() {
        for quote in crash.quotes where quote.kind == .book {
            guard let bid = quote.bids.first, let ask = quote.asks.first else {
                Issue.record("an empty side at \(quote.time)")
                continue
            }
            must(bid.price < ask.price)
            must((10...20).contains(quote.bids.count) && (10...20).contains(quote.asks.count))
            must(zip(quote.bids, quote.bids.dropFirst()).allSatisfy { $0.price > $1.price })
            must(zip(quote.asks, quote.asks.dropFirst()).allSatisfy { $0.price < $1.price })
            must((quote.bids + quote.asks).allSatisfy { $0.size > .zero })
            let mid = quote.mid.double
            must((quote.bids.last?.price.double ?? 0) < mid * 0.951)
            must((quote.asks.last?.price.double ?? 0) > mid * 1.049)
            must((quote.dailyVolume ?? .zero) > .zero)
        }
    }

    @Test func booksHoldTheDepthOfTheFileWithinOnePercent() throws {
        let rows = try recordedDepth()
        let ratios = ["BTC": 1.0, "ETH": 0.6, "SOL": 0.2]
        var row = 0
        var compared = 0
        for quote in crash.quotes where quote.kind == .book {
            guard let ratio = ratios[quote.asset.description] else { continue }
            let second = Int(quote.time.seconds(since: crash.start))
            while row + 1 < rows.count, rows[row + 1][0] <= second { row += 1 }
            for percent in 1...5 {
                let bids = quote.value(of: quote.bids, within: percent)
                let asks = quote.value(of: quote.asks, within: percent)
                let recorded = (rows[row][percent], rows[row][percent + 5])
                must(abs(bids / (1e3 * ratio * Double(recorded.0)) - 1) < 0.01)
                must(abs(asks / (1e3 * ratio * Double(recorded.1)) - 1) < 0.01)
            }
            compared += 1
        }
        #expect(compared == 3 * (1_080 + 21_600))
    }

    @Test func depthPublishedBeforeThePhantomBidIsPlayedAsPublished() throws {
        // Binance's own figures of 14:51:00.
        let moment = try #require(Instant("2025-10-10T14:51:00Z"))
        let book = try #require(crash.quote("BTC", "binance", at: moment))
        #expect(abs(book.value(of: book.bids, within: 1) / 353_325_344.6 - 1) < 0.001)
        #expect(abs(book.value(of: book.bids, within: 2) / 705_341_846.7 - 1) < 0.001)
        #expect(abs(book.value(of: book.asks, within: 2) / 356_770_943.2 - 1) < 0.001)
    }

    @Test func depthFallsByMoreThanNineTenthsInTheMinutesOfTheCrash() throws {
        let reference = try #require(crash.assets.first { $0.asset.description == "BTC" })
        let morning = reference.depthReference.double
        #expect(abs(morning / 690e6 - 1) < 0.01)
        let moment = try #require(Instant("2025-10-10T21:20:30Z"))
        let book = try #require(crash.quote("BTC", "binance", at: moment))
        #expect(book.value(of: book.bids, within: 2) < 0.1 * morning)
    }

    @Test(arguments: [
        ("BTC", "binance", "101877.7", "2025-10-10T21:20:40"),
        ("ETH", "binance", "3400", "2025-10-10T21:19:40"),
        ("SOL", "binance", "141.28", "2025-10-10T21:20:20"),
        ("USDE", "binance", "0.65", "2025-10-10T21:54:40"),
        ("BTC", "gemini", "107000", "2025-10-10T21:26:20"),
        ("ETH", "gemini", "3681", "2025-10-10T21:14:40"),
        ("SOL", "gemini", "172.1", "2025-10-10T21:29:40"),
        ("USDE", "uniswap", "0.9941", "2025-10-10T23:01:20"),
    ])
    func eachSourceTouchesTheLowOfItsRecording(
        asset: String, venue: String, low: String, time: String
    ) throws {
        let quotes = crash.quotes(try #require(Identifier(asset)), try #require(Identifier(venue)))
        let lowest = try #require(quotes.min { $0.mid < $1.mid })
        #expect(lowest.mid == FixedDecimal(low))
        #expect(lowest.time.description.hasPrefix(time))
    }

    @Test func surfacesArePlausibleEveryMinuteAndPassTheGate() throws {
        var count = 0
        for case .surface(let surface) in crash.events() {
            var variance = 0.0
            for expiry in surface.expiries {
                guard case .grid(let strikes, let volatilities) = expiry.smile else {
                    Issue.record("a surface that is not a grid")
                    continue
                }
                #expect(strikes.count == volatilities.count)
                #expect(zip(strikes, strikes.dropFirst()).allSatisfy { $0 < $1 })
                #expect(volatilities.allSatisfy { $0 > 0.2 && $0 < 2.5 })
                let years = expiry.expiry.seconds(since: surface.time) / (365 * 86_400)
                let forward = expiry.forward.double
                #expect(strikes[0].double < forward)
                #expect((strikes.last?.double ?? 0) > forward)
                let atForward = totalVariance(
                    atForward: forward, years: years, strikes: strikes.map(\.double),
                    volatilities: volatilities)
                #expect(atForward >= variance)
                variance = atForward
            }
            count += 1
        }
        #expect(count == 3 * 720)
    }

    @Test func aSurfaceHoldsTheMarkVolatilitiesOfTheMinuteBefore() throws {
        // OKX, last quotes of 21:20: 31-Oct 80k and 135k, 28-Nov 102k and 132k.
        let moment = try #require(Instant("2025-10-10T21:21:00Z"))
        let events = crash.events(from: moment, to: moment.advanced(bySeconds: 1))
        let surface = try #require(
            events.lazy.compactMap { event -> Surface? in
                if case .surface(let surface) = event { surface } else { nil }
            }.first)
        #expect(surface.asset.description == "BTC")
        #expect(surface.expiries.allSatisfy { $0.forward == FixedDecimal("106467.9") })
        let recorded = [
            ("80000", 0.6600), ("135000", 0.5847), ("102000", 0.4417), ("132000", 0.4573),
        ]
        for (index, (strike, volatility)) in recorded.enumerated() {
            guard case .grid(let strikes, let volatilities) = surface.expiries[index / 2].smile
            else { continue }
            let place = try #require(strikes.firstIndex { $0 == FixedDecimal(strike) })
            #expect(volatilities[place] == volatility)
        }
    }

    @Test func theIndexOfUSDeStaysWithinOnePercentOfPar() throws {
        let index = crash.quotes(
            try #require(Identifier("USDE")), try #require(Identifier("uniswap")))
        #expect(index.allSatisfy { $0.price.double > 0.99 && $0.price.double < 1.01 })
        #expect(index.first?.time.description.hasPrefix("2025-10-10T16:00:00") == true)
    }

    @Test func playingFromTheMiddleGivesTheSameBooks() throws {
        let from = try #require(crash.start(ofSection: "crash")).advanced(bySeconds: 11_000)
        let to = from.advanced(bySeconds: 30)
        var whole = crash.quotes.filter { $0.time >= from && $0.time < to }
        var part = ScenarioQuotes(events: crash.events(from: from, to: to)).map { $0 }
        #expect(part.count > 200)
        #expect(part.first?.sequence == 1)
        for index in whole.indices { whole[index].sequence = 0 }
        for index in part.indices { part[index].sequence = 0 }
        #expect(part == whole)
    }

    @Test func aRateMultipliesTheQuotesAndKeepsTheirPrices() throws {
        let from = try #require(crash.start(ofSection: "crash"))
        let to = from.advanced(bySeconds: 60)
        let once = ScenarioQuotes(events: crash.events(from: from, to: to)).map { $0 }
        let fast = ScenarioQuotes(events: crash.events(from: from, to: to, rate: 4)).map { $0 }
        #expect(fast.count == 4 * once.count)
        #expect(Set(once.map(\.time)).isSubset(of: Set(fast.map(\.time))))
        #expect(zip(fast, fast.dropFirst()).allSatisfy { $0.time < $1.time })
    }

    @Test func theRecommendedConfigurationCoversEachAsset() {
        let listed = crash.assets.map { "\($0.asset) \($0.assetClass) \($0.primaryVenue)" }
        #expect(
            listed == [
                "BTC major binance", "ETH major binance", "SOL alt binance",
                "USDE stable binance",
            ])
        #expect(crash.start.description == "2025-10-10T12:00:00.000000Z")
        #expect(crash.end.description == "2025-10-11T00:00:00.000000Z")
    }

    /// The depth rows of the file: second, five of bids, five of asks, in thousands.
    private func recordedDepth() throws -> [[Int]] {
        let path = "Sources/Scenarios/Recorded/crash-2025-10-10.scenario"
        let lines = String(decoding: try Repository.data(path), as: UTF8.self).split(
            separator: "\n")
        let header = try #require(lines.firstIndex { $0.hasPrefix("depth BTC ") })
        return lines[(header + 1)...].prefix { !$0.hasPrefix("volumes") }
            .map { $0.split(separator: " ").compactMap { Int($0) } }
    }

    /// Total variance at k = 0, linear in (k, total variance) between strikes: MODEL §2.
    private func totalVariance(
        atForward forward: Double, years: Double, strikes: [Double], volatilities: [Double]
    ) -> Double {
        let k = strikes.map { log($0 / forward) }
        let w = volatilities.map { $0 * $0 * years }
        guard let right = k.firstIndex(where: { $0 >= 0 }), right > 0 else { return .nan }
        let share = -k[right - 1] / (k[right] - k[right - 1])
        return w[right - 1] + (w[right] - w[right - 1]) * share
    }
}

/// The quotes among events.
struct ScenarioQuotes: Sequence, IteratorProtocol {
    var events: ScenarioPlayer

    mutating func next() -> Quote? {
        while let event = events.next() {
            if case .quote(let quote) = event { return quote }
        }
        return nil
    }
}

extension Scenario {
    var quotes: ScenarioQuotes { ScenarioQuotes(events: events()) }

    /// The quotes of one source.
    func quotes(_ asset: Identifier, _ venue: Identifier) -> [Quote] {
        quotes.filter { $0.asset == asset && $0.venue == venue }
    }

    /// The quote of a source within the second from a moment.
    func quote(_ asset: String, _ venue: String, at moment: Instant) -> Quote? {
        ScenarioQuotes(events: events(from: moment, to: moment.advanced(bySeconds: 1)))
            .first { $0.asset.description == asset && $0.venue.description == venue }
    }
}

extension Quote {
    /// Mid of a book, the price of an index.
    var mid: FixedDecimal {
        guard let bid = bids.first, let ask = asks.first else { return price }
        return (bid.price + ask.price).half
    }

    /// Value of the levels no further than so many percent from mid, compared in decimals.
    func value(of side: [BookLevel], within percent: Int) -> Double {
        let reach = mid.times(percent, over: 100)
        return side.filter { $0.price >= mid - reach && $0.price <= mid + reach }
            .reduce(0) { $0 + $1.price.double * $1.size.double }
    }
}

/// `#expect` for a loop of hundreds of thousands, where its bookkeeping would take minutes.
private func must(
    _ condition: Bool, sourceLocation: SourceLocation = #_sourceLocation
) {
    if !condition { Issue.record("does not hold", sourceLocation: sourceLocation) }
}
