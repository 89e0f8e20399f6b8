import Glibc
import Haircuts
import Market
import Quantities
import TestSupport
import Testing

/// What a full table costs: seven notionals, initial and maintenance, limiter, ticks, tiers and
/// the reading of a surface of ten expiries by twenty strikes.
struct HaircutTableTimeTests {
    static let evaluations = 2_000
    static let rounds = 5

    enum Kind: CaseIterable {
        /// Any class, any market.
        case any
        /// An alternative coin whose horizons spread up to 60 days: most terms, no two alike.
        case slowAlternatives
        /// All seven horizons held at 60 days.
        case clamped
    }

    /// One asset in a market of its own, with a surface or without.
    static func asset(_ kind: Kind, _ random: inout SplitMix64) throws -> AssetHaircuts {
        let assetClass = kind == .any ? AssetClass.allCases[Int(random.next() % 3)] : .alt
        let price = random.logarithmic(in: 0.1...1e5)
        let value =
            switch kind {
            case .any: random.logarithmic(in: 1e5...1e10)
            case .slowAlternatives: random.logarithmic(in: 1e7...1e8)
            case .clamped: 1e4
            }
        let name = try #require(Identifier("X"))
        let venue = try #require(Identifier("house"))
        var asset = AssetHaircuts(
            AssetConfiguration(
                asset: name, assetClass: assetClass, primaryVenue: venue,
                dailyVolume: decimal(value / price),
                depthReference: decimal(value / 1_000), systemCollateral: decimal(value / 10),
                parameters: HaircutParameters(assetClass), parametersHash: "sha256:0"))
        if random.next() % 4 != 0 {
            let base = random.logarithmic(in: 0.1...2)
            let strikes = (0..<20).map { price * (0.5 + 0.05 * Double($0)) }
            let expiries = (1...10).map { number in
                let volatilities = strikes.map { base * (1 + abs($0 / price - 1)) }
                return (Double(number * number) / 100, price, grid(strikes, volatilities))
            }
            var surface = surface(expiries)
            surface.asset = name
            _ = try asset.receive(surface, at: now)
        }
        let half = price * random.logarithmic(in: 1e-5...1e-2)
        let size = decimal(value / 1_000 / price * random.logarithmic(in: 0.01...10))
        let quote = Quote(
            asset: name, venue: venue, kind: .book, time: now, sequence: 1,
            bids: [BookLevel(price: decimal(price - half), size: size)],
            asks: [BookLevel(price: decimal(price + half), size: size)])
        _ = asset.receive(quote, at: now)
        return asset
    }

    /// Median time of an evaluation in microseconds: each asset once a second, ten times.
    static func medianMicroseconds(_ kind: Kind, seed: UInt64) throws -> Double {
        var random = SplitMix64(seed: seed)
        var assets: [AssetHaircuts] = []
        for _ in 0..<evaluations / 10 { assets.append(try asset(kind, &random)) }
        var times: [Double] = []
        for second in 1...10 {
            for index in assets.indices {
                let time = now.advanced(bySeconds: Int64(second))
                var isPublished = false
                let begun = processorMicroseconds()
                isPublished = assets[index].evaluate(at: time, cause: .timer(time))
                times.append(processorMicroseconds() - begun)
                #expect(isPublished)
            }
        }
        times.sort()
        return times[times.count / 2]
    }

    @Test(arguments: Kind.allCases)
    func aFullTableTakesLessThanTwentyMicroseconds(_ kind: Kind) throws {
        var best = Double.infinity
        for round in 0..<Self.rounds {
            best = min(best, try Self.medianMicroseconds(kind, seed: UInt64(round)))
        }
        #expect(best < 20, "\(kind): \(best) µs")
    }
}

/// Of this thread, so that what else the machine does is not counted.
private func processorMicroseconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
}
