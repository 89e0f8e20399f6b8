import Haircuts
import Market
import Quantities

/// A market as it went, ready to be played: prices by the minute, depth, surfaces, and how the
/// assets would be configured. `Recorded/README.md` gives the format and the origins.
///
/// A value: it holds everything, and the same scenario plays the same events every time.
public struct Scenario: Hashable, Sendable {
    public var name: String
    /// One line for a list of scenarios.
    public var description: String
    public var start: Instant
    /// One after the other from `start`; at least one.
    public var sections: [Section]
    /// In the order in which their books are played.
    public var assets: [Asset]
    var prices: [PriceTrack]
    var depths: [DepthTrack]
    /// Base units over 24 h by the hour from `start`, one row an asset, in the order of `assets`.
    var volumes: [[Int]]
    var surfaces: [SurfaceTrack]

    /// A part of the scenario that is played at one cadence.
    public struct Section: Hashable, Sendable {
        public var name: String
        /// Whole minutes, in seconds; > 0.
        public var durationSeconds: Int
        /// Seconds between two quotes of one source; 1…60, a divisor of 60.
        public var cadenceSeconds: Int
    }

    /// An asset of the scenario with the configuration recommended for it.
    public struct Asset: Hashable, Sendable {
        public var asset: Identifier
        public var assetClass: AssetClass
        public var primaryVenue: Identifier
        /// The step of its prices, in the valuation currency; > 0.
        public var tick: FixedDecimal
        /// Base units a day that may be counted on; > 0.
        public var dailyVolume: FixedDecimal
        /// Bids within 2 % of mid on the recorded morning, in the valuation currency; > 0.
        public var depthReference: FixedDecimal
        /// Assumed value pledged in the system, in the valuation currency; ≥ 0.
        public var systemCollateral: FixedDecimal
        /// The asset whose recorded depth its book is scaled from; itself where recorded.
        var depthSource: Identifier
        /// Millionths of that depth, compared in value; > 0.
        var depthMillionths: Int
    }

    /// The prices of one asset at one venue.
    struct PriceTrack: Hashable, Sendable {
        var asset: Identifier
        var venue: Identifier
        var kind: Quote.Kind
        /// One a minute from `start`; nil where the venue was silent.
        var bars: [Bar?]
    }

    /// The first, highest, lowest and last price of a minute, in ticks; > 0.
    struct Bar: Hashable, Sendable {
        var first: Int
        var high: Int
        var low: Int
        var last: Int
    }

    /// The recorded depth of one asset.
    struct DepthTrack: Hashable, Sendable {
        var asset: Identifier
        /// In time order, the first at second 0.
        var rows: [DepthRow]
    }

    struct DepthRow: Hashable, Sendable {
        /// From `start`.
        var second: Int
        /// Thousands of the valuation currency no further than 1, 2, 3, 4, 5 % from mid.
        var bids: [Int]
        var asks: [Int]
    }

    /// The surfaces of one asset, one a minute from `start`.
    struct SurfaceTrack: Hashable, Sendable {
        var asset: Identifier
        var grids: [Grid]
        /// For each grid: the forward in hundredths, then a volatility for each strike in
        /// ten-thousandths, one grid after the other.
        var rows: [[Int]]
    }

    struct Grid: Hashable, Sendable {
        var expiry: Instant
        /// Whole units of the valuation currency, increasing.
        var strikes: [Int]
    }

    public var durationSeconds: Int { sections.reduce(0) { $0 + $1.durationSeconds } }

    /// The moment after the last event.
    public var end: Instant { start.advanced(bySeconds: Int64(durationSeconds)) }

    /// The beginning of a section; nil when no section has this name.
    public func start(ofSection name: String) -> Instant? {
        var second = 0
        for section in sections {
            if section.name == name { return start.advanced(bySeconds: Int64(second)) }
            second += section.durationSeconds
        }
        return nil
    }
}
