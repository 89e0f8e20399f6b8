import Market
import Quantities

extension Scenario.Bar {
    /// The price at a moment of the minute, in ticks: straight lines from the first price at 0 s
    /// over the low and high at 20 and 40 s (the high and low when the minute falls) to the last
    /// price at 59 s, where it stays. So every recorded extreme is touched, on a whole second.
    ///
    /// - Parameter milliseconds: 0..<60 000.
    func price(atMilliseconds milliseconds: Int) -> Int {
        let rises = last >= first
        let knots = [
            (0, first), (20_000, rises ? low : high), (40_000, rises ? high : low),
            (59_000, last),
        ]
        for (from, to) in zip(knots, knots.dropFirst()) where milliseconds <= to.0 {
            let length = to.0 - from.0
            let scaled = from.1 * length + (to.1 - from.1) * (milliseconds - from.0)
            return (2 * scaled + length) / (2 * length)
        }
        return last
    }

    /// Half of the assumed spread, in ticks: the spread is 1 % of the minute's range, since a
    /// spread is set by how fast the price moves; at least two ticks, so that mid is a tick.
    var halfSpread: Int { max(1, (high - low) / 200) }
}

/// Levels that hold a recorded cumulative depth.
enum BookShape {
    /// Where the levels of the first percent lie, in hundredths of the way from the best price,
    /// and the hundredths of that percent's depth no further away: even, as the order books of
    /// 2024-08-08 have it, and a hundredth at the best price.
    private static let firstPercent: [(place: Int, share: Int)] = [
        (place: 0, share: 1), (5, 5), (10, 10), (20, 20), (30, 30), (50, 50), (75, 75), (100, 100),
    ]

    /// The distances from mid in ticks, increasing, and the cumulative depth up to each.
    ///
    /// - Parameters:
    ///   - mid: in ticks; the distance of the level that closes each percent rounds towards it,
    ///     so that the percent includes the level.
    ///   - depth: value no further than 1, 2, 3, 4, 5 % from mid, never falling.
    private static func steps(
        mid: Int, halfSpread: Int, depth: [Double]
    ) -> [(distance: Int, depth: Double)] {
        let first = mid / 100
        let best = max(1, min(halfSpread, first / 2))
        var steps = firstPercent.map { entry in
            (
                distance: best + (first - best) * entry.place / 100,
                depth: depth[0] * Double(entry.share) / 100
            )
        }
        for percent in 2...5 {
            let inner = mid * (percent - 1) / 100
            let outer = mid * percent / 100
            let between = (depth[percent - 2] + depth[percent - 1]) / 2
            steps.append(((inner + outer) / 2, between))
            steps.append((outer, depth[percent - 1]))
        }
        return steps
    }

    /// The levels of one side, best first; sizes in thousandths of a base unit, the error of one
    /// carried to the next, so that their values add up to the depth.
    ///
    /// - Parameter direction: −1 for bids, 1 for asks.
    static func levels(
        mid: Int, halfSpread: Int, tick: FixedDecimal, depth: [Double], direction: Int
    ) -> [BookLevel] {
        var levels: [BookLevel] = []
        levels.reserveCapacity(16)
        var placed = 0.0
        var nearest = 0
        for step in steps(mid: mid, halfSpread: halfSpread, depth: depth)
        where step.distance > nearest {
            let price = FixedDecimal(units: tick.units * Int128(mid + direction * step.distance))
            let due = (step.depth - placed) / price.double
            guard
                let size = FixedDecimal(due, fractionDigits: 3, rounding: .toNearestOrEven),
                size > .zero
            else { continue }
            levels.append(BookLevel(price: price, size: size))
            placed += price.double * size.double
            nearest = step.distance
        }
        return levels
    }
}
