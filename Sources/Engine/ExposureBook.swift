import Haircuts
import Margin
import Market
import Quantities

/// What was last published of each asset's exposure, and which have changed since.
struct ExposureBook: Sendable {
    struct Output: Sendable {
        var sequence: Int64
        /// When the next one may be published.
        var next: Instant
        /// How many settlements it said.
        var settlements = 0
        /// Whether it was published before it was due, for a settlement.
        var wasEarly = false
    }

    /// Plans worked out a second, at most, for all the exposures of one asset: a ladder that takes
    /// more is published less often than once a second.
    static let plansPerSecond = 5_000.0

    let shard: Int32
    /// By asset number.
    private var outputs: [Int32: Output] = [:]
    private var changed: [Bool] = []

    init(shard: Int32) {
        self.shard = shard
    }

    /// Numbers of the assets with something new to say.
    var touched: [Int32] { changed.indices.filter { changed[$0] }.map(Int32.init) }

    mutating func touch(_ asset: Int32) {
        while changed.count <= Int(asset) { changed.append(false) }
        changed[Int(asset)] = true
    }

    mutating func touch(_ assets: ArraySlice<Int32>) {
        let isKnown = assets.allSatisfy { Int($0) < changed.count }
        guard isKnown else { return assets.forEach { touch($0) } }
        changed.withUnsafeMutableBufferPointer { changed in
            for asset in assets { changed[Int(asset)] = true }
        }
    }

    mutating func restore(_ asset: Int32, sequence: Int64, time: Instant, settlements: Int) {
        outputs[asset] = Output(sequence: sequence, next: time, settlements: settlements)
    }

    /// The sequence of an asset's next exposure, if one is due: at once where instruments settled,
    /// for who is restored has their price from it. After such a one the next comes in its time,
    /// or accounts with ever other expiries could make a shard do nothing else.
    func next(of asset: Int32, at time: Instant, settlements: Int) -> Int64? {
        guard changed.indices.contains(Int(asset)), changed[Int(asset)] else { return nil }
        guard let last = outputs[asset] else { return 1 }
        let isDue = time >= last.next || !last.wasEarly && !hasSaid(settlements, of: asset)
        return isDue ? last.sequence + 1 : nil
    }

    /// Whether the last exposure of an asset said as many settlements.
    func hasSaid(_ settlements: Int, of asset: Int32) -> Bool {
        settlements == outputs[asset]?.settlements ?? 0
    }

    /// - Parameter plans: that the ladders took.
    mutating func published(
        _ asset: Int32, sequence: Int64, time: Instant, plans: Int, settlements: Int,
        _ parameters: MarginParameters
    ) {
        let pause = max(
            parameters.exposureMilliseconds * 1e6, Double(plans) / Self.plansPerSecond * 1e9)
        outputs[asset] = Output(
            sequence: sequence, next: time.advanced(byNanoseconds: Int64(min(pause, 1e18))),
            settlements: settlements, wasEarly: outputs[asset].map { time < $0.next } ?? false)
        changed[Int(asset)] = false
    }
}

extension MarginShard {
    /// Publishes the exposures that are due, in order of their assets' names.
    mutating func publishExposures(to sink: inout some MarginSink) {
        let touched = exposures.touched.sorted { book.assetNames.isOrdered($0, before: $1) }
        for asset in touched { publishExposure(of: asset, to: &sink) }
    }

    /// Publishes at once what instruments settled at that had expired when they came.
    mutating func publishSettlements(of snapshot: AccountSnapshot, to sink: inout some MarginSink) {
        for position in snapshot.positions where position.terms.expiry != nil {
            let number = book.assetNumber(of: position.underlying)
            let count = tables[position.underlying]?.prices.settlements.count ?? 0
            if !exposures.hasSaid(count, of: number) { publishExposure(of: number, to: &sink) }
        }
    }

    /// Publishes an asset's exposure, if it changed and a second has passed since the last.
    mutating func publishExposure(of number: Int32, to sink: inout some MarginSink) {
        let asset = book.assetNames[number]
        guard isServing, let time, let market = tables[asset],
            asset != configuration.valuationCurrency,
            let sequence = exposures.next(
                of: number, at: time, settlements: market.prices.settlements.count)
        else { return }
        let (figures, plans) = exposureFigures(of: market, at: time)
        exposures.published(
            number, sequence: sequence, time: time, plans: plans,
            settlements: market.prices.settlements.count, configuration.parameters)
        var exposure = Exposure(
            asset: asset, shard: shard, time: time, sequence: sequence,
            haircutSequence: market.haircuts.sequence, price: market.prices.published.price,
            figures)
        exposure.settlements = market.prices.settlements.map(Exposure.Settlement.init)
            .sorted { $0.expiry < $1.expiry }.suffix(Exposure.mostSettlements)
        sink.publish(exposure)
    }
}

extension Exposure {
    /// The exposure to publish: quantities to 8 digits and values to the cent, rounded up.
    init(
        asset: Identifier, shard: Int32, time: Instant, sequence: Int64, haircutSequence: Int64,
        price: FixedDecimal, _ figures: ExposureFigures
    ) {
        self.init(
            asset: asset, shard: shard, time: time, sequence: sequence,
            haircutSequence: haircutSequence, price: price,
            pledged: .rounded(up: figures.pledged, fractionDigits: 8),
            pledgedValue: .rounded(up: figures.pledgedValue, fractionDigits: 2),
            borrowed: .rounded(up: figures.borrowed, fractionDigits: 8),
            byHaircut: zip(Exposure.rises, figures.byHaircut).map {
                Rung(step: $0, value: .rounded(up: $1, fractionDigits: 2))
            },
            byPrice: zip(Exposure.falls, figures.byPrice).map {
                Rung(step: $0, value: .rounded(up: $1, fractionDigits: 2))
            }, accounts: Int64(figures.accounts))
    }
}

extension Exposure.Settlement {
    /// The price as the decimal it was read from, where that has up to eight digits.
    fileprivate init(_ settlement: AssetMarket.Settlement) {
        let price = [8, 18].lazy.compactMap {
            FixedDecimal(settlement.price, fractionDigits: $0, rounding: .toNearestOrEven)
        }
        self.init(
            expiry: settlement.expiry,
            price: price.first { $0.double == settlement.price } ?? price.last ?? .zero)
    }
}

extension FixedDecimal {
    /// Rounded up, and held below what a message can say.
    fileprivate static func rounded(up value: Double, fractionDigits: Int) -> FixedDecimal {
        FixedDecimal(value, fractionDigits: fractionDigits, rounding: .up)
            ?? FixedDecimal(units: 1_000_000_000_000_000_000 * unitsPerOne - 1)
    }
}
