import Haircuts
import Quantities
import RealModule
import TestSupport
import Testing

/// MODEL §6: every trigger on both sides of its threshold, and how the state moves.
struct CircuitBreakerTests {
    static let circuit = CircuitBreaker(HaircutParameters(.major))
    static let day = Instant(nanoseconds: 1_760_000_000_000_000_000)

    static var calm: CircuitBreaker.Signals {
        var signals = CircuitBreaker.Signals(
            baseVolatility: 0.6, depth: 40e6, depthBaseline: 40e6, spread: 0.0001)
        signals.surfaceAgeSeconds = 1
        return signals
    }

    /// One threshold: the signals just short of it and just beyond, and what the latter adds.
    struct Threshold: CustomStringConvertible, Sendable {
        var description: String
        var short: CircuitBreaker.Signals
        var beyond: CircuitBreaker.Signals
        var reason: BreakerReasons
        var severity: BreakerState

        init(
            _ reason: BreakerReasons, _ severity: BreakerState, short: Double, beyond: Double,
            _ set: (inout CircuitBreaker.Signals, Double) -> Void
        ) {
            description =
                BreakerReasons.names.first { $0.reason == reason }.map { "\($0.name)" } ?? "?"
            self.reason = reason
            self.severity = severity
            self.short = calm
            self.beyond = calm
            set(&self.short, short)
            set(&self.beyond, beyond)
        }
    }

    /// The ratio of two prices whose logarithm is a number of deviations over some minutes.
    static func ratio(_ deviations: Double, minutes: Double, _ sign: Double) -> Double {
        Double.exp(sign * deviations * 0.6 * (minutes / 525_600).squareRoot())
    }

    static let thresholds: [Threshold] =
        returns(-1) + returns(1) + [
            Threshold(.fastVolatility, .elevated, short: 1.5, beyond: 1.500_001) {
                $0.fastVolatility = $1
            },
            Threshold(.depthBelowHalf, .elevated, short: 20e6, beyond: 19_999_999) {
                $0.depth = $1
            },
            Threshold(.depthBelowFifth, .stressed, short: 8e6, beyond: 7_999_999) {
                $0.depth = $1
            },
            // The class's limit of 5 bp, where the usual spread is small or not known yet.
            Threshold(.wideSpread, .elevated, short: 0.0005, beyond: 0.000_501) {
                $0.spread = $1
            },
            Threshold(.wideSpread, .elevated, short: 0.0005, beyond: 0.000_501) {
                $0.spread = $1
                $0.spreadBaseline = 0.000_09
            },
            // Five times the usual one.
            Threshold(.wideSpread, .elevated, short: 0.001, beyond: 0.001_001) {
                $0.spread = $1
                $0.spreadBaseline = 0.0002
            },
            Threshold(.surfaceStale, .elevated, short: 120, beyond: 120.001) {
                $0.surfaceAgeSeconds = $1
            },
            Threshold(.governorHolding, .elevated, short: 0, beyond: 1) {
                $0.isGovernorHolding = $1 == 1
            },
            Threshold(.emptySide, .stressed, short: 0, beyond: 1) { $0.hasEmptySide = $1 == 1 },
            Threshold(.branchingHalf, .stressed, short: 0.499_999, beyond: 0.5) {
                $0.branchingRatio = $1
            },
            Threshold(.quoteStale, .frozen, short: 60, beyond: 60.001) {
                $0.quoteAgeSeconds = $1
            },
            Threshold(.quoteAndSurfaceStale, .frozen, short: 10, beyond: 10.001) {
                $0.surfaceAgeSeconds = 121
                $0.quoteAgeSeconds = $1
            },
            Threshold(.quoteAndSurfaceStale, .frozen, short: 120, beyond: 120.001) {
                $0.quoteAgeSeconds = 11
                $0.surfaceAgeSeconds = $1
            },
            Threshold(.runawayInDoubt, .frozen, short: 0.899_999, beyond: 0.9) {
                $0.branchingRatio = $1
                $0.confidence = 0.549
            },
            Threshold(.runawayInDoubt, .frozen, short: -0.55, beyond: -0.549_999) {
                $0.branchingRatio = 0.9
                $0.confidence = -$1
            },
            Threshold(.freezeControl, .frozen, short: 0, beyond: 1) {
                $0.isFrozenByControl = $1 == 1
            },
        ]

