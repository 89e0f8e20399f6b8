import Logging
import Quantities
import Synchronization

/// Logs at most one record a key and interval, each with the number held back since the last one.
///
/// For what bad input can cause a thousand times a second. Safe to use from any thread.
public final class RateLimitedLog: Sendable {
    private struct Entry {
        var loggedAt: Instant
        var suppressed = 0
    }

    private let logger: Logger
    private let intervalSeconds: Double
    private let mostKeys: Int
    private let now: @Sendable () -> Instant
    private let entries = Mutex<[String: Entry]>([:])

    /// - Parameters:
    ///   - intervalSeconds: > 0.
    ///   - mostKeys: keys remembered, > 0; further ones share a limit until some have aged.
    public init(
        _ logger: Logger, intervalSeconds: Double = 60, mostKeys: Int = 1_000,
        now: @escaping @Sendable () -> Instant = { wallClock() }
    ) {
        precondition(intervalSeconds > 0 && mostKeys > 0)
        self.logger = logger
        self.intervalSeconds = intervalSeconds
        self.mostKeys = mostKeys
        self.now = now
    }

    /// - Parameter key: what counts as the same occasion; not logged.
    public func log(
        _ level: Logger.Level, key: String, _ message: @autoclosure () -> Logger.Message,
        metadata: @autoclosure () -> Logger.Metadata? = nil
    ) {
        guard level >= logger.logLevel, let suppressed = admit(key) else { return }
        var fields = metadata() ?? [:]
        if suppressed > 0 { fields["suppressed"] = "\(suppressed)" }
        logger.log(level: level, message(), metadata: fields)
    }

    /// The number held back since the last record of the key, or nil when this one is to be.
    private func admit(_ key: String) -> Int? {
        let time = now()
        return entries.withLock { entries in
            var key = key
            if entries[key] == nil, entries.count >= mostKeys {
                entries = entries.filter {
                    abs(time.seconds(since: $0.value.loggedAt)) < intervalSeconds
                }
                if entries.count >= mostKeys { key = "" }
            }
            // A clock set back ends the wait too, else a step of a year would silence a key.
            if let entry = entries[key],
                abs(time.seconds(since: entry.loggedAt)) < intervalSeconds
            {
                entries[key]?.suppressed += 1
                return nil
            }
            let suppressed = entries[key]?.suppressed ?? 0
            entries[key] = Entry(loggedAt: time)
            return suppressed
        }
    }
}
