import Kafka
import Logging
import MemoryLog
import Pipeline

/// A cluster in memory with production workers on it, all driven by turns on one thread while
/// virtual time passes.
final class World {
    let plan: Plan
    let log: MemoryLog
    let checks: Checks
    private var slots: [Slot]
    private var next = 0
    private var lags: [TopicName: (records: Int, until: Int64)] = [:]
    /// What broke, first of all; nothing happens after it.
    private(set) var violation: Violation?
    private(set) var statistics = Statistics()
    private let lines = LogLines()
    private var recentLines: [String] = []

    /// Milliseconds between two turns of a worker.
    static let tick: Int64 = 20
    /// Milliseconds after which a worker that failed is started anew, and a process that was
    /// killed comes back.
    static let restart: Int64 = 1_000

    /// Of how many things happened, to see that a run was worth it.
    struct Statistics {
        var turns = 0
        var failures = 0
        var kills = 0
        var starts = 0
        var faults = 0
    }

    /// A place for one process with a worker of each role.
    final class Slot {
        let number: Int
        var process: MemoryProcess?
        var threads: [Thread]
        var starts = 0
        /// Workers that were started in it, of all its processes.
        var workers = 0
        /// Requests of each kind that are still to go wrong.
        var faults: [(call: Call, skip: Int, fault: Fault)] = []
        /// Whether it is in the middle of a turn, of which a request takes its time.
        var isBusy = false
        var frozenUntil: Int64 = 0
        /// When a process is started in the place of one that was killed.
        var returnsAt: Int64?

        init(_ number: Int, roles: [Role]) {
            self.number = number
            threads = roles.map { Thread(role: $0) }
        }
    }

    /// A worker and when it, or the one in its place, is started.
    struct Thread {
        let role: Role
        var worker: SimulatedWorker?
        var startsAt: Int64?
    }

    init(_ plan: Plan) throws {
        self.plan = plan
        log = MemoryLog(now: Plan.start)
        for topic in TopicName.allCases {
            try log.createTopic(
                topic.rawValue, partitions: topic == .controls ? 1 : plan.partitions,
                cleanup: topic.isCompacted ? .compact : .delete)
        }
        checks = Checks(log, plan)
        slots = (0..<Plan.slots).map { Slot($0, roles: plan.roles) }
    }

    // MARK: Time

    private var time: Int64 { log.now - Plan.start }

    /// Runs the plan to its end, waits until all is quiet, and compares.
    func run() throws {
        while violation == nil, time < plan.length || next < plan.events.count { tick() }
        guard violation == nil else { return }
        quieten()
        // Who waits for tables that do not come waits a minute.
        let end = time + 120_000
        // What was applied last is delivered, and time has come for what is due by time alone.
        var restsSince = time
        while violation == nil, time < end, time < plan.length + 25_000 || time < restsSince + 3_000
        {
            tick()
            if !isQuiet { restsSince = time }
        }
        if violation == nil, !isQuiet {
            let why = workers.compactMap(\.whyNotQuiet).joined(separator: ", ")
            violation = Violation(.quiet, "after two minutes without faults: \(why)")
        }
        let wasDisturbed = statistics.failures + statistics.kills + statistics.faults > 0
        if violation == nil { violation = checks.final(wasDisturbed: wasDisturbed) }
    }

    /// No more faults; one process at least.
    private func quieten() {
        lags = [:]
        log.markerDelays = []
        for slot in slots { slot.faults = [] }
        if !slots.contains(where: { $0.process != nil }) { start(slots[0]) }
    }

    private var workers: [SimulatedWorker] { slots.flatMap(\.threads).compactMap(\.worker) }

    private var isQuiet: Bool {
        slots.allSatisfy { slot in
            slot.returnsAt == nil && slot.frozenUntil <= log.now
                && slot.threads.allSatisfy { $0.startsAt == nil }
        } && workers.allSatisfy { $0.whyNotQuiet == nil }
            && plan.roles.allSatisfy { role in
                let held = workers.filter { $0.role == role }.map(\.partitions.count)
                return held.reduce(0, +) == plan.partitions
            }
    }

    private func tick() {
        log.advance(to: log.now + Self.tick)
        while violation == nil, next < plan.events.count, plan.events[next].time <= time {
            next += 1
            happen(plan.events[next - 1].kind)
        }
        for slot in slots where violation == nil { turn(slot) }
    }

    /// Time passes for all but the process that waits.
    private func pass(_ milliseconds: Int64) {
        let end = log.now + milliseconds
        while violation == nil, log.now < end {
            // The last step is as short as it must be.
            if end - log.now < Self.tick { log.advance(to: end) } else { tick() }
        }
        // Who waits for a time to pass must see it pass, also when nothing matters any more.
        log.advance(to: end)
    }

    // MARK: Processes

    private func turn(_ slot: Slot) {
        guard !slot.isBusy, slot.frozenUntil <= log.now else { return }
        if let time = slot.returnsAt, time <= log.now { start(slot) }
        guard let process = slot.process else { return }
        slot.isBusy = true
        for index in slot.threads.indices where violation == nil && !process.isKilled {
            turn(&slot.threads[index], of: slot, process)
            for line in lines.take() { note(line) }
            check()
        }
        slot.isBusy = false
        if process.isKilled { bury(slot) }
    }

