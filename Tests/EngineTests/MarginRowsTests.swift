import Engine
import Haircuts
import Margin
import Market
import Quantities
import Testing

/// More accounts of one shape than a block of rows takes, that come and go.
@Suite("Accounts in blocks of rows")
struct MarginRowsTests {
    private static let start = Instant(nanoseconds: 1_790_000_000_000_000_000)
    /// A block takes 65 536.
    private static let count = 66_000

    private static func name(_ index: Int) -> Identifier { MarginWorld.name("account-\(index)") }

    private static func snapshot(_ index: Int, sequence: Int64, worth: Int) -> AccountSnapshot {
        AccountSnapshot(
            account: name(index), owner: MarginWorld.name("owner-\(index)"),
            time: start.advanced(bySeconds: sequence), sequence: sequence,
            balances: [Balance(asset: MarginWorld.valuation, quantity: FixedDecimal(worth))])
    }

    private static func apply(
        _ snapshot: AccountSnapshot, to shard: inout MarginShard, _ sink: inout MarginOutputs
    ) throws {
        let disposition = try shard.apply(
            snapshot, cause: .timer(snapshot.time), to: &sink)
        #expect(disposition == .applied)
    }

    @Test func accountsKeepWhatIsTheirsWhenOthersComeAndGo() throws {
        var shard = MarginShard(
            MarginConfiguration(valuationCurrency: MarginWorld.valuation), shard: 0,
            shardCount: 1)
        var sink = MarginOutputs()
        for index in 0..<Self.count {
            try Self.apply(Self.snapshot(index, sequence: 1, worth: index + 1), to: &shard, &sink)
        }
        shard.serve(to: &sink)
        #expect(sink.take().count == Self.count)

        // Of both blocks some are closed, and as many others take their rows.
        let closed = stride(from: 0, to: Self.count, by: 100).map { $0 }
        for index in closed {
            _ = shard.close(Self.name(index), cause: .timer(Self.start), to: &sink)
        }
        #expect(shard.accountCount == Self.count - closed.count)
        _ = sink.take()
        for index in closed {
            let other = Self.count + index
            try Self.apply(Self.snapshot(other, sequence: 1, worth: other + 1), to: &shard, &sink)
        }
        let first = sink.take().map(\.requirement)
        #expect(first.map(\.sequence) == closed.map { _ in 1 })
        #expect(first.map(\.equity) == closed.map { FixedDecimal(Self.count + $0 + 1) })

        // Every account has its own figures; who is sent again goes on from its last output.
        for index in 0..<Self.count {
            let isClosed = index % 100 == 0
            let figures = shard.figures(of: Self.name(index))
            #expect(figures?.equity == (isClosed ? nil : Double(index + 1)))
        }
        for index in [1, 99, 65_535, 65_536, 65_999] {
            try Self.apply(Self.snapshot(index, sequence: 2, worth: 7), to: &shard, &sink)
        }
        let again = sink.take().map(\.requirement)
        #expect(again.map(\.sequence) == [2, 2, 2, 2, 2])
        #expect(again.allSatisfy { $0.equity == FixedDecimal(7) })
    }
}
