import Haircuts
import Market
import Quantities

/// What may be put back to how it was, in the order in which it is tried.
private enum Substitution: CaseIterable {
    case validity, haircuts, prices, volatilities, positions
}

extension OwnerValuation {
    /// What changed an account's status: of the things that may have, the first whose former state
    /// undoes the change; where none does alone, the one that moves the deciding figure most.
    ///
    /// Late tables name themselves before all else, overrides where they are what moved the
    /// haircuts.
    ///
    /// - Parameters:
    ///   - index: of the account, here.
    ///   - before: the owner's accounts and markets when the account's last requirement was
    ///     published, at that shard time (or as `remembered` has it).
    ///   - previous: the status of that requirement.
    ///   - status: the new one.
    /// - Source: MODEL §8.
    public func cause(
        of index: Int, before: OwnerValuation, previous: MarginStatus, status: MarginStatus
    ) -> AlertCause {
        let parameters = model.parameters
        let now = figures(of: index)
        let worsened = status >= previous
        // The line that was crossed: that of the worse of the two statuses.
        let line = max(status, previous)
        var largest: (substitution: Substitution, effect: Double)?
        for substitution in Substitution.allCases {
            guard let restored = restoring(substitution, of: index, from: before) else { continue }
            let then = restored.status(after: previous, parameters)
            if worsened ? then <= previous && then < status : then >= previous {
                return name(substitution, before: before)
            }
            let change =
                restored.margin(over: line, parameters) - now.margin(over: line, parameters)
            let effect = worsened ? change : -change
            if effect > largest?.effect ?? 0 { largest = (substitution, effect) }
        }
        guard let largest else { return .position }
        return name(largest.substitution, before: before)
    }

    private func name(_ substitution: Substitution, before: OwnerValuation) -> AlertCause {
        switch substitution {
        case .validity: .staleData
        case .haircuts: isOverride(before: before) ? .override : .haircut
        case .prices: .price
        case .volatilities: .volatility
        case .positions: .position
        }
    }

    /// Whether an override came or went on an asset whose tiers it changed.
    private func isOverride(before: OwnerValuation) -> Bool {
        for (index, asset) in book.assets.enumerated() {
            guard let now = market.markets[index]?.haircuts,
                let old = before.market(of: asset)?.haircuts
            else { continue }
            let isOverridden = now.boundBy.contains(.override) || old.boundBy.contains(.override)
            if isOverridden && now.onTime != old.onTime { return true }
        }
        return false
    }

    /// The market of an asset, where the book has it.
    func market(of asset: Identifier) -> AssetMarket? {
        book.index(of: asset).flatMap { market.markets[$0] }
    }

    /// The account's figures with one thing as it was; nil where that thing is the same.
    private func restoring(
        _ substitution: Substitution, of index: Int, from before: OwnerValuation
    ) -> MarginFigures? {
        let isLate = market.markets.contains { $0?.haircuts.isLate(at: market.time) ?? false }
        let wasLate = before.market.markets.contains {
            $0?.haircuts.isLate(at: before.market.time) ?? false
        }
        switch substitution {
        case .validity:
            guard isLate != wasLate else { return nil }
            return substituted(at: isLate ? .earliest : .latest, from: before) { _, _ in }
                .figures(of: index)
        case .haircuts:
            return substituted(at: before.market.time, from: before) { $0.haircuts = $1.haircuts }
                .figures(of: index)
        case .prices:
            return substituted(at: market.time, from: before) { $0.prices = $1.prices }
                .figures(of: index)
        case .volatilities:
            return substituted(at: market.time, from: before) {
                $0.volatilities = $1.volatilities
            }.figures(of: index)
        case .positions:
            return withFormerPositions(index, from: before)
        }
    }

    /// This book with a part of each market as it was.
    private func substituted(
        at time: Instant, from before: OwnerValuation,
        change: (inout AssetMarket, AssetMarket) -> Void
    ) -> OwnerValuation {
        let mixed = OwnerMarket(
            book, at: time, instruments: model.instruments,
            lookUp: { asset in
                guard var now = market(of: asset), let old = before.market(of: asset) else {
                    return market(of: asset)
                }
                change(&now, old)
                return now
            })
        return OwnerValuation(model: model, book: book, market: mixed)
    }

    /// The former accounts in today's markets; nil where the account is new.
    private func withFormerPositions(
        _ index: Int, from before: OwnerValuation
    ) -> MarginFigures? {
        let account = book.accounts[index].account
        guard let former = before.book.accounts.firstIndex(where: { $0.account == account }) else {
            return MarginFigures.zero
        }
        let mixed = OwnerMarket(
            before.book, at: market.time, instruments: model.instruments,
            lookUp: { self.market(of: $0) ?? before.market(of: $0) })
        return OwnerValuation(model: model, book: before.book, market: mixed)
            .figures(of: former)
    }
}

extension Instant {
    /// Before every validity ends, and after.
    static let earliest = Instant(nanoseconds: .min)
    static let latest = Instant(nanoseconds: .max)
}