    static func returns(_ sign: Double) -> [Threshold] {
        func threshold(
            _ reason: BreakerReasons, _ severity: BreakerState, _ deviations: Double,
            _ minutes: Double, _ set: (inout CircuitBreaker.Signals, Double) -> Void
        ) -> Threshold {
            Threshold(
                reason, severity, short: ratio(deviations - 1e-6, minutes: minutes, sign),
                beyond: ratio(deviations + 1e-6, minutes: minutes, sign), set)
        }
        return [
            threshold(.returnOneMinute, .elevated, 5, 1) { $0.oneMinute = $1 },
            threshold(.returnFiveMinutes, .elevated, 5, 5) { $0.fiveMinutes = $1 },
            threshold(.returnThirtyMinutes, .elevated, 5, 30) { $0.thirtyMinutes = $1 },
            threshold(.returnOneMinuteStressed, .stressed, 8, 1) { $0.oneMinute = $1 },
            threshold(.returnFiveMinutesStressed, .stressed, 8, 5) { $0.fiveMinutes = $1 },
            threshold(.returnThirtyMinutesStressed, .stressed, 8, 30) { $0.thirtyMinutes = $1 },
        ]
    }

    @Test func aCalmMarketHasNoReason() {
        #expect(Self.circuit.reasons(Self.calm) == [])
    }

    @Test(arguments: thresholds)
    func aReasonHoldsBeyondItsThresholdAndNotShortOfIt(_ threshold: Threshold) {
        let short = Self.circuit.reasons(threshold.short)
        let beyond = Self.circuit.reasons(threshold.beyond)
        #expect(!short.contains(threshold.reason))
        #expect(beyond.subtracting(short).contains(threshold.reason))
        #expect(beyond.severity == threshold.severity)
    }

    @Test func everyReasonIsInTheTableAndHasItsOwnName() {
        let tabled = Self.thresholds.reduce(into: BreakerReasons()) { $0.formUnion($1.reason) }
        #expect(BreakerReasons.names.allSatisfy { tabled.contains($0.reason) })
        #expect(Set(BreakerReasons.names.map { "\($0.name)" }).count == 18)
    }

    @Test func anAssetWithoutASurfaceHasNoneToBeStale() {
        var signals = Self.calm
        signals.surfaceAgeSeconds = nil
        signals.quoteAgeSeconds = 59
        #expect(Self.circuit.reasons(signals) == [])
    }

    // MARK: From state to state

    /// A reason for each severity; nil calms.
    static let reason: [BreakerState: BreakerReasons] = [
        .normal: [], .elevated: .wideSpread, .stressed: .emptySide, .frozen: .quoteStale,
    ]

    /// A breaker in a state since the day's beginning.
    static func state(_ state: BreakerState) -> CircuitBreaker.State {
        var breaker = CircuitBreaker.State()
        _ = circuit.advance(&breaker, reason[state] ?? [], at: day)
        return breaker
    }

    @Test(arguments: BreakerState.allCases, BreakerState.allCases)
    func theStateGoesUpAtOnceAndNeverDownAtOnce(_ from: BreakerState, _ to: BreakerState) {
        var breaker = Self.state(from)
        #expect(breaker.state == from)
        let now = Self.day.advanced(bySeconds: 1)
        let since = Self.circuit.advance(&breaker, Self.reason[to] ?? [], at: now)
        let order = BreakerState.allCases
        let isUp = (order.firstIndex(of: to) ?? 0) > (order.firstIndex(of: from) ?? 0)
        #expect(breaker.state == (isUp ? to : from))
        #expect(since == (isUp ? now : nil))
    }

