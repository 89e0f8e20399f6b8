import CAllocationCounter
import Haircuts
import Market
import Messages
import Quantities
import Testing

struct AllocationTests {
    @Test func theCounterCounts() {
        let before = allocation_counter_count()
        let array = Array(repeating: UInt8(1), count: 1_000 + Int(before % 2))
        #expect(array.count >= 1_000)
        #expect(allocation_counter_count() > before)
    }

    @Test func decodingQuotesAndEncodingTablesAllocatesNothing() throws {
        let payload = Array(Examples.book.utf8)
        let key = Array("BTC".utf8)
        let decoder = QuoteDecoder()
        var quote = anyQuote
        var buffer = OutputBuffer()
        var table = GoldenTests.haircut
        table.target = Haircut(initial: 0.052_412_345_678_9, maintenance: 1.0 / 3)
        var refused = 0
        func round() {
            payload.withUnsafeBytes { payload in
                key.withUnsafeBytes { key in
                    do {
                        try decoder.decode(payload, key: key, recordTimestamp: nil, into: &quote)
                    } catch { refused += 1 }
                }
            }
            buffer.removeAll()
            buffer.write(table)
        }
        round()
        let before = allocation_counter_count()
        for _ in 0..<100_000 { round() }
        let allocations = allocation_counter_count() - before
        #expect(allocations == 0)
        #expect(refused == 0)
        #expect(quote == GoldenTests.book)
    }

    @Test func decodingSurfacesAndTablesOfOneShapeAllocatesNothing() {
        let surfaceBytes = Array(Examples.surface.utf8)
        let tableBytes = Array(Examples.haircut.utf8)
        let key = Array("BTC".utf8)
        var surfaces = SurfaceDecoder()
        var tables = HaircutDecoder()
        var surface = anySurface
        var table = GoldenTests.haircut
        var refused = 0
        func round() {
            key.withUnsafeBytes { key in
                do {
                    try surfaceBytes.withUnsafeBytes {
                        try surfaces.decode($0, key: key, recordTimestamp: nil, into: &surface)
                    }
                    try tableBytes.withUnsafeBytes {
                        try tables.decode($0, key: key, recordTimestamp: nil, into: &table)
                    }
                } catch { refused += 1 }
            }
        }
        // Two rounds fill both the decoder's value and the caller's, which change places.
        for _ in 0..<2 { round() }
        let before = allocation_counter_count()
        for _ in 0..<10_000 { round() }
        let allocations = allocation_counter_count() - before
        #expect(allocations == 0)
        #expect(refused == 0)
    }

    @inline(never)
    static func throwing(_ refusal: Refusal) throws(Refusal) { throw refusal }

    /// A refusal is thrown where it is met and again once it is diagnosed.
    @Test func refusingAllocatesNoMoreThanThrowingDoes() {
        let payload = Array(Examples.book.replacing("\"0.8\"", with: "\"0\"").utf8)
        let key = Array("BTC".utf8)
        let decoder = QuoteDecoder()
        var quote = anyQuote
        var refusal = Refusal(.emptyBody, .body)
        func refuse() {
            payload.withUnsafeBytes { payload in
                key.withUnsafeBytes { key in
                    do throws(Refusal) {
                        try decoder.decode(payload, key: key, recordTimestamp: nil, into: &quote)
                    } catch { refusal = error }
                }
            }
        }
        func throwTwice() {
            for _ in 0..<2 {
                do throws(Refusal) { try Self.throwing(refusal) } catch { refusal = error }
            }
        }
        func allocations(_ body: () -> Void) -> UInt64 {
            body()
            let before = allocation_counter_count()
            for _ in 0..<1_000 { body() }
            return allocation_counter_count() - before
        }
        // The testing library hooks every throw to keep its backtrace, which allocates.
        #expect(allocations(refuse) == allocations(throwTwice))
        #expect(refusal.code == .levelNotPositive)
    }
}
