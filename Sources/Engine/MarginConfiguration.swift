import Haircuts
import Margin
import Market
import Quantities

/// What a margin shard says outwards.
///
/// Values are lent for the call: a sink that keeps one encodes or copies it.
public protocol MarginSink {
    /// A requirement, and the alert that belongs into the same transaction.
    mutating func publish(
        _ requirement: borrowing MarginRequirement, alert: LiquidationAlert?)
    mutating func publish(_ exposure: borrowing Exposure)
}

/// What all margin shards of a service share.
public struct MarginConfiguration: Hashable, Sendable {
    /// Haircut 0, price 1.
    public var valuationCurrency: Identifier
    public var parameters: MarginParameters

    public init(
        valuationCurrency: Identifier, parameters: MarginParameters = MarginParameters()
    ) {
        self.valuationCurrency = valuationCurrency
        self.parameters = parameters
    }
}

/// Why a snapshot was refused: nothing of it was applied.
public struct MarginRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: String, CaseIterable, Sendable {
        /// An asset has two balances.
        case duplicateAsset = "duplicate-asset"
        /// An instrument has two positions.
        case duplicateInstrument = "duplicate-instrument"
        /// A quantity or a notional is beyond what money can be counted in.
        case overflow
        /// A multiplier, entry price or strike is not above 0, or a requirement below 0.
        case outOfRange = "out-of-range"
    }

    public var reason: Reason
    /// A sentence for a person: where and what.
    public var message: String

    public var description: String { message }

    public init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }
}

extension AccountSnapshot {
    /// The largest quantity of an asset, and the largest notional at entry of a position, that is
    /// taken: a thousandth of what money is counted up to, so that prices may rise.
    static let largestAmount = 1e15

    /// - Throws: the first rule the snapshot breaks.
    func check() throws(MarginRefusal) {
        if let index = Self.repeated(balances.count, { balances[$0].asset }) {
            throw MarginRefusal(
                .duplicateAsset,
                "Account \(account) has two balances of \(balances[index].asset).")
        }
        if let index = Self.repeated(positions.count, { positions[$0].instrument }) {
            throw MarginRefusal(
                .duplicateInstrument,
                "Account \(account) has two positions in \(positions[index].instrument).")
        }
        let largest = FixedDecimal(Int(Self.largestAmount))
        for index in balances.indices {
            let quantity = balances[index].quantity
            guard quantity <= largest, -largest <= quantity else {
                throw Self.overflow(abs(quantity.double), of: balances[index].asset, in: account)
            }
        }
        for position in positions { try position.check(in: account) }
        if let requirement,
            requirement.maintenance < .zero || requirement.initial < requirement.maintenance
        {
            throw MarginRefusal(
                .outOfRange,
                "Account \(account) has a requirement below 0 or initial below"
                    + " maintenance.")
        }
    }

    /// Where the first of some names is that an earlier one repeats; nil where all differ.
    @inline(__always)
    private static func repeated(_ count: Int, _ name: (Int) -> Identifier) -> Int? {
        if count > fewNames {
            var names: Set<Identifier> = []
            return (0..<count).first { !names.insert(name($0)).inserted }
        }
        for index in 0..<count {
            for earlier in 0..<index
            where name(earlier).firstWord == name(index).firstWord && name(earlier) == name(index) {
                return index
            }
        }
        return nil
    }

    /// Names that are compared one with another rather than hashed.
    private static let fewNames = 12

    fileprivate static func overflow(
        _ size: Double, of name: Identifier, in account: Identifier
    ) -> MarginRefusal {
        MarginRefusal(
            .overflow, "Account \(account) has \(size) of \(name), more than \(largestAmount).")
    }
}

extension Position {
    fileprivate func check(in account: Identifier) throws(MarginRefusal) {
        var prices = [multiplier, entryPrice]
        if case .option(_, let strike, _) = terms { prices = [multiplier, strike] }
        for price in prices where price <= .zero {
            throw MarginRefusal(
                .outOfRange,
                "Account \(account): a multiplier, entry price or strike of \(instrument) is not"
                    + " above 0.")
        }
        let contracts = abs(quantity.double) * max(1, multiplier.double)
        let price = terms.isOption ? 1 : max(1, entryPrice.double, 1 / entryPrice.double)
        guard contracts * price <= AccountSnapshot.largestAmount else {
            throw AccountSnapshot.overflow(contracts * price, of: instrument, in: account)
        }
    }
}

extension Position.Terms {
    fileprivate var isOption: Bool {
        if case .option = self { true } else { false }
    }
}
