/// A moment in UTC, in nanoseconds since 1970-01-01T00:00:00Z; from 1678 to 2262.
///
/// Breakwater never asks a clock for one in its pure rooms: instants come with messages and timers.
public struct Instant: Hashable, Comparable, Sendable {
    public var nanoseconds: Int64

    @inlinable
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// From a Kafka timestamp, milliseconds since 1970; nil when out of range.
    @inlinable
    public init?(milliseconds: Int64) {
        let (value, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        if overflow { return nil }
        nanoseconds = value
    }

    /// Whole milliseconds since 1970, the part of a millisecond dropped.
    @inlinable
    public var milliseconds: Int64 { nanoseconds / 1_000_000 }

    @inlinable
    public static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// Seconds from another instant to this one; negative when this one is earlier.
    @inlinable
    public func seconds(since earlier: Instant) -> Double {
        Double(nanoseconds &- earlier.nanoseconds) / 1e9
    }

    /// This instant moved by a number of nanoseconds, held at the ends of the range.
    @inlinable
    public func advanced(byNanoseconds distance: Int64) -> Instant {
        let (value, overflow) = nanoseconds.addingReportingOverflow(distance)
        if overflow { return Instant(nanoseconds: distance > 0 ? .max : .min) }
        return Instant(nanoseconds: value)
    }

    /// This instant moved by whole seconds, held at the ends of the range.
    @inlinable
    public func advanced(bySeconds distance: Int64) -> Instant {
        advanced(byNanoseconds: distance * 1_000_000_000)
    }

    /// The number of whole periods of this length since 1970.
    ///
    /// - Parameter seconds: > 0.
    @inlinable
    public func period(ofSeconds seconds: Int64) -> Int64 {
        let length = seconds * 1_000_000_000
        let quotient = nanoseconds / length
        return nanoseconds % length < 0 ? quotient - 1 : quotient
    }

    /// As `period(ofSeconds:)`, without a division where the answer is the one expected.
    @inlinable
    public func period(ofSeconds seconds: Int64, expected: Int64?) -> Int64 {
        let length = seconds * 1_000_000_000
        if let expected {
            let (start, overflow) = expected.multipliedReportingOverflow(by: length)
            if !overflow {
                let into = nanoseconds.subtractingReportingOverflow(start)
                if !into.overflow, into.partialValue >= 0, into.partialValue < length {
                    return expected
                }
            }
        }
        return period(ofSeconds: seconds)
    }
}
