import Haircuts
import Margin
import Quantities

/// What was last published of each asset's exposure, and which have changed since.
struct ExposureBook: Sendable {
    struct Output: Sendable {
        var sequence: Int64
        var time: Instant
    }

    let shard: Int32
    private var outputs: [Identifier: Output] = [:]
    private var changed: Set<Identifier> = []

    init(shard: Int32) {
        self.shard = shard
    }

    /// Assets with something new to say, in order of their names.
    var touched: [Identifier] { changed.sorted() }

    mutating func touch(_ asset: Identifier) { changed.insert(asset) }

    mutating func restore(_ asset: Identifier, sequence: Int64, time: Instant) {
        outputs[asset] = Output(sequence: sequence, time: time)
    }

    /// The sequence of an asset's next exposure, if one is due.
    func next(of asset: Identifier, at time: Instant, _ parameters: MarginParameters) -> Int64? {
        guard changed.contains(asset) else { return nil }
        guard let last = outputs[asset] else { return 1 }
        let interval = Int64(parameters.exposureMilliseconds * 1e6)
        return time >= last.time.advanced(byNanoseconds: interval) ? last.sequence + 1 : nil
    }

    mutating func published(_ asset: Identifier, sequence: Int64, time: Instant) {
        outputs[asset] = Output(sequence: sequence, time: time)
        changed.remove(asset)
    }
}

extension MarginShard {
    /// Publishes an asset's exposure, if it changed and a second has passed since the last.
    mutating func publishExposure(of asset: Identifier, to sink: inout some MarginSink) {
        guard isServing, let time, let market = tables[asset],
            asset != configuration.valuationCurrency,
            let sequence = exposures.next(of: asset, at: time, configuration.parameters)
        else { return }
        let owners = book.ownersHolding(asset).map { book.snapshots(of: $0) }
        let figures = model.exposure(to: asset, of: owners, in: tables, at: time)
        exposures.published(asset, sequence: sequence, time: time)
        sink.publish(
            Exposure(
                asset: asset, shard: shard, time: time, sequence: sequence,
                haircutSequence: market.haircuts.sequence, price: market.prices.published.price,
                figures))
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

extension FixedDecimal {
    /// Rounded up, and held below what a message can say.
    fileprivate static func rounded(up value: Double, fractionDigits: Int) -> FixedDecimal {
        FixedDecimal(value, fractionDigits: fractionDigits, rounding: .up)
            ?? FixedDecimal(units: 1_000_000_000_000_000_000 * unitsPerOne - 1)
    }
}
