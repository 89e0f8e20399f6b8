/// The words of the contracts for the values of a type, each with one word.
///
/// The one list that readers and writers go through; looking up allocates nothing.
struct Words<Value: Equatable & Sendable>: Sendable {
    private let all: [(word: StaticString, value: Value)]

    init(_ all: [(word: StaticString, value: Value)]) {
        self.all = all
    }

    var count: Int { all.count }

    /// The value that a word stands for, nil for a word that is not on the list.
    func value(of word: UnsafeBufferPointer<UInt8>) -> Value? {
        guard let start = word.baseAddress else { return nil }
        for index in all.indices {
            let candidate = all[index].word
            if candidate.utf8CodeUnitCount == word.count,
                equalBytes(start, candidate.utf8Start, word.count)
            {
                return all[index].value
            }
        }
        return nil
    }

    /// The word for a value, which is on the list.
    func word(for value: Value) -> StaticString {
        for index in all.indices where all[index].value == value { return all[index].word }
        preconditionFailure("a value without a word")
    }
}

extension Words where Value: OptionSet {
    /// Calls `body` with the word of each element, in the order of the list.
    func forEach(in set: Value, _ body: (StaticString) -> Void) {
        for index in all.indices where set.isSuperset(of: all[index].value) {
            body(all[index].word)
        }
    }
}

extension JSONReader {
    /// A string that must be one of the words.
    mutating func word<Value>(
        _ field: MessageField, of words: Words<Value>
    ) throws(Refusal) -> Value {
        guard let value = words.value(of: try string(field)) else {
            throw refusal(.outOfRange, field)
        }
        return value
    }

    /// An array of words in any order, each at most once.
    mutating func set<Value: OptionSet>(
        _ field: MessageField, of words: Words<Value>
    ) throws(Refusal) -> Value where Value.Element == Value {
        var set: Value = []
        try array(field, count: 0...words.count) { (reader) throws(Refusal) in
            let element: Value = try reader.word(field, of: words)
            if !set.insert(element).inserted { throw reader.refusal(.outOfRange, field) }
        }
        return set
    }
}

extension OutputBuffer {
    /// A word in quotes.
    mutating func word(_ word: StaticString) {
        byte(UInt8(ascii: "\""))
        literal(word)
        byte(UInt8(ascii: "\""))
    }

    mutating func word<Value>(_ value: Value, of words: Words<Value>) {
        word(words.word(for: value))
    }

    /// An array of the words of a set's elements, in published order.
    mutating func set<Value: OptionSet>(_ set: Value, of words: Words<Value>) {
        byte(UInt8(ascii: "["))
        var isFirst = true
        words.forEach(in: set) {
            if !isFirst { byte(UInt8(ascii: ",")) }
            isFirst = false
            word($0)
        }
        byte(UInt8(ascii: "]"))
    }
}
