import Haircuts
import Kafka
import Margin
import Messages
import Pipeline
import Quantities
import Testing

/// The margin stage on a broker: positions and tables in, requirements and alerts out, each
/// account's on the partition of its positions.
@Suite(.serialized) struct MarginDeliveryTests {
    private let bus: Bus

    init() throws { bus = try Bus() }

    /// Accounts of one unit of BTC, on a partition each.
    private static let accounts: [(name: String, debt: Int, partition: Int32)] = [
        ("edge", 40_000, 0), ("safe", 1_000, 1),
    ]

    private func serve() -> WorkerService {
        let service = WorkerService.margin(
            bus.configuration(assets: ["BTC"]), workers: 1, log: bus.log.logger)
        service.start()
        return service
    }

    private func sendTable(_ sequence: Int64, price: Int) throws {
        let milliseconds = Int(sequence) * 1_000
        try bus.send(
            Array(Message.table(sequence, price: price, at: milliseconds).utf8),
            to: Bus.topics.haircuts, key: "BTC", time: Message.at(milliseconds))
        try bus.flush()
    }

    private func sendAccounts() throws {
        for account in Self.accounts {
            let text = """
                {"schema":"positions.v1","account":"\(account.name)","owner":"\(account.name)",\
                "time":"\(Message.at(0))","sequence":1,"balances":[\
                {"asset":"BTC","quantity":"1"},{"asset":"USD","quantity":"-\(account.debt)"}],\
                "positions":[]}
                """
            try bus.send(
                Array(text.utf8), to: Bus.topics.positions, key: account.name,
                partition: account.partition, time: Message.at(0))
        }
        try bus.flush()
    }

    private func requirements() throws -> [(partition: Int32, value: MarginRequirement)] {
        try bus.all(Bus.topics.requirements).map { ($0.partition, try $0.requirement()) }
    }

    private func alerts() throws -> [(partition: Int32, value: LiquidationAlert)] {
        try bus.all(Bus.topics.alerts).map { ($0.partition, try $0.alert()) }
    }

    @Test func aFallIsAlertedOnceWhoeverServesAfterwards() throws {
        try sendTable(1, price: 60_000)
        try sendAccounts()
        let first = serve()
        try wait(for: "a requirement of each account") {
            Set(try requirements().map { "\($0.value.account)" }) == ["edge", "safe"]
        }
        #expect(try alerts().isEmpty)
        let edge = try #require(
            try requirements().first { "\($0.value.account)" == "edge" }?.value)
        // 60 000 less 20 and 10 %, less the debt.
        #expect(edge.excess.initial == FixedDecimal(8_000))
        #expect(edge.excess.maintenance == FixedDecimal(14_000))

        try sendTable(2, price: 44_000)
        try wait(for: "the alert") { try !alerts().isEmpty }
        bus.stop(first)
        let second = serve()
        try wait(for: "the shards restored") { second.counters.restores > 0 }
        // Whatever the second had to say of the fall is out before what it says of the rise.
        try sendTable(3, price: 60_000)
        try wait(for: "the alert's end") { try alerts().count >= 2 }
        bus.stop(second)
        #expect(first.failures.isEmpty && second.failures.isEmpty)

        let told = try alerts()
        #expect(told.map { "\($0.value.account)" } == ["edge", "edge"])
        #expect(told.map(\.value.level) == [.liquidation, .healthy])
        #expect(told.map(\.value.cause) == [.price, .price])
        #expect(told.first?.value.plan.isEmpty == false)
        #expect(told.allSatisfy { $0.partition == 0 })
        for account in Self.accounts {
            let own = try requirements().filter { "\($0.value.account)" == account.name }
            #expect(own.allSatisfy { $0.partition == account.partition })
            #expect(own.map(\.value.sequence) == own.indices.map { Int64($0) + 1 })
        }
        #expect(try bus.deadLetters().isEmpty)
    }
}

extension Seen {
    fileprivate func requirement() throws -> MarginRequirement {
        var decoder = MarginRequirementDecoder()
        var requirement = MarginRequirement.blank
        try decode { try decoder.decode($0, key: $1, recordTimestamp: time, into: &requirement) }
        return requirement
    }

    fileprivate func alert() throws -> LiquidationAlert {
        var decoder = LiquidationAlertDecoder()
        var alert = LiquidationAlert.blank
        try decode { try decoder.decode($0, key: $1, recordTimestamp: time, into: &alert) }
        return alert
    }

    private func decode(
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let (value, key) = (try #require(value), Array(try #require(key).utf8))
        try value.withUnsafeBytes { value in try key.withUnsafeBytes { try body(value, $0) } }
    }
}
