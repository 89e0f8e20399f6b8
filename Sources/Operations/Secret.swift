/// A text that must not be seen: printing, interpolating, dumping or reflecting it gives `***`.
public struct Secret: Hashable, Sendable {
    private let value: String

    public init(_ value: String) {
        self.value = value
    }

    /// The text itself, for the one place that hands it to the broker's client.
    public func reveal() -> String { value }

    /// What stands in its place wherever people look.
    public static let mask = "***"
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { Self.mask }
    public var debugDescription: String { Self.mask }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
