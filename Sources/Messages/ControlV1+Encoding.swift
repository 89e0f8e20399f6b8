import Haircuts
import Quantities

extension OutputBuffer {
    /// Writes `control.v1`.
    ///
    /// - Parameter control: its numbers are finite; they read back as the same numbers.
    public mutating func write(_ control: borrowing Control) {
        literal("{\"schema\":\"control.v1\",\"asset\":")
        if let asset = control.asset { identifier(asset) } else { literal("\"*\"") }
        literal(",\"time\":")
        instant(control.time)
        literal(",\"sequence\":")
        integer(control.sequence)
        literal(",\"action\":")
        word(control.order.action, of: controlActions)
        switch control.order {
        case .override(let haircut):
            literal(",\"initial\":")
            number(haircut.initial)
            literal(",\"maintenance\":")
            number(haircut.maintenance)
        case .parameters(let changes): write(changes)
        case .freeze, .solvency: break
        }
        if let expires = control.expires {
            literal(",\"expires\":")
            instant(expires)
        }
        literal(",\"reason\":")
        string(control.reason)
        literal(",\"by\":")
        string(control.by)
        literal(",\"approvedBy\":")
        string(control.approvedBy)
        byte(UInt8(ascii: "}"))
    }

    private mutating func write(_ changes: [Control.ParameterChange]) {
        literal(",\"parameters\":{")
        for index in changes.indices {
            if index > 0 { byte(UInt8(ascii: ",")) }
            string(changes[index].name)
            byte(UInt8(ascii: ":"))
            switch changes[index].value {
            case .number(let value): number(value)
            case .amounts(let amounts): write(amounts)
            }
        }
        byte(UInt8(ascii: "}"))
    }

    private mutating func write(_ amounts: [FixedDecimal]) {
        byte(UInt8(ascii: "["))
        for index in amounts.indices {
            if index > 0 { byte(UInt8(ascii: ",")) }
            decimal(amounts[index])
        }
        byte(UInt8(ascii: "]"))
    }
}
