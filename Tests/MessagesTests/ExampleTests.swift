import Foundation
import Haircuts
import Market
import Messages
import Quantities
import TestSupport
import Testing

/// The examples of schemas/examples, each with what the manifest says of it.
struct ExampleTests {
    /// One line of the manifest.
    struct Example: Decodable, Sendable {
        /// Relative to schemas/examples.
        var file: String
        var message: String
        /// Of the record, with its timestamp.
        var key: String
        var timestamp: String
        /// The code it must be refused with; nil: it must be taken.
        var refusal: String?
    }

    static func examples(of message: String) throws -> [Example] {
        let manifest = try Repository.data("schemas/examples/manifest.json")
        return try JSONDecoder().decode([Example].self, from: manifest)
            .filter { $0.message == message }
    }

    /// Holds every example of a message to the manifest; one that is taken must come back the same
    /// when it is written and read again.
    ///
    /// - Parameters:
    ///   - decode: bytes, key and timestamp of a record.
    ///   - write: encodes what was decoded.
    ///   - asWritten: a value with its times in the microseconds that are written.
    func hold<Value: Equatable>(
        _ message: String, valid: Int, invalid: Int,
        decode: ([UInt8], String, Instant?) -> Outcome<Value>,
        write: (Value, inout OutputBuffer) -> Void, asWritten: (Value) -> Value
    ) throws {
        var (taken, refused) = (0, 0)
        for example in try Self.examples(of: message) {
            let bytes = Array(try Repository.data("schemas/examples/\(example.file)"))
            let timestamp = try #require(Instant(example.timestamp), "\(example.file)")
            switch decode(bytes, example.key, timestamp) {
            case .success(let value):
                taken += 1
                #expect(example.refusal == nil, "\(example.file) is taken")
                var buffer = OutputBuffer()
                write(value, &buffer)
                let again = decode(buffer.withBytes { Array($0) }, example.key, timestamp)
                #expect(again == .success(asWritten(value)), "\(example.file) written and read")
            case .failure(let refusal):
                refused += 1
                #expect(
                    refusal.code.rawValue == example.refusal, "\(example.file): \(refusal)")
            }
        }
        #expect(taken >= valid, "only \(taken) examples of \(message) are taken")
        #expect(refused >= invalid, "only \(refused) examples of \(message) are refused")
    }

    @Test func everyQuoteIsTakenOrRefusedAsTheManifestSays() throws {
        try hold("quote.v1", valid: 32, invalid: 177) {
            decodeQuote($0, key: $1, timestamp: $2)
        } write: {
            $1.write($0)
        } asWritten: { quote in
            var quote = quote
            quote.time = quote.time.inMicroseconds
            return quote
        }
    }

    @Test func everySurfaceIsTakenOrRefusedAsTheManifestSays() throws {
        try hold("iv-surface.v1", valid: 40, invalid: 149) {
            decodeSurface($0, key: $1, timestamp: $2)
        } write: {
            $1.write($0)
        } asWritten: { surface in
            var surface = surface
            surface.time = surface.time.inMicroseconds
            return surface
        }
    }

    /// Every digit of a table's times is written, so what comes back is the same in full.
    @Test func everyTableIsTakenOrRefusedAsTheManifestSays() throws {
        try hold("haircut.v1", valid: 36, invalid: 286) {
            decodeHaircut($0, key: $1, timestamp: $2)
        } write: {
            $1.write($0)
        } asWritten: {
            $0
        }
    }

    @Test func everySnapshotIsTakenOrRefusedAsTheManifestSays() throws {
        try hold("positions.v1", valid: 43, invalid: 202) {
            decodePositions($0, key: $1, timestamp: $2)
        } write: {
            $1.write($0)
        } asWritten: { snapshot in
            var snapshot = snapshot
            snapshot.time = snapshot.time.inMicroseconds
            return snapshot
        }
    }

    @Test func everyRequirementIsTakenOrRefusedAsTheManifestSays() throws {
        try hold("margin-requirement.v1", valid: 29, invalid: 167) {
            decodeRequirement($0, key: $1, timestamp: $2)
        } write: {
            $1.write($0)
        } asWritten: {
            $0
        }
    }

    @Test func everyAlertIsTakenOrRefusedAsTheManifestSays() throws {
        try hold("liquidation-alert.v1", valid: 28, invalid: 127) {
            decodeAlert($0, key: $1, timestamp: $2)
        } write: {
            $1.write($0)
        } asWritten: {
            $0
        }
    }

    @Test func everyExposureIsTakenOrRefusedAsTheManifestSays() throws {
        try hold("exposure.v1", valid: 20, invalid: 146) {
            decodeExposure($0, key: $1, timestamp: $2)
        } write: {
            $1.write($0)
        } asWritten: {
            $0
        }
    }

    @Test func everyBreakerChangeIsTakenOrRefusedAsTheManifestSays() throws {
        try hold("breaker.v1", valid: 16, invalid: 91) {
            decodeBreaker($0, key: $1, timestamp: $2)
        } write: {
            $1.write($0)
        } asWritten: {
            $0
        }
    }

    @Test func everyControlIsTakenOrRefusedAsTheManifestSays() throws {
        try hold("control.v1", valid: 36, invalid: 152) {
            decodeControl($0, key: $1, timestamp: $2)
        } write: {
            $1.write($0)
        } asWritten: { control in
            var control = control
            control.time = control.time.inMicroseconds
            control.expires = control.expires?.inMicroseconds
            return control
        }
    }

    /// One code has no file, being large: both its sides are made below.
    @Test func everyRefusalHasAnExample() throws {
        func codes(_ message: String) throws -> Set<String> {
            Set(try Self.examples(of: message).compactMap(\.refusal))
        }
        // Of messages whose decoders have nothing of their own to refuse.
        let common: [RefusalCode] = [
            .emptyBody, .malformedJSON, .duplicateField, .unknownSchema, .missingField,
            .wrongType, .outOfRange, .keyMismatch,
        ]
        func expect(_ message: String, _ own: RefusalCode...) throws {
            #expect(try codes(message) == Set((common + own).map(\.rawValue)), "\(message)")
        }
        try expect("quote.v1", .futureTime, .crossedBook, .levelNotPositive, .levelsOutOfOrder)
        try expect("iv-surface.v1", .futureTime)
        // A table is stamped by its own sender, so there is nothing to be ahead of.
        try expect("haircut.v1")
        try expect("positions.v1", .futureTime, .duplicateAsset, .duplicateInstrument)
        try expect("margin-requirement.v1")
        try expect("liquidation-alert.v1")
        try expect("exposure.v1")
        try expect("breaker.v1")
        try expect("control.v1", .futureTime, .notApproved, .badExpiry)
    }

    @Test func everyMessageTakes900000BytesAndNotOneMore() {
        func padded(_ text: String, to count: Int) -> [UInt8] {
            let head = text.dropLast() + #","extra":""#
            let tail = #""}"#
            let filling = count - head.utf8.count - tail.utf8.count
            return head.utf8 + [UInt8](repeating: 0x78, count: filling) + tail.utf8
        }
        func expect<Value>(_ text: String, _ decode: ([UInt8]) -> Outcome<Value>) {
            #expect(decode(padded(text, to: 900_000)).refusal == nil)
            #expect(decode(padded(text, to: 900_001)).refusal?.code == .tooLarge)
        }
        expect(Examples.book) { decodeQuote($0) }
        expect(Examples.index) { decodeQuote($0) }
        expect(Examples.surface) { decodeSurface($0) }
        expect(Examples.haircut) { decodeHaircut($0) }
        expect(Examples.positions) { decodePositions($0) }
        expect(Examples.requirement) { decodeRequirement($0) }
        expect(Examples.alert) { decodeAlert($0) }
        expect(Examples.exposure) { decodeExposure($0) }
        expect(Examples.breaker) { decodeBreaker($0) }
        expect(Examples.control) { decodeControl($0) }
    }

    @Test func theRecordedBooksWithAPhantomBidAreCrossed() throws {
        let lines = try Repository.data("Tests/Fixtures/crossed-books.jsonl").split(separator: 10)
        #expect(lines.count == 4)
        for line in lines {
            let refusal = decodeQuote(line).refusal
            #expect(refusal?.code == .crossedBook, "\(String(decoding: line, as: UTF8.self))")
        }
    }
}

extension Instant {
    /// Without what is below a microsecond, which is not written.
    fileprivate var inMicroseconds: Instant {
        let below = nanoseconds % 1_000
        return Instant(nanoseconds: nanoseconds - (below < 0 ? below + 1_000 : below))
    }
}
