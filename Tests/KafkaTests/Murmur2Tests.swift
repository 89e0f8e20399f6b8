import Kafka
import Testing

struct Murmur2Tests {
    /// The vectors of Kafka's own `UtilsTest.testMurmur2`.
    @Test(
        arguments: [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] as [(String, Int32)])
    func theHashIsThatOfKafkasJavaClient(text: String, hash: Int32) {
        #expect(Array(text.utf8).withUnsafeBytes { murmur2($0) } == hash)
    }

    @Test func thePartitionIsThePositivePartOfTheHashModuloTheirCount() {
        for (text, hash) in [("21", -973_932_308), ("abc", 479_470_107)] as [(String, Int32)] {
            for count in [1, 2, 3, 12, 1000] as [Int32] {
                let partition = Array(text.utf8).withUnsafeBytes {
                    murmur2Partition(of: $0, partitionCount: count)
                }
                #expect(partition == Int32((Int64(hash) & 0x7fff_ffff) % Int64(count)))
            }
        }
    }

    @Test func theProducersPartitionerAgrees() throws {
        let fixture = try Fixture(partitions: 7)
        let producer = try fixture.producer()
        let topic = try producer.topic("quotes")
        let keys = (0..<100).map { "asset-\($0)" }
        for key in keys { try producer.send(to: topic, key: key, value: key) }
        #expect(try producer.flush(within: .seconds(10)) == 0)
        producer.close()

        let consumer = try fixture.consumer()
        try consumer.assign(
            (0..<7).map { TopicPartitionOffset(TopicPartition("quotes", $0), .beginning) })
        let batch = consumer.makeBatch(capacity: 128)
        var copies: [Copied] = []
        try poll(consumer) {
            drain(consumer, batch, into: &copies)
            return copies.count >= keys.count
        }
        #expect(Set(copies.map(\.key)) == Set(keys))
        for copy in copies {
            let expected = withBytes(copy.key) { bytes in
                bytes.map { murmur2Partition(of: $0, partitionCount: 7) }
            }
            #expect(copy.partition.partition == expected)
        }
        consumer.close()
    }
}
