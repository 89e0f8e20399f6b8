/// Who sets the haircuts in a cascade.
public enum CascadeMode: String, CaseIterable, Hashable, Sendable {
    /// Fixed weights of venues (`VenueHaircuts`), whatever happens.
    case fixed = "static"
    /// Fixed weights until an asset's depth falls below half of its baseline; then somebody raises
    /// that asset's ratios, its haircut and what its derivatives need, by 20 points at once.
    case manualStep = "manual-step"
    /// The same, but the raise leaves derivatives alone.
    case manualStepOfCollateral = "manual-step-collateral"
    /// Breakwater, with the governor.
    case adaptive
    /// Breakwater with its governor lifted.
    case adaptiveWithoutGovernor = "adaptive-no-governor"

    /// Whether Breakwater's tables are used as published.
    var isAdaptive: Bool { self == .adaptive || self == .adaptiveWithoutGovernor }
}
