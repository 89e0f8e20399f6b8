import Market
import Quantities

/// What a derivative is, whoever holds it: all that its value for one contract depends on.
public struct Instrument: Hashable, Sendable {
    public var identifier: Identifier
    public var underlying: Identifier
    public var terms: Position.Terms
    /// Units of the underlying (linear) or of the valuation currency (inverse) a contract; > 0.
    public var multiplier: FixedDecimal

    public init(
        identifier: Identifier, underlying: Identifier, terms: Position.Terms,
        multiplier: FixedDecimal
    ) {
        self.identifier = identifier
        self.underlying = underlying
        self.terms = terms
        self.multiplier = multiplier
    }

    public init(_ position: Position) {
        self.init(
            identifier: position.instrument, underlying: position.underlying,
            terms: position.terms, multiplier: position.multiplier)
    }

    /// The asset whose balance the mark of a perpetual or a future joins; nil for an option.
    public func settlement(valuationCurrency: Identifier) -> Identifier? {
        switch terms {
        case .perpetual(let contract, let settlement), .future(let contract, let settlement, _):
            settlement ?? (contract == .linear ? valuationCurrency : underlying)
        case .option: nil
        }
    }

    public var isOption: Bool {
        if case .option = terms { true } else { false }
    }
}

extension Position.Terms {
    /// nil: never.
    public var expiry: Instant? {
        switch self {
        case .perpetual: nil
        case .future(_, _, let expiry), .option(_, _, let expiry): expiry
        }
    }
}

extension Position {
    /// The part of the mark that depends on the entry price alone, to take off
    /// `quantity·InstrumentValue.level`: in the valuation currency (linear) or in coins (inverse),
    /// 0 of an option.
    public var entryAmount: Double {
        switch terms {
        case .perpetual(.linear, _), .future(.linear, _, _):
            quantity.double * multiplier.double * entryPrice.double
        case .perpetual(.inverse, _), .future(.inverse, _, _):
            -quantity.double * multiplier.double / entryPrice.double
        case .option: 0
        }
    }
}
