import Foundation
import Haircuts
import Kafka
import Pipeline
import Quantities
import TestSupport
import Testing

@Suite(.serialized) struct ReplayTests {
    /// Preloads both assets' quotes and surfaces and returns the tables they make.
    private func replay(partitions: Int32) throws -> [Seen] {
        let bus = try Bus(partitions: partitions)
        var random = SplitMix64(seed: 22)
        var mids = ["BTC": 60_000.0, "ETH": 3_000.0]
        for number in 1...1_500 {
            for (index, asset) in Bus.assets.enumerated() {
                let partition = Int32(index) % partitions
                let mid = (mids[asset] ?? 0) * (1 + random.double(in: -0.001...0.001))
                mids[asset] = mid
                let time = number * 150 + index
                if number % 100 == 1 {
                    try bus.send(
                        .surface(asset, at: time, sequence: number), partition: partition)
                }
                try bus.send(
                    .book(asset, at: time, sequence: number, mid: mid), partition: partition)
            }
        }
        try bus.flush()
        let service = bus.serve()
        try wait(for: "all applied") { service.counters.applied == 3_030 }
        bus.stop(service)
        try wait(for: "all tables") { try bus.haircuts().count == service.counters.published }
        return try bus.haircuts().sorted { ($0.partition, $0.offset) < ($1.partition, $1.offset) }
    }

    @Test func theSameRecordsMakeTheSameTablesAtOneAndAtTwoPartitions() throws {
        let first = try replay(partitions: 1)
        let second = try replay(partitions: 1)
        #expect(first.count > 1_000)
        #expect(first.map(\.value) == second.map(\.value))
        let shared = try replay(partitions: 2)
        for asset in Bus.assets {
            let alone = try tables(first, of: asset)
            #expect(alone.count > 500)
            #expect(try tables(shared, of: asset) == alone)
        }
    }

    /// An asset's tables without the place of their cause.
    private func tables(_ seen: [Seen], of asset: String) throws -> [HaircutTable] {
        try seen.filter { $0.key == asset }.map {
            var table = try $0.table()
            if case .record(let topic, _, _) = table.cause {
                table.cause = .record(topic: topic, partition: 0, offset: 0)
            }
            return table
        }
    }
}

@Suite(.serialized) struct SharingTests {
    /// A feed of both assets that goes on while partitions move, a quote each every 20 ms.
    private final class Feed {
        let bus: Bus
        var number = 0

        init(_ bus: Bus) { self.bus = bus }

        /// Feeds until something is so.
        func until(
            upTo limit: Duration = .seconds(40), _ what: String,
            sourceLocation: SourceLocation = #_sourceLocation, _ isSo: () throws -> Bool
        ) throws {
            try wait(upTo: limit, for: what, sourceLocation: sourceLocation) {
                number += 1
                let mid = 50_000 + Double(number)
                try bus.send(
                    .book(at: number * 200, sequence: number, mid: mid), partition: 0)
                try bus.send(
                    .book("ETH", at: number * 200, sequence: number, mid: mid), partition: 1)
                bus.producer.poll()
                return try isSo()
            }
        }

        /// Feeds until both assets' tables name a mid newer than now's.
        func untilBothArePublished() throws {
            let mark = Message.at(number * 200)
            try until("tables of both assets") {
                let recent = try bus.haircuts().filter { $0.time.map { $0 > mark } ?? false }
                return Set(recent.map(\.key)) == ["BTC", "ETH"]
            }
        }
    }

    @Test func twoServicesShareThePartitionsAndALeaveMovesThemToTheOther() throws {
        let bus = try Bus()
        let feed = Feed(bus)
        let first = bus.serve()
        try feed.until("an assignment") { first.counters.partitions == [0, 1] }
        try feed.untilBothArePublished()
        let second = bus.serve()
        try feed.until("a share each") {
            (first.counters.partitions + second.counters.partitions).sorted() == [0, 1]
                && first.counters.partitions.count == 1
        }
        try feed.untilBothArePublished()
        bus.stop(first)
        try feed.until("all with the other") { second.counters.partitions == [0, 1] }
        try feed.untilBothArePublished()
        try bus.flush()
        let last = feed.number
        try wait(for: "everything committed") {
            try bus.committed(0) == Int64(last) && bus.committed(1) == Int64(last)
        }
        bus.stop(second)
        // Nothing was skipped, and what was read twice was known for what it was.
        let counters = first.counters + second.counters
        #expect(counters.quotes >= 2 * last)
        #expect(counters.offsetResets == 0)
        #expect(try bus.committed(0) == Int64(last))
        #expect(try bus.committed(1) == Int64(last))
    }

    @Test func twoWorkersOfOneServiceShareThePartitions() throws {
        let bus = try Bus()
        let feed = Feed(bus)
        let service = bus.serve(workers: 2)
        try feed.until("both partitions") { service.counters.partitions == [0, 1] }
        try feed.untilBothArePublished()
        try feed.until("a worker each") {
            bus.log.contains("serving quotes partitions [0]")
                && bus.log.contains("serving quotes partitions [1]")
        }
        bus.stop(service)
        #expect(service.counters.partitions.isEmpty)
    }
}
