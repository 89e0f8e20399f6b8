import Market
import Quantities

extension Scenario {
    /// The events of the scenario in time order, the same each time.
    ///
    /// Each source quotes once a cadence of the section; surfaces come once a minute. The sources
    /// of one moment are a millisecond apart, so that no two events share a time. Sequences count
    /// from 1 for each asset, venue and kind, wherever playing begins.
    ///
    /// - Parameters:
    ///   - from: the first moment to play; nil: the start.
    ///   - to: the moment to stop before; nil: the end.
    ///   - rate: quotes of each source where the cadence asks for one; 1…20.
    public func events(
        from: Instant? = nil, to: Instant? = nil, rate: Int = 1
    ) -> ScenarioPlayer {
        ScenarioPlayer(self, from: from ?? start, to: to ?? end, rate: rate)
    }
}

/// Plays a scenario: a sequence of events that is made as it is asked for.
public struct ScenarioPlayer: Sequence, IteratorProtocol {
    private let scenario: Scenario
    private let rate: Int
    /// The books before the index prices, each with its asset's place and its depth's.
    private let sources: [Source]
    private let firstMillisecond: Int
    private let lastMillisecond: Int
    private var section = 0
    private var sectionStart = 0
    private var step = 0
    private var sequences: [Int64]
    private var surfaceSequence: Int64 = 0
    /// The events of the present moment, and how many of them were handed out.
    private var pending: [ScenarioEvent] = []
    private var handed = 0

    private struct Source {
        var track: Scenario.PriceTrack
        var asset: Int
        var depth: Int
    }
    /// Of each depth, the row that stands; only ever moves forward.
    private var rows: [Int]

    init(_ scenario: Scenario, from: Instant, to: Instant, rate: Int) {
        precondition((1...20).contains(rate))
        self.scenario = scenario
        self.rate = rate
        let books = scenario.prices.filter { $0.kind == .book }
        let indexes = scenario.prices.filter { $0.kind == .index }
        sources = (books + indexes).compactMap { track in
            guard let asset = scenario.assets.firstIndex(where: { $0.asset == track.asset }),
                let depth = scenario.depths.firstIndex(where: {
                    $0.asset == scenario.assets[asset].depthSource
                })
            else { return nil }
            return Source(track: track, asset: asset, depth: depth)
        }
        rows = Array(repeating: 0, count: scenario.depths.count)
        sequences = Array(repeating: 0, count: sources.count)
        firstMillisecond = Int(from.milliseconds - scenario.start.milliseconds)
        lastMillisecond = Int(to.milliseconds - scenario.start.milliseconds)
    }

    public mutating func next() -> ScenarioEvent? {
        while handed == pending.count {
            guard let moment = nextMoment() else { return nil }
            pending.removeAll(keepingCapacity: true)
            handed = 0
            if moment >= firstMillisecond { play(moment) }
        }
        handed += 1
        return pending[handed - 1]
    }

    /// The next moment to play, in milliseconds from the start; nil at the end.
    private mutating func nextMoment() -> Int? {
        while section < scenario.sections.count {
            let present = scenario.sections[section]
            let offset = step * present.cadenceSeconds * 1_000 / rate
            if offset < present.durationSeconds * 1_000 {
                step += 1
                let moment = sectionStart + offset
                return moment < lastMillisecond ? moment : nil
            }
            sectionStart += present.durationSeconds * 1_000
            section += 1
            step = 0
        }
        return nil
    }

    private mutating func play(_ moment: Int) {
        if moment % 60_000 == 0 { playSurfaces(moment) }
        for index in scenario.depths.indices {
            let track = scenario.depths[index].rows
            while rows[index] + 1 < track.count, track[rows[index] + 1].second * 1_000 <= moment {
                rows[index] += 1
            }
        }
        for index in sources.indices {
            guard let bar = sources[index].track.bars[moment / 60_000] else { continue }
            sequences[index] += 1
            let time = instant(moment, scenario.surfaces.count + index)
            pending.append(.quote(quote(source: index, bar: bar, moment: moment, time: time)))
        }
    }

    private func quote(
        source index: Int, bar: Scenario.Bar, moment: Int, time: Instant
    ) -> Quote {
        let source = sources[index]
        let asset = scenario.assets[source.asset]
        let price = bar.price(atMilliseconds: moment % 60_000)
        var quote = Quote(
            asset: asset.asset, venue: source.track.venue, kind: source.track.kind, time: time,
            sequence: sequences[index])
        if source.track.kind == .index {
            quote.price = FixedDecimal(units: asset.tick.units * Int128(price))
            return quote
        }
        let row = scenario.depths[source.depth].rows[rows[source.depth]]
        let scale = Double(asset.depthMillionths) / 1e6 * 1e3
        quote.bids = BookShape.levels(
            mid: price, halfSpread: bar.halfSpread, tick: asset.tick,
            depth: row.bids.map { Double($0) * scale }, direction: -1)
        quote.asks = BookShape.levels(
            mid: price, halfSpread: bar.halfSpread, tick: asset.tick,
            depth: row.asks.map { Double($0) * scale }, direction: 1)
        quote.dailyVolume = FixedDecimal(scenario.volumes[source.asset][moment / 3_600_000])
        return quote
    }

    private mutating func playSurfaces(_ moment: Int) {
        surfaceSequence += 1
        for (index, track) in scenario.surfaces.enumerated() {
            pending.append(
                .surface(
                    Surface(
                        asset: track.asset, time: instant(moment, index),
                        sequence: surfaceSequence,
                        expiries: track.expiries(ofMinute: moment / 60_000))))
        }
    }

    private func instant(_ moment: Int, _ place: Int) -> Instant {
        scenario.start.advanced(byNanoseconds: Int64(moment + place) * 1_000_000)
    }
}

extension Scenario.SurfaceTrack {
    /// The smiles of a minute from the start.
    func expiries(ofMinute minute: Int) -> [Surface.Expiry] {
        var expiries: [Surface.Expiry] = []
        var numbers = rows[minute][...]
        for grid in grids {
            let forward = FixedDecimal(numbers.removeFirst()).times(1, over: 100)
            let volatilities = numbers.prefix(grid.strikes.count).map { Double($0) / 1e4 }
            numbers.removeFirst(grid.strikes.count)
            expiries.append(
                Surface.Expiry(
                    expiry: grid.expiry, forward: forward,
                    smile: .grid(
                        strikes: grid.strikes.map { FixedDecimal($0) },
                        volatilities: volatilities)))
        }
        return expiries
    }
}
