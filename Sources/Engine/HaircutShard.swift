import Haircuts
import Market
import Quantities

/// What a shard says outwards.
///
/// The table is lent for the call: a sink that keeps it encodes or copies it.
public protocol HaircutSink {
    mutating func publish(_ table: borrowing HaircutTable)
    /// Comes before the table that shows the new state. A sink that is not told how to publish it
    /// lets it pass: the table says the state as well.
    mutating func publish(_ change: BreakerChange)
}

extension HaircutSink {
    public mutating func publish(_ change: BreakerChange) {}
}

/// What became of a message that a shard was given.
public enum Disposition: Hashable, Sendable {
    case applied
    /// Applied, though its sequence fell: its sender restarted.
    case sequenceReset
    /// Not above the last sequence of its source: nothing changed.
    case duplicate
    /// Not an asset of the configuration, nor a shard that is expected: nothing changed.
    case unlisted
}

/// The haircuts of the assets of one quotes partition: events in, tables out.
///
/// Pure: it has no clock, no randomness, no I/O and no threads. The same events in the same
/// order give the same tables. Shard time is the largest time of the messages applied and the
/// timers given; it does not go back.
public struct HaircutShard: Sendable {
    public internal(set) var time: Instant?
    let names: IdentifierTable
    var assets: [AssetHaircuts]
    /// Which assets' checkpoints are to be written, and whether there is one.
    var isTouched: [Bool]
    var hasTouched = false

    /// - Parameters:
    ///   - assets: each asset once, its parameters without violations. An asset of another
    ///     partition does no harm: its messages do not come here.
    ///   - exposureShards: margin shards whose exposures are expected, the partitions of the
    ///     positions topic; 0 where there is no margin stage.
    ///   - hash: `parametersHash` of a configuration whose parameters a control changed.
    public init(
        assets configurations: [AssetConfiguration], exposureShards: Int = 0,
        hash: @escaping @Sendable (AssetConfiguration) -> String = { $0.parametersHash }
    ) {
        names = IdentifierTable(configurations.map(\.asset))
        precondition(names.count == configurations.count, "an asset is listed twice")
        assets = configurations.map {
            AssetHaircuts($0, exposureShards: exposureShards, hash: hash)
        }
        isTouched = Array(repeating: false, count: assets.count)
    }

    /// The assets of the configuration, in its order.
    public var listed: [Identifier] { names.identifiers }

    /// The table published last for an asset; nil when it is unlisted or none was.
    public func table(of asset: Identifier) -> HaircutTable? {
        names.index(of: asset).flatMap { assets[Int($0)].published }
    }

    /// Applies a book or an index price.
    public mutating func apply(
        _ quote: borrowing Quote, cause: @autoclosure () -> Cause, to sink: inout some HaircutSink
    ) -> Disposition {
        guard let asset = names.index(of: quote.asset) else { return .unlisted }
        // A duplicate may be as late as it likes: it moves no time.
        let now = max(time ?? quote.time, quote.time)
        let arrival = assets[Int(asset)].receive(quote, at: now)
        return conclude(arrival, asset: Int(asset), at: now, cause: cause(), to: &sink)
    }

    /// Applies a surface that the gate lets pass.
    ///
    /// - Throws: the gate's refusal; the last good surface stays and nothing else changes.
    public mutating func apply(
        _ surface: Surface, cause: Cause, to sink: inout some HaircutSink
    ) throws(SurfaceRefusal) -> Disposition {
        guard let asset = names.index(of: surface.asset) else { return .unlisted }
        let now = max(time ?? surface.time, surface.time)
        let arrival = try assets[Int(asset)].receive(surface, at: now)
        return conclude(arrival, asset: Int(asset), at: now, cause: cause, to: &sink)
    }

    /// Applies what a margin shard would be forced to sell of one asset.
    ///
    /// - Returns: `unlisted` also for a shard that is not expected.
    public mutating func apply(
        _ exposure: borrowing Exposure, cause: Cause, to sink: inout some HaircutSink
    ) -> Disposition {
        guard let asset = names.index(of: exposure.asset) else { return .unlisted }
        let now = max(time ?? exposure.time, exposure.time)
        guard let arrival = assets[Int(asset)].receive(exposure, at: now) else { return .unlisted }
        return conclude(arrival, asset: Int(asset), at: now, cause: cause, to: &sink)
    }

    /// Lets time pass: publishes what the interval held back and what is due by time alone.
    public mutating func apply(timer: Instant, to sink: inout some HaircutSink) {
        let now = max(time ?? timer, timer)
        time = now
        for index in assets.indices { evaluate(index, at: now, cause: .timer(timer), to: &sink) }
    }

    private mutating func conclude(
        _ arrival: PriceSources.Arrival, asset index: Int, at now: Instant,
        cause: @autoclosure () -> Cause, to sink: inout some HaircutSink
    ) -> Disposition {
        guard arrival != .duplicate else { return .duplicate }
        time = now
        touch(index)
        evaluate(index, at: now, cause: cause(), to: &sink)
        return arrival == .sequenceReset ? .sequenceReset : .applied
    }

    mutating func touch(_ index: Int) {
        isTouched[index] = true
        hasTouched = true
    }

    mutating func evaluate(
        _ index: Int, at now: Instant, cause: @autoclosure () -> Cause,
        to sink: inout some HaircutSink
    ) {
        let isPublished = assets[index].evaluate(at: now, cause: cause())
        if let change = assets[index].change {
            touch(index)
            sink.publish(change)
        }
        if isPublished, let table = assets[index].published {
            touch(index)
            sink.publish(table)
        }
    }
}
