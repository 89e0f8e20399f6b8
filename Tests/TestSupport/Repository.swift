import Foundation

/// Where the checked-out project lies, for tests that read its files.
public enum Repository {
    public static let root: URL = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// A file of the project by its path from the root.
    public static func file(_ path: String) -> URL { root.appending(path: path) }

    public static func data(_ path: String) throws -> Data { try Data(contentsOf: file(path)) }
}

func logarithm(_ value: Double) -> Double { log(value) }
func exponential(_ value: Double) -> Double { exp(value) }
