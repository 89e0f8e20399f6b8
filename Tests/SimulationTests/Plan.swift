import Kafka
import MemoryLog
import Pipeline

/// Everything that happens in one simulated run, chosen from a seed before it begins. Running it
/// takes no more chances, and any part may be left out: that is how a failing run is shrunk.
struct Plan {
    let seed: UInt64
    var clock = PipelineClock.event
    /// Whether outputs depend on the inputs alone: time is that of the records, and surfaces come
    /// before everything else, so that it does not matter when a restored shard reads them.
    var isReplayable = false
    var partitions = 2
    /// Whether processes have configured instance ids, so that they come back as the same members.
    var isStatic = false
    var roles = [Role.haircut]
    /// When the clocks of all who send jump, milliseconds after the start, and by how many; nil:
    /// they do not.
    var jump: ClockJump?
    var delivery = PipelineDelivery.exactlyOnce
    /// Of the margin stage, whose tables are always exactly once: what it does alone.
    var marginDelivery = PipelineDelivery.exactlyOnce
    /// Whether quotes are lost for good, before workers may have read them.
    var isTrimmed = false
    /// In order of their times.
    var events: [Event] = []
    /// Milliseconds until the last event; quiet follows.
    var length: Int64 = 0

    /// What a plan has beside quotes, surfaces, accounts and faults. Each kind takes its own
    /// chances, so that a seed's plan without it stays what it was.
    struct Extras: OptionSet {
        let rawValue: Int
        static let controls = Extras(rawValue: 1)
        static let clockJumps = Extras(rawValue: 2)
        static let trims = Extras(rawValue: 4)
        static let atLeastOnce = Extras(rawValue: 8)
        static let accountsAtLeastOnce = Extras(rawValue: 16)
        /// Those that there were at first, for seeds of then.
        static let first: Extras = [.controls, .clockJumps, .trims, .atLeastOnce]
        static let all: Extras = first.union(.accountsAtLeastOnce)
    }

    struct ClockJump {
        let at: Int64
        let by: Int64

        /// What a clock shows.
        func shown(_ time: Int64) -> Int64 { time >= at ? time + by : time }
    }

    struct Event: CustomStringConvertible {
        /// Milliseconds after the start.
        var time: Int64
        var kind: Kind

        var description: String { "\(time) ms: \(kind)" }
    }

    enum Kind: CustomStringConvertible {
        case input(Input)
        /// A process starts in a slot that is empty.
        case start(slot: Int)
        /// A process ends as on SIGTERM.
        case stop(slot: Int)
        /// A process ends as on SIGKILL.
        case kill(slot: Int)
        /// A process stands still between two turns.
        case freeze(slot: Int, milliseconds: Int64)
        /// The request of this kind that a process makes after `skip` others of the kind.
        case fault(slot: Int, call: Call, skip: Int, fault: Fault)
        /// Fetches of a topic bring no more than this for a while, in all processes.
        case lag(TopicName, records: Int, milliseconds: Int64)
        /// How long a coordinator takes for the markers of each partition.
        case markers([Int64])
        /// Compacted topics that Breakwater writes lose their old records.
        case compact
        /// Retention leaves the newest records alone of each partition of a topic.
        case trim(TopicName, keep: Int)

        var description: String {
            switch self {
            case .input(let input): "\(input)"
            case .start(let slot): "process \(slot) starts"
            case .stop(let slot): "process \(slot) is stopped"
            case .kill(let slot): "process \(slot) is killed"
            case .freeze(let slot, let milliseconds):
                "process \(slot) stands still for \(milliseconds) ms"
            case .fault(let slot, let call, let skip, let fault):
                "\(call) of process \(slot) after \(skip) others: \(fault)"
            case .lag(let topic, let records, let milliseconds):
                "\(topic) brings \(records) records a fetch for \(milliseconds) ms"
            case .markers(let delays): "markers take \(delays) ms"
            case .compact: "compaction"
            case .trim(let topic, let keep): "\(topic) keeps its last \(keep) records"
            }
        }
    }

    /// A record that a foreign producer appends.
    struct Input: CustomStringConvertible {
        var topic: TopicName
        var key: String?
        /// nil is a tombstone.
        var value: [UInt8]?
        /// For the reader of a failing history.
        var note: String
        /// By which the partition is chosen; nil: by the key.
        var partitionKey: String?

        var description: String { "\(topic) \(key ?? "no key"): \(note)" }
    }

    var description: String {
        "seed \(seed), clock \(clock)\(isReplayable ? ", replayable" : "")"
            + "\(isStatic ? ", static members" : ""), \(delivery.rawValue), "
            + (roles.contains(.margin) ? "accounts \(marginDelivery.rawValue), " : "")
            + (jump.map { "clocks jump by \($0.by) ms at \($0.at) ms, " } ?? "")
            + "\(partitions) partitions, "
            + "\(events.count) events:\n"
            + events.map { "  \($0)" }.joined(separator: "\n")
    }
}

/// The topics of the simulation, all by their own names.
enum TopicName: String, CaseIterable {
    case quotes, surfaces, haircuts, breakers, exposures, controls, checkpoints, deadLetters
    case positions, requirements, alerts
}

/// What goes wrong with one request.
enum Fault: CustomStringConvertible {
    case refused(Severity)
    case answerLost(Severity)
    case late(Severity, milliseconds: Int64)
    case slow(milliseconds: Int64)
    case frozen(milliseconds: Int64)
    case killedBefore, killedAfter

    /// What the error says the caller should do.
    enum Severity: CaseIterable {
        case retry, abort, replace
    }

    var description: String {
        switch self {
        case .refused(let severity): "refused, \(severity)"
        case .answerLost(let severity): "done, but the answer is lost, \(severity)"
        case .late(let severity, let milliseconds):
            "done \(milliseconds) ms after the answer, \(severity)"
        case .slow(let milliseconds): "takes \(milliseconds) ms"
        case .frozen(let milliseconds): "process frozen before it for \(milliseconds) ms"
        case .killedBefore: "process killed before it"
        case .killedAfter: "process killed after it"
        }
    }

    func interference(with call: Call) -> Interference {
        func error(_ severity: Severity) -> KafkaError {
            let operation = "\(call), as the simulation wanted"
            return switch severity {
            case .retry: KafkaError(code: KafkaError.Code.timedOut, operation: operation)
            case .abort:
                KafkaError(
                    code: KafkaError.Code.messageTimedOut, operation: operation,
                    isRetriable: false, requiresAbort: true)
            case .replace: KafkaError(code: KafkaError.Code.clientFatal, operation: operation)
            }
        }
        return switch self {
        case .refused(let severity): .refused(error(severity))
        case .answerLost(let severity): .answerLost(error(severity))
        case .late(let severity, let milliseconds):
            .late(error(severity), milliseconds: milliseconds)
        case .slow(let milliseconds): .slow(milliseconds: milliseconds)
        case .frozen(let milliseconds): .frozen(milliseconds: milliseconds)
        case .killedBefore: .killedBefore
        case .killedAfter: .killedAfter
        }
    }
}
