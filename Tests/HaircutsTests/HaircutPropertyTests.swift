import Haircuts
import Market
import Quantities
import TestSupport
import Testing

/// What MODEL §3 and §4 say must hold, over random states.
struct HaircutPropertyTests {
    static let states = 100_000
    static let seed: UInt64 = 20_251_010

    struct State {
        var assetClass: AssetClass
        var parameters: HaircutParameters
        var implied: Double
        var market: MarketState
        var notional: Double

        init(_ random: inout SplitMix64) {
            assetClass = AssetClass.allCases[Int(random.next() % 3)]
            parameters = HaircutParameters(assetClass)
            let price = random.logarithmic(in: 1e-6...1e6)
            let prior = random.logarithmic(in: 1e4...1e9)
            implied = random.logarithmic(in: 0.01...10)
            notional = random.logarithmic(in: 1e3...1e9)
            let gap = random.next() % 4 == 0 ? random.double(in: 0.5...1.5) : 1
            market = MarketState(
                mid: price * gap, reference: price,
                spread: random.logarithmic(in: 1e-6...0.2),
                spreadDeviation: random.logarithmic(in: 1e-7...0.1),
                depth: random.next() % 8 == 0 ? 0 : prior * random.logarithmic(in: 1e-6...10),
                depthPrior: prior, depthBaseline: prior * random.double(in: 1...4),
                dailyVolume: random.logarithmic(in: 1e5...1e11),
                systemCollateral: random.logarithmic(in: 1...1e10),
                quoteAgeSeconds: random.next() % 2 == 0 ? 0 : random.logarithmic(in: 0.01...1e6),
                confidence: random.double(in: 0...1),
                volatilityFast: random.next() % 3 == 0 ? nil : random.logarithmic(in: 0.01...20),
                volatilitySlow: random.next() % 3 == 0 ? nil : random.logarithmic(in: 0.01...5))
        }

        func haircut() -> HoldingHaircut {
            let model = HaircutModel(parameters)
            let curve = flatCurve(implied)
            let shared = model.shared(market, curve: curve)
            return model.haircut(
                notional: notional, market: market, shared: shared, curve: curve)
        }
    }

    @Test func haircutsLieInTheirOrderAndBounds() {
        var random = SplitMix64(seed: Self.seed)
        for index in 0..<Self.states {
            let state = State(&random)
            let out = state.haircut()
            let isRight =
                out.maintenance >= 0 && out.maintenance <= out.initial && out.initial <= 1
                && out.target >= state.parameters.floor && out.target <= state.parameters.cap
                && out.scanDown >= state.parameters.scanFloor && out.scanDown < 1
                && out.scanUp.isFinite && out.horizonSeconds <= 60 * 86_400
            #expect(isRight, "seed \(Self.seed), state \(index): \(out)")
            if !isRight { return }
        }
    }

    /// One change each, in the direction that must not lower a haircut.
    static let worsenings: [(name: String, apply: @Sendable (inout State, Double) -> Void)] = [
        ("implied volatility", { $0.implied *= $1 }),
        ("fast volatility", { $0.market.volatilityFast = ($0.market.volatilityFast ?? 0) * $1 }),
        ("slow volatility", { $0.market.volatilitySlow = ($0.market.volatilitySlow ?? 0) * $1 }),
        ("notional", { $0.notional *= $1 }),
        ("spread", { $0.market.spread *= $1 }),
        ("spread deviation", { $0.market.spreadDeviation *= $1 }),
        ("quote age", { $0.market.quoteAgeSeconds = $0.market.quoteAgeSeconds * $1 + $1 }),
        ("jump intensity", { $0.parameters.jumpIntensity *= min($1, 1.01) }),
        ("system collateral", { $0.market.systemCollateral *= $1 }),
        ("depth", { $0.market.depth /= $1 }),
        ("daily volume", { $0.market.dailyVolume /= $1 }),
    ]

    @Test(arguments: HaircutPropertyTests.worsenings.indices)
    func noHaircutFallsWhenTheMarketGetsWorse(in worsening: Int) {
        let (name, apply) = Self.worsenings[worsening]
        var random = SplitMix64(seed: Self.seed &+ UInt64(worsening))
        for index in 0..<Self.states {
            var state = State(&random)
            let before = state.haircut()
            apply(&state, 1 + random.logarithmic(in: 1e-4...10))
            let after = state.haircut()
            let isRight =
                after.target >= before.target - 1e-12
                && after.initial >= before.initial - 1e-12
                && after.maintenance >= before.maintenance - 1e-12
            #expect(isRight, "\(name), state \(index): \(before.target) → \(after.target)")
            if !isRight { return }
        }
    }

    @Test func unitsDoNotMatter() {
        var random = SplitMix64(seed: Self.seed)
        for index in 0..<Self.states {
            var state = State(&random)
            // A stable's peg is at a price of 1 and so has a unit.
            state.parameters.pegFactor = 0
            let before = state.haircut()
            let scale = random.logarithmic(in: 1e-3...1e3)
            state.market.mid *= scale
            state.market.reference *= scale
            let after = state.haircut()
            let isRight =
                abs(after.target - before.target) < 1e-12
                && abs(after.initial - before.initial) < 1e-12
            #expect(isRight, "state \(index)")
            if !isRight { return }
        }
    }

