import RealModule

/// The mixture of normals that a jump diffusion is at one horizon, one term a number of jumps,
/// lightest tail first, asked for its left tail.
///
/// Its terms lie in memory on the stack, two pieces because only pieces of up to 1 024 bytes do. As
/// properties they would be copied whole each time one of them is read, which cost as much as the
/// arithmetic.
struct JumpMixture {
    /// The most terms: 0…23 jumps, in blocks of four.
    static let mostTerms = 24

    /// Four terms.
    struct Block {
        var weights: Lanes
        var means: Lanes
        var deviations: Lanes
        var inverses: Lanes
        /// `1 − E[e^x]` of each term, without the cancellation.
        var losses: Lanes
    }

    /// What `point(at:)` found of four terms: φ(z) and Mills' ratio of |z|.
    struct Tail {
        var densities: Lanes
        var ratios: Lanes
    }

    /// Probability of the tail, 1 − level.
    let tail: Double
    private let variance: Double
    private let jumps: Double
    private let model: JumpDiffusion
    private let blocks: UnsafeMutableBufferPointer<Block>
    /// One a block, where `point(at:)` was asked last.
    private let tails: UnsafeMutableBufferPointer<Tail>

    /// The expected shortfall of a mixture.
    ///
    /// - Parameters:
    ///   - variance: of the diffusion over the horizon, > 0.
    ///   - jumps: expected number of them, ≥ 0.
    ///   - model: for the size of a jump.
    ///   - guess: of the quantile; nil where there is none. The nearer, the sooner it is found.
    static func expectedShortfall(
        variance: Double, jumps: Double, model: JumpDiffusion, guess: Double? = nil
    ) -> Double {
        withMixture(variance: variance, jumps: jumps, model: model) {
            $0.expectedShortfall(from: guess)
        }
    }

    /// The quantile of the tail, to a few millionths or better.
    static func quantile(variance: Double, jumps: Double, model: JumpDiffusion) -> Double {
        withMixture(variance: variance, jumps: jumps, model: model) { mixture in
            let (quantile, point) = mixture.quantile(from: nil)
            return quantile - (point.probability - mixture.tail) / point.density
        }
    }

    private static func withMixture(
        variance: Double, jumps: Double, model: JumpDiffusion,
        _ body: (JumpMixture) -> Double
    ) -> Double {
        withUnsafeTemporaryAllocation(of: Block.self, capacity: mostTerms / 4) { blocks in
            withUnsafeTemporaryAllocation(of: Tail.self, capacity: mostTerms / 4) { tails in
                body(
                    JumpMixture(
                        variance: variance, jumps: jumps, model: model, in: blocks, tails))
            }
        }
    }

    /// - Parameters: room for all terms, for as long as the mixture is used.
    private init(
        variance: Double, jumps: Double, model: JumpDiffusion,
        in memory: UnsafeMutableBufferPointer<Block>, _ tails: UnsafeMutableBufferPointer<Tail>
    ) {
        tail = 1 - model.level
        self.variance = variance
        self.jumps = jumps
        self.model = model
        let (r, l) = (model.jumpFactor, model.jumpLoss)
        var counts = Lanes(0, 1, 2, 3)
        var factors = Lanes(1, r, r * r, r * r * r)
        var losses = Lanes(0, l, l * (1 + r), l * (1 + r + r * r))
        let factor4 = (r * r) * (r * r)
        let loss4 = l * (1 + r) * (1 + r * r)
        var power = Lanes(1, jumps, jumps * jumps, jumps * jumps * jumps) * Double.exp(-jumps)
        let power4 = (jumps * jumps) * (jumps * jumps)
        var count = 0
        while count < memory.count {
            let weights = power * inverseFactorials[count]
            let deviations = (variance + counts * model.jumpVariance).squareRoot()
            memory.initializeElement(
                at: count,
                to: Block(
                    weights: weights, means: -variance / 2 - counts * model.mean,
                    deviations: deviations, inverses: 1 / deviations, losses: losses))
            count += 1
            if counts[3] > jumps && weights[3] < 1e-18 { break }
            counts += 4
            losses += factors * loss4
            factors *= factor4
            power *= power4
        }
        blocks = UnsafeMutableBufferPointer(rebasing: memory[..<count])
        self.tails = tails
    }

    /// Distribution function at a point, its density and the density's slope.
    struct Point {
        var probability: Double
        var density: Double
        var slope: Double
    }

