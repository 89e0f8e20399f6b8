import Kafka
import MemoryLog
import Pipeline
import TestSupport

extension Plan {
    /// Milliseconds since 1970 of every plan's time 0.
    static let start: Int64 = 1_795_356_000_000
    static let slots = 3

    /// The plan of a seed.
    init(seed: UInt64, with extras: Extras = .all) {
        self.seed = seed
        var random = SplitMix64(seed: seed)
        clock = random.next() % 3 == 0 ? .wall : .event
        isReplayable = clock == .event && random.next() % 4 > 0
        partitions = 1 + Int(random.next() % 3)
        isStatic = random.next() % 4 == 0
        length = 8_000 + Int64(random.next() % 40_000)
        if !isReplayable, random.next() % 3 > 0 { roles.append(.margin) }
        var chances = Chances(seed: seed, isReplayable ? [] : extras)
        jump = chances.jump(clock, in: length)
        // What comes twice can be told from what is wrong where outputs are the inputs' alone.
        if isReplayable, extras.contains(.atLeastOnce),
            SplitMix64.first(of: seed ^ 0xa1_0000_0000) % 4 == 0
        {
            delivery = .atLeastOnce
        }
        if roles.contains(.margin), extras.contains(.accountsAtLeastOnce),
            SplitMix64.first(of: seed ^ 0xa2_0000_0000) % 4 == 0
        {
            marginDelivery = .atLeastOnce
        }
        var traffic = Traffic(seed: random.next(), start: Self.start)
        traffic.jump = jump
        traffic.sendsSurfaces = !isReplayable
        var events = traffic.opening().map { Event(time: 0, kind: .input($0)) }
        events += Self.inputs(length, &traffic, &random)
        if roles.contains(.margin) { events += accounts(length, &random) }
        events.append(Event(time: 0, kind: .start(slot: 0)))
        if random.next() % 3 > 0 { events.append(Event(time: 0, kind: .start(slot: 1))) }
        for _ in 0..<Int(random.next() % 6) {
            events.append(
                Event(time: Self.time(in: length, &random), kind: Self.change(&random)))
        }
        for _ in 0..<Int(random.next() % 12) {
            events.append(
                Event(
                    time: Self.time(in: length, &random), kind: Self.mishap(clock, &random)))
        }
        // Without a transaction the log in memory does not know a producer's batches apart: one
        // that comes late would overtake, which Kafka's idempotent producer does not allow.
        if delivery == .atLeastOnce || marginDelivery == .atLeastOnce {
            events.removeAll { $0.kind.isLateProduce }
        }
        let trims = chances.trims(in: length)
        isTrimmed = !trims.isEmpty
        events += trims + chances.controls(in: length, jump)
        for round: Int64 in 0..<3 {
            let time = length + 1_200 * round
            events += traffic.closing(at: time).map { Event(time: time, kind: .input($0)) }
        }
        length += 2_400
        // A sort of our own choosing for equal times, so that it does not depend on the library.
        self.events = events.enumerated().sorted {
            ($0.element.time, $0.offset) < ($1.element.time, $1.offset)
        }.map(\.element)
    }

    fileprivate static func time(in length: Int64, _ random: inout SplitMix64) -> Int64 {
        Int64(random.next() % UInt64(length))
    }

    /// Bursts and lulls, a gap of minutes now and then.
    private static func inputs(
        _ length: Int64, _ traffic: inout Traffic, _ random: inout SplitMix64
    ) -> [Event] {
        var events: [Event] = []
        var time: Int64 = 0
        while time < length {
            let count = 1 + random.next() % (random.next() % 8 == 0 ? 40 : 4)
            for _ in 0..<count {
                events.append(Event(time: time, kind: .input(traffic.next(at: time))))
            }
            time += 20 + Int64(random.next() % (random.next() % 20 == 0 ? 4_000 : 500))
        }
        return events
    }

    /// Snapshots of accounts, all at the beginning and now and then.
    private func accounts(_ length: Int64, _ random: inout SplitMix64) -> [Event] {
        var traffic = AccountTraffic(seed: random.next(), start: Self.start)
        traffic.jump = jump
        var events = traffic.all(at: 0).map { Event(time: 0, kind: .input($0)) }
        var time: Int64 = 0
        while time < length {
            time += Int64(random.next() % 1_000)
            events.append(Event(time: time, kind: .input(traffic.next(at: time))))
        }
        return events
    }

    /// What happens to processes and to the cluster.
    private static func change(_ random: inout SplitMix64) -> Kind {
        let slot = Int(random.next() % UInt64(slots))
        switch random.next() % 10 {
        case 0, 1, 2: return .start(slot: slot)
        case 3: return .stop(slot: slot)
        case 4, 5: return .kill(slot: slot)
        case 6, 7: return .freeze(slot: slot, milliseconds: 500 + Int64(random.next() % 25_000))
        case 8: return .markers((0..<3).map { _ in Int64(random.next() % 400) })
        default: return .compact
        }
    }

