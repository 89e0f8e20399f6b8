import Quantities

/// The reference as it stood at the ends of equal steps of time, as far back as is asked for.
///
/// - Source: MODEL §6, returns over 1, 5 and 30 minutes.
package struct PriceHistory: Hashable, Sendable {
    /// A price and the end of the step in which it was the last one.
    package struct Close: Hashable, Sendable {
        /// Number of the step's end, in steps since 1970.
        package var step: Int64
        package let price: FixedDecimal
        /// The price as a number, which every quote asks for.
        let number: Double

        package init(step: Int64, price: FixedDecimal) {
            self.init(step: step, price: price, number: price.double)
        }

        init(step: Int64, price: FixedDecimal, number: Double) {
            self.step = step
            self.price = price
            self.number = number
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

    /// Takes a price, and the same as a number; time does not go back. A price exactly at a step's
    /// end belongs to it.
    package mutating func update(price: FixedDecimal, number: Double, at time: Instant) {
        let last = closes.last?.step
        let step =
            time.advanced(byNanoseconds: -1)
            .period(ofSeconds: stepSeconds, expected: last.map { $0 - 1 }) + 1
        let close = Close(step: step, price: price, number: number)
        if last == step {
            closes[closes.count - 1] = close
            return
        }
        let oldest = step - 1 - Int64(steps)
        var superseded = 0
        while superseded + 1 < closes.count, closes[superseded + 1].step <= oldest {
            superseded += 1
        }
        if superseded > 0 { closes.removeFirst(superseded) }
        closes.append(close)
    }

    /// The close in force at the last step's end that lies at least so many steps before a time.
    ///
    /// - Parameter steps: 1…`steps`.
    /// - Returns: nil when nothing was known then.
    package func close(stepsBefore steps: Int64, _ time: Instant) -> Close? {
        guard let last = closes.last?.step else { return nil }
        // Most often the time lies in the step that the last close ends.
        let step = time.advanced(bySeconds: -steps * stepSeconds)
            .period(ofSeconds: stepSeconds, expected: last - 1 - steps)
        // No step has two closes, so that no more than these come after the one looked for.
        let after = Int(clamping: max(0, last - step))
        var index = max(0, closes.count - 1 - after)
        guard closes[index].step <= step else { return nil }
        while index + 1 < closes.count, closes[index + 1].step <= step { index += 1 }
        return closes[index]
    }
}
