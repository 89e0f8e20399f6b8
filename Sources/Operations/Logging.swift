import Foundation
import Logging
import Quantities
import Synchronization

/// Writes log records to stderr, one line each, as text or JSON, with their time in UTC.
public struct LineLogHandler: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?
    public var logLevel: Logger.Level
    private let label: String
    private let format: Settings.LogFormat
    private let now: @Sendable () -> Instant
    private let write: @Sendable (String) -> Void

    /// - Parameters:
    ///   - now: gives each record its time.
    ///   - write: takes a line with its line break; may be called from any thread.
    public init(
        label: String, settings: Settings.Log,
        now: @escaping @Sendable () -> Instant = { wallClock() },
        write: @escaping @Sendable (String) -> Void = { writeToStandardError($0) }
    ) {
        self.label = label
        format = settings.format
        logLevel = Logger.Level(rawValue: settings.level.rawValue) ?? .info
        self.now = now
        self.write = write
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
        if let given = event.metadata { all.merge(given) { $1 } }
        var fields = all.map { ($0.key, "\($0.value)") }.sorted { $0.0 < $1.0 }
        if let error = event.error { fields.append(("error", "\(error)")) }
        let time = now().description
        switch format {
        case .text:
            var line = "\(time) \(event.level.rawValue) \(label): \(oneLine("\(event.message)"))"
            for (key, value) in fields { line += " \(key)=\(shownValue(value))" }
            write(line + "\n")
        case .json:
            let known = [
                ("time", time), ("level", event.level.rawValue), ("logger", label),
                ("message", "\(event.message)"),
            ]
            // A field that would hide one of the record's own keeps its value under another name.
            let names = Set(known.map(\.0))
            let rest = fields.map { (names.contains($0.0) ? "metadata.\($0.0)" : $0.0, $0.1) }
            let members = (known + rest).map { "\(jsonText($0.0)):\(jsonText($0.1))" }
            write("{" + members.joined(separator: ",") + "}\n")
        }
    }
}

/// Sends the records of every logger of this process to stderr as configured; call once, first.
public func startLogging(_ settings: Settings.Log) {
    LoggingSystem.bootstrap { LineLogHandler(label: $0, settings: settings) }
}

/// The machine's time.
public func wallClock() -> Instant {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
}

/// Writes the whole text in as few calls as the system allows; what cannot be written is dropped.
public func writeToStandardError(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
        var rest = UnsafeRawBufferPointer(bytes)
        while let start = rest.baseAddress, !rest.isEmpty {
            let count = Foundation.write(2, start, rest.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }
}

/// A message with its control characters escaped, so that a record is one line.
private func oneLine(_ text: String) -> String {
    text.unicodeScalars.contains { $0.value < 0x20 }
        ? String(jsonText(text).dropFirst().dropLast()) : text
}

private func shownValue(_ text: String) -> String {
    let plain = text.unicodeScalars.allSatisfy { $0.value > 0x20 && $0 != "\"" && $0 != "=" }
    return plain && !text.isEmpty ? text : jsonText(text)
}
