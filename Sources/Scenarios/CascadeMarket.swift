import Haircuts
import Market
import Quantities
import RealModule

/// The market of a cascade: a path, and on top of it what forced selling has done to its prices.
///
/// Selling a value q moves the price by MODEL §3.5's square root: the squared displacement grows
/// by σ_day²·q/V, so that many small sales move it as one large one would, and it decays with a
/// half-life of 15 minutes as others step in. Buying moves it back and beyond. V is the model's of
/// the moment, σ_day that of the opening: otherwise impact would feed on the volatility it made.
/// Other venues follow the primary one with a half-life of a minute.
struct CascadeMarket {
    let path: CrashPath
    private(set) var step = 0
    private var assets: [Displacement]

    /// How far selling has moved one asset.
    private struct Displacement {
        /// Signed square of the log displacement at the primary venue; > 0: sold down.
        var square = 0.0
        /// Of the other venues, in log price; > 0: down.
        var others = 0.0
        /// σ_day of the first table, and usable volume a day of the newest; 0 before.
        var deviation = 0.0
        var volume = 0.0

        var primary: Double {
            square < 0 ? -(-square).squareRoot() : square.squareRoot()
        }
    }

    /// Seconds in which half of a displacement is gone, and half of it has reached other venues.
    static let reliefSeconds = 900.0
    static let contagionSeconds = 60.0

    init(path: CrashPath) {
        self.path = path
        assets = Array(repeating: Displacement(), count: path.tracks.count)
    }

    var time: Instant { path.start.advanced(bySeconds: Int64(path.seconds[step])) }

    mutating func advance(to step: Int) {
        let passed = Double(path.seconds[step] - path.seconds[self.step])
        self.step = step
        for index in assets.indices {
            // Displacements are squared: half of one is a quarter of its square.
            assets[index].square *= Double.exp2(-2 * passed / Self.reliefSeconds)
            let gap = assets[index].primary - assets[index].others
            assets[index].others += gap * (1 - Double.exp2(-passed / Self.contagionSeconds))
        }
    }

    mutating func take(_ impact: Impact?, of index: Int) {
        guard let impact else { return }
        if assets[index].volume == 0 { assets[index].deviation = impact.dailyDeviation }
        assets[index].volume = impact.volume.double
    }

    /// The primary venue's price, with and without forced selling, in the valuation currency.
    func price(_ index: Int) -> Double {
        priceAlone(index) * Double.exp(-assets[index].primary)
    }

    func priceAlone(_ index: Int) -> Double { path.tracks[index].samples[step].price }

    func index(of asset: Identifier) -> Int? {
        path.tracks.firstIndex { $0.configuration.asset == asset }
    }

    /// Trades a value in an asset and moves its price.
    ///
    /// - Parameter value: sold when positive, bought when negative, in the valuation currency.
    /// - Returns: the price a unit was traded at: halfway between before and after, less half the
    ///   spread when sold and more of it when bought.
    mutating func trade(_ value: Double, of index: Int) -> Double {
        let before = assets[index].primary
        let deviation = assets[index].deviation
        if assets[index].volume > 0 {
            assets[index].square += deviation * deviation * value / assets[index].volume
        }
        let middle = (before + assets[index].primary) / 2
        let spread = path.tracks[index].samples[step].spread / 2
        return priceAlone(index) * Double.exp(-middle) * (value > 0 ? 1 - spread : 1 + spread)
    }

    /// The quotes of this step, of every asset: the primary book and the other venues.
    func quotes() -> [Quote] {
        var quotes: [Quote] = []
        for (index, track) in path.tracks.enumerated() {
            let sample = track.samples[step]
            quotes.append(book(index, track, sample))
            let factor = Double.exp(-assets[index].others)
            for (place, price) in sample.indexes.enumerated() {
                guard let price, place < Self.venues.count else { continue }
                quotes.append(
                    Quote(
                        asset: track.configuration.asset, venue: Self.venues[place], kind: .index,
                        time: time, sequence: Int64(step) + 1,
                        price: decimal(price * factor, digits: 6)))
            }
        }
        return quotes
    }

    /// Other venues than the primary one.
    private static let venues = ["index-a", "index-b", "index-c"].compactMap { Identifier($0) }

    /// A book of three levels a side that holds the step's depth.
    private func book(_ index: Int, _ track: CrashPath.Track, _ sample: CrashPath.Sample) -> Quote {
        let mid = price(index)
        let half = min(sample.spread / 2, 0.015)
        let bids = [(half, 0.2), (half + 0.002, 0.3), (0.0195, 0.5)].compactMap { distance, part in
            level(mid * (1 - distance), value: max(1, sample.depth) * part)
        }
        let asks = [(half, 0.2), (half + 0.002, 0.3), (0.0195, 0.5)].compactMap { distance, part in
            level(mid * (1 + distance), value: max(1, sample.depth) * part)
        }
        return Quote(
            asset: track.configuration.asset, venue: track.configuration.primaryVenue, kind: .book,
            time: time, sequence: Int64(step) + 1, bids: bids, asks: asks,
            dailyVolume: decimal(sample.dailyVolume, digits: 0))
    }

    private func level(_ price: Double, value: Double) -> BookLevel? {
        let price = decimal(price, digits: 6)
        let size = decimal(value / price.double, digits: 6)
        guard price > .zero, size > .zero else { return nil }
        return BookLevel(price: price, size: size)
    }

    /// The surfaces of this step, where a minute begins.
    func surfaces() -> [Surface] {
        guard path.seconds[step] % 60 == 0 else { return [] }
        let minute = path.seconds[step] / 60
        return path.tracks.enumerated().compactMap { index, track in
            guard minute < track.surfaces.count else { return nil }
            let factor = Double.exp(-assets[index].primary)
            return Surface(
                asset: track.configuration.asset, time: time, sequence: Int64(minute) + 1,
                expiries: track.surfaces[minute].map { expiry in
                    var moved = expiry
                    moved.forward = decimal(expiry.forward.double * factor, digits: 2)
                    return moved
                })
        }
    }
}
