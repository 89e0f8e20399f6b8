import Margin
import Quantities

extension OutputBuffer {
    /// Writes `margin-requirement.v1`.
    ///
    /// - Parameter requirement: its numbers are finite.
    public mutating func write(_ requirement: borrowing MarginRequirement) {
        literal("{\"schema\":\"margin-requirement.v1\",\"account\":")
        identifier(requirement.account)
        literal(",\"time\":")
        instant(requirement.time)
        literal(",\"sequence\":")
        integer(requirement.sequence)
        literal(",\"status\":")
        word(requirement.status, of: marginStatuses)
        literal(",\"equity\":")
        decimal(requirement.equity)
        literal(",\"collateral\":")
        write(requirement.collateral)
        literal(",\"unrealised\":")
        decimal(requirement.unrealised)
        literal(",\"requirement\":")
        write(requirement.requirement)
        literal(",\"excess\":")
        write(requirement.excess)
        literal(",\"marginRatio\":")
        if let ratio = requirement.marginRatio { statistic(ratio) } else { literal("null") }
        literal(",\"assets\":[")
        for index in requirement.assets.indices {
            if index > 0 { byte(UInt8(ascii: ",")) }
            write(requirement.assets[index])
        }
        literal("],\"reasons\":")
        set(requirement.reasons, of: marginReasons)
        literal(",\"risk\":[")
        for index in requirement.risk.indices {
            if index > 0 { byte(UInt8(ascii: ",")) }
            write(requirement.risk[index])
        }
        literal("],\"positionsSequence\":")
        integer(requirement.positionsSequence)
        literal(",\"cause\":")
        write(requirement.cause)
        byte(UInt8(ascii: "}"))
    }

    private mutating func write(_ margin: borrowing AssetMargin) {
        literal("{\"asset\":")
        identifier(margin.asset)
        literal(",\"quantity\":")
        decimal(margin.quantity)
        literal(",\"price\":")
        decimal(margin.price)
        literal(",\"value\":")
        decimal(margin.value)
        literal(",\"haircutLoss\":")
        write(margin.haircutLoss)
        literal(",\"haircutSequence\":")
        integer(margin.haircutSequence)
        byte(UInt8(ascii: "}"))
    }

    private mutating func write(_ risk: borrowing UnderlyingRisk) {
        literal("{\"underlying\":")
        identifier(risk.underlying)
        literal(",\"loss\":")
        decimal(risk.loss)
        literal(",\"scenario\":{\"price\":")
        statistic(risk.scenario.price)
        literal(",\"volatility\":")
        word(risk.scenario.volatility, of: volatilityShifts)
        literal("}}")
    }
}
