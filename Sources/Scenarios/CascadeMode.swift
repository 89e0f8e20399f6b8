/// Who sets the haircuts in a cascade.
public enum CascadeMode: String, CaseIterable, Hashable, Sendable {
    /// Fixed weights of venues (`VenueHaircuts`), whatever happens.
    case fixed = "static"
    /// Fixed weights until an asset's depth falls below half of its baseline; then somebody raises
    /// that asset's haircut by 20 points at once.
    case manualStep = "manual-step"
    /// Breakwater, with the governor.
    case adaptive
    /// Breakwater with its governor lifted.
    case adaptiveWithoutGovernor = "adaptive-no-governor"

    /// Whether Breakwater's tables are used as published.
    var isAdaptive: Bool { self == .adaptive || self == .adaptiveWithoutGovernor }
}
