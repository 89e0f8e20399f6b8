import Quantities

/// What every message promises, whatever it says.
public enum MessageRules {
    /// Most bytes of a body.
    public static let largestBody = 900_000
    /// How far a message's time may be after its record's timestamp, in nanoseconds.
    public static let futureToleranceNanoseconds: Int64 = 5_000_000_000
    public static let largestSequence: Int64 = 1 << 53 - 1
    /// Most entries of a list whose length the contracts leave to the sender: of balances, of
    /// positions, of steps of a plan. The largest body has not room for many more.
    public static let mostEntries = 16_384

    /// Bytes before the JSON: 5 where a Confluent prefix (a zero byte and a schema's number in
    /// four bytes) stands, else 0.
    static func prefix(of payload: UnsafeRawBufferPointer) -> Int {
        payload.count >= 5 && payload[0] == 0 ? 5 : 0
    }
}

extension JSONScratch {
    /// Takes a record's body and returns a reader at its start.
    ///
    /// A Confluent prefix is passed over.
    /// - Throws: `empty-body` for a null or empty body, `too-large` above 900 000 bytes.
    package func reader(_ payload: UnsafeRawBufferPointer) throws(Refusal) -> JSONReader {
        let prefix = MessageRules.prefix(of: payload)
        let count = payload.count - prefix
        if count == 0 { throw Refusal(.emptyBody, .body) }
        if count > MessageRules.largestBody { throw Refusal(.tooLarge, .body, offset: prefix) }
        load(UnsafeRawBufferPointer(rebasing: payload[prefix...]))
        return JSONReader(self, prefix: prefix)
    }
}

extension JSONReader {
    /// The `schema` of a message, which must be the one expected.
    mutating func schema(_ expected: StaticString) throws(Refusal) {
        let name = try string(.schema)
        guard name.count == expected.utf8CodeUnitCount, let start = name.baseAddress,
            equalBytes(start, expected.utf8Start, name.count)
        else { throw refusal(.unknownSchema, .schema) }
    }

    /// Settles which of several faults a record is refused for: first the form of the whole body,
    /// then its schema, then the fault that was met first. So neither the order of fields nor
    /// where decoding stopped decides what a sender is told.
    ///
    /// - Parameter first: the fault that was met.
    mutating func diagnosis(_ first: Refusal, schema expected: StaticString) -> Refusal {
        at = base
        keyCount = 0
        do {
            return try diagnosed(first, schema: expected)
        } catch {
            // Of two faults of one kind, the one met first knows its field.
            return error.code == first.code ? first : error
        }
    }

    private mutating func diagnosed(
        _ first: Refusal, schema expected: StaticString
    ) throws(Refusal) -> Refusal {
        guard peek() == UInt8(ascii: "{") else {
            try skipValue(.body, depth: 0)
            try finish()
            return Refusal(.wrongType, .body, offset: prefix)
        }
        at += 1
        var schema: UnsafePointer<UInt8>?
        if !take(UInt8(ascii: "}")) {
            repeat {
                let key = try key(.body)
                try note(key, since: 0, .body)
                if key.matches("schema") { schema = at }
                try skipValue(.body, depth: 1)
            } while try hasMore(until: UInt8(ascii: "}"), .body)
        }
        try finish()
        guard let schema else { return refusal(.missingField, .schema) }
        at = schema
        try self.schema(expected)
        return first
    }
}

extension Instant {
    /// - Throws: `future-time` when this is more than 5 s after the record's timestamp; a record
    ///   without one is not held to it.
    @inline(__always)
    func requireNotFuture(of timestamp: Instant?) throws(Refusal) {
        guard let timestamp else { return }
        let latest = timestamp.advanced(byNanoseconds: MessageRules.futureToleranceNanoseconds)
        if self > latest { throw Refusal(.futureTime, .time) }
    }
}
