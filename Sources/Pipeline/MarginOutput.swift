import Engine
import Haircuts
import Kafka
import Margin
import Messages
import Quantities

/// Encodes what margin shards say.
struct MarginOutput: MarginSink {
    /// Where it goes.
    var batch: EffectBatch?
    /// Of the shard that speaks; it publishes to the partition of the same number.
    var partition: Int32 = 0
    /// The record being applied, whose trace is passed on; nil for a timer.
    var record: Record?
    /// Of the exposures topic, > 0.
    var exposurePartitions: Int32 = 1
    /// Delivers what the batch holds in the middle of what one record causes: a crash may move
    /// every account. False when it could not, and nothing more can be published.
    var spill: () -> Bool = { true }
    private(set) var requirements = 0
    private(set) var alerts = 0
    private(set) var exposures = 0
    private var isSpilling = true

    mutating func publish(
        _ requirement: borrowing MarginRequirement, alert: LiquidationAlert?
    ) {
        guard let batch, isSpilling else { return }
        let requirement = copy requirement
        requirements += 1
        batch.append(
            to: .requirements, partition: partition, time: requirement.time, cause: record
        ) {
            $0.append(requirement.account)
        } value: {
            $0.write(requirement)
        }
        if let alert {
            alerts += 1
            batch.isUrgent = true
            batch.append(to: .alerts, partition: partition, time: alert.time, cause: record) {
                $0.append(alert.account)
            } value: {
                $0.write(alert)
            }
        }
        if batch.byteCount >= DeliveryLimits.bytes { isSpilling = spill() }
    }

    mutating func publish(_ exposure: borrowing Exposure) {
        guard let batch, isSpilling else { return }
        let exposure = copy exposure
        exposures += 1
        batch.append(
            to: .exposures, partition: exposure.asset.partition(of: exposurePartitions),
            time: exposure.time, cause: record
        ) {
            $0.append(exposure.key)
        } value: {
            $0.write(exposure)
        }
    }
}

extension Identifier {
    /// The partition that a producer with Java's partitioner puts records of this key into.
    func partition(of count: Int32) -> Int32 {
        let key = (0..<utf8Count).map { byte(at: $0) }
        return key.withUnsafeBytes { murmur2Partition(of: $0, partitionCount: count) }
    }
}
