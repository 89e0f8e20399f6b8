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

    /// A haircut table with one tier: initial 20 %, maintenance 10 %.
    static func table(
        _ sequence: Int64, of asset: String = "BTC", price: Int, at milliseconds: Int
    ) -> String {
        let time = at(milliseconds)
        let end = at(milliseconds + 86_400_000)
        return """
            {"schema":"haircut.v1","asset":"\(asset)","time":"\(time)","sequence":\(sequence),\
            "state":"normal","price":"\(price)","debtPrice":"\(price)","reference":"\(price)",\
            "mid":"\(price)","initial":0.2,"maintenance":0.1,"tiers":[\
            {"from":"0","to":"1000000","initial":0.2,"maintenance":0.1},\
            {"from":"1000000","to":null,"initial":1,"maintenance":1}],\
            "target":{"initial":0.2,"maintenance":0.1},"gap":{"initial":0,"maintenance":0},\
            "boundBy":[],"next":null,"validUntil":"\(end)","fallback":0.3,\
            "scan":[{"notional":"1000000","down":0.1,"up":0.1112}],"stressVolatility":1.2,\
            "confidence":1,"branchingRatio":0.1,"components":{"volatility":0.7,"market":0.03,\
            "liquidity":0.004,"peg":0,"divergence":0,"confidence":0,"horizonSeconds":3800,\
            "depth":"40000000","depthBaseline":"40000000","spread":0.0001,"quoteAge":0.1,\
            "surfaceAge":2.5},"model":{"version":"1","parameters":"sha256:\
            \(String(repeating: "0", count: 64))"},\
            "cause":{"topic":"market.quotes.v1","partition":0,"offset":\(sequence)}}
            """
    }
}

func pause(_ duration: Duration) {
    Thread.sleep(
        forTimeInterval: Double(duration.components.seconds)
            + Double(duration.components.attoseconds) * 1e-18)
}
