import Quantities

extension Quote {
    /// (best bid + best ask)/2, exactly; nil when a side is empty.
    public var mid: FixedDecimal? {
        guard let bid = bids.first, let ask = asks.first else { return nil }
        return (bid.price + ask.price).half
    }

    /// (best ask − best bid)/mid; nil when a side is empty.
    public var spread: Double? {
        guard let bid = bids.first, let ask = asks.first, let mid else { return nil }
        return (ask.price - bid.price).double / mid.double
    }

    /// The value of the bids no further than 2 % below mid, in the valuation currency; 0 when a
    /// side is empty. A level exactly there counts.
    public var bidDepth: Double {
        guard let bid = bids.first, let ask = asks.first else { return 0 }
        // price ≥ 0.98·(bid + ask)/2, in whole numbers: mid itself may end in half a unit.
        let least = (bid.price + ask.price).units * 49
        let (hundredth, rest) = least.quotientAndRemainder(dividingBy: 100)
        let bound = rest > 0 ? hundredth + 1 : hundredth
        var depth = 0.0
        for index in bids.indices {
            guard bids[index].price.units >= bound else { break }
            depth += bids[index].price.double * bids[index].size.double
        }
        return depth
    }
}
