import Haircuts
import Quantities

extension HaircutShard {
    /// Puts a control in force, for one asset or all.
    ///
    /// What expired by shard time has no effect. The next table of each asset it is about names
    /// the control's record as its cause.
    ///
    /// - Throws: why its parameters may not be used by one of the assets; nothing changed.
    public mutating func apply(
        _ control: Control, cause: Cause, to sink: inout some HaircutSink
    ) throws(ControlRefusal) -> Disposition {
        let targets = targets(control.asset)
        guard let first = targets.first else { return .unlisted }
        let arrival = assets[first].arrival(of: control)
        guard arrival != .duplicate else { return .duplicate }
        let now = max(time ?? control.time, control.time)
        for index in targets { try assets[index].check(control, at: now) }
        time = now
        for index in targets {
            assets[index].set(control, at: now, cause: cause)
            touch(index)
            evaluate(index, at: now, cause: cause, to: &sink)
        }
        return arrival == .sequenceReset ? .sequenceReset : .applied
    }

    /// Ends a control, as its tombstone says.
    ///
    /// - Returns: `duplicate` when there was none: nothing changed.
    public mutating func withdraw(
        _ key: Control.Key, cause: Cause, to sink: inout some HaircutSink
    ) -> Disposition {
        let targets = targets(key.asset)
        guard !targets.isEmpty else { return .unlisted }
        var disposition = Disposition.duplicate
        for index in targets where assets[index].withdraw(key, cause: cause) {
            disposition = .applied
            touch(index)
            // No time passes by a tombstone; before the first message there is nothing to show.
            if let time { evaluate(index, at: time, cause: cause, to: &sink) }
        }
        return disposition
    }

    /// Takes a control that is read again after the checkpoints; publishes nothing.
    ///
    /// - Throws: why its parameters may not be used by one of the assets; nothing changed.
    public mutating func restore(_ control: Control) throws(ControlRefusal) -> Disposition {
        let targets = targets(control.asset)
        guard let first = targets.first else { return .unlisted }
        guard assets[first].arrival(of: control) != .duplicate else { return .duplicate }
        let now = max(time ?? control.time, control.time)
        for index in targets { try assets[index].check(control, at: now) }
        for index in targets { assets[index].restore(control) }
        return .applied
    }

    /// Ends a control that is read to be withdrawn after the checkpoints; publishes nothing.
    public mutating func restoreWithdrawal(of key: Control.Key) {
        for index in targets(key.asset) { _ = assets[index].withdraw(key, cause: nil) }
    }

    /// Takes an exposure that is read again after the checkpoints; publishes nothing.
    public mutating func restore(_ exposure: borrowing Exposure) -> Disposition {
        guard let asset = names.index(of: exposure.asset),
            let arrival = assets[Int(asset)].restore(exposure)
        else { return .unlisted }
        return arrival == .duplicate ? .duplicate : .applied
    }

    /// Value, in the valuation currency, that published steps of an asset forced beyond what the
    /// governor charged for them, because ladders lagged; grows from 0 at the start.
    public func governorOvershoot(of asset: Identifier) -> Double {
        names.index(of: asset).map { assets[Int($0)].governorOvershoot } ?? 0
    }

    /// The assets that a control is about.
    private func targets(_ asset: Identifier?) -> Range<Int> {
        guard let asset else { return assets.indices }
        guard let index = names.index(of: asset) else { return 0..<0 }
        return Int(index)..<Int(index) + 1
    }
}
