import Haircuts
import Market
import Quantities

/// What of an asset's state is to be written down again.
public struct TouchedAsset: Hashable, Sendable {
    public var asset: Identifier
    /// Whether a baseline sample closed as well.
    public var hasClosedSample: Bool

    public init(asset: Identifier, hasClosedSample: Bool) {
        self.asset = asset
        self.hasClosedSample = hasClosedSample
    }
}

extension HaircutShard {
    /// The assets whose checkpoint is to be written: those that a message changed or that published
    /// since this was last asked, in the order of the configuration.
    ///
    /// A timer that publishes nothing touches nothing: lost, it is as if it had not been given.
    public mutating func takeTouched() -> [TouchedAsset] {
        var result: [TouchedAsset] = []
        guard hasTouched else { return result }
        hasTouched = false
        for index in assets.indices where isTouched[index] {
            isTouched[index] = false
            result.append(
                TouchedAsset(
                    asset: names[Int32(index)],
                    hasClosedSample: assets[index].takeClosedSample()))
        }
        return result
    }

    /// The state of an asset, without its closed baseline samples; nil when it is unlisted.
    public func checkpoint(of asset: Identifier) -> AssetCheckpoint? {
        names.index(of: asset).map { assets[Int($0)].checkpoint }
    }

    /// The closed baseline samples of an asset; nil when it is unlisted.
    public func baselines(of asset: Identifier) -> BaselinesCheckpoint? {
        names.index(of: asset).map { assets[Int($0)].baselinesCheckpoint }
    }

    /// Takes back the state of an asset; in a new shard, before any message.
    ///
    /// - Returns: false when the asset is not listed: nothing changed.
    @discardableResult
    public mutating func restore(_ checkpoint: AssetCheckpoint) -> Bool {
        guard let index = names.index(of: checkpoint.asset) else { return false }
        assets[Int(index)].restore(checkpoint)
        return true
    }

    /// Takes back the baseline samples of an asset, before or after its state.
    ///
    /// - Returns: false when the asset is not listed: nothing changed.
    @discardableResult
    public mutating func restore(_ baselines: BaselinesCheckpoint) -> Bool {
        guard let index = names.index(of: baselines.asset) else { return false }
        assets[Int(index)].restore(baselines)
        return true
    }

    /// Takes back the shard's time.
    public mutating func restore(_ checkpoint: PartitionCheckpoint) {
        time = checkpoint.time
    }

    /// Takes a surface that is read again after the checkpoints; publishes nothing.
    ///
    /// - Returns: `applied` when it is the asset's last good surface now, `duplicate` when a later
    ///   one is known.
    /// - Throws: the gate's refusal of a surface that is newer than the checkpoint's.
    public mutating func restore(_ surface: Surface) throws(SurfaceRefusal) -> Disposition {
        guard let index = names.index(of: surface.asset) else { return .unlisted }
        let now = max(time ?? surface.time, surface.time)
        return try assets[Int(index)].restore(surface, at: now) ? .applied : .duplicate
    }
}
