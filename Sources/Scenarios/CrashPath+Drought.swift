import Quantities

extension CrashPath {
    /// A book that dries up while prices stand still: the opening of a synthetic crash, whose depth
    /// falls evenly to a share of itself within a quarter of an hour and stays there. Spreads widen
    /// with the root of it.
    ///
    /// Nobody loses anything by the market alone; whatever is sold is sold because haircuts rose.
    ///
    /// - Parameters:
    ///   - seed: of the synthetic crash (`init(seed:)`).
    ///   - share: what is left of the depth, > 0 and at most 1.
    ///   - collateral: what is pledged, in multiples of what is in that crash; ≥ 1.
    public static func drought(seed: UInt64, to share: Double, collateral: Int) -> CrashPath {
        var path = CrashPath(seed: seed)
        path.name = "drought-\(seed)"
        let begin = path.seconds[path.crashStep]
        for index in path.tracks.indices {
            let configured = path.tracks[index].configuration.systemCollateral
            path.tracks[index].configuration.systemCollateral = configured.times(
                collateral, over: 1)
            let opening = path.tracks[index].samples[0]
            path.tracks[index].samples = path.seconds.map { second in
                let passed = min(1, Double(max(0, second - begin)) / droughtSeconds)
                let left = 1 - passed * (1 - share)
                var sample = opening
                sample.depth *= left
                sample.spread /= left.squareRoot()
                return sample
            }
            guard let surface = path.tracks[index].surfaces.first else { continue }
            path.tracks[index].surfaces = path.tracks[index].surfaces.map { _ in surface }
        }
        return path
    }

    /// Seconds in which the depth falls.
    private static let droughtSeconds = 900.0
}
