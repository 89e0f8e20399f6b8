import Foundation
import Haircuts
import TestSupport
import Testing

/// The fast shortfall against the sum as it is written, and its order.
struct JumpDiffusionTests {
    static let seed: UInt64 = 20_261_123

    struct State {
        var model: JumpDiffusion
        var volatility, seconds: Double

        init(_ random: inout SplitMix64) {
            let deviation = random.next() % 5 == 0 ? 0 : random.double(in: 0...0.5)
            let least = max(1e-3, deviation * deviation / 2)
            model = JumpDiffusion(
                intensity: random.double(in: 0...24.3), mean: random.logarithmic(in: least...1),
                deviation: deviation, level: 0.995)
            volatility = random.logarithmic(in: 0.001...10)
            seconds = random.logarithmic(in: 1...5_184_000)
        }

        var value: Double {
            model.expectedShortfall(volatility: volatility, horizonSeconds: seconds)
        }

        /// Twenty-four terms, the quantile by halving.
        var plainValue: Double {
            let years = seconds / 31_536_000
            let variance = volatility * volatility * years
            let tail = 1 - model.level
            let terms = (0..<24).map { number -> (weight: Double, mean: Double, sd: Double) in
                let count = Double(number)
                let jumps = model.intensity * years
                let weight = exp(-jumps) * pow(jumps, count) / tgamma(count + 1)
                return (
                    weight, -variance / 2 - count * model.mean,
                    (variance + count * model.deviation * model.deviation).squareRoot()
                )
            }
            func phi(_ z: Double) -> Double { 0.5 * erfc(-z / 2.0.squareRoot()) }
            var low = terms.map { $0.mean - 12 * $0.sd }.min() ?? 0
            var high = 0.0
            for _ in 0..<200 {
                let middle = (low + high) / 2
                if middle == low || middle == high { break }
                let sum = terms.reduce(0) { $0 + $1.weight * phi((middle - $1.mean) / $1.sd) }
                if sum < tail { low = middle } else { high = middle }
            }
            let expectation = terms.reduce(0) {
                $0 + $1.weight * exp($1.mean + $1.sd * $1.sd / 2)
                    * phi((high - $1.mean) / $1.sd - $1.sd)
            }
            return min(1, max(0, 1 - expectation / tail))
        }
    }

    /// The plain sum loses its digits in `1 − E/α`, which the absolute part allows for.
    @Test func theFastShortfallIsThePlainSum() {
        var random = SplitMix64(seed: Self.seed)
        for index in 0..<100_000 {
            let state = State(&random)
            let (value, plain) = (state.value, state.plainValue)
            #expect(
                abs(value - plain) <= 1e-9 * plain + 2e-15,
                "seed \(Self.seed), \(index): \(state) gives \(value), not \(plain)")
        }
    }

    /// Every model from guesses that were asked before and from ones that were not.
    @Test func aGuessChangesNoShortfallAndNeitherDoesWhatWasGuessedBefore() {
        var random = SplitMix64(seed: Self.seed + 2)
        for index in 0..<2_000 {
            let model = State(&random).model
            var used = QuantileGuesses(model)
            for _ in 0..<10 {
                let volatility = random.logarithmic(in: 0.001...10)
                let seconds = random.logarithmic(in: 1...5_184_000)
                let cold = model.expectedShortfall(volatility: volatility, horizonSeconds: seconds)
                let guessed = model.expectedShortfall(
                    volatility: volatility, horizonSeconds: seconds, from: &used)
                var fresh = QuantileGuesses(model)
                let first = model.expectedShortfall(
                    volatility: volatility, horizonSeconds: seconds, from: &fresh)
                #expect(
                    abs(guessed - cold) <= 2e-11 * cold + 1e-15 && guessed == first,
                    "seed \(Self.seed + 2), \(index): \(model), \(volatility), \(seconds)")
            }
        }
    }

    @Test func theShortfallDoesNotFallWithVolatilityTimeOrIntensity() {
        var random = SplitMix64(seed: Self.seed + 1)
        for index in 0..<100_000 {
            let state = State(&random)
            let factor = 1 + random.logarithmic(in: 1e-6...1)
            let value = state.value
            #expect(value >= 0 && value <= 1)
            var (wilder, longer, jumpier) = (state, state, state)
            wilder.volatility *= factor
            longer.seconds = min(5_184_000, longer.seconds * factor)
            jumpier.model = JumpDiffusion(
                intensity: min(24.3, state.model.intensity * factor), mean: state.model.mean,
                deviation: state.model.deviation, level: 0.995)
            for other in [wilder, longer, jumpier] {
                #expect(
                    other.value >= value * (1 - 2e-11) - 1e-15,
                    "seed \(Self.seed + 1), \(index): \(state) to \(other)")
            }
        }
    }
}
