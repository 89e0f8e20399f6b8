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
        let seen = try reader.object(Self.members, .body, depth: 0) {
            (index, reader) throws(Refusal) in
            switch Member.all[index] {
            case .schema: try reader.schema("checkpoint.v1")
            case .kind: kind = try Kind(&reader)
            case .asset:
                asset.asset = try reader.identifier(.body)
                baselines.asset = asset.asset
            case .samples:
                baselines.samples = try reader.list(most: Baseline.periods) {
                    (reader) throws(Refusal) in try Baseline.Sample(&reader)
                }
            case .state(let member): try asset.read(member, &reader)
            case .position(let member): try partition.read(member, &reader)
            }
        }
        let missing = Member.all.indices.contains {
            kind.requires(Member.all[$0]) && seen & 1 << UInt32($0) == 0
        }
        if missing { throw reader.refusal(.missingField, .body) }
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

        /// Whether a record of this kind must have a member.
        func requires(_ member: Member) -> Bool {
            switch member {
            case .schema, .kind: true
            case .asset: self != .partition
            case .samples: self == .baselines
            case .state: self == .asset
            // Records of the first version had no inputs.
            case .position(let member): self == .partition && member != .inputs
            }
        }
    }

    /// The members of the three kinds of record, in the order in which they are written.
    private enum Member {
        case schema, kind, asset, samples
        case state(AssetCheckpoint.Member)
        case position(PartitionCheckpoint.Member)

        /// The members every record has come first.
        static let all: [Member] =
            [.schema, .kind, .asset] + AssetCheckpoint.Member.allCases.map { .state($0) }
            + [.samples] + PartitionCheckpoint.Member.allCases.map { .position($0) }

        var name: StaticString {
            switch self {
            case .schema: "schema"
            case .kind: "kind"
            case .asset: "asset"
            case .samples: "samples"
            case .state(let member): member.name
            case .position(let member): member.name
            }
        }

        static func named(_ members: some Sequence<Member>) -> [(StaticString, MessageField)] {
            members.map {
                if case .schema = $0 { return ($0.name, .schema) }
                return ($0.name, .body)
            }
        }
    }

    private static let members = Members(
        required: Member.named(Member.all.prefix(2)),
        optional: Member.named(Member.all.dropFirst(2)))
}

extension AssetCheckpoint {
    /// The members of an asset's record, in the order in which they are written.
    enum Member: CaseIterable {
        case sources, reference, confidence, peaks, book, sample, fast, slow, recent, minutes
        case columns, evaluatedAt, cause, published, surface, breaker, governor

        var name: StaticString {
            switch self {
            case .sources: "sources"
            case .reference: "reference"
            case .confidence: "confidence"
            case .peaks: "peaks"
            case .book: "book"
            case .sample: "sample"
            case .fast: "fast"
            case .slow: "slow"
            case .recent: "recent"
            case .minutes: "minutes"
            case .columns: "columns"
            case .evaluatedAt: "evaluatedAt"
            case .cause: "cause"
            case .published: "published"
            case .surface: "surface"
            case .breaker: "breaker"
            case .governor: "governor"
            }
        }
    }
}

extension PartitionCheckpoint {
    /// The members of a position's record, in the order in which they are written.
    enum Member: CaseIterable {
        case partition, nextOffset, time, quotesPartitions, positionsPartitions, inputs

        var name: StaticString {
            switch self {
            case .partition: "partition"
            case .nextOffset: "nextOffset"
            case .time: "time"
            case .quotesPartitions: "quotesPartitions"
            case .positionsPartitions: "positionsPartitions"
            case .inputs: "inputs"
            }
        }
    }
}
