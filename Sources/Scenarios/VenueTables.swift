import Haircuts
import Quantities

/// The tables a venue with fixed weights would publish: prices, depths and costs as Breakwater
/// sees them, but haircuts and scan ranges that do not follow the market.
struct VenueTables {
    private let raisesOnDrought: Bool
    private let raisesScan: Bool
    private var raised: Set<Identifier> = []

    /// - Parameter mode: one that is not adaptive.
    init(_ mode: CascadeMode) {
        raisesOnDrought = mode == .manualStep || mode == .manualStepOfCollateral
        raisesScan = mode == .manualStep
    }

    /// What a raise adds to the haircut, and the depth that brings it about, as a share of its
    /// baseline: below it the breaker of MODEL §6 is elevated, so that both see the same sign.
    static let raise = 0.20
    static let drought = 0.5

    mutating func table(
        from table: HaircutTable, _ configuration: AssetConfiguration
    ) -> HaircutTable {
        let depth = table.components.depth.double
        let baseline = table.components.depthBaseline.double
        if raisesOnDrought, depth < Self.drought * baseline { raised.insert(table.asset) }
        let raise = raised.contains(table.asset) ? Self.raise : 0
        let haircut = VenueHaircuts.maintenance(configuration.assetClass) + raise
        let initial = min(1, configuration.parameters.initialBuffer * haircut)
        var fixed = table
        fixed.state = .normal
        fixed.boundBy = []
        fixed.gap = .zero
        fixed.next = nil
        fixed.tiers = [
            HaircutTier(
                from: .zero, to: nil, initial: Self.ratio(initial),
                maintenance: Self.ratio(haircut))
        ]
        let scan = configuration.parameters.scanFloor + (raisesScan ? raise : 0)
        for index in fixed.scan.indices {
            fixed.scan[index].down = scan
            fixed.scan[index].up = scan / (1 - scan)
        }
        return fixed
    }

    private static func ratio(_ value: Double) -> Ratio {
        Ratio(millionths: Int32((value * 1e6).rounded()))
    }
}
