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

    /// - Parameter count: partitions of the positions topic.
    init(_ log: MemoryLog, partition: Int32, count: Int) {
        shard = HaircutShard(assets: Production.assets, exposureShards: count)
        var sink = TableSink()
        var decoders = ReferenceDecoders()
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        for input in Self.inputs(log, partition) {
            let key = input.record.key ?? nothing
            let value = input.record.value ?? nothing
            let time = input.record.timestampMilliseconds.flatMap { Instant(milliseconds: $0) }
            let cause = Cause.record(
                topic: input.topic, partition: partition, offset: input.record.offset)
            let isTaken =
                input.topic == TopicName.quotes.rawValue
                ? decoders.apply(quote: value, key, time, cause, &shard, &sink)
                : decoders.apply(surface: value, key, time, cause, &shard, &sink)
            if !isTaken {
                refused.insert(
                    DeadLetterCheck.Origin(
                        topic: input.topic, partition: "\(partition)",
                        offset: "\(input.record.offset)"))
            }
        }
        tables = sink.tables
    }

    private static func inputs(
        _ log: MemoryLog, _ partition: Int32
    ) -> [(topic: String, record: StoredRecord)] {
        [TopicName.surfaces, .quotes].flatMap { topic in
            log.partitions(of: topic.rawValue)[Int(partition)].records().map {
                (topic.rawValue, $0)
            }
        }.sorted {
            ($0.1.timestampMilliseconds ?? 0) < ($1.1.timestampMilliseconds ?? 0)
        }
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
