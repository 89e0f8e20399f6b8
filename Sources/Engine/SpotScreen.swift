import Haircuts

/// A quick look at rows without positions, for a sweep over all accounts: most are healthy and far
/// from every line, and that is seen without their figures.
///
/// In the first tier what a line's margin and the sensitivity become is linear in the quantity, so
/// that three numbers an asset and sign add up to them. The equity is never below the maintenance
/// excess, since haircuts take from what is held and add to what is owed. A row that is not seen to
/// be far, or has more of something than its first tier, is left to ``RowReader/spot(_:)``.
///
/// The sums differ from the figures by what the order of operations changes, a part in 10¹⁵ of the
/// values in the row. A row is far only where its margins exceed the horizon, 0.0005 at least, of
/// all values that move, and the one that does not move, in the valuation currency, is then no
/// larger than the others and the margin together: the difference is far less than `slackForOrder`.
struct SpotScreen {
    /// What a unit of an asset adds.
    fileprivate struct Weights {
        /// To the margins over the lines of the warning and of liquidation.
        var margins = SIMD2<Double>()
        /// To the sensitivity, and what it is of the first tier: infinite where none of this holds.
        var rest = SIMD2<Double>()
    }

    private static let slackForOrder = 1 + 1e-9

    /// Of each asset held, then owed.
    private var weights: [Weights] = []

    /// - Parameter columns: of the markets of now.
    init(_ columns: AssetColumns, _ lines: StatusLines) {
        weights.reserveCapacity(columns.count * 2)
        // Of the margin over the warning line: what a unit of debt takes beyond its value.
        let buffer = lines.warningBuffer * lines.debtScale
        for asset in 0..<columns.count {
            let numbers = columns.numbers[
                asset * AssetColumns.stride..<(asset + 1) * AssetColumns.stride]
            func number(_ place: Int) -> Double { numbers[numbers.startIndex + place] }
            let (price, debtPrice) = (number(AssetColumns.price), number(AssetColumns.debtPrice))
            let initial = number(AssetColumns.firstInitial)
            let maintenance = number(AssetColumns.firstMaintenance)
            let (moves, bound) = (number(AssetColumns.moves), number(AssetColumns.firstBound))
            let isKnown = (0...1).contains(maintenance)
            weights.append(
                Weights(
                    margins: SIMD2(price * initial, price * maintenance),
                    rest: SIMD2(price * moves, isKnown ? Self.part(price, of: bound) : .infinity)))
            // Without a price the debt is unpriced. With a negative buffer the other line is the
            // nearer one.
            let isLinear = isKnown && debtPrice > 0 && buffer >= 0
            weights.append(
                Weights(
                    margins: SIMD2(
                        debtPrice * ((2 - initial) + buffer * (2 - maintenance)),
                        debtPrice * (2 - maintenance)),
                    rest: SIMD2(
                        -lines.debtSensitivity * debtPrice * moves,
                        isLinear ? -Self.part(debtPrice, of: bound) : -.infinity)))
        }
    }

    private static func part(_ price: Double, of bound: Double) -> Double {
        price > 0 ? price / bound * (1 + 1e-9) : 0
    }

    /// Gives a function that passes over healthy rows that are far.
    func reading<Result>(horizon: Double, _ body: (Reader) -> Result) -> Result {
        weights.withUnsafeBufferPointer { weights in
            body(
                Reader(weights: weights.baseAddress, horizon: horizon * Self.slackForOrder))
        }
    }

    struct Reader {
        /// nil without assets.
        fileprivate let weights: UnsafePointer<Weights>?
        fileprivate let horizon: Double

        /// The first of some rows that is not healthy, or not seen to be far: whose margins may
        /// not all be larger than what a move of all markets by the horizon may take.
        ///
        /// - Parameter states: of all rows.
        /// - Returns: the end where all are.
        func passed(
            _ rows: Range<Int>, _ states: UnsafePointer<RowState>, of reader: RowReader
        ) -> Int {
            guard let weights else { return rows.lowerBound }
            var quantities = reader.quantities + rows.lowerBound * reader.width
            var assets = reader.assets + rows.lowerBound * reader.width
            var row = rows.lowerBound
            while row < rows.upperBound, states[row].severity == 0 {
                var margins = SIMD2<Double>()
                var rest = SIMD2<Double>()
                var largest = SIMD2<Double>()
                for slot in 0..<reader.width {
                    let quantity = quantities[slot]
                    let weights = Self.weights(of: assets[slot], quantity, in: weights)
                    margins += weights.pointee.margins * quantity
                    let added = weights.pointee.rest * quantity
                    rest += added
                    largest = greater(added, largest)
                }
                guard min(margins[0], margins[1]) > horizon * rest[0], largest[1] <= 1
                else { break }
                row &+= 1
                quantities += reader.width
                assets += reader.width
            }
            return row
        }

        /// The weights of an asset held, or owed where the quantity has a minus.
        @inline(__always)
        private static func weights(
            of asset: Int32, _ quantity: Double, in all: UnsafePointer<Weights>
        ) -> UnsafePointer<Weights> {
            // Shifts of each word alone: one that joins two words is slow on some processors.
            let length = MemoryLayout<Weights>.stride
            let sign = Int(truncatingIfNeeded: quantity.bitPattern >> 58) & length
            return UnsafeRawPointer(all).advanced(by: Int(asset) &* (2 &* length) &+ sign)
                .assumingMemoryBound(to: Weights.self)
        }
    }
}

/// `pointwiseMax`, which is a call and a loop of scalars where it is not inlined.
@inline(__always)
private func greater(_ left: SIMD2<Double>, _ right: SIMD2<Double>) -> SIMD2<Double> {
    right.replacing(with: left, where: left .> right)
}
