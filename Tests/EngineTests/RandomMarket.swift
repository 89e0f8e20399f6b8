import Engine
import Haircuts
import Market
import Quantities
import TestSupport
import Testing

/// Random events for a shard of three assets: quotes of several venues, empty sides, surfaces good
/// and bad, exposures of three margin shards, controls and their ends, duplicates, restarts of
/// senders, gaps and timers.
struct RandomMarket {
    enum Event {
        case quote(Quote)
        case surface(Surface)
        case exposure(Exposure)
        case control(Control)
        case withdrawal(Control.Key)
        case timer(Instant)
    }

    enum Outcome: Hashable {
        case done(Disposition)
        case refused(SurfaceRefusal)
        case uncontrolled(ControlRefusal)
    }

    static let names = ["BTC", "SOL", "USDE"]
    static let classes: [AssetClass] = [.major, .alt, .stable]

    let configurations: [AssetConfiguration]
    private var random: SplitMix64
    private var now = Instant(nanoseconds: 1_760_000_000_123_456_789)
    private var mids = [60_000.0, 150, 1]
    private var sequence: Int64 = 0
    /// What the topics of tables hold, in order.
    private var tables: [Event] = []

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

    static let exposureShards: Int32 = 3

    func makeShard() throws -> HaircutShard {
        HaircutShard(assets: configurations, exposureShards: Int(Self.exposureShards)) {
            "sha256:\($0.parameters.floor)"
        }
    }

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
        case 4: return .exposure(exposure(of: asset))
        case 5:
            guard random.next() % 4 == 0 else { return .exposure(exposure(of: asset)) }
            return random.next() % 3 == 0 ? .withdrawal(controlKey()) : .control(control())
        case 6...8: return .quote(try index(of: asset))
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

    private mutating func exposure(of asset: Int) -> Exposure {
        let pledged = random.logarithmic(in: 1e5...1e8)
        func rungs(_ steps: [Double], _ part: Double) -> [Exposure.Rung] {
            if random.next() % 10 == 0 { return [] }
            var value = 0.0
            return steps.map { step in
                value += random.next() % 3 == 0 ? random.logarithmic(in: 1...(pledged * part)) : 0
                return Exposure.Rung(step: step, value: FixedDecimal(Int(value)))
            }
        }
        return Exposure(
            asset: configurations[asset].asset, shard: Int32(random.next() % 4),
            time: lateTime(), sequence: nextSequence(),
            haircutSequence: Int64(random.next() % 400), price: FixedDecimal(1),
            pledged: FixedDecimal(Int(pledged)), pledgedValue: FixedDecimal(Int(pledged)),
            borrowed: .zero, byHaircut: rungs(Exposure.rises, 0.02),
            byPrice: rungs(Exposure.falls, 0.1), accounts: 10)
    }

    private mutating func controlKey() -> Control.Key {
        let actions = Control.Action.allCases
        return Control.Key(
            asset: random.next() % 3 == 0
                ? nil : configurations[Int(random.next() % 3)].asset,
            action: actions[Int(random.next() % 4)])
    }

    private mutating func control() -> Control {
        let key = controlKey()
        let order: Control.Order
        switch key.action {
        case .override:
            order = .override(Haircut(initial: random.double(in: 0.2...0.6), maintenance: 0.123))
        case .freeze: order = .freeze
        case .solvency: order = .solvency
        case .parameters:
            var changes = [
                Control.ParameterChange(
                    name: "floor", value: .number(random.double(in: -0.01...0.2)))
            ]
            if random.next() % 3 == 0 {
                let notionals = [200_000, 1_000_000, 7_000_000].map { FixedDecimal($0) }
                changes.append(
                    Control.ParameterChange(name: "notionals", value: .amounts(notionals)))
            }
            if random.next() % 3 == 0 {
                changes.append(
                    Control.ParameterChange(name: "roundingBasisPoints", value: .number(10)))
            }
            order = .parameters(changes)
        }
        let length = random.logarithmic(in: 1...3_000)
        let expires = now.advanced(byNanoseconds: Int64(length * 1e9))
        return Control(
            asset: key.asset, time: now, sequence: nextSequence(), order: order,
            expires: key.action == .parameters ? nil : expires, reason: "test", by: "alice",
            approvedBy: "bob")
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
        case .exposure(let exposure):
            return .done(
                shard.apply(
                    exposure, cause: .record(topic: "e", partition: 0, offset: exposure.sequence),
                    to: &sink))
        case .control(let control):
            do {
                return .done(
                    try shard.apply(
                        control,
                        cause: .record(topic: "c", partition: 0, offset: control.sequence),
                        to: &sink))
            } catch { return .uncontrolled(error) }
        case .withdrawal(let key):
            return .done(
                shard.withdraw(
                    key, cause: .record(topic: "c", partition: 0, offset: 0), to: &sink))
        case .timer(let time):
            shard.apply(timer: time, to: &sink)
            return .done(.applied)
        }
    }

    /// Keeps what the topics of tables hold after an event.
    mutating func note(_ event: Event) {
        switch event {
        case .quote, .timer: break
        case .surface, .exposure, .control, .withdrawal: tables.append(event)
        }
    }

    /// Reads the topics of tables from their start, as a worker does after a restore.
    func readTablesAgain(into shard: inout HaircutShard) {
        for event in tables {
            switch event {
            case .surface(let surface): _ = try? shard.restore(surface)
            case .exposure(let exposure): _ = shard.restore(exposure)
            case .control(let control): _ = try? shard.restore(control)
            case .withdrawal(let key): shard.restoreWithdrawal(of: key)
            case .quote, .timer: break
            }
        }
    }
}
