import Haircuts
import Market
import Messages
import Quantities

/// The examples of the contracts, as bytes that must come out and go in.
enum Examples {
    static let book = """
        {"schema":"quote.v1","asset":"BTC","venue":"house","kind":"book",\
        "time":"2026-11-22T14:00:00.123456Z","sequence":123,\
        "bids":[["61234.5","1.25"],["61234","3.1"]],"asks":[["61235","0.8"]],\
        "dailyVolume":"21000.5"}
        """
    static let index = """
        {"schema":"quote.v1","asset":"BTC","venue":"index-a","kind":"index",\
        "time":"2026-11-22T14:00:00.000000Z","sequence":9,"price":"61240.1"}
        """
    static let surface = """
        {"schema":"iv-surface.v1","asset":"BTC","time":"2026-11-22T14:00:00.000000Z",\
        "sequence":7,"expiries":[{"expiry":"2026-11-27T08:00:00.000000Z","forward":"61300",\
        "strikes":["50000","60000","70000"],"volatilities":[0.71,0.62,0.66]},\
        {"expiry":"2026-12-25T08:00:00.000000Z","forward":"61500",\
        "svi":{"a":0.0021,"b":0.0416,"rho":-0.29,"m":-0.026,"sigma":0.0626}}]}
        """
    static let haircut = """
        {"schema":"haircut.v1","asset":"BTC","time":"2026-11-22T14:00:00.200000Z",\
        "sequence":3001,"state":"normal","price":"61234.75","debtPrice":"61240.1",\
        "reference":"61240.1","mid":"61234.75","initial":0.0525,"maintenance":0.034,\
        "tiers":[{"from":"0","to":"100000","initial":0.0525,"maintenance":0.034},\
        {"from":"100000","to":null,"initial":1,"maintenance":1}],\
        "target":{"initial":0.0524,"maintenance":0.0339},"gap":{"initial":0,"maintenance":0},\
        "boundBy":["limiter"],"next":{"initial":0.0525,"maintenance":0.034,\
        "at":"2026-11-22T14:01:00.000000Z"},"validUntil":"2026-11-22T14:00:30.000000Z",\
        "fallback":0.3,"scan":[{"notional":"100000","down":0.1,"up":0.1112}],\
        "stressVolatility":1.2,"confidence":1,"branchingRatio":0.12,\
        "components":{"volatility":0.715,"market":0.0321,"liquidity":0.0038,"peg":0,\
        "divergence":0,"confidence":0,"horizonSeconds":3807.3,"depth":"40000000",\
        "depthBaseline":"40000000","spread":0.0001,"quoteAge":0.1,"surfaceAge":2.5},\
        "model":{"version":"1","parameters":\
        "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},\
        "cause":{"topic":"market.quotes.v1","partition":3,"offset":991}}
        """
}

func name(_ text: String) -> Identifier {
    guard let value = Identifier(text) else { preconditionFailure("\(text) is no name") }
    return value
}

func decimal(_ text: String) -> FixedDecimal {
    guard let value = FixedDecimal(text) else { preconditionFailure("\(text) is no decimal") }
    return value
}

func instant(_ text: String) -> Instant {
    guard let value = Instant(text) else { preconditionFailure("\(text) is no time") }
    return value
}

/// What is decoded over: its content must never be seen in what comes out.
let anyQuote = Quote(
    asset: name("OLD"), venue: name("old"), kind: .index, time: Instant(nanoseconds: 0),
    sequence: 0)
let anySurface = Surface(
    asset: name("OLD"), time: Instant(nanoseconds: 0), sequence: 0, expiries: [])

/// What a decoder made of some bytes.
typealias Outcome<Value> = Result<Value, Refusal>

func decoding<Value>(
    _ payload: some Sequence<UInt8>, key: String,
    _ decode: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(Refusal) -> Value
) -> Outcome<Value> {
    Array(payload).withUnsafeBytes { payload in
        Array(key.utf8).withUnsafeBytes { key in
            Outcome { () throws(Refusal) in try decode(payload, key) }
        }
    }
}

func decodeQuote(
    _ bytes: some Sequence<UInt8>, key: String = "BTC", timestamp: Instant? = nil
) -> Outcome<Quote> {
    let decoder = QuoteDecoder()
    return decoding(bytes, key: key) { (payload, key) throws(Refusal) in
        var quote = anyQuote
        try decoder.decode(payload, key: key, recordTimestamp: timestamp, into: &quote)
        return quote
    }
}

func decodeSurface(
    _ bytes: some Sequence<UInt8>, key: String = "BTC", timestamp: Instant? = nil
) -> Outcome<Surface> {
    var decoder = SurfaceDecoder()
    return decoding(bytes, key: key) { (payload, key) throws(Refusal) in
        var surface = anySurface
        try decoder.decode(payload, key: key, recordTimestamp: timestamp, into: &surface)
        return surface
    }
}

/// The text that an encoder writes.
func written(_ encode: (inout OutputBuffer) -> Void) -> String {
    var buffer = OutputBuffer()
    encode(&buffer)
    return buffer.withBytes { String(decoding: $0, as: UTF8.self) }
}

extension Result {
    /// The refusal, nil when the value was taken.
    var refusal: Failure? {
        if case .failure(let refusal) = self { return refusal }
        return nil
    }

    var value: Success? { try? get() }
}
