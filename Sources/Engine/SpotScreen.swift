import Haircuts

/// A quick look at rows without positions, for a sweep over all accounts: most are healthy and far
/// from every line, and that is seen without their figures.
///
/// In the first tier what a line's margin, the equity and the sensitivity become is linear in the
/// quantity, so that four numbers an asset and sign add up to them. A row that is not seen to be
/// far, or holds more of something than its first tier, is left to ``RowReader/spot(_:)``.
///
/// The sums differ from the figures by what the order of operations changes, a part in 10¹⁵ of the
/// values in the row. A row is far only where its margins exceed the horizon, 0.0005 at least, of
/// all values that move, and the one that does not move, in the valuation currency, is then no
/// larger than the others and the margin together: the difference is far less than `slackForOrder`.
struct SpotScreen {
    /// Numbers an asset and sign: two lines' margins, equity and sensitivity a unit, then the
    /// largest quantity, without its sign, that they are for; −1: none.
    private static let stride = 8
    private static let bound = 4
    private static let slackForOrder = 1 + 1e-9

    private var weights: [Double] = []

    /// - Parameter columns: of the markets of now.
    init(_ columns: AssetColumns, _ lines: StatusLines) {
        weights.reserveCapacity(columns.count * 2 * Self.stride)
        // Of the margin over the warning line: what a unit of debt takes beyond its value.
        let buffer = lines.warningBuffer * lines.debtScale
        for asset in 0..<columns.count {
            let numbers = columns.numbers[
                asset * AssetColumns.stride..<(asset + 1) * AssetColumns.stride]
            func number(_ place: Int) -> Double { numbers[numbers.startIndex + place] }
            let (price, debtPrice) = (number(AssetColumns.price), number(AssetColumns.debtPrice))
            let initial = number(AssetColumns.firstInitial)
            let maintenance = number(AssetColumns.firstMaintenance)
            let (moves, limit) = (number(AssetColumns.moves), number(AssetColumns.firstBound))
            append(
                price * initial, price * maintenance, price, price * moves,
                upTo: Self.quantity(of: limit, at: price))
            append(
                debtPrice * ((2 - initial) + buffer * (2 - maintenance)),
                debtPrice * (2 - maintenance), debtPrice,
                -lines.debtSensitivity * debtPrice * moves,
                // Without a price the debt is unpriced. With a negative buffer the other line is
                // the nearer one.
                upTo: debtPrice > 0 && buffer >= 0 ? Self.quantity(of: limit, at: debtPrice) : -1)
        }
    }

    private static func quantity(of value: Double, at price: Double) -> Double {
        price > 0 ? value / price * (1 - 1e-9) : .infinity
    }

    private mutating func append(
        _ warning: Double, _ maintenance: Double, _ equity: Double, _ sensitivity: Double,
        upTo bound: Double
    ) {
        weights += [warning, maintenance, equity, sensitivity, bound, 0, 0, 0]
    }

    /// Gives a function that says whether a healthy row is far.
    func reading<Result>(horizon: Double, _ body: (Reader) -> Result) -> Result {
        weights.withUnsafeBufferPointer { weights in
            body(
                Reader(
                    weights: UnsafeRawPointer(weights.baseAddress),
                    horizon: horizon * Self.slackForOrder))
        }
    }

    struct Reader {
        /// nil without assets.
        fileprivate let weights: UnsafeRawPointer?
        fileprivate let horizon: Double

        /// Whether every margin of a healthy row is larger than what a move of all markets by the
        /// horizon may take.
        @inline(__always)
        func isFar(_ row: Int, of reader: RowReader) -> Bool {
            guard let weights else { return false }
            var margins = SIMD2<Double>()
            var rest = SIMD2<Double>()
            let base = row &* reader.width
            for slot in base..<base &+ reader.width {
                let quantity = reader.quantities[slot]
                let sign = Int(truncatingIfNeeded: quantity.bitPattern >> 63)
                let place = (Int(reader.assets[slot]) &* 2 &+ sign) &* SpotScreen.stride
                let entry = weights + place &* MemoryLayout<Double>.stride
                let bound = entry.load(
                    fromByteOffset: SpotScreen.bound * MemoryLayout<Double>.stride, as: Double.self)
                guard quantity.magnitude <= bound else { return false }
                margins += entry.loadUnaligned(as: SIMD2<Double>.self) * quantity
                rest +=
                    entry.loadUnaligned(
                        fromByteOffset: MemoryLayout<SIMD2<Double>>.stride,
                        as: SIMD2<Double>.self) * quantity
            }
            let slack = min(min(margins[0], margins[1]), rest[0])
            return slack > horizon * rest[1]
        }
    }
}