    private func point(at quantile: Double) -> Point {
        var probability = Lanes.zero
        var density = Lanes.zero
        var slope = Lanes.zero
        for index in blocks.indices {
            let block = blocks[index]
            let z = (quantile - block.means) * block.inverses
            let densities = normalDensity(z)
            let ratios = millsRatio(z.magnitudes)
            tails.initializeElement(at: index, to: Tail(densities: densities, ratios: ratios))
            let height = block.weights * densities
            let tail = height * ratios
            probability += tail.replacing(with: block.weights - tail, where: z .> 0)
            let scaled = height * block.inverses
            density += scaled
            slope -= scaled * block.inverses * z
        }
        return Point(probability: probability.sum(), density: density.sum(), slope: slope.sum())
    }

    /// `E[1 − e^x; x ≤ quantile]`, where `point(at:)` was asked last.
    private func loss(below quantile: Double) -> Double {
        // Where a term is this narrow, `Φ(z) − Φ(z − s)` would lose its digits.
        if blocks[0].deviations[0] < 1e-4 { return lossOfNarrowTerms(below: quantile) }
        let price = Double.exp(quantile)
        var sum = Lanes.zero
        for index in blocks.indices {
            let (block, tail) = (blocks[index], tails[index])
            let z = (quantile - block.means) * block.inverses
            let shifted = z - block.deviations
            // φ(z)·M(|z|) is the smaller tail at z; the factor times that at z − s is e^q times
            // the same density times its ratio.
            let first = tail.densities * tail.ratios
            let second = tail.densities * millsRatio(shifted.magnitudes) * price
            let left = first - second
            let across = 1 - first - second
            let right = block.losses - left
            let chosen = left.replacing(
                with: across.replacing(with: right, where: shifted .>= 0), where: z .> 0)
            sum += block.weights * chosen
        }
        return sum.sum()
    }

    /// The same, term by term, with Taylor's series for the difference where it would cancel.
    private func lossOfNarrowTerms(below quantile: Double) -> Double {
        var sum = 0.0
        var factor = 1.0
        for index in 0..<4 * blocks.count {
            defer { factor *= model.jumpFactor }
            let (block, lane) = (blocks[index / 4], index % 4)
            let s = block.deviations[lane]
            let z = (quantile - block.means[lane]) * block.inverses[lane]
            // Beyond nine deviations a tail is below 1e-18 of its term.
            if z < -9 { continue }
            let probability = normalDistribution(z)
            let difference: Double
            if s < 0.004 {
                let z2 = z * z
                let fourth = (z2 - 3) * z / 24
                let fifth = ((z2 - 6) * z2 + 3) / 120
                let series = 1 + s * (z / 2 + s * ((z2 - 1) / 6 + s * (fourth + s * fifth)))
                difference = normalDensity(z) * s * series
            } else {
                difference = probability - normalDistribution(z - s)
            }
            sum +=
                block.weights[lane]
                * (block.losses[lane] * probability + factor * difference)
        }
        return sum
    }

    /// From a point q near the quantile. With `g(q) = E[1 − e^x; x ≤ q] + (F(q) − α)(e^q − 1)`,
    /// `α·ES` is g at the quantile and `g'(q) = (F(q) − α)e^q`: what is left of the way to the
    /// quantile is taken off by Taylor's series to the third order.
    ///
    /// - Source: Rockafellar and Uryasev (2000) for g.
    private func expectedShortfall(from guess: Double?) -> Double {
        let (quantile, point) = quantile(from: guess)
        let excess = point.probability - tail
        let distance = excess / point.density
        let lossThere = -Double.expMinusOne(quantile)
        let slant = distance * (point.slope / point.density - 1)
        let rest = (1 - lossThere) * excess * distance * (0.5 + slant / 6)
        return min(1, max(0, (loss(below: quantile) - excess * lossThere - rest) / tail))
    }

