import RealModule

/// First guesses of the quantiles that the expected shortfall of one jump diffusion is solved at.
///
/// A cold start is a fifth off and takes three or four evaluations of the mixture; these are within
/// a thousandth, so that one is enough. For each octave of variance and of time that is asked for,
/// the quantile is solved at sixteen places, once, and a cubic in both goes through them.
///
/// A guess depends on nothing but what it is asked for, never on what was asked before: a shard
/// that was restored gets the same ones.
package struct QuantileGuesses: Sendable {
    private let model: JumpDiffusion
    /// By octave of time, then of variance: which of the cubics; −1 where there is none yet.
    private var places: [Int16]
    /// Four rows each: by powers of the variance's place in its octave, coefficients of those of
    /// the time's.
    private var rows: [Lanes] = []

    /// Octaves of years, from a quarter of a minute, and of variance; beyond them nothing is known.
    private static let timeOctaves = -21..<2
    private static let varianceOctaves = -24..<8
    /// For which there is room from the beginning: more than a market comes to in quiet times.
    private static let usualCubics = 32

    package init(_ model: JumpDiffusion) {
        self.model = model
        places = Array(
            repeating: -1, count: Self.timeOctaves.count * Self.varianceOctaves.count)
        rows.reserveCapacity(4 * Self.usualCubics)
    }

    /// About where the worst `1 − level` of the log returns lie.
    ///
    /// - Parameters:
    ///   - variance: of the diffusion over the horizon, > 0.
    ///   - years: the horizon, > 0.
    /// - Returns: nil outside of what is known.
    mutating func guess(variance: Double, years: Double) -> Double? {
        let (time, spread) = (Int(years.exponent), Int(variance.exponent))
        guard Self.timeOctaves.contains(time), Self.varianceOctaves.contains(spread) else {
            return nil
        }
        let index =
            (time - Self.timeOctaves.lowerBound) * Self.varianceOctaves.count + spread
            - Self.varianceOctaves.lowerBound
        if places[index] < 0 {
            places[index] = Int16(rows.count / 4)
            solve(time: time, spread: spread)
        }
        let first = 4 * Int(places[index])
        let u = 2 * variance.significand - 3
        let w = 2 * years.significand - 3
        let inner =
            rows[first] + u * (rows[first + 1] + u * (rows[first + 2] + u * rows[first + 3]))
        return inner[0] + w * (inner[1] + w * (inner[2] + w * inner[3]))
    }

    /// Appends the cubic of one pair of octaves, through Chebyshev's four nodes in each.
    private mutating func solve(time: Int, spread: Int) {
        var values = InlineArray<4, Lanes>(repeating: .zero)
        for row in 0..<4 {
            for column in 0..<4 {
                let years = Double.exp2(Double(time)) * (1.5 + 0.5 * Self.nodes[column])
                let variance = Double.exp2(Double(spread)) * (1.5 + 0.5 * Self.nodes[row])
                values[row][column] = JumpMixture.quantile(
                    variance: variance, jumps: model.intensity * years, model: model)
            }
        }
        for row in 0..<4 { values[row] = Self.powers(values[row]) }
        var columns = InlineArray<4, Lanes>(repeating: .zero)
        for column in 0..<4 {
            columns[column] = Self.powers(
                Lanes(values[0][column], values[1][column], values[2][column], values[3][column]))
        }
        for power in 0..<4 {
            rows.append(
                Lanes(columns[0][power], columns[1][power], columns[2][power], columns[3][power]))
        }
    }

    /// cos((k + ½)·π/4), k = 0…3.
    private static let nodes = Lanes(
        0.923_879_532_511_286_7, 0.382_683_432_365_089_8, -0.382_683_432_365_089_8,
        -0.923_879_532_511_286_7)

    /// The coefficients, by power, of the cubic with these values at the nodes: Chebyshev's, with
    /// T₂ = 2x² − 1 and T₃ = 4x³ − 3x multiplied out.
    private static func powers(_ values: Lanes) -> Lanes {
        let x = nodes
        let first = values.sum() / 4
        let second = (values * x).sum() / 2
        let third = (values * (2 * x * x - 1)).sum() / 2
        let fourth = (values * (4 * x * x - 3) * x).sum() / 2
        return Lanes(first - third, second - 3 * fourth, 2 * third, 4 * fourth)
    }
}
