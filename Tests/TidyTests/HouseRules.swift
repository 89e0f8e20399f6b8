/// The house rules. Each takes one file and returns what breaks it, as `path:line: what`.
enum HouseRules {
    /// The rooms that only compute: no clock, randomness, input or output, lock or thread.
    static let pureRooms: Set<String> = [
        "Quantities", "Market", "Haircuts", "Margin", "Engine", "Messages",
    ]

    static func pureRoomsImportOnlyEachOther(_ file: SourceFile) -> [String] {
        guard let room = file.room, pureRooms.contains(room) else { return [] }
        return imports(of: file).filter { module, _ in
            !pureRooms.contains(module) && module != "RealModule"
        }.map { module, line in "\(file.path):\(line): the pure room \(room) imports \(module)" }
    }

    static func pureRoomsHaveNoClockLockOrThread(_ file: SourceFile) -> [String] {
        guard let room = file.room, pureRooms.contains(room) else { return [] }
        return find(
            [
                "ContinuousClock", "SuspendingClock", "DispatchQueue", "DispatchTime", "Thread",
                "Task", "Mutex", "Atomic", "Date", "SystemRandomNumberGenerator", "clock_gettime",
                "pthread_create",
            ], in: file
        ).map { "\($0) is not for the pure room \(room)" }
            + lines(of: file, containing: ["async ", "await "])
            .map { "\($0)is not for the pure room \(room)" }
    }

    static func kafkaIsKnownInItsRoomOnly(_ file: SourceFile) -> [String] {
        guard file.room != "Kafka", file.room != "CRdKafka" else { return [] }
        return file.code.filter { $0.text.contains("rd_kafka_") || $0.text.contains("CRdKafka") }
            .map { "\(file.path):\($0.number): librdkafka is for Sources/Kafka" }
    }

    static func cryptoIsKnownInOperationsOnly(_ file: SourceFile) -> [String] {
        guard file.room != "Operations", file.room != "CCrypto" else { return [] }
        return imports(of: file).filter { $0.module == "CCrypto" }
            .map { "\(file.path):\($0.line): CCrypto is for Sources/Operations" }
    }

    /// What would stop the process on something a broker, a file or a person sent.
    static func nothingCrashesOnPurpose(_ file: SourceFile) -> [String] {
        guard file.room != nil else { return [] }
        return lines(of: file, containing: ["try!", "fatalError(", "as!"])
            .map { "\($0)stops the process" }
    }

    static func nothingIsLeftOver(_ file: SourceFile) -> [String] {
        // Spelled apart, so that this file does not break its own rule.
        let marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]
        return file.lines.enumerated().flatMap { index, line in
            marks.filter { isWord($0, in: String(line)) }
                .map { "\(file.path):\(index + 1): \($0) is left over" }
        }
    }

    static func onlyCommandsPrint(_ file: SourceFile) -> [String] {
        guard let room = file.room, room != "breakwater" else { return [] }
        return file.code.filter { callsPrint($0.text) }
            .map { "\(file.path):\($0.number): prints, which is for commands" }
    }

    static func linesFitHundredColumns(_ file: SourceFile) -> [String] {
        guard file.path.hasSuffix(".swift") else { return [] }
        return file.lines.enumerated().filter { $0.element.count > 100 }
            .map { "\(file.path):\($0.offset + 1): \($0.element.count) columns" }
    }

    static func filesFitOneSitting(_ file: SourceFile) -> [String] {
        let count = file.lines.count - (file.lines.last?.isEmpty == true ? 1 : 0)
        return count > 600 ? ["\(file.path):\(count): more than 600 lines"] : []
    }

    static func tabsAreForMakefiles(_ file: SourceFile) -> [String] {
        guard file.path.hasSuffix(".swift") else { return [] }
        return file.lines.enumerated().filter { $0.element.contains("\t") }
            .map { "\(file.path):\($0.offset + 1): a tab" }
    }

    static func noPathOfOneMachine(_ file: SourceFile) -> [String] {
        let starts = ["/ho" + "me/", "/ro" + "ot/", "/wo" + "rk/", "/Us" + "ers/"]
        return file.lines.enumerated().filter { _, line in
            starts.contains { isPath($0, in: line) }
        }.map { "\(file.path):\($0.offset + 1): a path of one machine" }
    }

    static func shellScriptsStopAtTheFirstFailure(_ file: SourceFile) -> [String] {
        guard let first = file.lines.first, first.hasPrefix("#!"), first.hasSuffix("sh"),
            !file.lines.contains("set -euo pipefail")
        else { return [] }
        return ["\(file.path):1: has no set -euo pipefail"]
    }

    /// - Parameters:
    ///   - directories: names of the directories in `Sources`.
    ///   - guide: the text of ARCHITECTURE.md.
    static func roomsAreInTheGuide(_ directories: [String], guide: String) -> [String] {
        directories.filter { !isWord($0, in: guide) }
            .map { "ARCHITECTURE.md does not name Sources/\($0)" }
    }

    static func pinnedVersionsAreNotTracked(_ paths: [String]) -> [String] {
        paths.filter { $0.split(separator: "/").last == "Package.resolved" }
            .map { "\($0) is tracked" }
    }

    // What the rules are made of

    private static func imports(of file: SourceFile) -> [(module: String, line: Int)] {
        file.code.compactMap { number, text in
            let words = text.split { " ;".contains($0) }
            guard let start = words.firstIndex(of: "import"), start + 1 < words.count,
                words[..<start].allSatisfy({
                    $0.hasPrefix("@") || ["public", "package", "internal", "private"].contains($0)
                })
            else { return nil }
            // `import struct Foundation.Date` names its module second.
            let kinds = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
            let at = kinds.contains(String(words[start + 1])) ? start + 2 : start + 1
            guard at < words.count, let module = words[at].split(separator: ".").first else {
                return nil
            }
            return (String(module), number)
        }
    }

    private static func find(_ words: [String], in file: SourceFile) -> [String] {
        file.code.flatMap { number, text in
            words.filter { isWord($0, in: text) }.map { "\(file.path):\(number): \($0)" }
        }
    }

    private static func lines(of file: SourceFile, containing parts: [String]) -> [String] {
        file.code.flatMap { number, text in
            parts.filter { text.contains($0) }.map { "\(file.path):\(number): \($0) " }
        }
    }

    private static func callsPrint(_ text: String) -> Bool {
        places(of: "print(", in: text).contains { start in
            start == text.startIndex || !isNameOrPoint(text[text.index(before: start)])
        } || text.contains("Swift.print(") || text.contains("debugPrint(")
            || text.contains("dump(")
    }

    private static func isPath(_ start: String, in line: Substring) -> Bool {
        let line = String(line)
        return places(of: start, in: line).contains { place in
            place == line.startIndex
                || !isNameOrPoint(line[line.index(before: place)])
                    && !"/}$".contains(line[line.index(before: place)])
        }
    }

    /// Whether a name stands in a text by itself, not as a part of a longer one.
    static func isWord(_ word: String, in text: String) -> Bool {
        places(of: word, in: text).contains { start in
            let end = text.index(start, offsetBy: word.count)
            return (start == text.startIndex || !isName(text[text.index(before: start)]))
                && (end == text.endIndex || !isName(text[end]))
        }
    }

    private static func places(of part: String, in text: String) -> [String.Index] {
        text.ranges(of: part).map(\.lowerBound)
    }

    private static func isName(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_"
    }

    private static func isNameOrPoint(_ character: Character) -> Bool {
        isName(character) || character == "."
    }
}
