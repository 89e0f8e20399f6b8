import Quantities

/// The reference as it stood at the ends of equal steps of time, as far back as is asked for.
///
/// - Source: MODEL §6, returns over 1, 5 and 30 minutes.
package struct PriceHistory: Hashable, Sendable {
    /// A price and the end of the step in which it was the last one.
    package struct Close: Hashable, Sendable {
        /// Number of the step's end, in steps since 1970.
        package var step: Int64
        package var price: FixedDecimal

        package init(step: Int64, price: FixedDecimal) {
            self.step = step
            self.price = price
        }
    }

    package let stepSeconds: Int64
    /// Steps that may be asked for.
    package let steps: Int
    /// In order; only steps in which a price came, and the last one before them.
    package var closes: [Close] = []

    /// - Parameters: the length of a step and the number of them kept; > 0.
    package init(stepSeconds: Int64, steps: Int) {
        self.stepSeconds = stepSeconds
        self.steps = steps
        closes.reserveCapacity(steps + 3)
    }

    /// Takes a price; time does not go back. A price exactly at a step's end belongs to it.
    package mutating func update(price: FixedDecimal, at time: Instant) {
        let step = time.advanced(byNanoseconds: -1).period(ofSeconds: stepSeconds) + 1
        if let last = closes.last, last.step == step {
            closes[closes.count - 1].price = price
            return
        }
        let oldest = step - 1 - Int64(steps)
        var superseded = 0
        while superseded + 1 < closes.count, closes[superseded + 1].step <= oldest {
            superseded += 1
        }
        if superseded > 0 { closes.removeFirst(superseded) }
        closes.append(Close(step: step, price: price))
    }

    /// The price in force at the last step's end that lies at least this long before a time.
    ///
    /// - Returns: nil when nothing was known then.
    package func price(secondsBefore seconds: Int64, _ time: Instant) -> FixedDecimal? {
        let step = time.advanced(bySeconds: -seconds).period(ofSeconds: stepSeconds)
        return closes.last { $0.step <= step }?.price
    }
}
