import Haircuts
import Market
import Quantities

/// One record of the checkpoints topic.
public enum Checkpoint: Hashable, Sendable {
    /// Key: the asset.
    case asset(AssetCheckpoint)
    /// Key: `asset|baselines`.
    case baselines(BaselinesCheckpoint)
    /// Key: `partition|p`.
    case partition(PartitionCheckpoint)
}

/// Reads `checkpoint.v1`, which is Breakwater's own: what it wrote comes back exactly, to the last
/// bit of every number. It is read at starts only and may allocate.
///
/// Not for use by two threads at once: it works in memory of its own.
public struct CheckpointDecoder {
    private let scratch = JSONScratch()

    public init() {}

    /// Reads one record.
    ///
    /// - Parameters:
    ///   - payload: the record's value.
    ///   - key: the record's key, which must be the one the body belongs to.
    public func decode(
        _ payload: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer
    ) throws(Refusal) -> Checkpoint {
        var reader = try scratch.reader(payload)
        do {
            let checkpoint = try Checkpoint(&reader)
            try reader.finish()
            try checkpoint.requireKey(key)
            return checkpoint
        } catch {
            throw reader.diagnosis(error, schema: "checkpoint.v1")
        }
    }
}

extension Checkpoint {
    /// - Throws: `key-mismatch` when a record's key is not that of this checkpoint.
    fileprivate func requireKey(_ key: UnsafeRawBufferPointer) throws(Refusal) {
        var expected = OutputBuffer(capacity: 128)
        switch self {
        case .asset(let checkpoint): expected.append(checkpoint.asset)
        case .baselines(let checkpoint): expected.appendBaselinesKey(checkpoint.asset)
        case .partition(let checkpoint): expected.appendPartitionKey(checkpoint.partition)
        }
        if !expected.withBytes({ $0.elementsEqual(key) }) { throw Refusal(.keyMismatch, .body) }
    }

    fileprivate init(_ reader: inout JSONReader) throws(Refusal) {
        var kind = Kind.asset
        var asset = AssetCheckpoint(asset: .unnamed)
        var baselines = BaselinesCheckpoint(asset: .unnamed)
        var partition = PartitionCheckpoint(
            partition: 0, nextOffset: 0, time: nil, quotesPartitions: 0, positionsPartitions: 0)
        let seen = try reader.object(members, .body, depth: 0) { (index, reader) throws(Refusal) in
            switch index {
            case 0: try reader.schema("checkpoint.v1")
            case 1: kind = try Kind(&reader)
            case 2:
                asset.asset = try reader.identifier(.body)
                baselines.asset = asset.asset
            case 3...19: try asset.read(index, &reader)
            case 20:
                baselines.samples = try reader.list(most: Baseline.periods) {
                    (reader) throws(Refusal) in try Baseline.Sample(&reader)
                }
            default: try partition.read(index, &reader)
            }
        }
        guard seen & kind.members == kind.members else {
            throw reader.refusal(.missingField, .body)
        }
        switch kind {
        case .asset: self = .asset(asset)
        case .baselines: self = .baselines(baselines)
        case .partition: self = .partition(partition)
        }
    }

    private enum Kind {
        case asset, baselines, partition

        init(_ reader: inout JSONReader) throws(Refusal) {
            let name = try reader.string(.body)
            if name.elementsEqual("asset".utf8) {
                self = .asset
            } else if name.elementsEqual("baselines".utf8) {
                self = .baselines
            } else if name.elementsEqual("partition".utf8) {
                self = .partition
            } else {
                throw reader.refusal(.outOfRange, .body)
            }
        }

        /// A bit for each member that must come, by its place in `members`.
        var members: UInt32 {
            switch self {
            case .asset: 0xF_FFFC
            case .baselines: 1 << 2 | 1 << 20
            case .partition: 0x1F << 21
            }
        }
    }
}

private let members = Members(
    required: [("schema", .schema), ("kind", .body)],
    optional: [
        ("asset", .body), ("sources", .body), ("reference", .body), ("confidence", .body),
        ("peaks", .body), ("book", .body), ("sample", .body), ("fast", .body), ("slow", .body),
        ("recent", .body), ("minutes", .body), ("columns", .body), ("evaluatedAt", .body),
        ("cause", .body), ("published", .body), ("surface", .body), ("breaker", .body),
        ("governor", .body),
        ("samples", .body), ("partition", .body), ("nextOffset", .body), ("time", .body),
        ("quotesPartitions", .body), ("positionsPartitions", .body), ("inputs", .body),
    ])
