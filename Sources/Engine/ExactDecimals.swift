import Quantities

/// Decimals that a row's binary numbers do not give back: with more than eight digits after the
/// point, or more than fifteen in all. They are rare, and published and traded exactly.
struct ExactDecimals: Sendable {
    enum Place: Hashable, Sendable {
        case balance(account: Int32, asset: Int32)
        case contracts(account: Int32, instrument: Int32)
        case entry(account: Int32, instrument: Int32)
    }

    private var decimals: [Place: FixedDecimal] = [:]

    private static func plain(_ value: Double) -> FixedDecimal? {
        FixedDecimal(value, fractionDigits: 8, rounding: .toNearestOrEven)
    }

    /// Whether a decimal's binary number gives it back.
    static func isPlain(_ decimal: FixedDecimal) -> Bool {
        plainDouble(decimal) != nil || plain(decimal.double) == decimal
    }

    /// The binary number of a decimal of which it is seen at once that it gives it back.
    @inline(__always)
    static func plainDouble(_ decimal: FixedDecimal) -> Double? {
        // Two roundings change so small a number by less than half a unit.
        guard let count = decimal.hundredMillionths, count.magnitude < 1 << 50 else { return nil }
        return Double(count) / 1e8
    }

    /// Keeps a decimal where that is needed. Nothing is kept of the place so far.
    mutating func note(_ decimal: FixedDecimal, _ place: Place) {
        if !Self.isPlain(decimal) { decimals[place] = decimal }
    }

    func decimal(_ value: Double, _ place: Place) -> FixedDecimal {
        if !decimals.isEmpty, let decimal = decimals[place] { return decimal }
        return Self.plain(value) ?? .zero
    }

    mutating func forget(_ account: Int32, in rows: HoldingRows, row: Int) {
        guard !decimals.isEmpty else { return }
        for slot in row * rows.width..<(row + 1) * rows.width {
            decimals[.balance(account: account, asset: rows.assets[slot])] = nil
        }
        for lot in row * rows.depth..<(row + 1) * rows.depth {
            let instrument = rows.instruments[lot]
            decimals[.contracts(account: account, instrument: instrument)] = nil
            decimals[.entry(account: account, instrument: instrument)] = nil
        }
    }
}
