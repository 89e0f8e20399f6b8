import Market
import Messages
import Quantities

nonisolated(unsafe) private var quote = Quote.blank
nonisolated(unsafe) private let decoder = QuoteDecoder()

/// What the quote decoder takes, it takes again, the same, once written.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let payload = UnsafeRawBufferPointer(start: start, count: count)
    guard decode(payload) else { return 0 }
    let first = quote
    precondition(first.bids.count <= Quote.mostLevels && first.asks.count <= Quote.mostLevels)
    // Written times have 6 digits, so the value is compared after one writing.
    var buffer = OutputBuffer()
    buffer.write(first)
    precondition(buffer.withBytes(decode), "what was written is refused")
    precondition(quote.bids == first.bids && quote.asks == first.asks)
    precondition(quote.price == first.price && quote.sequence == first.sequence)
    return 0
}

private func decode(_ payload: UnsafeRawBufferPointer) -> Bool {
    withFuzzKey { key in
        do {
            try decoder.decode(payload, key: key, recordTimestamp: nil, into: &quote)
            return true
        } catch { return false }
    }
}
