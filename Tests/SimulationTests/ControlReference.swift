import Haircuts
import MemoryLog
import Messages
import Quantities

/// What is ordered once all is quiet: the last record of each key that could be taken.
struct ControlReference {
    private var orders: [Control.Key: Control] = [:]

    init(_ log: MemoryLog) {
        var last: [Control.Key: Int64] = [:]
        let decoder = ControlDecoder()
        var control = Control.blank
        for record in log.partitions(of: TopicName.controls.rawValue).flatMap({ $0.records() }) {
            guard let key = record.key else { continue }
            guard let value = record.value else {
                if let key = try? ControlDecoder.decodeKey(key) { orders[key] = nil }
                continue
            }
            let time = record.timestampMilliseconds.flatMap { Instant(milliseconds: $0) }
            do {
                try decoder.decode(value, key: key, recordTimestamp: time, into: &control)
            } catch {
                continue
            }
            // A sequence that was had before is a duplicate, also of one withdrawn since.
            guard control.sequence > last[control.key] ?? -1 else { continue }
            last[control.key] = control.sequence
            orders[control.key] = control
        }
    }

    private func order(_ action: Control.Action, for asset: Identifier, at time: Instant)
        -> Control?
    {
        [asset, nil].lazy
            .compactMap { orders[Control.Key(asset: $0, action: action)] }
            .first { control in control.expires.map { $0 > time } ?? true }
    }

    /// The override in force; that of the asset before that of all.
    func floor(under asset: Identifier, at time: Instant) -> Haircut? {
        guard case .override(let floor) = order(.override, for: asset, at: time)?.order else {
            return nil
        }
        return floor
    }

    func isFrozen(_ asset: Identifier, at time: Instant) -> Bool {
        order(.freeze, for: asset, at: time) != nil
    }
}
