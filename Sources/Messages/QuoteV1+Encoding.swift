import Market
import Quantities

extension OutputBuffer {
    /// Writes `quote.v1`.
    public mutating func write(_ quote: borrowing Quote) {
        literal("{\"schema\":\"quote.v1\",\"asset\":")
        identifier(quote.asset)
        literal(",\"venue\":")
        identifier(quote.venue)
        switch quote.kind {
        case .book: literal(",\"kind\":\"book\",\"time\":")
        case .index: literal(",\"kind\":\"index\",\"time\":")
        }
        instant(quote.time)
        literal(",\"sequence\":")
        integer(quote.sequence)
        switch quote.kind {
        case .book:
            literal(",\"bids\":")
            write(quote.bids)
            literal(",\"asks\":")
            write(quote.asks)
            if let volume = quote.dailyVolume {
                literal(",\"dailyVolume\":")
                decimal(volume)
            }
        case .index:
            literal(",\"price\":")
            decimal(quote.price)
        }
        byte(UInt8(ascii: "}"))
    }

    private mutating func write(_ levels: [BookLevel]) {
        byte(UInt8(ascii: "["))
        for index in levels.indices {
            if index > 0 { byte(UInt8(ascii: ",")) }
            byte(UInt8(ascii: "["))
            decimal(levels[index].price)
            byte(UInt8(ascii: ","))
            decimal(levels[index].size)
            byte(UInt8(ascii: "]"))
        }
        byte(UInt8(ascii: "]"))
    }
}