    /// Where a larger holding is worth less in all (Q·(1 − h) falls), a marginal weight cannot be
    /// negative: it keeps the worth of the smaller one.
    @Test func tiersAreNeverWorthMoreThanTheModelAtThisOrASmallerGridPoint() {
        var random = SplitMix64(seed: Self.seed)
        let grid = TickGrid(basisPoints: 5)
        var tiers: [HaircutTier] = []
        for index in 0..<Self.states {
            var notional = 0
            let notionals = (0..<(1 + Int(random.next() % 8))).map { _ in
                notional += 1 + Int(random.next() % 1_000_000_000)
                return FixedDecimal(notional)
            }
            let maintenance = notionals.map { _ in grid.roundedUp(random.double(in: 0...1)) }
            let initial = maintenance.map { max($0, grid.roundedUp(random.double(in: 0...1))) }
            TierSchedule(notionals: notionals, grid: grid)
                .build(initial: initial, maintenance: maintenance, into: &tiers)
            let isRight =
                isConcave(tiers) && isWithin(tiers, \.initial, initial, notionals)
                && isWithin(tiers, \.maintenance, maintenance, notionals)
            #expect(isRight, "schedule \(index): \(tiers)")
            if !isRight { return }
        }
    }

    /// Haircuts rise from tier to tier, initial is at least maintenance, tiers join.
    private func isConcave(_ tiers: [HaircutTier]) -> Bool {
        let pairs = zip(tiers, tiers.dropFirst())
        return tiers.allSatisfy { $0.initial >= $0.maintenance }
            && pairs.allSatisfy {
                $0.to == $1.from && $0.initial <= $1.initial && $0.maintenance <= $1.maintenance
            }
            && tiers.allSatisfy { $0.initial.millionths % 500 == 0 }
    }

    private func isWithin(
        _ tiers: [HaircutTier], _ side: KeyPath<HaircutTier, Ratio>, _ haircuts: [Ratio],
        _ notionals: [FixedDecimal]
    ) -> Bool {
        var value: Int128 = 0
        var from: Int128 = 0
        var haircut = Ratio.zero
        var most: Int128 = 0
        for (index, notional) in notionals.enumerated() {
            let weight = tiers[index][keyPath: side].complement.millionths
            value += (notional.units - from) * Int128(weight)
            from = notional.units
            haircut = max(haircut, haircuts[index])
            most = max(most, notional.units * Int128(haircut.complement.millionths))
            if value > most { return false }
        }
        return true
    }

    @Test func thePublishedTickCoversTheValueAndStaysWithinTwoTicks() {
        var random = SplitMix64(seed: Self.seed)
        let grid = TickGrid(basisPoints: 5)
        var published: Ratio?
        var value = 0.1
        for index in 0..<Self.states {
            value = min(max(value + random.double(in: -0.001...0.001), 0), 1)
            let next = grid.next(after: published, value: value)
            let isRight =
                next.double >= value - 1e-9 && next.double < value + 0.001 + 1e-9
                && next.millionths % 500 == 0
            #expect(isRight, "step \(index): \(value) published as \(next.double)")
            if !isRight { return }
            published = next
        }
    }

    @Test func theLimiterNeverOvershootsNorMovesFasterThanItsRate() {
        var random = SplitMix64(seed: Self.seed)
        let limiter = Limiter(HaircutParameters(.alt))
        let rates: [BreakerState: Double] = [
            .normal: 0.005, .elevated: 0.01, .stressed: 0.02, .frozen: 0.02,
        ]
        var value = 0.3
        for index in 0..<Self.states {
            let state = BreakerState.allCases[Int(random.next() % 4)]
            let target = random.double(in: 0...1)
            let seconds = random.logarithmic(in: 0.001...1_000)
            let next = limiter.step(from: value, towards: target, state: state, seconds: seconds)
            let minutes = min(seconds, 5) / 60
            let isRight =
                next >= min(value, target) && next <= max(value, target)
                && next - value <= (rates[state] ?? 0) * minutes + 1e-15
                && value - next <= (state == .normal ? 0.0005 : 0) * minutes + 1e-15
            #expect(isRight, "step \(index): \(value) → \(next) towards \(target) in \(state)")
            if !isRight { return }
            value = next
        }
    }
}

/// A surface of one volatility everywhere, as the model reads it.
func flatCurve(_ volatility: Double) -> VolatilityCurve {
    let now = Instant(nanoseconds: 0)
    var curve = VolatilityCurve()
    guard let asset = Identifier("X") else { return curve }
    let surface = Surface(
        asset: asset, time: now, sequence: 1,
        expiries: [7, 30].map { days in
            .init(
                expiry: now.advanced(bySeconds: days * 86_400), forward: .one,
                smile: .grid(strikes: [.one], volatilities: [volatility]))
        })
    curve.update(PreparedSurface(surface), at: now, wingDeviations: 2)
    return curve
}
