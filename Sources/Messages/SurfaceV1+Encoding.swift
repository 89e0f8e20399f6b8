import Market
import Quantities

extension OutputBuffer {
    /// Writes `iv-surface.v1`.
    ///
    /// - Parameter surface: its numbers are finite; they read back as the same numbers.
    public mutating func write(_ surface: borrowing Surface) {
        literal("{\"schema\":\"iv-surface.v1\",\"asset\":")
        identifier(surface.asset)
        literal(",\"time\":")
        instant(surface.time)
        literal(",\"sequence\":")
        integer(surface.sequence)
        literal(",\"expiries\":[")
        for index in surface.expiries.indices {
            if index > 0 { byte(UInt8(ascii: ",")) }
            write(surface.expiries[index])
        }
        literal("]}")
    }

    private mutating func write(_ expiry: Surface.Expiry) {
        literal("{\"expiry\":")
        instant(expiry.expiry)
        literal(",\"forward\":")
        decimal(expiry.forward)
        switch expiry.smile {
        case .grid(let strikes, let volatilities): write(strikes, volatilities)
        case .svi(let svi): write(svi)
        }
        byte(UInt8(ascii: "}"))
    }

    private mutating func write(_ strikes: [FixedDecimal], _ volatilities: [Double]) {
        literal(",\"strikes\":[")
        for index in strikes.indices {
            if index > 0 { byte(UInt8(ascii: ",")) }
            decimal(strikes[index])
        }
        literal("],\"volatilities\":[")
        for index in volatilities.indices {
            if index > 0 { byte(UInt8(ascii: ",")) }
            number(volatilities[index])
        }
        byte(UInt8(ascii: "]"))
    }

    private mutating func write(_ svi: Surface.SVI) {
        literal(",\"svi\":{\"a\":")
        number(svi.a)
        literal(",\"b\":")
        number(svi.b)
        literal(",\"rho\":")
        number(svi.rho)
        literal(",\"m\":")
        number(svi.m)
        literal(",\"sigma\":")
        number(svi.sigma)
        byte(UInt8(ascii: "}"))
    }
}
