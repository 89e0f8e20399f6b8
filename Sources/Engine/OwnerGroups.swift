import Quantities

/// Which accounts belong to which owner. Owners have small consecutive numbers in the order they
/// were first heard of.
struct OwnerGroups: Sendable {
    private(set) var names = IdentifierTable()
    /// By owner: its only account; −1: none; −2: several, in `groups`.
    private var members: [Int32] = []
    /// In order of the accounts' names.
    private var groups: [Int32: [Int32]] = [:]

    mutating func number(of name: Identifier) -> Int32 {
        let number = names.insert(name)
        if Int(number) == members.count { members.append(-1) }
        return number
    }

    /// An owner's open accounts, in order of their names.
    func accounts(of owner: Int32) -> [Int32] {
        switch members[Int(owner)] {
        case -1: []
        case -2: groups[owner] ?? []
        case let only: [only]
        }
    }

    /// An owner's account, where it has one alone.
    @inline(__always)
    func only(of owner: Int32) -> Int32? {
        let member = members[Int(owner)]
        return member >= 0 ? member : nil
    }

    /// - Parameter accountNames: which give the accounts their order.
    mutating func join(_ owner: Int32, _ account: Int32, in accountNames: IdentifierTable) {
        let member = members[Int(owner)]
        if member == -1 || member == account {
            members[Int(owner)] = account
            return
        }
        var all = accounts(of: owner)
        guard !all.contains(account) else { return }
        let place = all.firstIndex { accountNames.isOrdered(account, before: $0) } ?? all.count
        all.insert(account, at: place)
        groups[owner] = all
        members[Int(owner)] = -2
    }

    mutating func leave(_ owner: Int32, _ account: Int32) {
        let rest = accounts(of: owner).filter { $0 != account }
        groups[owner] = rest.count > 1 ? rest : nil
        members[Int(owner)] = rest.count > 1 ? -2 : rest.first ?? -1
    }
}

/// Some owners, found by each asset that they have to do with.
struct OwnersByAsset: Sendable {
    /// By asset number; each increasing.
    private var owners: [[Int32]] = []
    /// The assets under which each owner is found.
    private var assets: [Int32: Set<Int32>] = [:]

    var isEmpty: Bool { assets.isEmpty }

    subscript(asset: Int32) -> [Int32] { owners[Int(asset)] }

    /// Another asset.
    mutating func append() { owners.append([]) }

    mutating func set(_ owner: Int32, to current: Set<Int32>) {
        let former = assets[owner] ?? []
        for asset in former.subtracting(current) {
            owners[Int(asset)].remove(at: place(of: owner, in: Int(asset)))
        }
        for asset in current.subtracting(former) {
            owners[Int(asset)].insert(owner, at: place(of: owner, in: Int(asset)))
        }
        assets[owner] = current.isEmpty ? nil : current
    }

    /// Where an owner is, or belongs.
    private func place(of owner: Int32, in asset: Int) -> Int {
        var (low, high) = (0, owners[asset].count)
        while low < high {
            let middle = (low + high) / 2
            if owners[asset][middle] < owner { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
