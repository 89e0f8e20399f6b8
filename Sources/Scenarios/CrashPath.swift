import Haircuts
import Market
import Quantities

/// What a market does of its own accord through a crash, before anyone is liquidated: the outside
/// of a cascade. The same path drives every mode.
///
/// It is stepped through in two parts: a warm-up without accounts, in which volatilities and
/// baselines form, and the crash.
public struct CrashPath: Hashable, Sendable {
    public var name: String
    public var start: Instant
    /// Seconds from `start` of each step; increasing.
    public var seconds: [Int]
    /// The first step of the crash.
    public var crashStep: Int
    public var tracks: [Track]

    /// One asset's way.
    public struct Track: Hashable, Sendable {
        public var configuration: AssetConfiguration
        /// One a step.
        public var samples: [Sample]
        /// One a minute from the start; empty where no options are listed.
        public var surfaces: [[Surface.Expiry]]
    }

    /// What the primary venue and others show at one step.
    public struct Sample: Hashable, Sendable {
        /// Middle of the primary book, in the valuation currency; > 0.
        public var price: Double
        /// Of the other sources; nil where one is silent.
        public var indexes: [Double?]
        /// Value of the bids within 2 % of the price; ≥ 0.
        public var depth: Double
        /// Of the book, as a fraction of the price; > 0.
        public var spread: Double
        /// Base units traded over 24 h; > 0.
        public var dailyVolume: Double
    }

    /// Seconds between steps of the warm-up, and of the crash: the limiter's allowance accumulates
    /// for at most 5 s at a time (MODEL §4).
    public static let warmUpStepSeconds = 30
    public static let stepSeconds = 5

    /// The defaults of a class, but a table that says what the last one said is repeated each 20 s
    /// only, and a price that moved less than a tenth of a percent is not news: every table is
    /// worth a valuation of all accounts.
    public static func parameters(_ assetClass: AssetClass) -> HaircutParameters {
        var parameters = HaircutParameters(assetClass)
        parameters.heartbeatMilliseconds = 20_000
        parameters.priceToleranceBasisPoints = 10
        return parameters
    }

    /// Prices and listed options as the crash begins, for a population.
    public var opening: OpeningMarket {
        let second = seconds[crashStep]
        return OpeningMarket(
            time: start.advanced(bySeconds: Int64(second)),
            valuationCurrency: Scenario.valuationCurrency,
            assets: tracks.map { track in
                let surface = track.surfaces.isEmpty ? [] : track.surfaces[second / 60]
                let price = track.samples[crashStep].price
                return OpeningMarket.Asset(
                    asset: track.configuration.asset,
                    assetClass: track.configuration.assetClass,
                    price: decimal(price, digits: 6),
                    systemCollateral: track.configuration.systemCollateral.double,
                    haircut: VenueHaircuts.maintenance(track.configuration.assetClass),
                    scan: track.configuration.parameters.scanFloor,
                    expiries: surface.compactMap(OpeningMarket.Expiry.init))
            })
    }

    /// The steps of a warm-up and a crash, and which one begins the crash.
    static func steps(warmUp: Int, crash: Int) -> (seconds: [Int], crashStep: Int) {
        let calm = Array(stride(from: 0, to: warmUp, by: warmUpStepSeconds))
        let storm = Array(stride(from: warmUp, to: warmUp + crash, by: stepSeconds))
        return (calm + storm, calm.count)
    }
}

extension CrashPath {
    /// A recorded scenario, sampled: its first section is the warm-up, all after it the crash.
    public init(recorded scenario: Scenario) {
        let warmUp = scenario.sections.first?.durationSeconds ?? 0
        let (seconds, crashStep) = Self.steps(
            warmUp: warmUp, crash: scenario.durationSeconds - warmUp)
        self.init(
            name: scenario.name, start: scenario.start, seconds: seconds, crashStep: crashStep,
            tracks: scenario.assets.indices.map { scenario.track($0, seconds: seconds) })
    }
}

extension Scenario {
    fileprivate func track(_ place: Int, seconds: [Int]) -> CrashPath.Track {
        let asset = assets[place]
        let tick = asset.tick.double
        let book = prices.first { $0.asset == asset.asset && $0.kind == .book }
        let others = prices.filter { $0.asset == asset.asset && $0.kind == .index }
        let depth = depths.first { $0.asset == asset.depthSource }
        let scale = Double(asset.depthMillionths) / 1e6 * 1e3
        var row = 0
        let samples = seconds.map { second in
            let milliseconds = second % 60 * 1_000
            let rows = depth?.rows ?? []
            while row + 1 < rows.count, rows[row + 1].second <= second { row += 1 }
            let bar = book?.bars[second / 60]
            let ticks = bar.map { Double($0.price(atMilliseconds: milliseconds)) } ?? 1
            return CrashPath.Sample(
                price: ticks * tick,
                indexes: others.map { track in
                    track.bars[second / 60].map {
                        Double($0.price(atMilliseconds: milliseconds)) * tick
                    }
                },
                depth: rows.isEmpty ? 0 : Double(rows[row].bids[1]) * scale,
                spread: 2 * Double(bar?.halfSpread ?? 1) / ticks,
                dailyVolume: Double(volumes[place][second / 3_600]))
        }
        let surfaces = self.surfaces.first { $0.asset == asset.asset }
        return CrashPath.Track(
            configuration: AssetConfiguration(
                asset: asset.asset, assetClass: asset.assetClass,
                primaryVenue: asset.primaryVenue, dailyVolume: asset.dailyVolume,
                depthReference: asset.depthReference, systemCollateral: asset.systemCollateral,
                sources: 2, parameters: CrashPath.parameters(asset.assetClass),
                parametersHash: "defaults"),
            samples: samples,
            surfaces: surfaces.map { track in
                track.rows.indices.map { track.expiries(ofMinute: $0) }
            } ?? [])
    }
}

/// The decimal next to a number; 0 for one that has none.
func decimal(_ value: Double, digits: Int) -> FixedDecimal {
    FixedDecimal(value, fractionDigits: digits, rounding: .toNearestOrEven) ?? .zero
}
