import Haircuts
import Market
import Quantities
import TestSupport
import Testing

/// MODEL §1, §3 and §4 against `model.json`.
struct ModelVectorTests {
    let vectors: ModelVectors

    init() throws { vectors = try ModelVectors.loaded.get() }

    @Test func realisedVolatilityAgrees() {
        #expect(vectors.realised.count == 2)
        for run in vectors.realised {
            let seconds = Int64((31_536_000 / run.barsPerYear).rounded())
            var realised = RealisedVolatility(barSeconds: seconds, decay: run.decay)
            for (bar, expected) in zip(run.bars, run.out) {
                realised.add(logReturn: bar.r, bars: bar.n)
                expectClose(realised.annualised, expected)
            }
        }
    }

    @Test func theReferenceAgrees() throws {
        #expect(vectors.reference.count == 6)
        for (number, run) in vectors.reference.enumerated() {
            var sources = PriceSources(
                configured: nil, staleSeconds: 60, dispersionTolerance: 0.05)
            var time = Instant(nanoseconds: 0)
            func decimal(_ value: Double) throws -> FixedDecimal {
                try #require(FixedDecimal("\(value)"))
            }
            if let previous = run.previous {
                _ = sources.receive(
                    venue: try #require(Identifier("earlier")), kind: .index, time: time,
                    sequence: 1, price: try decimal(previous))
                sources.settle(at: time)
                time = time.advanced(bySeconds: 61)
            }
            for (index, price) in run.sources.enumerated() {
                _ = sources.receive(
                    venue: try #require(Identifier("venue-\(index)")), kind: .index, time: time,
                    sequence: 1, price: try decimal(price))
            }
            sources.settle(at: time)
            expectClose(sources.reference?.double ?? .nan, run.reference, "case \(number)")
            #expect(abs(sources.confidence - run.confidence) < 1e-12, "case \(number)")
        }
    }

    @Test func everyStepOfAHaircutAgrees() throws {
        #expect(vectors.haircut.count == 15)
        for market in vectors.haircut {
            let (model, state, curve) = try prepared(market)
            let shared = model.shared(state, curve: curve)
            for point in market.haircuts {
                let name = "\(market.name) at \(point.notional)"
                let out = model.haircut(
                    notional: point.notional, market: state, shared: shared, curve: curve)
                expectClose(shared.volume, point.volume, "\(name) volume")
                expectClose(shared.peg, point.peg, "\(name) peg")
                expectClose(shared.divergence, point.divergence, "\(name) divergence")
                expectClose(shared.confidence, point.confidence, "\(name) confidence")
                expectClose(out.volatility, point.sigma, "\(name) volatility")
                expectClose(out.effective, point.effective, "\(name) effective")
                expectClose(out.horizonSeconds, point.horizon, "\(name) horizon")
                expectClose(out.market, point.market, "\(name) market")
                expectClose(out.liquidity, point.liquidity, "\(name) liquidity")
                expectClose(out.target, point.target, "\(name) target")
                expectClose(out.initial, point.initial, "\(name) initial")
                expectClose(out.maintenance, point.maintenance, "\(name) maintenance")
                expectClose(out.scanDown, point.scanDown, "\(name) scan down")
                expectClose(out.scanUp, point.scanUp, "\(name) scan up")
                let valuation = Valuation(
                    mid: try #require(FixedDecimal("\(market.inputs.mid)")),
                    reference: try #require(FixedDecimal("\(market.inputs.ref)")))
                expectClose(valuation.price.double, point.valuation, "\(name) valuation")
                expectClose(valuation.debtPrice.double, point.debt, "\(name) debt")
                let grid = TickGrid(basisPoints: 5)
                #expect(grid.roundedUp(out.initial).double == point.initialRounded, "\(name)")
                #expect(
                    grid.roundedUp(out.maintenance).double == point.maintenanceRounded, "\(name)")
            }
        }
    }

    @Test func tiersAgreeExactly() throws {
        for market in vectors.haircut {
            let grid = TickGrid(basisPoints: 5)
            let schedule = TierSchedule(
                notionals: try market.haircuts.map {
                    try #require(FixedDecimal("\(Int($0.notional))"))
                },
                grid: grid)
            var tiers: [HaircutTier] = []
            schedule.build(
                initial: market.haircuts.map { grid.roundedUp($0.initialRounded) },
                maintenance: market.haircuts.map { grid.roundedUp($0.maintenanceRounded) },
                into: &tiers)
            #expect(tiers.count == market.tiers.count + 1)
            #expect(tiers.last?.to == nil && tiers.last?.initial == .one)
            for (tier, expected) in zip(tiers, market.tiers) {
                #expect(tier.from.double == expected.from, "\(market.name)")
                #expect(tier.to?.double == expected.to, "\(market.name)")
                #expect(tier.initial.double == expected.initial, "\(market.name)")
                #expect(tier.maintenance.double == expected.maintenance, "\(market.name)")
            }
        }
    }

    @Test func theBranchingRatioAgrees() {
        #expect(vectors.branching.count == 3)
        for run in vectors.branching {
            expectClose(
                HaircutModel.branchingRatio(
                    dailyDeviation: run.sigmaDay, forced: run.forced, volume: run.volume),
                run.out)
        }
    }

    @Test func theLimiterAgreesAtEveryStepLength() throws {
        #expect(vectors.limiter.count == 3)
        let limiter = Limiter(HaircutParameters(.major))
        for run in vectors.limiter {
            var value = run.start
            for minute in run.minutes {
                let state = try #require(BreakerState(rawValue: minute.state))
                for _ in 0..<Int((60 / run.stepSeconds).rounded()) {
                    value = limiter.step(
                        from: value, towards: minute.target, state: state,
                        seconds: run.stepSeconds)
                }
                expectClose(value, minute.value)
            }
        }
    }

    @Test func theDeadBandAgreesExactly() {
        #expect(vectors.deadBand.count == 9)
        let grid = TickGrid(basisPoints: 5)
        var published: Ratio?
        for step in vectors.deadBand {
            published = grid.next(after: published, value: step.value)
            #expect(published?.double == step.published, "at \(step.value)")
        }
    }

    private func prepared(
        _ market: ModelVectors.Market
    ) throws -> (HaircutModel, MarketState, VolatilityCurve) {
        let inputs = market.inputs
        let assetClass = try #require(AssetClass(rawValue: market.cls))
        let curve = inputs.iv.map(flatCurve) ?? VolatilityCurve()
        let state = MarketState(
            mid: inputs.mid, reference: inputs.ref, spread: inputs.spread,
            spreadDeviation: inputs.spreadSd, depth: inputs.depth, depthPrior: inputs.prior,
            depthBaseline: max(inputs.median ?? inputs.prior, inputs.prior),
            dailyVolume: inputs.adv, systemCollateral: inputs.system,
            quoteAgeSeconds: inputs.age ?? 0, confidence: inputs.conf ?? 1,
            volatilityFast: inputs.fast, volatilitySlow: inputs.slow)
        return (HaircutModel(HaircutParameters(assetClass)), state, curve)
    }
}