    /// What goes wrong with a request.
    private static func mishap(_ clock: PipelineClock, _ random: inout SplitMix64) -> Kind {
        let slot = Int(random.next() % 2)
        var call = Call.allCases[Int(random.next() % UInt64(Call.allCases.count))]
        // Transactions are where it matters most.
        if random.next() % 2 == 0 {
            call = [.produce, .sendOffsets, .commitTransaction][Int(random.next() % 3)]
        }
        if call == .fetch {
            // With the clock of events, what a fetch finds must not depend on how long it takes.
            guard clock == .wall else {
                return .fault(
                    slot: slot, call: call, skip: Int(random.next() % 40), fault: .killedBefore)
            }
            if random.next() % 2 == 0 {
                return .lag(
                    random.next() % 2 == 0 ? .quotes : .surfaces,
                    records: Int(random.next() % 3),
                    milliseconds: 200 + Int64(random.next() % 8_000))
            }
        }
        return .fault(
            slot: slot, call: call, skip: Int(random.next() % 30),
            fault: possible(fault(in: &random), with: call))
    }

    /// A commit that reached its coordinator is never answered by the wish for an abort.
    private static func possible(_ fault: Fault, with call: Call) -> Fault {
        guard call == .commitTransaction || call == .abortTransaction else { return fault }
        return switch fault {
        case .answerLost(.abort): .answerLost(.retry)
        case .late(.abort, let milliseconds): .late(.retry, milliseconds: milliseconds)
        default: fault
        }
    }

    private static func fault(in random: inout SplitMix64) -> Fault {
        let severity: Fault.Severity =
            switch random.next() % 6 {
            case 0: .abort
            case 1: .replace
            default: .retry
            }
        switch random.next() % 9 {
        case 0, 1: return .refused(severity)
        case 2, 3: return .answerLost(severity)
        case 4: return .late(severity, milliseconds: 10 + Int64(random.next() % 15_000))
        case 5: return .slow(milliseconds: 10 + Int64(random.next() % 6_000))
        case 6: return .frozen(milliseconds: 100 + Int64(random.next() % 25_000))
        case 7: return .killedBefore
        default: return .killedAfter
        }
    }
}

/// What a plan has beside the rest, each kind from chances of its own.
private struct Chances {
    private let extras: Plan.Extras
    private var ofControls: SplitMix64
    private var ofJumps: SplitMix64
    private var ofTrims: SplitMix64

    init(seed: UInt64, _ extras: Plan.Extras) {
        self.extras = extras
        ofControls = SplitMix64(seed: seed ^ 0xc0)
        ofJumps = SplitMix64(seed: seed ^ 0x1a_0000)
        ofTrims = SplitMix64(seed: seed ^ 0x7_0000_0000)
    }

    /// By minutes or hours, forth or back. With the clock of events, time that does not come any
    /// more would be waited for.
    mutating func jump(_ clock: PipelineClock, in length: Int64) -> Plan.ClockJump? {
        guard extras.contains(.clockJumps), clock == .wall, ofJumps.next() % 3 == 0 else {
            return nil
        }
        let at = Plan.time(in: length, &ofJumps)
        let by = 60_000 + Int64(ofJumps.next() % (ofJumps.next() % 2 == 0 ? 600_000 : 18_000_000))
        return Plan.ClockJump(at: at, by: ofJumps.next() % 2 == 0 ? by : -by)
    }

    mutating func trims(in length: Int64) -> [Plan.Event] {
        guard extras.contains(.trims), ofTrims.next() % 4 == 0 else { return [] }
        return (0..<1 + ofTrims.next() % 3).map { _ in
            Plan.Event(
                time: Plan.time(in: length, &ofTrims),
                kind: .trim(.quotes, keep: Int(ofTrims.next() % 6)))
        }
    }

    mutating func controls(in length: Int64, _ jump: Plan.ClockJump?) -> [Plan.Event] {
        guard extras.contains(.controls), ofControls.next() % 2 == 0 else { return [] }
        var traffic = ControlTraffic(seed: ofControls.next(), start: Plan.start)
        traffic.jump = jump
        let times = (0..<1 + ofControls.next() % 8).map { _ in
            Plan.time(in: length, &ofControls)
        }
        return times.sorted().map { Plan.Event(time: $0, kind: .input(traffic.next(at: $0))) }
    }
}

extension SplitMix64 {
    /// The first number of a seed.
    fileprivate static func first(of seed: UInt64) -> UInt64 {
        var random = SplitMix64(seed: seed)
        return random.next()
    }
}

extension Plan.Kind {
    fileprivate var isLateProduce: Bool {
        if case .fault(_, .produce, _, .late) = self { true } else { false }
    }
}
