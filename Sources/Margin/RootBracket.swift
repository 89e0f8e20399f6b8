/// Two places between which a continuous function changes its sign, narrowed by false position;
/// the end that stays is halved (Illinois), so that both ends move.
///
/// It needs no slope, does not mind kinks and cannot leave the bracket.
struct RootBracket {
    private(set) var left: (x: Double, y: Double)
    private(set) var right: (x: Double, y: Double)
    private var lastWasLeft: Bool?

    /// - Parameters: values of which one is below 0 and the other is not.
    init(_ left: (x: Double, y: Double), _ right: (x: Double, y: Double)) {
        self.left = left
        self.right = right
    }

    /// Where to look next: strictly between the ends, or an end where they are neighbours.
    var guess: Double {
        let width = right.x - left.x
        let x = left.x + width * left.y / (left.y - right.y)
        let isInside = (x - left.x) * (x - right.x) < 0
        return isInside ? x : left.x + width / 2
    }

    /// Takes in the function's value at the guess.
    mutating func narrow(to x: Double, _ y: Double) {
        if (y < 0) == (left.y < 0) {
            if lastWasLeft == true { right.y /= 2 }
            left = (x, y)
            lastWasLeft = true
        } else {
            if lastWasLeft == false { left.y /= 2 }
            right = (x, y)
            lastWasLeft = false
        }
    }

    /// The zero of a function.
    ///
    /// - Parameters:
    ///   - tolerance: a value this near to 0 is 0; ≥ 0.
    ///   - precision: guesses this near to each other are the same; > 0.
    mutating func zero(
        tolerance: Double, precision: Double, of function: (Double) -> Double
    ) -> Double {
        var last = guess
        for _ in 0..<100 {
            let y = function(last)
            if abs(y) <= tolerance { return last }
            narrow(to: last, y)
            let next = guess
            if abs(next - last) <= precision { return next }
            last = next
        }
        return last
    }
}
