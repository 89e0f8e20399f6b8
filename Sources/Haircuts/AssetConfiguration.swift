import Quantities

/// One listed asset: its sources, its priors and its parameters.
public struct AssetConfiguration: Hashable, Sendable {
    public var asset: Identifier
    public var assetClass: AssetClass
    /// The venue whose book gives mid, spread and depth.
    public var primaryVenue: Identifier
    /// Base units traded a day, at most, that may be counted on; > 0.
    public var dailyVolume: FixedDecimal
    /// The prior of the depth's baseline, in the valuation currency; > 0.
    public var depthReference: FixedDecimal
    /// The prior of the collateral of this asset pledged in the system, in the valuation
    /// currency; ≥ 0.
    public var systemCollateral: FixedDecimal
    /// The most price sources whose absence is held against the reference; nil: as many as were
    /// seen together in 24 h.
    public var sources: Int?
    public var parameters: HaircutParameters
    /// `sha256:` and the hash of everything above, as published in each table.
    public var parametersHash: String

    public init(
        asset: Identifier, assetClass: AssetClass, primaryVenue: Identifier,
        dailyVolume: FixedDecimal, depthReference: FixedDecimal, systemCollateral: FixedDecimal,
        sources: Int? = nil, parameters: HaircutParameters, parametersHash: String
    ) {
        self.asset = asset
        self.assetClass = assetClass
        self.primaryVenue = primaryVenue
        self.dailyVolume = dailyVolume
        self.depthReference = depthReference
        self.systemCollateral = systemCollateral
        self.sources = sources
        self.parameters = parameters
        self.parametersHash = parametersHash
    }
}
