import Kafka
import MemoryLog

/// What was refused is in the dead letters, once.
struct DeadLetterCheck {
    /// Where a dead letter came from, as its headers say.
    struct Origin: Hashable, CustomStringConvertible {
        var topic: String
        var partition: String
        var offset: String

        var description: String { "\(topic) [\(partition)] \(offset)" }
    }

    /// Whether a letter may come again.
    var mayRepeat = false
    private var seen: Set<Origin> = []

    mutating func see(_ record: StoredRecord) -> Violation? {
        func text(_ name: String) -> String {
            let header = record.headers.last { $0.name == "__connect.errors.\(name)" }
            return String(decoding: header?.value ?? [], as: UTF8.self)
        }
        let origin = Origin(
            topic: text("topic"), partition: text("partition"), offset: text("offset"))
        guard seen.insert(origin).inserted || mayRepeat else {
            return Violation(.deadLetterTwice, "\(origin): \(text("exception.message"))")
        }
        return nil
    }

    /// What retention has taken may have been refused before.
    func compare(with refused: Set<Origin>, in log: MemoryLog) -> Violation? {
        func isThere(_ origin: Origin) -> Bool {
            guard let number = Int32(origin.partition), let offset = Int64(origin.offset),
                let partition = try? log.partition(TopicPartition(origin.topic, number))
            else { return true }
            return offset >= partition.startOffset
        }
        let missing = refused.subtracting(seen).map(\.description).sorted()
        let strange = seen.subtracting(refused).filter(isThere).map(\.description).sorted()
        guard missing.isEmpty, strange.isEmpty else {
            return Violation(.deadLetterMissing, "missing: \(missing); too much: \(strange)")
        }
        return nil
    }
}
