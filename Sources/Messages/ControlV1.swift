import Haircuts
import Quantities

/// Reads `control.v1`: rare, so it may allocate.
///
/// Not for use by two threads at once: it works in memory of its own.
public struct ControlDecoder {
    private let scratch = JSONScratch()

    public init() {}

    /// Reads one record. When it is refused, `control` stays as it was.
    ///
    /// Of a record without a value (a tombstone), which withdraws a control, ask `decodeKey`.
    ///
    /// - Parameters:
    ///   - payload: the record's value.
    ///   - key: the record's key, which must be the asset and the action, joined by `|`.
    ///   - timestamp: the record's own time, from which `expires` is measured; where it has none,
    ///     the message's own time is.
    public func decode(
        _ payload: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer,
        recordTimestamp timestamp: Instant?, into control: inout Control
    ) throws(Refusal) {
        var reader = try scratch.reader(payload)
        var pending = Control.blank
        do throws(Refusal) {
            var fields = ControlFields()
            try fields.read(&reader, into: &pending)
            try reader.finish()
            try pending.key.requireKey(key)
            try pending.time.requireNotFuture(of: timestamp)
            if pending.by == pending.approvedBy { throw Refusal(.notApproved, .approvedBy) }
            let start = timestamp ?? pending.time
            try pending.requireExpiry(from: start)
        } catch {
            throw reader.diagnosis(error, schema: "control.v1")
        }
        control = pending
    }

    /// The control that a record's key names: of a tombstone, the one that is withdrawn.
    ///
    /// - Throws: `out-of-range` when it is no such key.
    public static func decodeKey(
        _ key: UnsafeRawBufferPointer
    ) throws(Refusal) -> Control.Key {
        try Control.Key(recordKey: key)
    }
}

private let controlMembers = Members(
    required: [
        ("schema", .schema), ("asset", .asset), ("time", .time), ("sequence", .sequence),
        ("action", .action), ("reason", .reason), ("by", .by), ("approvedBy", .approvedBy),
    ],
    optional: [
        ("expires", .expires), ("initial", .initial), ("maintenance", .maintenance),
        ("parameters", .parameters),
    ])

/// The members that depend on the action while they come in, in any order.
private struct ControlFields {
    var action = Control.Action.freeze
    var initial: Double?
    var maintenance: Double?
    var parameters: [Control.ParameterChange]?

    mutating func read(
        _ reader: inout JSONReader, into control: inout Control
    ) throws(Refusal) {
        try reader.object(controlMembers, .body, depth: 0) { (index, reader) throws(Refusal) in
            switch index {
            case 0: try reader.schema("control.v1")
            case 1:
                let asset = try reader.identifier(.asset)
                control.asset = asset.isEveryAsset ? nil : asset
            case 2: control.time = try reader.instant(.time)
            case 3:
                control.sequence = try reader.integer(
                    .sequence, in: 0...MessageRules.largestSequence)
            case 4: action = try reader.word(.action, of: controlActions)
            case 5: control.reason = try reader.text(.reason)
            case 6: control.by = try reader.person(.by)
            case 7: control.approvedBy = try reader.person(.approvedBy)
            case 8: control.expires = try reader.instant(.expires)
            case 9: initial = try reader.double(.initial, in: 0...1)
            case 10: maintenance = try reader.double(.maintenance, in: 0...1)
            default: parameters = try reader.parameterChanges()
            }
        }
        if action != .parameters, control.expires == nil {
            throw reader.refusal(.missingField, .expires)
        }
        control.order = try order(reader)
    }

    /// A member that belongs to another action was checked but is not kept.
    private func order(_ reader: JSONReader) throws(Refusal) -> Control.Order {
        switch action {
        case .freeze: return .freeze
        case .solvency: return .solvency
        case .override:
            guard let initial else { throw reader.refusal(.missingField, .initial) }
            guard let maintenance else { throw reader.refusal(.missingField, .maintenance) }
            if maintenance > initial { throw reader.refusal(.outOfRange, .maintenance) }
            return .override(Haircut(initial: initial, maintenance: maintenance))
        case .parameters:
            guard let parameters else { throw reader.refusal(.missingField, .parameters) }
            return .parameters(parameters)
        }
    }
}

