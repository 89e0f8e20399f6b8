import CAllocationCounter
import Engine
import Haircuts
import Market
import Messages
import Quantities
import TestSupport
import Testing

/// The hot path, from bytes to bytes, allocates nothing once it has warmed up.
struct AllocationTests {
    /// Encodes what is published, as the pipeline does.
    final class Encoder: HaircutSink {
        var buffer = OutputBuffer()
        var published = 0
        var changes = 0

        func publish(_ table: borrowing HaircutTable) {
            buffer.removeAll()
            buffer.write(table)
            published += 1
        }

        func publish(_ change: BreakerChange) { changes += 1 }
    }

    @Test func aQuoteDecodedAppliedAndPublishedAllocatesNothing() throws {
        let asset = try #require(Identifier("BTC"))
        let venue = try #require(Identifier("house"))
        var shard = HaircutShard(assets: [
            AssetConfiguration(
                asset: asset, assetClass: .major, primaryVenue: venue,
                dailyVolume: FixedDecimal(100_000), depthReference: FixedDecimal(40_000_000),
                systemCollateral: FixedDecimal(500_000_000),
                parameters: HaircutParameters(.major), parametersHash: "sha256:test")
        ])
        let key = Array("BTC".utf8)
        let topic = "market.quotes.v1"
        let decoder = QuoteDecoder()
        var quote = Quote.blank
        var sink = Encoder()
        var refused = 0
        // Quotes 200 ms apart for more than an hour: bars, samples and hours close on the way.
        let records = try encodedQuotes(20_000, asset: asset, venue: venue)
        func play(_ range: Range<Int>) {
            for index in range {
                records[index].withUnsafeBytes { body in
                    key.withUnsafeBytes { key in
                        do {
                            try decoder.decode(body, key: key, recordTimestamp: nil, into: &quote)
                        } catch { refused += 1 }
                    }
                }
                let cause = Cause.record(topic: topic, partition: 0, offset: Int64(index))
                if shard.apply(quote, cause: cause, to: &sink) != .applied { refused += 1 }
            }
        }
        play(0..<2_000)
        let publishedBefore = sink.published
        let before = allocation_counter_count()
        play(2_000..<records.count)
        let allocations = allocation_counter_count() - before
        #expect(allocations == 0)
        #expect(refused == 0)
        #expect(sink.published - publishedBefore > 1_000)
    }

    private func encodedQuotes(
        _ count: Int, asset: Identifier, venue: Identifier
    ) throws -> [[UInt8]] {
        var random = SplitMix64(seed: 7)
        var buffer = OutputBuffer()
        var mid = 60_000.0
        return try (0..<count).map { index in
            mid *= 1 + random.double(in: -0.0003...0.0003)
            func levels(_ sign: Double) throws -> [BookLevel] {
                try (0..<10).map { level in
                    BookLevel(
                        price: try #require(
                            FixedDecimal(
                                mid + sign * (0.5 + Double(level) * 20), fractionDigits: 2,
                                rounding: .down)),
                        size: FixedDecimal(1 + level))
                }
            }
            let quote = Quote(
                asset: asset, venue: venue, kind: .book,
                time: Instant(nanoseconds: Int64(index) * 200_000_000), sequence: Int64(index + 1),
                bids: try levels(-1), asks: try levels(1))
            buffer.removeAll()
            buffer.write(quote)
            return buffer.withBytes { Array($0) }
        }
    }
}
