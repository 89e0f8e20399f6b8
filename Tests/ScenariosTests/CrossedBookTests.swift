import Foundation
import Quantities
import TestSupport
import Testing

/// The recorded books that a phantom bid crosses, kept for the tests of their refusal.
@Suite struct CrossedBookTests {
    @Test func thePhantomBidOf121363CrossesEachRecordedBookAndNothingElseIsWrong() throws {
        let lines = try Repository.data("Tests/Fixtures/crossed-books.jsonl").split(separator: 10)
        #expect(lines.count == 4)
        for line in lines {
            let quote = try #require(
                try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
            let bids = try prices(quote["bids"])
            let asks = try prices(quote["asks"])
            #expect(bids[0].rounded(.down, fractionDigits: 0) == FixedDecimal(121_363))
            #expect(bids[0] > asks[0])
            #expect(bids[1] < asks[0])
            #expect(zip(bids, bids.dropFirst()).allSatisfy { $0 > $1 })
            #expect(zip(asks, asks.dropFirst()).allSatisfy { $0 < $1 })
            #expect(Instant(try #require(quote["time"] as? String)) != nil)
        }
    }

    private func prices(_ side: Any?) throws -> [FixedDecimal] {
        let levels = try #require(side as? [[String]])
        return try levels.map { try #require(FixedDecimal($0[0])) }
    }
}
