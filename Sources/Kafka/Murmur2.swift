/// The hash by which Kafka's Java client chooses a partition for a key.
///
/// - Source: `org.apache.kafka.common.utils.Utils.murmur2`, MurmurHash 2 with seed 0x9747b28c.
public func murmur2(_ bytes: UnsafeRawBufferPointer) -> Int32 {
    let multiplier: UInt32 = 0x5bd1_e995
    let count = bytes.count
    var hash = 0x9747_b28c ^ UInt32(truncatingIfNeeded: count)
    var index = 0
    while index + 4 <= count {
        let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self)
        var part = UInt32(littleEndian: word) &* multiplier
        part ^= part >> 24
        hash = (hash &* multiplier) ^ (part &* multiplier)
        index += 4
    }
    if index < count {
        for offset in index..<count {
            hash ^= UInt32(bytes[offset]) << UInt32(8 * (offset - index))
        }
        hash = hash &* multiplier
    }
    hash ^= hash >> 13
    hash = hash &* multiplier
    hash ^= hash >> 15
    return Int32(bitPattern: hash)
}

/// The partition that Kafka's Java client, and librdkafka with `partitioner=murmur2_random`,
/// chooses for a key.
///
/// - Parameter partitionCount: of the topic; > 0.
/// - Returns: 0..<partitionCount.
public func murmur2Partition(of key: UnsafeRawBufferPointer, partitionCount: Int32) -> Int32 {
    precondition(partitionCount > 0, "a topic has at least one partition")
    return (murmur2(key) & 0x7fff_ffff) % partitionCount
}
