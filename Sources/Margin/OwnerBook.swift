import Market
import Quantities

/// One owner's accounts in computing form: binary numbers by small consecutive indexes.
public struct OwnerBook: Sendable {
    /// Everything held, owed, settled in or underlying, and the valuation currency; in order of
    /// the names.
    public private(set) var assets: [Identifier]
    /// Index of the valuation currency in `assets`.
    public private(set) var valuationIndex: Int
    public private(set) var holdings: [Holding] = []
    public internal(set) var accounts: [Account] = []

    /// An instrument of the book, with indexes in `assets`.
    public struct Holding: Sendable {
        public var instrument: Instrument
        public var underlying: Int
        /// nil: of options, whose marks join no balance.
        public var settlement: Int?
    }

    /// One account.
    public struct Account: Sendable {
        public var account: Identifier
        public var positionsSequence: Int64
        /// Signed, one an asset of the book.
        public var balances: [Double]
        /// As sent, one an asset of the book.
        public var decimals: [FixedDecimal]
        /// In order of their underlyings.
        public var positions: [Lot]
        public var stated: MarginPair?
    }

    /// A position in numbers.
    public struct Lot: Sendable {
        /// Index in `holdings`.
        public var holding: Int
        /// Contracts, signed; as sent, too.
        public var quantity: Double
        public var decimal: FixedDecimal
        /// See `Position.entryAmount`.
        public var entryAmount: Double
        /// See `Position.entryNotional`.
        public var entryNotional: Double
    }

    /// - Parameters:
    ///   - snapshots: of accounts of one owner, each account once.
    public init(_ snapshots: [AccountSnapshot], valuationCurrency: Identifier) {
        var names: Set<Identifier> = [valuationCurrency]
        for snapshot in snapshots {
            for balance in snapshot.balances { names.insert(balance.asset) }
            for position in snapshot.positions {
                names.insert(position.underlying)
                let instrument = Instrument(position)
                if let asset = instrument.settlement(valuationCurrency: valuationCurrency) {
                    names.insert(asset)
                }
            }
        }
        assets = names.sorted()
        valuationIndex = 0
        var numbers: [Identifier: Int] = [:]
        for (index, asset) in assets.enumerated() { numbers[asset] = index }
        valuationIndex = numbers[valuationCurrency] ?? 0
        var known: [Instrument: Int] = [:]
        for snapshot in snapshots {
            accounts.append(account(snapshot, numbers: numbers, known: &known))
        }
    }

    private mutating func account(
        _ snapshot: AccountSnapshot, numbers: [Identifier: Int], known: inout [Instrument: Int]
    ) -> Account {
        var account = Account(
            account: snapshot.account, positionsSequence: snapshot.sequence,
            balances: Array(repeating: 0, count: assets.count),
            decimals: Array(repeating: .zero, count: assets.count), positions: [],
            stated: snapshot.requirement.map {
                MarginPair(initial: $0.initial.double, maintenance: $0.maintenance.double)
            })
        for balance in snapshot.balances {
            guard let index = numbers[balance.asset] else { continue }
            account.decimals[index] = account.decimals[index] + balance.quantity
            account.balances[index] = account.decimals[index].double
        }
        for position in snapshot.positions where position.quantity != .zero {
            account.positions.append(
                Lot(
                    holding: number(of: Instrument(position), numbers: numbers, known: &known),
                    quantity: position.quantity.double, decimal: position.quantity,
                    entryAmount: position.entryAmount,
                    entryNotional: position.entryNotional))
        }
        account.positions.sort {
            let (left, right) = (holdings[$0.holding], holdings[$1.holding])
            if left.underlying != right.underlying { return left.underlying < right.underlying }
            return left.instrument.identifier < right.instrument.identifier
        }
        return account
    }

    private mutating func number(
        of instrument: Instrument, numbers: [Identifier: Int], known: inout [Instrument: Int]
    ) -> Int {
        if let index = known[instrument] { return index }
        let settlement = instrument.settlement(valuationCurrency: assets[valuationIndex])
        holdings.append(
            Holding(
                instrument: instrument, underlying: numbers[instrument.underlying] ?? 0,
                settlement: settlement.flatMap { numbers[$0] }))
        known[instrument] = holdings.count - 1
        return holdings.count - 1
    }
}
