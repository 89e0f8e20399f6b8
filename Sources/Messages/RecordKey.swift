import Haircuts
import Quantities

/// The keys of records as values: a name, or two parts joined by `|`, which no name has.
extension Identifier {
    /// The name that a record's key is, as for topics keyed by asset or account; what is left of a
    /// tombstone.
    ///
    /// - Throws: `out-of-range` when the key is no name.
    public init(recordKey key: UnsafeRawBufferPointer) throws(Refusal) {
        guard let name = Identifier(utf8: key.assumingMemoryBound(to: UInt8.self)) else {
            throw Refusal(.outOfRange, .key)
        }
        self = name
    }

    /// - Throws: `key-mismatch` when the record's key is not this name.
    func requireKey(_ key: UnsafeRawBufferPointer, _ field: MessageField) throws(Refusal) {
        let bytes = key.assumingMemoryBound(to: UInt8.self)
        if !isEqual(to: bytes) { throw Refusal(.keyMismatch, field) }
    }
}

extension Control.Key {
    /// Which control a record's key, `asset|action`, is about; what is left of a tombstone.
    ///
    /// - Throws: `out-of-range` when it is no such key.
    public init(recordKey key: UnsafeRawBufferPointer) throws(Refusal) {
        guard let parts = KeyParts(key), let action = controlActions.value(of: parts.second) else {
            throw Refusal(.outOfRange, .key)
        }
        let asset = try Identifier(recordKey: UnsafeRawBufferPointer(parts.first))
        self.init(asset: asset.isEveryAsset ? nil : asset, action: action)
    }

    /// - Throws: `key-mismatch` when the record's key says something else.
    func requireKey(_ key: UnsafeRawBufferPointer) throws(Refusal) {
        do {
            if try Control.Key(recordKey: key) == self { return }
        } catch {}
        throw Refusal(.keyMismatch, .key)
    }
}

extension Exposure {
    /// What a record of exposures is about.
    public struct Key: Hashable, Sendable {
        public var asset: Identifier
        /// A positions partition, ≥ 0.
        public var shard: Int32

        public init(asset: Identifier, shard: Int32) {
            self.asset = asset
            self.shard = shard
        }

        /// What a record's key, `asset|shard`, says; what is left of a tombstone.
        ///
        /// - Throws: `out-of-range` when it is no such key.
        public init(recordKey key: UnsafeRawBufferPointer) throws(Refusal) {
            guard let parts = KeyParts(key), let shard = Self.shard(parts.second) else {
                throw Refusal(.outOfRange, .key)
            }
            asset = try Identifier(recordKey: UnsafeRawBufferPointer(parts.first))
            self.shard = shard
        }

        /// - Throws: `key-mismatch` when the record's key says something else.
        func requireKey(_ key: UnsafeRawBufferPointer) throws(Refusal) {
            do {
                if try Key(recordKey: key) == self { return }
            } catch {}
            throw Refusal(.keyMismatch, .key)
        }

        /// A number 0…2^31 − 1 without leading zeros.
        private static func shard(_ digits: UnsafeBufferPointer<UInt8>) -> Int32? {
            guard (1...10).contains(digits.count) else { return nil }
            if digits.count > 1, digits[0] == UInt8(ascii: "0") { return nil }
            var value: Int64 = 0
            for byte in digits {
                let digit = byte &- UInt8(ascii: "0")
                guard digit < 10 else { return nil }
                value = value * 10 + Int64(digit)
            }
            return Int32(exactly: value)
        }
    }

    public var key: Key { Key(asset: asset, shard: shard) }
}

extension OutputBuffer {
    /// Writes a name as a record's key has it: its bytes, without quotes.
    public mutating func append(_ name: Identifier) {
        reserve(Identifier.longest)
        count += name.write(
            into: UnsafeMutableBufferPointer(start: base + count, count: Identifier.longest))
    }

    /// Writes `asset|action` as a record's key has it.
    public mutating func append(_ key: Control.Key) {
        if let asset = key.asset { append(asset) } else { byte(UInt8(ascii: "*")) }
        byte(UInt8(ascii: "|"))
        literal(controlActions.word(for: key.action))
    }

    /// Writes `asset|shard` as a record's key has it.
    public mutating func append(_ key: Exposure.Key) {
        append(key.asset)
        byte(UInt8(ascii: "|"))
        integer(Int64(key.shard))
    }
}

extension Identifier {
    /// Whether this is `*`, which in controls stands for all assets.
    var isEveryAsset: Bool { utf8Count == 1 && byte(at: 0) == UInt8(ascii: "*") }
}

let controlActions = Words<Control.Action>([
    ("override", .override), ("freeze", .freeze), ("solvency", .solvency),
    ("parameters", .parameters),
])

/// The two parts of a key around its bar.
private struct KeyParts {
    let first: UnsafeBufferPointer<UInt8>
    let second: UnsafeBufferPointer<UInt8>

    init?(_ key: UnsafeRawBufferPointer) {
        let bytes = key.assumingMemoryBound(to: UInt8.self)
        guard let bar = bytes.firstIndex(of: UInt8(ascii: "|")) else { return nil }
        first = UnsafeBufferPointer(rebasing: bytes[..<bar])
        second = UnsafeBufferPointer(rebasing: bytes[(bar + 1)...])
    }
}
