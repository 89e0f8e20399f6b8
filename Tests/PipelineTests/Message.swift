import Foundation
import Quantities

/// A message of the input topics as the text a foreign producer would send.
struct Message {
    var asset: String
    var time: Instant
    var isSurface = false
    var text: String

    static let start = Instant(nanoseconds: 1_795_356_000_000_000_000)

    /// Milliseconds after the start.
    static func at(_ milliseconds: Int) -> Instant {
        start.advanced(byNanoseconds: Int64(milliseconds) * 1_000_000)
    }

    /// A book of the house around a mid in whole units of the valuation currency.
    static func book(
        _ asset: String = "BTC", at milliseconds: Int, sequence: Int, mid: Double = 60_000
    ) -> Message {
        func level(_ offset: Double) -> String {
            "[\"\(String(format: "%.2f", mid * (1 + offset)))\",\"20\"]"
        }
        let bids = [-0.0001, -0.001, -0.01, -0.02].map(level).joined(separator: ",")
        let asks = [0.0001, 0.001, 0.01, 0.02].map(level).joined(separator: ",")
        let time = at(milliseconds)
        return Message(
            asset: asset, time: time,
            text: """
                {"schema":"quote.v1","asset":"\(asset)","venue":"house","kind":"book",\
                "time":"\(time)","sequence":\(sequence),"bids":[\(bids)],"asks":[\(asks)]}
                """)
    }

    /// A surface; one with `arbitrage` has a total variance that falls from one expiry to the next.
    static func surface(
        _ asset: String = "BTC", at milliseconds: Int, sequence: Int, arbitrage: Bool = false
    ) -> Message {
        let time = at(milliseconds)
        let far = arbitrage ? "0.1,0.1,0.1" : "0.71,0.62,0.66"
        return Message(
            asset: asset, time: time, isSurface: true,
            text: """
                {"schema":"iv-surface.v1","asset":"\(asset)","time":"\(time)",\
                "sequence":\(sequence),"expiries":[\
                {"expiry":"2026-11-27T08:00:00Z","forward":"60000",\
                "strikes":["50000","60000","70000"],"volatilities":[0.71,0.62,0.66]},\
                {"expiry":"2026-12-25T08:00:00Z","forward":"60100",\
                "strikes":["50000","60000","70000"],"volatilities":[\(far)]}]}
                """)
    }

    func replacing(_ text: String, with other: String) -> Message {
        var copy = self
        copy.text = self.text.replacingOccurrences(of: text, with: other)
        return copy
    }
}

func pause(_ duration: Duration) {
    Thread.sleep(
        forTimeInterval: Double(duration.components.seconds)
            + Double(duration.components.attoseconds) * 1e-18)
}
