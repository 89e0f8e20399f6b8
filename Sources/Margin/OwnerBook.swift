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
        assets = [valuationCurrency]
        for snapshot in snapshots {
            for balance in snapshot.balances { assets.append(balance.asset) }
            for position in snapshot.positions {
                assets.append(position.underlying)
                let instrument = Instrument(position)
                if let asset = instrument.settlement(valuationCurrency: valuationCurrency) {
                    assets.append(asset)
                }
            }
        }
        assets.sort()
        var count = 1
        for index in 1..<max(1, assets.count) where assets[index] != assets[count - 1] {
            assets[count] = assets[index]
            count += 1
        }
        assets.removeSubrange(count...)
        valuationIndex = 0
        valuationIndex = index(of: valuationCurrency) ?? 0
        var known: [Instrument: Int] = [:]
        accounts.reserveCapacity(snapshots.count)
        for snapshot in snapshots { accounts.append(account(snapshot, known: &known)) }
    }

    /// The book of one account without derivatives.
    ///
    /// - Parameter balances: in order of the assets' names, each asset once.
    public init(
        account: Identifier, positionsSequence: Int64, balances: [Balance],
        valuationCurrency: Identifier
    ) {
        assets = []
        assets.reserveCapacity(balances.count + 1)
        var only = Account(
            account: account, positionsSequence: positionsSequence, balances: [], decimals: [],
            positions: [], stated: nil)
        only.balances.reserveCapacity(balances.count + 1)
        only.decimals.reserveCapacity(balances.count + 1)
        valuationIndex = -1
        for balance in balances {
            if valuationIndex < 0, balance.asset >= valuationCurrency {
                valuationIndex = assets.count
                if balance.asset != valuationCurrency { append(valuationCurrency, .zero) }
            }
            append(balance.asset, balance.quantity)
        }
        if valuationIndex < 0 {
            valuationIndex = assets.count
            append(valuationCurrency, .zero)
        }
        accounts = [only]

        func append(_ asset: Identifier, _ quantity: FixedDecimal) {
            assets.append(asset)
            only.decimals.append(quantity)
            only.balances.append(quantity.double)
        }
    }

    /// The index of an asset in `assets`.
    public func index(of asset: Identifier) -> Int? {
        var low = 0
        var high = assets.count
        while low < high {
            let middle = (low + high) / 2
            if assets[middle] < asset { low = middle + 1 } else { high = middle }
        }
        return low < assets.count && assets[low] == asset ? low : nil
    }

    private mutating func account(
        _ snapshot: AccountSnapshot, known: inout [Instrument: Int]
    ) -> Account {
        var account = Account(
            account: snapshot.account, positionsSequence: snapshot.sequence,
            balances: Array(repeating: 0, count: assets.count),
            decimals: Array(repeating: .zero, count: assets.count), positions: [],
            stated: snapshot.requirement.map {
                MarginPair(initial: $0.initial.double, maintenance: $0.maintenance.double)
            })
        for balance in snapshot.balances {
            guard let index = index(of: balance.asset) else { continue }
            account.decimals[index] = account.decimals[index] + balance.quantity
            account.balances[index] = account.decimals[index].double
        }
        for position in snapshot.positions where position.quantity != .zero {
            account.positions.append(
                Lot(
                    holding: number(of: Instrument(position), known: &known),
                    quantity: position.quantity.double, decimal: position.quantity,
                    entryAmount: position.entryAmount,
                    entryNotional: position.entryNotional))
        }
        if account.positions.count < 2 { return account }
        account.positions.sort {
            let (left, right) = (holdings[$0.holding], holdings[$1.holding])
            if left.underlying != right.underlying { return left.underlying < right.underlying }
            return left.instrument.identifier < right.instrument.identifier
        }
        return account
    }

    private mutating func number(
        of instrument: Instrument, known: inout [Instrument: Int]
    ) -> Int {
        if let index = known[instrument] { return index }
        let settlement = instrument.settlement(valuationCurrency: assets[valuationIndex])
        holdings.append(
            Holding(
                instrument: instrument, underlying: index(of: instrument.underlying) ?? 0,
                settlement: settlement.flatMap(index)))
        known[instrument] = holdings.count - 1
        return holdings.count - 1
    }
}
