/// JSON as this room writes it: for logs and for the pages, small and in the order given.
indirect enum JSONText {
    case null
    case boolean(Bool)
    case integer(Int64)
    /// null where it is not finite.
    case number(Double)
    case string(String)
    case array([JSONText])
    case object([(String, JSONText)])
    /// Text that is JSON already.
    case raw(String)

    var text: String {
        switch self {
        case .null: "null"
        case .boolean(let value): value ? "true" : "false"
        case .integer(let value): "\(value)"
        case .number(let value): value.isFinite ? "\(value)" : "null"
        case .string(let value): jsonText(value)
        case .array(let items): "[" + items.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { "\(jsonText($0.0)):\($0.1.text)" }.joined(separator: ",") + "}"
        case .raw(let text): text
        }
    }

    static func optional(_ value: Int64?) -> JSONText { value.map { .integer($0) } ?? .null }
    static func optional(_ value: String?) -> JSONText { value.map { .string($0) } ?? .null }
}

/// A JSON string with its quotes.
func jsonText(_ text: String) -> String {
    var json = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": json += "\\\(scalar)"
        case "\n": json += "\\n"
        case "\r": json += "\\r"
        case "\t": json += "\\t"
        case _ where scalar.value < 0x20:
            let digits = String(scalar.value, radix: 16)
            json += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: json.unicodeScalars.append(scalar)
        }
    }
    return json + "\""
}
