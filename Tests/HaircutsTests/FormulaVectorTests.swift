import Foundation
import Haircuts
import Market
import Quantities
import Testing

/// The formulas agree with the values made outside Swift.
struct FormulaVectorTests {
    let vectors: FormulaVectors

    init() throws { vectors = try FormulaVectors.read() }

    @Test func expectedShortfallsAgree() {
        #expect(vectors.expectedShortfall.count == 10)
        for vector in vectors.expectedShortfall {
            let model = JumpDiffusion(
                intensity: vector.lambda, mean: vector.mu, deviation: vector.delta, level: 0.995)
            let value = model.expectedShortfall(
                volatility: vector.sigma, horizonSeconds: vector.seconds)
            #expect(agrees(value, vector.out), "\(vector) gives \(value)")
        }
    }

    @Test func sviVolatilitiesAgree() {
        #expect(vectors.svi.count == 5)
        for vector in vectors.svi {
            let k = log(vector.strike / vector.forward)
            let direct = (vector.params.svi.totalVariance(at: k) / vector.tau).squareRoot()
            #expect(agrees(direct, vector.iv))
            let prepared = PreparedSurface(
                surface([(vector.tau, vector.forward, .svi(vector.params.svi))]))
            let value = prepared.impliedVolatility(
                strike: decimal(vector.strike), expiry: instant(inYears: vector.tau), at: now)
            #expect(agrees(value ?? .nan, vector.iv))
        }
    }

    @Test func theSmilesToRefuseAreRefused() {
        #expect(vectors.sviRefused.count == 1)
        for vector in vectors.sviRefused {
            let refused = surface([(vector.tau, 100, .svi(vector.params.svi))])
            #expect(throws: SurfaceRefusal.self, "\(vector.name)") {
                try SurfaceGate.check(refused, at: now)
            }
        }
    }

    @Test func sliceVolatilitiesAgree() {
        #expect(vectors.sliceVolatility.count == 4)
        for vector in vectors.sliceVolatility {
            let prepared = PreparedSurface(
                surface([(vector.tau, vector.expiry.forward, vector.expiry.smile)]))
            var curve = VolatilityCurve()
            curve.update(prepared, at: now, wingDeviations: 2)
            let value = (curve.slices[0].variance / curve.slices[0].tau).squareRoot()
            #expect(agrees(value, vector.out), "\(value) against \(vector.out)")
        }
    }

    @Test func volatilitiesAtAHorizonAgree() {
        #expect(vectors.horizonVolatility.count == 4)
        for vector in vectors.horizonVolatility {
            let prepared = PreparedSurface(
                surface(vector.surface.map { ($0.tau ?? .nan, $0.forward, $0.smile) }))
            var curve = VolatilityCurve()
            curve.update(prepared, at: now, wingDeviations: 2)
            #expect(curve.slices.count == vector.slices.count)
            for (slice, expected) in zip(curve.slices, vector.slices) {
                #expect(agrees(slice.tau, expected.tau), "\(vector.name)")
                #expect(agrees(slice.variance, expected.variance), "\(vector.name)")
            }
            for item in vector.cases {
                let value = curve.volatility(horizonSeconds: item.seconds) ?? .nan
                #expect(agrees(value, item.out), "\(vector.name) at \(item.seconds) s: \(value)")
            }
        }
    }

    @Test func mixedVolatilitiesAgree() throws {
        #expect(vectors.sigma.count == 6)
        for vector in vectors.sigma {
            let mix = VolatilityMix(
                HaircutParameters(try #require(AssetClass(rawValue: vector.cls))))
            let value = mix.used(implied: vector.iv, fast: vector.fast, slow: vector.slow)
            #expect(agrees(value, vector.out), "\(vector) gives \(value)")
        }
    }
}
