import Haircuts
import Kafka
import Messages
import Quantities

/// The checkpoints of one partition, the newest of each key.
struct StoredCheckpoints {
    var assets: [Identifier: AssetCheckpoint] = [:]
    var baselines: [Identifier: BaselinesCheckpoint] = [:]
    var partition: PartitionCheckpoint?
    /// Why the newest record of a key cannot be read, by key.
    var faults: [String: String] = [:]

    mutating func take(_ record: Record, decoder: CheckpointDecoder) {
        let key = String(decoding: record.name, as: UTF8.self)
        faults[key] = nil
        guard record.value != nil else { return remove(key) }
        do throws(Refusal) {
            switch try decoder.decode(record.payload, key: record.name) {
            case .asset(let checkpoint): assets[checkpoint.asset] = checkpoint
            case .baselines(let checkpoint): baselines[checkpoint.asset] = checkpoint
            case .partition(let checkpoint): partition = checkpoint
            }
        } catch {
            faults[key] = "\(key): \(error)"
        }
    }

    private mutating func remove(_ key: String) {
        assets = assets.filter { "\($0.key)" != key }
        baselines = baselines.filter { "\($0.key)|baselines" != key }
    }
}
