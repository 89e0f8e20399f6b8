import Margin
import Quantities

private let amountMembers = Members(required: [
    ("initial", .initial), ("maintenance", .maintenance),
])

extension JSONReader {
    /// Two amounts of any sign.
    mutating func amounts(
        _ field: MessageField, depth: Int
    ) throws(Refusal) -> MarginAmounts {
        var amounts = MarginAmounts.zero
        try object(amountMembers, field, depth: depth) { (index, reader) throws(Refusal) in
            switch index {
            case 0: amounts.initial = try reader.decimal(.initial)
            default: amounts.maintenance = try reader.decimal(.maintenance)
            }
        }
        return amounts
    }

    /// Two amounts that are not negative.
    mutating func unsignedAmounts(
        _ field: MessageField, depth: Int
    ) throws(Refusal) -> MarginAmounts {
        var amounts = MarginAmounts.zero
        try object(amountMembers, field, depth: depth) { (index, reader) throws(Refusal) in
            switch index {
            case 0: amounts.initial = try reader.unsignedDecimal(.initial)
            default: amounts.maintenance = try reader.unsignedDecimal(.maintenance)
            }
        }
        return amounts
    }
}

extension OutputBuffer {
    /// `{"initial":…,"maintenance":…}`.
    mutating func write(_ amounts: MarginAmounts) {
        literal("{\"initial\":")
        decimal(amounts.initial)
        literal(",\"maintenance\":")
        decimal(amounts.maintenance)
        byte(UInt8(ascii: "}"))
    }
}
