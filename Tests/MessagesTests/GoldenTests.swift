import Haircuts
import Market
import Messages
import Quantities
import Testing

/// The exact bytes of each message.
struct GoldenTests {
    static let book = Quote(
        asset: name("BTC"), venue: name("house"), kind: .book,
        time: instant("2026-11-22T14:00:00.123456Z"), sequence: 123,
        bids: [
            BookLevel(price: decimal("61234.5"), size: decimal("1.25")),
            BookLevel(price: decimal("61234"), size: decimal("3.1")),
        ],
        asks: [BookLevel(price: decimal("61235"), size: decimal("0.8"))],
        dailyVolume: decimal("21000.5"))

    static let index = Quote(
        asset: name("BTC"), venue: name("index-a"), kind: .index,
        time: instant("2026-11-22T14:00:00Z"), sequence: 9, price: decimal("61240.1"))

    static let surface = Surface(
        asset: name("BTC"), time: instant("2026-11-22T14:00:00Z"), sequence: 7,
        expiries: [
            Surface.Expiry(
                expiry: instant("2026-11-27T08:00:00Z"), forward: decimal("61300"),
                smile: .grid(
                    strikes: ["50000", "60000", "70000"].map(decimal),
                    volatilities: [0.71, 0.62, 0.66])),
            Surface.Expiry(
                expiry: instant("2026-12-25T08:00:00Z"), forward: decimal("61500"),
                smile: .svi(
                    Surface.SVI(a: 0.0021, b: 0.0416, rho: -0.29, m: -0.026, sigma: 0.0626))),
        ])

    static let haircut = HaircutTable(
        asset: name("BTC"), time: instant("2026-11-22T14:00:00.2Z"), sequence: 3001,
        state: .normal, price: decimal("61234.75"), debtPrice: decimal("61240.1"),
        reference: decimal("61240.1"), mid: decimal("61234.75"),
        tiers: [
            HaircutTier(
                from: .zero, to: decimal("100000"), initial: Ratio(millionths: 52_500),
                maintenance: Ratio(millionths: 34_000)),
            HaircutTier(from: decimal("100000"), to: nil, initial: .one, maintenance: .one),
        ],
        target: Haircut(initial: 0.0524, maintenance: 0.0339), gap: .zero, boundBy: .limiter,
        next: Projection(
            initial: Ratio(millionths: 52_500), maintenance: Ratio(millionths: 34_000),
            at: instant("2026-11-22T14:01:00Z")),
        validUntil: instant("2026-11-22T14:00:30Z"), fallback: 0.3,
        scan: [ScanRange(notional: decimal("100000"), down: 0.1, up: 0.1112)],
        stressVolatility: 1.2, confidence: 1, branchingRatio: 0.12,
        components: Components(
            volatility: 0.715, market: 0.0321, liquidity: 0.0038, peg: 0, divergence: 0,
            confidence: 0, horizonSeconds: 3807.3, depth: decimal("40000000"),
            depthBaseline: decimal("40000000"), spread: 0.0001, quoteAge: 0.1, surfaceAge: 2.5),
        modelVersion: "1",
        parametersHash: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        cause: .record(topic: "market.quotes.v1", partition: 3, offset: 991))

    @Test func aBookIsWrittenAndReadAsTheContractShows() {
        #expect(written { $0.write(Self.book) } == Examples.book)
        #expect(decodeQuote(Examples.book.utf8).value == Self.book)
    }

    @Test func anIndexPriceIsWrittenAndReadAsTheContractShows() {
        #expect(written { $0.write(Self.index) } == Examples.index)
        #expect(decodeQuote(Examples.index.utf8).value == Self.index)
    }

    @Test func aSurfaceIsWrittenAndReadAsTheContractShows() {
        #expect(written { $0.write(Self.surface) } == Examples.surface)
        #expect(decodeSurface(Examples.surface.utf8).value == Self.surface)
    }

    @Test func aHaircutTableIsWrittenAsTheContractShows() {
        #expect(written { $0.write(Self.haircut) } == Examples.haircut)
    }

    @Test func whatIsAbsentInATableIsNull() {
        var table = Self.haircut
        table.next = nil
        table.components.surfaceAge = nil
        table.boundBy = []
        table.cause = .timer(instant("2026-11-22T14:00:00.2Z"))
        let text = written { $0.write(table) }
        #expect(text.contains(#""boundBy":[],"next":null,"validUntil""#))
        #expect(text.contains(#""surfaceAge":null}"#))
        #expect(text.hasSuffix(#""cause":{"timer":"2026-11-22T14:00:00.200000Z"}}"#))
    }

    @Test func boundsAreWrittenInPublishedOrder() {
        var table = Self.haircut
        table.boundBy = Bounds(rawValue: 127)
        let all = #"["limiter","governor","floor","cap","override","freeze","fallback"]"#
        #expect(written { $0.write(table) }.contains("\"boundBy\":\(all),"))
    }
}