    private func turn(_ thread: inout Thread, of slot: Slot, _ process: MemoryProcess) {
        if let time = thread.startsAt, time <= log.now {
            thread.startsAt = nil
            startWorker(&thread, of: slot, process)
        }
        guard let worker = thread.worker else { return }
        statistics.turns += 1
        do throws(KafkaError) {
            try worker.step()
        } catch {
            statistics.failures += 1
            note("\(worker.name): \(error)")
            if !process.isKilled { worker.close() }
            thread.worker = nil
            thread.startsAt = log.now + Self.restart
        }
    }

    private func check() {
        if violation == nil { violation = checks.step() }
    }

    private func start(_ slot: Slot) {
        guard slot.process == nil, !slot.isBusy else { return }
        statistics.starts += 1
        slot.starts += 1
        slot.returnsAt = nil
        slot.frozenUntil = 0
        let process = MemoryProcess("\(slot.number)-\(slot.starts)", on: log)
        process.interfere = { [unowned self, unowned slot] in interfere(slot, $0) }
        process.pass = { [unowned self] in pass($0) }
        process.reads = { [unowned self] place, limit in limited(place, limit) }
        slot.process = process
        for index in slot.threads.indices { slot.threads[index].startsAt = log.now }
    }

    private func startWorker(_ thread: inout Thread, of slot: Slot, _ process: MemoryProcess) {
        do throws(KafkaError) {
            thread.worker = try Production.worker(thread.role, process, plan, slot, lines)
        } catch {
            note("\(process.name): \(error)")
            thread.startsAt = log.now + Self.restart
        }
    }

    /// A killed process leaves nothing behind, and somebody starts it again.
    private func bury(_ slot: Slot) {
        statistics.kills += 1
        empty(slot)
        slot.returnsAt = log.now + Self.restart
    }

    private func empty(_ slot: Slot) {
        slot.process = nil
        for index in slot.threads.indices {
            slot.threads[index].worker = nil
            slot.threads[index].startsAt = nil
        }
    }

    private func happen(_ kind: Plan.Kind) {
        switch kind {
        case .input(let input): checks.append(input)
        case .start(let slot): start(slots[slot])
        case .stop(let slot): stop(slots[slot])
        case .kill(let slot): kill(slots[slot])
        case .freeze(let slot, let milliseconds): freeze(slots[slot], milliseconds)
        case .fault(let slot, let call, let skip, let fault):
            slots[slot].faults.append((call, skip, fault))
        case .lag(let topic, let records, let milliseconds):
            lags[topic] = (records, log.now + milliseconds)
        case .markers(let delays): log.markerDelays = delays
        case .compact:
            // What is dropped has to be seen before.
            check()
            compact()
        case .trim(let topic, let keep):
            for partition in log.partitions(of: topic.rawValue) {
                partition.trim(before: partition.endOffset - Int64(keep))
            }
        }
    }

    /// As on SIGTERM: drained and gone; another process may start in its place.
    private func stop(_ slot: Slot) {
        guard let process = slot.process, !slot.isBusy, slot.frozenUntil <= log.now else { return }
        slot.isBusy = true
        for thread in slot.threads { thread.worker?.finish() }
        slot.isBusy = false
        if process.isKilled { statistics.kills += 1 }
        process.kill()
        empty(slot)
        slot.returnsAt = nil
        check()
    }

    private func kill(_ slot: Slot) {
        guard let process = slot.process else { return }
        process.kill()
        if !slot.isBusy { bury(slot) }
    }

    private func freeze(_ slot: Slot, _ milliseconds: Int64) {
        guard let process = slot.process, !slot.isBusy else { return }
        statistics.faults += 1
        slot.frozenUntil = log.now + milliseconds
        process.isFrozen = true
        log.schedule(at: slot.frozenUntil) { process.isFrozen = false }
    }

    /// Old records of what Breakwater writes, as a broker would drop them.
    private func compact() {
        for topic in [TopicName.haircuts, .checkpoints, .exposures, .requirements] {
            for partition in log.partitions(of: topic.rawValue) {
                partition.compact(horizon: log.now - 86_400_000)
            }
        }
    }

    // MARK: Faults

    private func interfere(_ slot: Slot, _ call: Call) -> Interference {
        guard let index = slot.faults.firstIndex(where: { $0.call == call }) else { return .none }
        guard slot.faults[index].skip == 0 else {
            slot.faults[index].skip -= 1
            return .none
        }
        statistics.faults += 1
        let fault = slot.faults.remove(at: index).fault
        note("process \(slot.number), \(call): \(fault)")
        return fault.interference(with: call)
    }

    private func limited(_ place: TopicPartition, _ limit: Int) -> Int {
        guard !lags.isEmpty, let topic = TopicName(rawValue: place.topic), let lag = lags[topic],
            lag.until > log.now
        else { return limit }
        return min(limit, lag.records)
    }

    // MARK: What happened

    /// Keeps a line for the report of a failing run.
    private func note(_ line: String) {
        recentLines.append("\(time) ms: \(line)")
        if recentLines.count > 60 { recentLines.removeFirst(20) }
    }

    var recent: String { recentLines.suffix(40).joined(separator: "\n  ") }
}

extension TopicName {
    var isCompacted: Bool {
        switch self {
        case .surfaces, .haircuts, .exposures, .controls, .checkpoints, .positions, .requirements:
            true
        case .quotes, .breakers, .deadLetters, .alerts: false
        }
    }
}
