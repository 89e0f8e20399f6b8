import Haircuts
import Market
import Quantities

/// What may be put back to how it was, in the order in which it is tried.
private enum Substitution: CaseIterable {
    case validity, haircuts, prices, volatilities, positions
}

extension OwnerValuation {
    /// What changed an account's status: of the things that may have, the first whose former state
    /// undoes the change; where none does alone, the one that moves the deciding figure most; where
    /// none moves it, positions: those of the owner's other accounts count too.
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
        let isSpot = isSpot(like: before)
        let worsened = status >= previous
        // The line that was crossed: that of the worse of the two statuses.
        let line = max(status, previous)
        // What a record's cents, and what rows remember, do not tell from nothing.
        let least = 0.05 + 1e-6 * (now.collateral.maintenance + now.debts.maintenance)
        var largest: (substitution: Substitution, effect: Double)?
        for substitution in Substitution.allCases {
            let restored =
                isSpot && substitution != .validity
                ? restoringSpot(substitution, of: index, from: before)
                : restoring(substitution, of: index, from: before)
            guard let restored else { continue }
            let then = restored.status(after: previous, parameters)
            if worsened ? then <= previous && then < status : then >= previous {
                return name(substitution, before: before)
            }
            let change =
                restored.margin(over: line, parameters) - now.margin(over: line, parameters)
            let effect = worsened ? change : -change
            if effect > largest?.effect ?? least { largest = (substitution, effect) }
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
        switch substitution {
        case .validity:
            let isLate = market.prices.contains { $0.isLate }
            let wasLate = before.market.prices.contains { $0.isLate }
            guard isLate != wasLate else { return nil }
            return figures(
                of: index,
                in: OwnerMarket(
                    book, markets: market.markets, at: isLate ? .earliest : .latest,
                    instruments: model.instruments))
        case .haircuts:
            return figures(
                of: index, in: replacing(.haircuts, from: before, at: before.market.time))
        case .prices:
            return figures(of: index, in: replacing(.prices, from: before, at: market.time))
        case .volatilities:
            return figures(of: index, in: replacing(.volatilities, from: before, at: market.time))
        case .positions:
            return withFormerPositions(index, from: before)
        }
    }

    /// The account's figures in another market of the book's assets.
    private func figures(of index: Int, in market: OwnerMarket) -> MarginFigures {
        var evaluation = AccountEvaluation()
        market.evaluate(
            book.accounts[index], of: book,
            othersHeld: heldByOthers(than: index, in: market), parameters: model.parameters,
            into: &evaluation)
        return evaluation.figures
    }

    /// The market with a part of each asset's as it was.
    private func replacing(
        _ part: AssetMarket.Part, from before: OwnerValuation, at time: Instant
    ) -> OwnerMarket {
        let markets = zip(book.assets, market.markets).map { asset, now in
            guard let now, let old = before.market(of: asset) else { return now }
            return now.replacing(part, from: old)
        }
        return OwnerMarket(book, markets: markets, at: time, instruments: model.instruments)
    }

    /// Whether there were no derivatives and are none, and the same assets had a market.
    private func isSpot(like before: OwnerValuation) -> Bool {
        book.holdings.isEmpty && before.book.holdings.isEmpty && book.assets == before.book.assets
            && book.assets.indices.allSatisfy {
                market.prices[$0].isKnown == before.market.prices[$0].isKnown
            }
    }

    /// `restoring`, where that is a matter of balances alone.
    private func restoringSpot(
        _ substitution: Substitution, of index: Int, from before: OwnerValuation
    ) -> MarginFigures? {
        switch substitution {
        case .haircuts:
            if market.tiers == before.market.tiers { return nil }
            return figures(of: index, in: market.replacing(.haircuts, from: before.market))
        case .prices:
            return figures(of: index, in: market.replacing(.prices, from: before.market))
        case .validity, .volatilities: return nil
        case .positions:
            let account = book.accounts[index].account
            let former = before.book.accounts.firstIndex { $0.account == account }
            guard let former else { return .zero }
            return OwnerValuation(model: model, book: before.book, market: market)
                .figures(of: former)
        }
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
