import Foundation
import Logging
import Operations
import Quantities
import Synchronization
import Testing

/// Keeps the lines that a log handler writes.
final class Lines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }
    var text: String { all.joined() }

    func add(_ line: String) { lines.withLock { $0.append(line) } }
}

@Suite struct LoggingTests {
    private func logger(_ format: Settings.LogFormat, _ lines: Lines) throws -> Logger {
        var settings = Settings.Log()
        settings.format = format
        let time = try #require(Instant("2026-11-22T14:00:00.123456Z"))
        return Logger(label: "breakwater") {
            LineLogHandler(label: $0, settings: settings, now: { time }, write: lines.add)
        }
    }

    @Test func aTextRecordIsOneLine() throws {
        let lines = Lines()
        let logger = try logger(.text, lines)
        logger.warning("two\nlines", metadata: ["b": "x y", "a": "1", "c": "say \"hi\"\n"])
        logger.debug("below the level")
        #expect(
            lines.all == [
                #"2026-11-22T14:00:00.123456Z warning breakwater: two\nlines "#
                    + #"a=1 b="x y" c="say \"hi\"\n""# + "\n"
            ])
    }

    @Test func aJSONRecordIsOneObject() throws {
        let lines = Lines()
        try logger(.json, lines).error(
            "a \"quoted\"\u{1}\ttext", metadata: ["time": "mine", "asset": "BTC\\"])
        let line = try #require(lines.all.first)
        #expect(line.last == "\n" && !line.dropLast().contains("\n"))
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String]
        #expect(
            object == [
                "time": "2026-11-22T14:00:00.123456Z", "level": "error", "logger": "breakwater",
                "message": "a \"quoted\"\u{1}\ttext", "metadata.time": "mine", "asset": "BTC\\",
            ])
    }

    @Test func oneRecordAKeyAndMinuteIsWrittenAndTheRestCounted() throws {
        let lines = Lines()
        let time = Mutex(Instant(nanoseconds: 0))
        let limited = RateLimitedLog(
            try logger(.text, lines), mostKeys: 2, now: { time.withLock { $0 } })
        func at(_ seconds: Int64, _ key: String) {
            time.withLock { $0 = Instant(nanoseconds: seconds * 1_000_000_000) }
            limited.log(.info, key: key, "\(key) at \(seconds)")
        }
        for (seconds, key) in [(0, "a"), (1, "a"), (2, "b"), (59, "a"), (60, "a"), (61, "a")] {
            at(Int64(seconds), key)
        }
        // No room for more keys: they share one limit.
        at(61, "c")
        at(61, "d")
        at(120, "a")
        let written = lines.all.map { $0.dropFirst(45).dropLast() }
        #expect(
            written == [
                "a at 0", "b at 2", "a at 60 suppressed=2", "c at 61", "a at 120 suppressed=1",
            ])
    }
}
