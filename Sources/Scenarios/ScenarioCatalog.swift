import CScenarioData

/// The scenarios that come with Breakwater, by name.
public enum ScenarioCatalog {
    /// In the order in which they are listed to people.
    public static let names = ["crash-2025-10-10"]

    /// - Throws: `unknownName`, with the names there are.
    public static func scenario(named name: String) throws(ScenarioError) -> Scenario {
        switch name {
        case "crash-2025-10-10":
            return try Scenario(bytes: crashOf2025October)
        default:
            throw .unknownName(name, known: names)
        }
    }

    /// The file `Recorded/crash-2025-10-10.scenario`, from inside the binary.
    public static var crashOf2025October: [UInt8] {
        Array(
            UnsafeBufferPointer(
                start: breakwater_crash_2025_10_10(), count: breakwater_crash_2025_10_10_size()))
    }
}
