import Haircuts
import Kafka
import Messages
import Quantities

/// What must be true of each change of a breaker and of the one after it.
struct BreakerCheck {
    /// Whether a change may be told again, as it was.
    var mayRepeat = false
    private var seen: Set<[UInt8]> = []
    private var last: [Identifier: BreakerChange] = [:]
    private var decoder = BreakerDecoder()
    private var change = BreakerChange.blank

    mutating func see(_ record: StoredRecord, _ place: TopicPartition) -> Violation? {
        guard let key = record.key, let value = record.value else {
            return Violation(.readable, "\(place) \(record.offset) has no key or no value")
        }
        do throws(Refusal) {
            try decoder.decode(value, key: key, recordTimestamp: nil, into: &change)
        } catch {
            return Violation(.readable, "\(place) \(record.offset): \(error)")
        }
        if mayRepeat, !seen.insert(Array(value)).inserted { return nil }
        let name = "\(change.asset) from \(change.from) to \(change.to) at \(change.time)"
        let previous = last[change.asset]
        guard change.from == (previous?.to ?? .normal), change.from != change.to else {
            return Violation(.breaker, "\(name), after \(previous?.to ?? .normal)")
        }
        if let previous, change.time < previous.time {
            return Violation(.order, "\(name), after \(previous.time)")
        }
        last[change.asset] = change
        return nil
    }
}
