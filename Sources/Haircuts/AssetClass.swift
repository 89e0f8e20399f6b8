/// The family of an asset, which sets the defaults of its parameters.
public enum AssetClass: String, CaseIterable, Sendable {
    case major, alt, stable
}
