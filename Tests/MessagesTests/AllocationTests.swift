import CAllocationCounter
import Haircuts
import Margin
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

    /// Runs a round twice, to fill both the decoder's value and the caller's, which change places,
    /// and counts what 10 000 more allocate.
    func allocations(_ round: () -> Void) -> UInt64 {
        for _ in 0..<2 { round() }
        let before = allocation_counter_count()
        for _ in 0..<10_000 { round() }
        return allocation_counter_count() - before
    }

    @Test func decodingPositionsAllocatesNothing() {
        // A large account before, a small one and one whose names have to be sorted in turns.
        var large = Golden.positions
        large.balances = (0..<200).reversed().map {
            Balance(asset: name("A\($0)"), quantity: .one)
        }
        let texts = [Examples.positions, written { $0.write(large) }].map { Array($0.utf8) }
        let key = Array("A-1".utf8)
        var decoder = PositionsDecoder()
        var snapshot = AccountSnapshot.blank
        var refused = 0
        func round() {
            for text in texts {
                key.withUnsafeBytes { key in
                    do {
                        try text.withUnsafeBytes {
                            try decoder.decode($0, key: key, recordTimestamp: nil, into: &snapshot)
                        }
                    } catch { refused += 1 }
                }
            }
        }
        #expect(allocations(round) == 0)
        #expect(refused == 0)
        #expect(snapshot == large)
    }

    @Test func decodingAndEncodingRequirementsAllocatesNothing() {
        let text = Array(Examples.requirement.utf8)
        let key = Array("A-1".utf8)
        var decoder = MarginRequirementDecoder()
        var requirement = MarginRequirement.blank
        var buffer = OutputBuffer()
        var refused = 0
        func round() {
            key.withUnsafeBytes { key in
                do {
                    try text.withUnsafeBytes {
                        try decoder.decode($0, key: key, recordTimestamp: nil, into: &requirement)
                    }
                } catch { refused += 1 }
            }
            buffer.removeAll()
            buffer.write(requirement)
        }
        #expect(allocations(round) == 0)
        #expect(refused == 0)
        #expect(requirement == Golden.requirement)
        #expect(buffer.withBytes { Array($0) } == text)
    }

    @Test func decodingAndEncodingExposuresAllocatesNothing() {
        let text = Array(Examples.exposure.utf8)
        let key = Array("BTC|3".utf8)
        var decoder = ExposureDecoder()
        var exposure = Exposure.blank
        var buffer = OutputBuffer()
        var refused = 0
        func round() {
            key.withUnsafeBytes { key in
                do {
                    try text.withUnsafeBytes {
                        try decoder.decode($0, key: key, recordTimestamp: nil, into: &exposure)
                    }
                } catch { refused += 1 }
            }
            buffer.removeAll()
            buffer.write(exposure)
        }
        #expect(allocations(round) == 0)
        #expect(refused == 0)
        #expect(exposure == Golden.exposure)
    }

    @Test func encodingAlertsAndBreakerChangesAllocatesNothing() {
        var buffer = OutputBuffer()
        func round() {
            buffer.removeAll()
            buffer.write(Golden.alert)
            buffer.write(Golden.breaker)
        }
        #expect(allocations(round) == 0)
        #expect(
            buffer.withBytes { String(decoding: $0, as: UTF8.self) }
                == Examples.alert + Examples.breaker)
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
        // The testing library hooks every throw to keep its backtrace, which allocates.
        #expect(allocations(refuse) == allocations(throwTwice))
        #expect(refusal.code == .levelNotPositive)
    }
}