    /// A point near enough the one below which the tail's probability lies.
    ///
    /// Halley's method on the logarithm of the distribution, inside a bracket that every
    /// evaluation narrows; halves it where a step would leave it.
    private func quantile(from guess: Double?) -> (Double, Point) {
        // The quantile of a mixture lies between those of its terms.
        let last = blocks[blocks.count - 1]
        var low = last.means[3] - 10 * last.deviations[3]
        var high = blocks[0].means[0]
        var quantile = guess ?? start()
        var evaluations = 0
        while true {
            if !(quantile > low && quantile < high) { quantile = (low + high) / 2 }
            let point = point(at: quantile)
            evaluations += 1
            if point.probability < tail { low = quantile } else { high = quantile }
            if isClose(point, at: quantile) || high - low <= -1e-15 * low || evaluations == 200 {
                return (quantile, point)
            }
            if evaluations > 12 && evaluations % 2 == 0 {
                quantile = (low + high) / 2
                continue
            }
            let ratio = point.density / point.probability
            let step = Double.log(point.probability / tail) / ratio
            let curvature = point.slope / point.density - ratio
            quantile -= step / max(0.5, 1 - 0.5 * step * curvature)
        }
    }

    /// A first guess: where jumps are rare, the quantile within the term the tail ends in, else
    /// Cornish and Fisher's with the skewness and excess of jumps and diffusion together.
    private func start() -> Double {
        let first = blocks[0].weights
        if first[0] > 0.9 {
            let beyond = 1 - first[0]
            let term = beyond < tail ? 0 : beyond - first[1] < tail ? 1 : 2
            let above = term == 0 ? beyond : term == 1 ? beyond - first[1] : 0
            let share = max(0.02, min(0.98, (tail - above) / first[term]))
            return blocks[0].means[term] + Self.roughQuantile(share) * blocks[0].deviations[term]
        }
        // Cumulants: those of the diffusion, and jumps times the moments of one.
        let (m2, d2) = (model.mean * model.mean, model.jumpVariance)
        let second = variance + jumps * (m2 + d2)
        let third = -jumps * model.mean * (m2 + 3 * d2)
        let fourth = jumps * (m2 * m2 + 6 * m2 * d2 + 3 * d2 * d2)
        let spread = second.squareRoot()
        let skew = third / (second * spread)
        let excess = fourth / (second * second)
        let z = Self.roughQuantile(tail)
        let z2 = z * z
        let skewed = skew / 6 * (z2 - 1) - skew * skew / 36 * z * (2 * z2 - 5)
        let shape = z + skewed + excess / 24 * z * (z2 - 3)
        return -variance / 2 - jumps * model.mean + spread * shape
    }

    /// The normal quantile to a few thousandths.
    ///
    /// - Source: Abramowitz and Stegun 26.2.22.
    private static func roughQuantile(_ probability: Double) -> Double {
        let tail = min(probability, 1 - probability)
        let t = (-2 * Double.log(tail)).squareRoot()
        let z = t - (2.30753 + 0.27061 * t) / (1 + t * (0.99229 + t * 0.04481))
        return probability < 0.5 ? -z : z
    }

    /// Whether the value that follows from this point is within 1e-11 of the exact one: what the
    /// series leaves out is its second term times the square of `change`, the part by which the
    /// density changes on the way, and the value is at least `1 − e^q`.
    private func isClose(_ point: Point, at quantile: Double) -> Bool {
        let excess = abs(point.probability - tail)
        if excess == 0 { return true }
        let distance = excess / point.density
        let change = distance * (abs(point.slope) / point.density + 1) + excess / tail
        return change < 0.1
            && excess * distance * change * change
                < 4e-12 * tail * -Double.expMinusOne(quantile)
    }
}

/// 1/n! for n = 0…23.
private let inverseFactorials: InlineArray<6, Lanes> = [
    Lanes(1, 1, 1 / 2.0, 1 / 6.0),
    Lanes(1 / 24.0, 1 / 120.0, 1 / 720.0, 1 / 5_040.0),
    Lanes(1 / 40_320.0, 1 / 362_880.0, 1 / 3_628_800.0, 1 / 39_916_800.0),
    Lanes(1 / 479_001_600.0, 1 / 6_227_020_800.0, 1 / 87_178_291_200.0, 1 / 1_307_674_368_000.0),
    Lanes(
        1 / 20_922_789_888_000.0, 1 / 355_687_428_096_000.0, 1 / 6_402_373_705_728_000.0,
        1 / 121_645_100_408_832_000.0),
    Lanes(
        1 / 2_432_902_008_176_640_000.0, 1 / 51_090_942_171_709_440_000.0,
        1 / 1_124_000_727_777_607_680_000.0, 1 / 25_852_016_738_884_976_640_000.0),
]
