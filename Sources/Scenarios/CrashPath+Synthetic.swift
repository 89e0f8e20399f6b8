import Haircuts
import Market
import Quantities
import RealModule

extension CrashPath {
    /// A crash that never was, made from a seed: a major coin, an alternative one and a stable
    /// asset, ten minutes of calm after the warm-up at most, then a fall of the major
    /// coin by 8 to 45 % in clustered jumps, with a drought of depth, wider spreads, rising
    /// volatilities and a partial recovery. In half of them the stable asset loses its peg at the
    /// primary venue.
    ///
    /// Ranges are wide on purpose and drawn evenly or by logarithm; `docs/cascade.md` lists them.
    public init(seed: UInt64) {
        var random = ScenarioRandom(seed: seed)
        let (seconds, crashStep) = Self.steps(warmUp: 4_500, crash: 3_600)
        let story = CrashStory(random: &random, seconds: seconds, crashStep: crashStep)
        self.init(
            name: "synthetic-\(seed)", start: Self.syntheticStart, seconds: seconds,
            crashStep: crashStep,
            tracks: SyntheticAsset.all.map { $0.track(story, &random) })
    }

    static let syntheticStart = Instant("2026-01-01T00:00:00Z") ?? Instant(nanoseconds: 0)
}

/// What one seed decides for all assets: when and how far the coins fall, and how books thin out.
struct CrashStory {
    let seconds: [Int]
    /// Log return of the major coin at each step.
    private(set) var returns: [Double]
    /// 0 in calm, 1 at the worst of the storm, at each step.
    private(set) var stress: [Double]
    /// The least depth, as a share of a calm day's.
    let drought: Double
    /// Implied volatility in calm, and what the worst of the storm adds to it.
    let impliedCalm: Double
    let impliedRise: Double
    /// How far the stable asset falls at the worst, at the primary venue; 0: it holds.
    let depeg: Double

    init(random: inout ScenarioRandom, seconds: [Int], crashStep: Int) {
        self.seconds = seconds
        drought = random.logarithmic(in: 0.03...0.5)
        impliedCalm = random.double(in: 0.35...0.7)
        impliedRise = random.double(in: 0.1...0.9)
        depeg = random.unit() < 0.5 ? random.logarithmic(in: 0.01...0.35) : 0
        let fall = -Double.log(1 - random.logarithmic(in: 0.08...0.45))
        let begin = Double(seconds[crashStep]) + random.double(in: 120...600)
        let length = random.logarithmic(in: 300...2_100)
        returns = Self.diffusion(seconds, volatility: impliedCalm, begin, length, &random)
        Self.addJumps(to: &returns, seconds, fall: fall, begin, length, &random)
        Self.addRecovery(to: &returns, seconds, fall: fall, after: begin + length, &random)
        let lead = random.unit() < 0.5 ? random.double(in: 0...900) : 0
        stress = Self.stress(
            seconds, begin: begin - lead, worst: begin + length * random.double(in: 0.5...1),
            relief: random.logarithmic(in: 600...3_600))
    }

    /// Noise whose volatility is that of calm before and after, and up to eight times it within.
    private static func diffusion(
        _ seconds: [Int], volatility: Double, _ begin: Double, _ length: Double,
        _ random: inout ScenarioRandom
    ) -> [Double] {
        let peak = random.double(in: 2...8)
        var cluster = 0.0
        return seconds.indices.map { step in
            let passed = Double(seconds[step] - (step > 0 ? seconds[step - 1] : 0))
            let second = Double(seconds[step])
            let storm =
                second < begin ? 0 : Double.exp(-max(0, second - begin - length) / 1_200)
            // The logarithm of the volatility wanders about its level and returns in 10 min.
            let keep = Double.exp(-passed / 600)
            cluster = cluster * keep + (1 - keep * keep).squareRoot() * 0.4 * random.normal()
            let level = volatility * (1 + (peak - 1) * storm) * Double.exp(cluster)
            return level * (passed / (365 * 86_400)).squareRoot() * random.normal()
        }
    }

    /// The fall in 4 to 25 jumps, each spread over up to a minute; most come in clusters.
    private static func addJumps(
        to returns: inout [Double], _ seconds: [Int], fall: Double, _ begin: Double,
        _ length: Double, _ random: inout ScenarioRandom
    ) {
        let count = 4 + Int(random.next() % 22)
        var times: [Double] = []
        for _ in 0..<count {
            if let last = times.last, random.unit() < 0.6 {
                times.append(min(begin + length, last + 90 * random.exponential()))
            } else {
                times.append(begin + length * random.unit())
            }
        }
        let weights = (0..<count).map { _ in random.exponential() }
        let total = weights.reduce(0, +)
        for (time, weight) in zip(times, weights) {
            guard let first = seconds.firstIndex(where: { Double($0) >= time }) else { continue }
            let steps = min(1 + Int(random.next() % 12), seconds.count - first)
            for step in first..<(first + steps) {
                returns[step] -= fall * weight / total / Double(steps)
            }
        }
    }

