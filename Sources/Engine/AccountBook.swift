import Haircuts
import Margin
import Market
import Quantities

/// The accounts of a shard, their owners, and which owner has to do with which asset.
///
/// Accounts and owners have small consecutive numbers in the order they were first heard of; a
/// closed account keeps its number and the sequence of its last output.
struct AccountBook: Sendable {
    struct Account: Sendable {
        var owner: Int32 = -1
        /// nil: not open.
        var snapshot: AccountSnapshot?
        /// The last requirement published; nil: none was.
        var output: MarginRequirement?
        /// The owner's accounts when that was published.
        var before: OwnerValuation?
    }

    struct Owner: Sendable {
        /// Numbers of its open accounts, in order of their names.
        var accounts: [Int32] = []
        /// Numbers of the assets its accounts have to do with, increasing.
        var assets: [Int32] = []
        /// Numbers of the assets under which it is indexed: those, and some it had before.
        var indexed: [Int32] = []
    }

    private(set) var names = IdentifierTable()
    private(set) var owners = IdentifierTable()
    private var assetNames = IdentifierTable()
    var accounts: [Account] = []
    private var ownerStates: [Owner] = []
    /// Owners by asset; some have left since.
    private var holders: [[Int32]] = []
    private(set) var openCount = 0

    /// What storing a snapshot changed.
    struct Change {
        var owner: Int32
        /// The owner that the account had before, where it had another.
        var leftOwner: Int32?
    }

    func arrival(of snapshot: borrowing AccountSnapshot) -> PriceSources.Arrival {
        guard let number = names.index(of: snapshot.account),
            let last = accounts[Int(number)].snapshot
        else { return .new }
        return Sequencing.arrival(
            sequence: snapshot.sequence, time: snapshot.time, lastSequence: last.sequence,
            lastTime: last.time)
    }

    mutating func store(_ snapshot: AccountSnapshot, valuationCurrency: Identifier) -> Change {
        let account = number(of: snapshot.account)
        let owner = ownerNumber(of: snapshot.owner)
        var left: Int32?
        if accounts[Int(account)].snapshot == nil {
            openCount += 1
        } else if accounts[Int(account)].owner != owner {
            left = accounts[Int(account)].owner
        }
        accounts[Int(account)].snapshot = snapshot
        accounts[Int(account)].owner = owner
        if let left {
            ownerStates[Int(left)].accounts.removeAll { $0 == account }
            index(left, valuationCurrency: valuationCurrency)
        }
        if !ownerStates[Int(owner)].accounts.contains(account) {
            let all = ownerStates[Int(owner)].accounts
            let place = all.firstIndex { names[$0] > snapshot.account } ?? all.count
            ownerStates[Int(owner)].accounts.insert(account, at: place)
        }
        index(owner, valuationCurrency: valuationCurrency)
        return Change(owner: owner, leftOwner: left)
    }

    /// Forgets an account's positions.
    ///
    /// - Returns: its owner; nil when it was not open.
    mutating func remove(_ name: Identifier, valuationCurrency: Identifier) -> Int32? {
        guard let number = names.index(of: name), accounts[Int(number)].snapshot != nil else {
            return nil
        }
        openCount -= 1
        accounts[Int(number)].snapshot = nil
        let owner = accounts[Int(number)].owner
        ownerStates[Int(owner)].accounts.removeAll { $0 == number }
        index(owner, valuationCurrency: valuationCurrency)
        return owner
    }

    /// The number of an account, known from now on.
    mutating func number(of account: Identifier) -> Int32 {
        let number = names.insert(account)
        if Int(number) == accounts.count { accounts.append(Account()) }
        return number
    }

    private mutating func ownerNumber(of owner: Identifier) -> Int32 {
        let number = owners.insert(owner)
        if Int(number) == ownerStates.count { ownerStates.append(Owner()) }
        return number
    }

    func owner(_ number: Int32) -> Owner { ownerStates[Int(number)] }

    func snapshots(of owner: Int32) -> [AccountSnapshot] {
        ownerStates[Int(owner)].accounts.compactMap { accounts[Int($0)].snapshot }
    }

    /// Owners with open accounts, by number.
    var everyOwner: [Int32] {
        ownerStates.indices.filter { !ownerStates[$0].accounts.isEmpty }.map(Int32.init)
    }

    var everySnapshot: [AccountSnapshot] { accounts.compactMap(\.snapshot) }

    /// Accounts that once were published and are not open, in order of their names.
    var closedAccounts: [Identifier] {
        accounts.indices.filter { accounts[$0].snapshot == nil && accounts[$0].output != nil }
            .map { names[Int32($0)] }.sorted()
    }

    func assets(of owner: Int32) -> [Identifier] {
        ownerStates[Int(owner)].assets.map { assetNames[$0] }
    }

    /// The owners whose accounts have to do with an asset.
    mutating func owners(holding asset: Identifier) -> [Int32] {
        guard let number = assetNames.index(of: asset) else { return [] }
        var kept: [Int32] = []
        for owner in holders[Int(number)] {
            if ownerStates[Int(owner)].assets.contains(number) {
                kept.append(owner)
            } else {
                ownerStates[Int(owner)].indexed.removeAll { $0 == number }
            }
        }
        holders[Int(number)] = kept
        return kept
    }

    private mutating func index(_ owner: Int32, valuationCurrency: Identifier) {
        var assets: Set<Int32> = []
        for snapshot in snapshots(of: owner) {
            for asset in snapshot.everyAsset(valuationCurrency: valuationCurrency) {
                let number = assetNames.insert(asset)
                if Int(number) == holders.count { holders.append([]) }
                assets.insert(number)
            }
        }
        ownerStates[Int(owner)].assets = assets.sorted()
        for asset in ownerStates[Int(owner)].assets
        where !ownerStates[Int(owner)].indexed.contains(asset) {
            ownerStates[Int(owner)].indexed.append(asset)
            holders[Int(asset)].append(owner)
        }
    }
}

extension AccountSnapshot {
    /// Every asset whose price or haircut the account's figures depend on, some repeatedly.
    func everyAsset(valuationCurrency: Identifier) -> [Identifier] {
        var assets = balances.map(\.asset)
        for position in positions {
            assets.append(position.underlying)
            let settlement = Instrument(position).settlement(valuationCurrency: valuationCurrency)
            if let settlement { assets.append(settlement) }
        }
        return assets
    }
}
