import Haircuts
import Quantities

private let causeMembers = Members(
    required: [],
    optional: [
        ("topic", .topic), ("partition", .partition), ("offset", .offset), ("timer", .timer),
    ])

extension Cause {
    /// A record, by topic, partition and offset, or a timer; never parts of both.
    mutating func read(_ reader: inout JSONReader) throws(Refusal) {
        var topic = ""
        var partition: Int64 = 0
        var offset: Int64 = 0
        var timer = Instant(nanoseconds: 0)
        if case .record(let last, _, _) = self { topic = last }
        let seen = try reader.object(causeMembers, .cause, depth: 1) {
            (index, reader) throws(Refusal) in
            switch index {
            case 0:
                try reader.string(.topic, into: &topic)
                if topic.isEmpty { throw reader.refusal(.outOfRange, .topic) }
            case 1: partition = try reader.integer(.partition, in: 0...Int64(Int32.max))
            case 2: offset = try reader.integer(.offset, in: 0...MessageRules.largestSequence)
            default: timer = try reader.instant(.timer)
            }
        }
        switch seen {
        case 0b0111:
            self = .record(topic: topic, partition: Int32(partition), offset: offset)
        case 0b1000: self = .timer(timer)
        case 0: throw reader.refusal(.missingField, .topic)
        case 0b1001...0b1111: throw reader.refusal(.outOfRange, .cause)
        default:
            let missing = (~seen).trailingZeroBitCount
            throw reader.refusal(.missingField, causeMembers.all[missing].field)
        }
    }
}

extension OutputBuffer {
    /// What caused a message: `{"topic":…,"partition":…,"offset":…}` or `{"timer":…}`.
    mutating func write(_ cause: Cause) {
        switch cause {
        case .record(let topic, let partition, let offset):
            literal("{\"topic\":")
            string(topic)
            literal(",\"partition\":")
            integer(Int64(partition))
            literal(",\"offset\":")
            integer(offset)
        case .timer(let instant):
            literal("{\"timer\":")
            self.instant(instant)
        }
        byte(UInt8(ascii: "}"))
    }
}