    @Test(arguments: [BreakerState.elevated, .stressed, .frozen])
    func aStateIsLeftOneDownAfterFifteenCleanMinutes(_ from: BreakerState) {
        var breaker = Self.state(from)
        let order = BreakerState.allCases
        let below = order[(order.firstIndex(of: from) ?? 1) - 1]
        for second in stride(from: 1, through: 900, by: 1) as StrideThrough<Int64> {
            let now = Self.day.advanced(bySeconds: second)
            #expect(Self.circuit.advance(&breaker, [], at: now) == nil)
            #expect(breaker.state == from)
        }
        // Clean since second 1.
        let now = Self.day.advanced(bySeconds: 901)
        #expect(Self.circuit.advance(&breaker, [], at: now) == Self.day)
        #expect(breaker.state == below && breaker.enteredAt == now)
    }

    @Test func fromFrozenToNormalItTakesThreeDwells() {
        var breaker = Self.state(.frozen)
        var changes: [Int64] = []
        for second in 1...3_000 as ClosedRange<Int64> {
            let now = Self.day.advanced(bySeconds: second)
            if Self.circuit.advance(&breaker, [], at: now) != nil { changes.append(second) }
        }
        #expect(changes == [901, 1_801, 2_701])
        #expect(breaker.state == .normal)
    }

    @Test func whatIsLessSevereDoesNotHoldAStateButStopsTheNextStepDown() {
        var breaker = Self.state(.stressed)
        var states: [BreakerState] = []
        for second in 1...3_000 as ClosedRange<Int64> {
            let now = Self.day.advanced(bySeconds: second)
            _ = Self.circuit.advance(&breaker, .wideSpread, at: now)
            if states.last != breaker.state { states.append(breaker.state) }
        }
        #expect(states == [.stressed, .elevated])
    }

    @Test func aReasonOfTheSameSeverityStartsTheDwellAgain() {
        var breaker = Self.state(.stressed)
        for second in 1...1_700 as ClosedRange<Int64> {
            let reasons: BreakerReasons = second == 800 ? .branchingHalf : []
            _ = Self.circuit.advance(
                &breaker, reasons, at: Self.day.advanced(bySeconds: second))
        }
        #expect(breaker.state == .stressed)
        _ = Self.circuit.advance(&breaker, [], at: Self.day.advanced(bySeconds: 1_701))
        #expect(breaker.state == .elevated, "900 seconds after 801")
    }

    @Test func aTimeNobodyLookedIsNotClean() {
        var breaker = Self.state(.elevated)
        _ = Self.circuit.advance(&breaker, [], at: Self.day.advanced(bySeconds: 1))
        _ = Self.circuit.advance(&breaker, [], at: Self.day.advanced(bySeconds: 2_000))
        #expect(breaker.state == .elevated)
        // A minute between looks is what a fresh quote needs; a little more is not.
        for minute in 1...15 as ClosedRange<Int64> {
            _ = Self.circuit.advance(
                &breaker, [], at: Self.day.advanced(bySeconds: 2_000 + minute * 60))
        }
        #expect(breaker.state == .normal)
    }

    @Test func theStateIsNeverBelowItsReasonsAndFallsByOne() {
        var random = SplitMix64(seed: 11)
        var breaker = CircuitBreaker.State()
        var now = Self.day
        var before = breaker.state
        var falls = 0
        for _ in 0..<200_000 {
            now = now.advanced(byNanoseconds: Int64(random.logarithmic(in: 1e8...5.9e10)))
            var reasons: BreakerReasons = []
            if random.next() % 400 == 0 {
                reasons = BreakerReasons(rawValue: 1 << UInt32(random.next() % 18))
            }
            let since = Self.circuit.advance(&breaker, reasons, at: now)
            let order = BreakerState.allCases
            let old = order.firstIndex(of: before) ?? 0
            let new = order.firstIndex(of: breaker.state) ?? 0
            let least = order.firstIndex(of: reasons.severity) ?? 0
            #expect(new >= least && new >= old - 1)
            #expect((since != nil) == (old != new))
            if new < old { falls += 1 }
            before = breaker.state
        }
        #expect(falls > 100)
    }
}
