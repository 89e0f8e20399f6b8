/// Why a record is not taken: the value that goes, as headers, with it to the dead letters.
///
/// Making one allocates nothing; its `description` is made when somebody asks.
public struct Refusal: Error, Hashable, Sendable {
    public var code: RefusalCode
    /// The field at fault, or the nearest thing to it that has a name.
    public var field: MessageField
    /// Where in the payload, in bytes from its start, the fault was noticed.
    public var offset: Int

    @inlinable
    public init(_ code: RefusalCode, _ field: MessageField, offset: Int = 0) {
        self.code = code
        self.field = field
        self.offset = offset
    }
}

/// The kinds of refusal; the raw value is what dead letters and metrics carry.
public enum RefusalCode: String, CaseIterable, Sendable {
    case emptyBody = "empty-body"
    case tooLarge = "too-large"
    case malformedJSON = "malformed-json"
    case duplicateField = "duplicate-field"
    case unknownSchema = "unknown-schema"
    case missingField = "missing-field"
    case wrongType = "wrong-type"
    case outOfRange = "out-of-range"
    case crossedBook = "crossed-book"
    case levelNotPositive = "level-not-positive"
    case levelsOutOfOrder = "levels-out-of-order"
    case keyMismatch = "key-mismatch"
    case futureTime = "future-time"
    case duplicateAsset = "duplicate-asset"
    case duplicateInstrument = "duplicate-instrument"
    case notApproved = "not-approved"
    case badExpiry = "bad-expiry"
}

/// The names of fields a refusal can point at, over all messages.
public enum MessageField: String, CaseIterable, Sendable {
    case body, key, schema, asset, time, sequence
    // quote.v1
    case venue, kind, bids, asks, dailyVolume, price
    // iv-surface.v1
    case expiries, expiry, forward, strikes, volatilities, svi, a, b, rho, m, sigma
    // haircut.v1
    case state, debtPrice, reference, mid, initial, maintenance, tiers, from, to, target, gap
    case boundBy, next, at, validUntil, fallback, scan, notional, down, up, stressVolatility
    case confidence, branchingRatio, components, volatility, market, liquidity, peg, divergence
    case horizonSeconds, depth, depthBaseline, spread, quoteAge, surfaceAge
    case model, version, parameters, cause, topic, partition, offset, timer
    case impact, halfSpread, dailyDeviation, volume, systemCollateral, shares
    // positions.v1
    case account, owner, balances, quantity, positions, instrument, underlying, contract
    case multiplier, entryPrice, strike, right, settlement, requirement
    // margin-requirement.v1
    case status, equity, collateral, unrealised, excess, marginRatio, assets, value, haircutLoss
    case haircutSequence, reasons, risk, loss, scenario, positionsSequence
    // liquidation-alert.v1
    case id, level, previous, shortfall, distance, plan, action, relief, notBefore
    // exposure.v1
    case shard, pledged, pledgedValue, borrowed, byHaircut, rise, byPrice, fall, accounts
    case settlements
    // breaker.v1
    case since
    // control.v1
    case expires, reason, by, approvedBy
}

extension Refusal: CustomStringConvertible {
    /// One sentence that says what to mend: `the field "price" is missing (byte 120)`.
    public var description: String {
        "\(sentence) (byte \(offset))"
    }

    private var sentence: String {
        let name = field == .body ? "the body" : "the field \"\(field.rawValue)\""
        switch code {
        case .emptyBody: return "the record has no body"
        case .tooLarge: return "the body is larger than 900 000 bytes"
        case .malformedJSON:
            return "\(name) is not strict JSON (RFC 8259, UTF-8, at most 32 levels deep and 256 "
                + "unknown members an object)"
        case .duplicateField: return "an object has the same member twice, at \(name)"
        case .unknownSchema: return "\(name) names a message or a major version not known here"
        case .missingField: return "\(name) is missing"
        case .wrongType:
            return "\(name) has another JSON type or form than the contract gives it: decimals, "
                + "times and names are strings, statistics are numbers, sequences whole numbers"
        case .outOfRange: return "\(name) has a value or a count outside its range"
        case .crossedBook: return "the book is crossed: the best bid is not below the best ask"
        case .levelNotPositive: return "\(name) has a level whose price or size is not above 0"
        case .levelsOutOfOrder:
            return "\(name) has levels that do not go strictly from best to worst"
        case .keyMismatch:
            return field == .key
                ? "the record's key is not that of its body: two of its fields, joined by |"
                : "the record's key is not \(name) of its body"
        case .futureTime:
            return "\(name) is more than 5 s after the record's own timestamp: check the clock "
                + "of the sender, or set message.timestamp.type=LogAppendTime on the topic"
        case .duplicateAsset: return "\(name) has an asset twice: send the sum"
        case .duplicateInstrument: return "\(name) has an instrument twice: send the sum"
        case .notApproved:
            return "\(name) must name somebody other than \"by\": a control takes two people"
        case .badExpiry:
            return "\(name) must be after the record's own timestamp and, but for parameters, at "
                + "most 24 h after it"
        }
    }
}
