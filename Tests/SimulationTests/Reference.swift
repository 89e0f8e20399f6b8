import Engine
import Haircuts
import Kafka
import Market
import MemoryLog
import Messages
import Quantities

/// An uninterrupted run of one partition: its inputs in the order of their timestamps, given to a
/// shard one after another. It knows neither batches nor transactions nor restarts.
struct Reference {
    /// Encoded, in order.
    private(set) var tables: [[UInt8]] = []
    private(set) var refused: Set<DeadLetterCheck.Origin> = []
    private var shard: HaircutShard

    /// The last table of each asset that has one.
    var last: [HaircutTable] { shard.listed.compactMap { shard.table(of: $0) } }

    /// The table that an asset has at a time, or a second after its last one.
    func table(of asset: Identifier, at time: Instant) -> HaircutTable? {
        guard let last = shard.table(of: asset) else { return nil }
        var (copy, sink) = (shard, TableSink())
        copy.apply(timer: max(time, last.time.advanced(bySeconds: 1)), to: &sink)
        return copy.table(of: asset)
    }

    /// - Parameters:
    ///   - count: partitions of the positions topic.
    ///   - order: of each record, how many were sent before it.
    init(
        _ log: MemoryLog, partition: Int32, count: Int, order: [TopicPartition: [Int64: Int]]
    ) {
        shard = HaircutShard(assets: Production.assets, exposureShards: count)
        var sink = TableSink()
        var decoders = ReferenceDecoders()
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        for input in Self.inputs(log, partition, order) {
            let key = input.record.key ?? nothing
            let value = input.record.value ?? nothing
            let time = input.record.timestampMilliseconds.flatMap { Instant(milliseconds: $0) }
            let cause = Cause.record(
                topic: input.place.topic, partition: input.place.partition,
                offset: input.record.offset)
            let isTaken =
                switch TopicName(rawValue: input.place.topic) {
                case .quotes: decoders.apply(quote: value, key, time, cause, &shard, &sink)
                case .surfaces: decoders.apply(surface: value, key, time, cause, &shard, &sink)
                default: decoders.apply(control: input.record, cause, &shard, &sink)
                }
            // Of a control that is refused, the first shard speaks.
            if !isTaken, input.place.partition == partition {
                refused.insert(
                    DeadLetterCheck.Origin(
                        topic: input.place.topic, partition: "\(partition)",
                        offset: "\(input.record.offset)"))
            }
        }
        tables = sink.tables
    }

    private static func inputs(
        _ log: MemoryLog, _ partition: Int32, _ order: [TopicPartition: [Int64: Int]]
    ) -> [(place: TopicPartition, record: StoredRecord)] {
        let places = [
            TopicPartition(TopicName.surfaces.rawValue, partition),
            TopicPartition(TopicName.quotes.rawValue, partition),
            TopicPartition(TopicName.controls.rawValue, 0),
        ]
        return places.flatMap { place in
            let numbers = order[place] ?? [:]
            let records = (try? log.partition(place))?.records() ?? []
            return records.map { (place, $0, numbers[$0.offset] ?? 0) }
        }.sorted { $0.2 < $1.2 }.map { ($0.0, $0.1) }
    }
}

/// Keeps what a shard publishes.
struct TableSink: HaircutSink {
    var tables: [[UInt8]] = []

    mutating func publish(_ table: borrowing HaircutTable) {
        var buffer = OutputBuffer()
        buffer.write(table)
        tables.append(buffer.withBytes { Array($0) })
    }
}

private struct ReferenceDecoders {
    private var quotes = QuoteDecoder()
    private var surfaces = SurfaceDecoder()
    private var quote = Quote.blank
    private var surface = Surface.blank
    private let controls = ControlDecoder()
    private var control = Control.blank

    /// - Returns: false when the record is refused, by its form or by what it would lead to.
    mutating func apply(
        control record: StoredRecord, _ cause: Cause, _ shard: inout HaircutShard,
        _ sink: inout TableSink
    ) -> Bool {
        let key = record.key ?? UnsafeRawBufferPointer(start: nil, count: 0)
        do {
            guard let value = record.value else {
                _ = shard.withdraw(try ControlDecoder.decodeKey(key), cause: cause, to: &sink)
                return true
            }
            let time = record.timestampMilliseconds.flatMap { Instant(milliseconds: $0) }
            try controls.decode(value, key: key, recordTimestamp: time, into: &control)
            _ = try shard.apply(control, cause: cause, to: &sink)
            return true
        } catch {
            return false
        }
    }

    /// - Returns: false when the record is refused.
    mutating func apply(
        quote value: UnsafeRawBufferPointer, _ key: UnsafeRawBufferPointer, _ time: Instant?,
        _ cause: Cause, _ shard: inout HaircutShard, _ sink: inout TableSink
    ) -> Bool {
        do throws(Refusal) {
            try quotes.decode(value, key: key, recordTimestamp: time, into: &quote)
        } catch {
            return false
        }
        _ = shard.apply(quote, cause: cause, to: &sink)
        return true
    }

    /// - Returns: false when the record is refused, by its form or by the gate.
    mutating func apply(
        surface value: UnsafeRawBufferPointer, _ key: UnsafeRawBufferPointer, _ time: Instant?,
        _ cause: Cause, _ shard: inout HaircutShard, _ sink: inout TableSink
    ) -> Bool {
        do throws(Refusal) {
            try surfaces.decode(value, key: key, recordTimestamp: time, into: &surface)
        } catch {
            return false
        }
        do throws(SurfaceRefusal) {
            _ = try shard.apply(surface, cause: cause, to: &sink)
        } catch {
            return false
        }
        return true
    }
}
