import Engine
import Haircuts
import Market
import Quantities
import TestSupport
import Testing

/// Random events for a shard of three assets: quotes of several venues, empty sides, surfaces good
/// and bad, duplicates, restarts of senders, gaps and timers.
struct RandomMarket {
    enum Event {
        case quote(Quote)
        case surface(Surface)
        case timer(Instant)
    }

    enum Outcome: Hashable {
        case done(Disposition)
        case refused(SurfaceRefusal)
    }

    static let names = ["BTC", "SOL", "USDE"]
    static let classes: [AssetClass] = [.major, .alt, .stable]

    let configurations: [AssetConfiguration]
    private var random: SplitMix64
    private var now = Instant(nanoseconds: 1_760_000_000_123_456_789)
    private var mids = [60_000.0, 150, 1]
    private var sequence: Int64 = 0
    /// Surfaces as the topic holds them, in order.
    private var surfaces: [Surface] = []

    init(seed: UInt64) throws {
        random = SplitMix64(seed: seed)
        let venue = try #require(Identifier("house"))
        configurations = try zip(Self.names, Self.classes).map { name, assetClass in
            AssetConfiguration(
                asset: try #require(Identifier(name)), assetClass: assetClass,
                primaryVenue: venue, dailyVolume: FixedDecimal(1_000_000),
                depthReference: FixedDecimal(10_000_000),
                systemCollateral: FixedDecimal(100_000_000),
                parameters: HaircutParameters(assetClass), parametersHash: "sha256:test")
        }
    }

    func makeShard() throws -> HaircutShard { HaircutShard(assets: configurations) }

    private mutating func passTime() {
        let step =
            switch random.next() % 50 {
            case 0: random.logarithmic(in: 60.0...4_000.0)
            case 1...5: random.logarithmic(in: 2.0...60.0)
            case 6...20: 0.0
            default: random.logarithmic(in: 0.01...2.0)
            }
        now = now.advanced(byNanoseconds: Int64(step * 1e9))
    }

    mutating func next() throws -> Event {
        passTime()
        let asset = Int(random.next() % 3)
        switch random.next() % 20 {
        case 0...1: return .timer(now)
        case 2...3: return .surface(try surface(of: asset))
        case 4...7: return .quote(try index(of: asset))
        default: return .quote(try book(of: asset))
        }
    }

    mutating func book(of asset: Int) throws -> Quote {
        mids[asset] *= 1 + random.double(in: -0.003...0.003)
        if random.next() % 200 == 0 { mids[asset] *= random.double(in: 0.9...1.05) }
        let mid = mids[asset]
        let half = mid * random.logarithmic(in: 1e-5...1e-2)
        func levels(_ sign: Double) throws -> [BookLevel] {
            if random.next() % 30 == 0 { return [] }
            return try (0..<3).map { level in
                BookLevel(
                    price: try decimal(mid + sign * half * Double(1 + level)),
                    size: try decimal(random.logarithmic(in: 1e3...1e7) / mid))
            }
        }
        return Quote(
            asset: configurations[asset].asset, venue: try #require(Identifier("house")),
            kind: .book, time: lateTime(), sequence: nextSequence(),
            bids: try levels(-1), asks: try levels(1),
            dailyVolume: random.next() % 2 == 0 ? FixedDecimal(500_000) : nil)
    }

    private mutating func index(of asset: Int) throws -> Quote {
        let venue = random.next() % 2 == 0 ? "index-a" : "index-b"
        return Quote(
            asset: configurations[asset].asset, venue: try #require(Identifier(venue)),
            kind: .index, time: lateTime(), sequence: nextSequence(),
            price: try decimal(mids[asset] * random.double(in: 0.995...1.005)))
    }

    private mutating func surface(of asset: Int) throws -> Surface {
        let time = lateTime()
        let volatility = random.next() % 8 == 0 ? 11 : random.logarithmic(in: 0.2...2)
        return Surface(
            asset: configurations[asset].asset, time: time, sequence: nextSequence(),
            expiries: [1, 7, 30].map { days in
                .init(
                    expiry: time.advanced(bySeconds: days * 86_400 - 7_200),
                    forward: FixedDecimal(100),
                    smile: .grid(
                        strikes: [FixedDecimal(80), FixedDecimal(100)],
                        volatilities: [volatility * 1.1, volatility]))
            })
    }

    /// Mostly now, sometimes a little earlier.
    private mutating func lateTime() -> Instant {
        guard random.next() % 10 == 0 else { return now }
        return now.advanced(byNanoseconds: -Int64(random.double(in: 0...3e9)))
    }

    /// Mostly the next one, sometimes an old one.
    private mutating func nextSequence() -> Int64 {
        if random.next() % 25 == 0 { return max(1, sequence - Int64(random.next() % 40)) }
        sequence += 1
        return sequence
    }

    private func decimal(_ value: Double) throws -> FixedDecimal {
        try #require(FixedDecimal(value, fractionDigits: 6, rounding: .up))
    }

    func apply(
        _ event: Event, to shard: inout HaircutShard, _ sink: inout some HaircutSink
    ) -> Outcome {
        switch event {
        case .quote(let quote):
            return .done(
                shard.apply(
                    quote, cause: .record(topic: "q", partition: 0, offset: quote.sequence),
                    to: &sink))
        case .surface(let surface):
            do {
                return .done(
                    try shard.apply(
                        surface,
                        cause: .record(topic: "s", partition: 0, offset: surface.sequence),
                        to: &sink))
            } catch { return .refused(error) }
        case .timer(let time):
            shard.apply(timer: time, to: &sink)
            return .done(.applied)
        }
    }

    /// Keeps what the topics of tables hold after an event.
    mutating func note(_ event: Event, _ outcome: Outcome) {
        if case .surface(let surface) = event { surfaces.append(surface) }
    }

    /// Reads the topics of tables from their start, as a worker does after a restore.
    func readTablesAgain(into shard: inout HaircutShard) throws {
        for surface in surfaces { _ = try? shard.restore(surface) }
    }
}
