import Market
import Quantities

extension OutputBuffer {
    /// Writes `positions.v1`.
    public mutating func write(_ snapshot: borrowing AccountSnapshot) {
        literal("{\"schema\":\"positions.v1\",\"account\":")
        identifier(snapshot.account)
        literal(",\"owner\":")
        identifier(snapshot.owner)
        literal(",\"time\":")
        instant(snapshot.time)
        literal(",\"sequence\":")
        integer(snapshot.sequence)
        literal(",\"balances\":[")
        for index in snapshot.balances.indices {
            if index > 0 { byte(UInt8(ascii: ",")) }
            literal("{\"asset\":")
            identifier(snapshot.balances[index].asset)
            literal(",\"quantity\":")
            decimal(snapshot.balances[index].quantity)
            byte(UInt8(ascii: "}"))
        }
        literal("],\"positions\":[")
        for index in snapshot.positions.indices {
            if index > 0 { byte(UInt8(ascii: ",")) }
            write(snapshot.positions[index])
        }
        byte(UInt8(ascii: "]"))
        if let requirement = snapshot.requirement {
            literal(",\"requirement\":{\"initial\":")
            decimal(requirement.initial)
            literal(",\"maintenance\":")
            decimal(requirement.maintenance)
            byte(UInt8(ascii: "}"))
        }
        byte(UInt8(ascii: "}"))
    }

    private mutating func write(_ position: borrowing Position) {
        literal("{\"instrument\":")
        identifier(position.instrument)
        literal(",\"kind\":")
        let contract: Position.Contract
        switch position.terms {
        case .perpetual(let terms, _):
            literal("\"perpetual\"")
            contract = terms
        case .future(let terms, _, _):
            literal("\"future\"")
            contract = terms
        case .option:
            literal("\"option\"")
            contract = .linear
        }
        literal(",\"underlying\":")
        identifier(position.underlying)
        literal(",\"contract\":")
        word(contract, of: positionContracts)
        literal(",\"multiplier\":")
        decimal(position.multiplier)
        literal(",\"quantity\":")
        decimal(position.quantity)
        literal(",\"entryPrice\":")
        decimal(position.entryPrice)
        switch position.terms {
        case .perpetual(_, let settlement): writeSettlement(settlement)
        case .future(_, let settlement, let expiry):
            writeExpiry(expiry)
            writeSettlement(settlement)
        case .option(let right, let strike, let expiry):
            writeExpiry(expiry)
            literal(",\"strike\":")
            decimal(strike)
            literal(",\"right\":")
            word(right, of: optionRights)
        }
        byte(UInt8(ascii: "}"))
    }

    private mutating func writeExpiry(_ expiry: Instant) {
        literal(",\"expiry\":")
        instant(expiry)
    }

    private mutating func writeSettlement(_ settlement: Identifier?) {
        guard let settlement else { return }
        literal(",\"settlement\":")
        identifier(settlement)
    }
}
