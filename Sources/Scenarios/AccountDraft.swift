import Market
import Quantities

/// An account before its size is settled: quantities in binary numbers, to be multiplied.
struct AccountDraft {
    var kind: AccountKind
    var owner = 0
    /// Held when positive, owed when negative.
    var balances: [(asset: Identifier, quantity: Double)] = []
    var positions: [(position: Position, quantity: Double)] = []

    /// Adds to what is held of an asset.
    mutating func add(_ quantity: Double, of asset: Identifier) {
        if let place = balances.firstIndex(where: { $0.asset == asset }) {
            balances[place].quantity += quantity
        } else {
            balances.append((asset, quantity))
        }
    }

    /// The message of this account: balances to a millionth, contracts to a ten-thousandth
    /// (inverse ones whole), both towards 0; what is then 0 is left out.
    func snapshot(number: Int, factor: Double, time: Instant) -> AccountSnapshot {
        var snapshot = AccountSnapshot.blank
        snapshot.account = Self.name("A", number)
        snapshot.owner = Self.name("O", owner)
        snapshot.time = time
        snapshot.sequence = 1
        for (asset, quantity) in balances {
            let quantity = Self.rounded(quantity * factor, digits: 6)
            if quantity != .zero {
                snapshot.balances.append(Balance(asset: asset, quantity: quantity))
            }
        }
        for (position, quantity) in positions {
            var position = position
            position.quantity = Self.rounded(
                quantity * factor, digits: position.isInverse ? 0 : 4)
            if position.quantity != .zero { snapshot.positions.append(position) }
        }
        return snapshot
    }

    private static func rounded(_ value: Double, digits: Int) -> FixedDecimal {
        FixedDecimal(value, fractionDigits: digits, rounding: .towardZero) ?? .zero
    }

    private static func name(_ letter: String, _ number: Int) -> Identifier {
        let digits = String(number + 1)
        let zeros = String(repeating: "0", count: max(0, 7 - digits.count))
        return Identifier("\(letter)-\(zeros)\(digits)") ?? .unnamed
    }
}

extension Position {
    var isInverse: Bool {
        switch terms {
        case .perpetual(let contract, _), .future(let contract, _, _): contract == .inverse
        case .option: false
        }
    }
}