extension Control {
    /// - Throws: `bad-expiry` when the control's end is not after `start` or, but for parameters,
    ///   more than 24 h after it.
    fileprivate func requireExpiry(from start: Instant) throws(Refusal) {
        guard let expires else { return }
        let latest = start.advanced(bySeconds: Self.longestSeconds)
        if expires <= start || order.action != .parameters && expires > latest {
            throw Refusal(.badExpiry, .expires)
        }
    }
}

extension JSONReader {
    /// A text of at most `Control.mostTextBytes` bytes.
    fileprivate mutating func text(_ field: MessageField) throws(Refusal) -> String {
        let bytes = try string(field)
        if bytes.count > Control.mostTextBytes { throw refusal(.outOfRange, field) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A text that is not empty.
    fileprivate mutating func person(_ field: MessageField) throws(Refusal) -> String {
        let name = try text(field)
        if name.isEmpty { throw refusal(.notApproved, field) }
        return name
    }

    /// At least one parameter by its name, those with parts in either form: `"a.b":1` or
    /// `"a":{"b":1}`.
    fileprivate mutating func parameterChanges() throws(Refusal) -> [Control.ParameterChange] {
        var changes: [Control.ParameterChange] = []
        try namedValues { (name, reader) throws(Refusal) in
            guard reader.peek() == UInt8(ascii: "{") else {
                return try changes.append(reader.parameterChange(name), reader)
            }
            try reader.namedValues { (part, reader) throws(Refusal) in
                try changes.append(reader.parameterChange("\(name).\(part)"), reader)
            }
        }
        return changes
    }

    /// An object with at least one member, of whatever names.
    private mutating func namedValues(
        _ read: (String, inout JSONReader) throws(Refusal) -> Void
    ) throws(Refusal) {
        try open(UInt8(ascii: "{"), .parameters)
        if take(UInt8(ascii: "}")) { throw refusal(.outOfRange, .parameters) }
        let firstKey = keyCount
        repeat {
            let key = try key(.parameters)
            try note(key, since: firstKey, .parameters)
            try read(key.text, &self)
        } while try hasMore(until: UInt8(ascii: "}"), .parameters)
        keyCount = firstKey
    }

    private mutating func parameterChange(
        _ name: String
    ) throws(Refusal) -> Control.ParameterChange {
        switch parameterKinds[name] {
        case .number:
            return Control.ParameterChange(name: name, value: .number(try double(.parameters)))
        case .amounts:
            var amounts: [FixedDecimal] = []
            try array(.parameters, count: 1...HaircutParameters.mostNotionals) {
                (reader) throws(Refusal) in
                amounts.append(try reader.decimal(.parameters))
            }
            return Control.ParameterChange(name: name, value: .amounts(amounts))
        case nil: throw refusal(.outOfRange, .parameters)
        }
    }
}

extension [Control.ParameterChange] {
    /// - Throws: `duplicate-field` when the parameter was there in the other form.
    fileprivate mutating func append(
        _ change: Control.ParameterChange, _ reader: JSONReader
    ) throws(Refusal) {
        if contains(where: { $0.name == change.name }) {
            throw reader.refusal(.duplicateField, .parameters)
        }
        append(change)
    }
}

private enum ParameterKind {
    case number, amounts
}

/// What each parameter takes, by name.
private let parameterKinds: [String: ParameterKind] = {
    let defaults = HaircutParameters(.major)
    return Dictionary(
        uniqueKeysWithValues: HaircutParameter.all.map { parameter in
            switch parameter.value(in: defaults) {
            case .number: (parameter.name, .number)
            case .amounts: (parameter.name, .amounts)
            }
        })
}()