    private static func addRecovery(
        to returns: inout [Double], _ seconds: [Int], fall: Double, after trough: Double,
        _ random: inout ScenarioRandom
    ) {
        let recovered = fall * random.double(in: 0.05...0.6)
        let time = random.logarithmic(in: 300...3_000)
        var before = 0.0
        for step in seconds.indices where Double(seconds[step]) > trough {
            let now = recovered * (1 - Double.exp(-(Double(seconds[step]) - trough) / time))
            returns[step] += now - before
            before = now
        }
    }

    private static func stress(
        _ seconds: [Int], begin: Double, worst: Double, relief: Double
    ) -> [Double] {
        seconds.map { second in
            let second = Double(second)
            if second <= begin { return 0 }
            if second <= worst { return (second - begin) / max(1, worst - begin) }
            return Double.exp(-(second - worst) / relief)
        }
    }
}

/// An asset of the synthetic crashes.
struct SyntheticAsset {
    var name: String
    var assetClass: AssetClass
    var price: Double
    /// Base units a day; value of bids and of collateral in calm.
    var dailyVolume: Int
    var depth: Int
    var collateral: Int
    /// Of the book, in calm.
    var spread: Double
    /// How many times the major coin's returns it has, at least and at most.
    var beta: ClosedRange<Double>
    /// Implied volatility over the major coin's; 0: no options are listed.
    var volatilityRatio: Double

    static let all = [
        SyntheticAsset(
            name: "BTC", assetClass: .major, price: 100_000, dailyVolume: 100_000,
            depth: 400_000_000, collateral: 500_000_000, spread: 0.0001, beta: 1...1,
            volatilityRatio: 1),
        SyntheticAsset(
            name: "SOL", assetClass: .alt, price: 200, dailyVolume: 20_000_000,
            depth: 80_000_000, collateral: 200_000_000, spread: 0.0005, beta: 1.1...2,
            volatilityRatio: 1.6),
        SyntheticAsset(
            name: "USDE", assetClass: .stable, price: 1, dailyVolume: 150_000_000,
            depth: 20_000_000, collateral: 100_000_000, spread: 0.0002, beta: 0...0,
            volatilityRatio: 0),
    ]

    func track(_ story: CrashStory, _ random: inout ScenarioRandom) -> CrashPath.Track {
        let beta = random.double(in: beta)
        // Books of assets thin out unequally.
        let drought = story.drought * random.logarithmic(in: 0.7...1.4)
        let own = 0.15 * (beta == 1 ? 0 : beta)
        var price = price
        var index = price
        let samples = story.seconds.indices.map { step in
            let passed = Double(step > 0 ? story.seconds[step] - story.seconds[step - 1] : 0)
            let stress = story.stress[step]
            let noise = own * (passed / (365 * 86_400)).squareRoot() * random.normal()
            price *= Double.exp(beta * story.returns[step] + noise * (1 + 4 * stress))
            // Other venues follow with a half-life of 20 s and fall less far behind.
            index += (price - index) * (1 - Double.exp2(-passed / 20))
            let isStable = assetClass == .stable
            return CrashPath.Sample(
                price: isStable ? self.price * (1 - story.depeg * stress * stress) : price,
                indexes: [isStable ? self.price * (1 - 0.02 * story.depeg * stress) : index],
                depth: Double(depth) * Double.pow(min(1, drought), stress),
                spread: spread * Double.pow(min(1, drought), -0.8 * stress),
                dailyVolume: Double(dailyVolume))
        }
        return CrashPath.Track(
            configuration: configuration, samples: samples,
            surfaces: volatilityRatio > 0 ? surfaces(story, samples) : [])
    }

    private var configuration: AssetConfiguration {
        AssetConfiguration(
            asset: Identifier(name) ?? .unnamed, assetClass: assetClass,
            primaryVenue: CrashPath.house, dailyVolume: FixedDecimal(dailyVolume),
            depthReference: FixedDecimal(depth), systemCollateral: FixedDecimal(collateral),
            sources: 2, parameters: CrashPath.parameters(assetClass), parametersHash: "defaults")
    }

    /// One expiry a minute, a parabola in log-moneyness with a skew to the puts.
    private func surfaces(
        _ story: CrashStory, _ samples: [CrashPath.Sample]
    ) -> [[Surface.Expiry]] {
        let strikes = [60, 80, 100, 120, 150].map {
            decimal(price, digits: 2).times($0, over: 100)
        }
        let minutes = (story.seconds.last ?? 0) / 60
        var step = 0
        return (0...minutes).map { minute in
            while step + 1 < story.seconds.count, story.seconds[step + 1] <= minute * 60 {
                step += 1
            }
            let level = story.impliedCalm + story.impliedRise * story.stress[step]
            let forward = decimal(samples[step].price, digits: 2)
            let volatilities = strikes.map { strike in
                let k = Double.log(strike.double / forward.double)
                return level * volatilityRatio * (1 - 0.15 * k + 0.4 * min(k * k, 0.3))
            }
            return [
                Surface.Expiry(
                    expiry: CrashPath.syntheticExpiry, forward: forward,
                    smile: .grid(strikes: strikes, volatilities: volatilities))
            ]
        }
    }
}

extension CrashPath {
    /// The venue of synthetic books.
    static let house = Identifier("house") ?? .unnamed

    /// 30 days and 8 hours after the start.
    static let syntheticExpiry = syntheticStart.advanced(bySeconds: 30 * 86_400 + 28_800)
}
