import Haircuts
import Margin
import Market
import Messages
import Quantities
import Testing

/// Damaged records on accounts and on the loop: no decoder may stop the process, and what one takes
/// keeps the contract.
struct MarginMutationTests {
    let mutations = MutationTests()
    static let sequences: ClosedRange<Int64> = 0...(1 << 53 - 1)

    @Test func damagedPositionsNeverStopTheDecoder() {
        var decoder = PositionsDecoder()
        var snapshot = AccountSnapshot.blank
        let taken = mutations.survive([Examples.positions], seed: 34) { bytes in
            decoding(bytes, key: "A-1") { (payload, key) throws(Refusal) in
                try decoder.decode(payload, key: key, recordTimestamp: nil, into: &snapshot)
                return snapshot
            }
        } _: {
            Self.keepsContract($0)
        }
        #expect(taken > MutationTests.rounds / 100)
    }

    @Test func damagedRequirementsNeverStopTheDecoder() {
        var decoder = MarginRequirementDecoder()
        var requirement = MarginRequirement.blank
        let taken = mutations.survive([Examples.requirement], seed: 35) { bytes in
            decoding(bytes, key: "A-1") { (payload, key) throws(Refusal) in
                try decoder.decode(payload, key: key, recordTimestamp: nil, into: &requirement)
                return requirement
            }
        } _: {
            Self.keepsContract($0)
        }
        #expect(taken > MutationTests.rounds / 100)
    }

    @Test func damagedAlertsNeverStopTheDecoder() {
        var decoder = LiquidationAlertDecoder()
        var alert = LiquidationAlert.blank
        let taken = mutations.survive([Examples.alert], seed: 36) { bytes in
            decoding(bytes, key: "A-1") { (payload, key) throws(Refusal) in
                try decoder.decode(payload, key: key, recordTimestamp: nil, into: &alert)
                return alert
            }
        } _: {
            Self.keepsContract($0)
        }
        #expect(taken > MutationTests.rounds / 100)
    }

    @Test func damagedExposuresNeverStopTheDecoder() {
        var decoder = ExposureDecoder()
        var exposure = Exposure.blank
        let taken = mutations.survive([Examples.exposure], seed: 37) { bytes in
            decoding(bytes, key: "BTC|3") { (payload, key) throws(Refusal) in
                try decoder.decode(payload, key: key, recordTimestamp: nil, into: &exposure)
                return exposure
            }
        } _: {
            Self.keepsContract($0)
        }
        #expect(taken > MutationTests.rounds / 100)
    }

    @Test func damagedBreakerChangesNeverStopTheDecoder() {
        let taken = mutations.survive([Examples.breaker], seed: 38) {
            decodeBreaker($0)
        } _: {
            $0.asset == name("BTC") && $0.reasons.rawValue < 1 << 18
        }
        #expect(taken > MutationTests.rounds / 100)
    }

    @Test(arguments: [
        (Examples.control, "BTC|override", UInt64(39)),
        (Examples.parameters, "*|parameters", 40),
    ])
    func damagedControlsNeverStopTheDecoder(text: String, key: String, seed: UInt64) {
        let decoder = ControlDecoder()
        let taken = mutations.survive([text], seed: seed) { bytes in
            decoding(bytes, key: key) { (payload, key) throws(Refusal) in
                var control = Control.blank
                try decoder.decode(payload, key: key, recordTimestamp: nil, into: &control)
                return control
            }
        } _: {
            Self.keepsContract($0)
        }
        #expect(taken > MutationTests.rounds / 100)
    }

    static func keepsContract(_ snapshot: AccountSnapshot) -> Bool {
        let assets = Set(snapshot.balances.map(\.asset))
        let instruments = Set(snapshot.positions.map(\.instrument))
        guard snapshot.account == name("A-1"), sequences.contains(snapshot.sequence),
            assets.count == snapshot.balances.count,
            instruments.count == snapshot.positions.count
        else { return false }
        if let stated = snapshot.requirement,
            stated.maintenance < .zero || stated.initial < stated.maintenance
        {
            return false
        }
        return snapshot.positions.allSatisfy { position in
            guard position.multiplier > .zero else { return false }
            switch position.terms {
            case .perpetual, .future: return position.entryPrice > .zero
            case .option(_, let strike, _): return strike > .zero && position.entryPrice >= .zero
            }
        }
    }

    static func keepsContract(_ requirement: MarginRequirement) -> Bool {
        func isUnsigned(_ amounts: MarginAmounts) -> Bool {
            amounts.initial >= .zero && amounts.maintenance >= .zero
        }
        return requirement.account == name("A-1") && requirement.sequence >= 1
            && sequences.contains(requirement.positionsSequence)
            && isUnsigned(requirement.collateral) && isUnsigned(requirement.requirement)
            && requirement.marginRatio.map { $0 >= 0 && $0.isFinite } ?? true
            && requirement.reasons.rawValue < 128
            && requirement.assets.allSatisfy { $0.price >= .zero && isUnsigned($0.haircutLoss) }
            && requirement.risk.allSatisfy { $0.loss >= .zero && abs($0.scenario.price) <= 2 }
    }

    static func keepsContract(_ alert: LiquidationAlert) -> Bool {
        alert.account == name("A-1") && !alert.id.isEmpty && alert.shortfall.initial >= .zero
            && alert.shortfall.maintenance >= .zero && alert.distance?.isFinite ?? true
            && alert.plan.allSatisfy { $0.quantity > .zero && $0.impact >= 0 }
    }

    static func keepsContract(_ exposure: Exposure) -> Bool {
        func isLadder(_ rungs: [Exposure.Rung]) -> Bool {
            rungs.allSatisfy { $0.step > 0 && $0.step <= 1 && $0.value >= .zero }
                && zip(rungs, rungs.dropFirst()).allSatisfy {
                    $0.step < $1.step && $0.value <= $1.value
                }
        }
        return exposure.key == Exposure.Key(asset: name("BTC"), shard: 3)
            && exposure.sequence >= 1 && sequences.contains(exposure.haircutSequence)
            && sequences.contains(exposure.accounts) && exposure.pledged >= .zero
            && isLadder(exposure.byHaircut) && isLadder(exposure.byPrice)
    }

    static func keepsContract(_ control: Control) -> Bool {
        guard !control.by.isEmpty, !control.approvedBy.isEmpty, control.by != control.approvedBy,
            [control.reason, control.by, control.approvedBy].allSatisfy({ $0.utf8.count <= 512 })
        else { return false }
        if let expires = control.expires, expires <= control.time { return false }
        switch control.order {
        case .override(let haircut):
            guard let expires = control.expires else { return false }
            return expires <= control.time.advanced(bySeconds: 86_400)
                && 0 <= haircut.maintenance && haircut.maintenance <= haircut.initial
                && haircut.initial <= 1
        case .parameters(let changes):
            let names = Set(HaircutParameter.all.map(\.name))
            return !changes.isEmpty && Set(changes.map(\.name)).count == changes.count
                && changes.allSatisfy { names.contains($0.name) }
        case .freeze, .solvency: return control.expires != nil
        }
    }
}
