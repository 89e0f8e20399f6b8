import Margin
import Quantities
import Testing

@Suite("Reference cases")
struct ReferenceTests {
    /// Accounts computed by Reference/make_cases.py, with QuantLib's Black-76, to 1e-6.
    @Test func everyAccountHasTheMarginThatAnIndependentCalculationGives() throws {
        let reference = try ReferenceCases.read()
        let tables = reference.market.prepared
        #expect(reference.cases.count >= 12)
        for one in reference.cases {
            let assessments = margin.assess(
                one.accounts.map(\.snapshot), in: tables, at: moment(seconds: one.time))
            #expect(assessments.count == one.expected.count)
            for (assessment, expected) in zip(assessments, one.expected) {
                compare(assessment, expected, of: one.name)
            }
        }
    }

    private func compare(
        _ assessment: AccountAssessment, _ expected: ReferenceCases.Expected, of name: String
    ) {
        func expect(_ what: String, _ value: Double, _ wanted: Double) {
            #expect(agree(value, wanted, within: 1e-6), "\(name): \(what) \(value), not \(wanted)")
        }
        func expect(_ what: String, _ pair: MarginPair, _ wanted: [Double]) {
            expect("initial \(what)", pair.initial, wanted[0])
            expect("maintenance \(what)", pair.maintenance, wanted[1])
        }
        let figures = assessment.figures
        #expect(assessment.account == id(expected.account))
        let status = figures.status(after: .healthy, margin.parameters)
        #expect(status.rawValue == expected.status, "\(name)")
        expect("equity", figures.equity, expected.equity)
        expect("collateral", figures.collateral, expected.collateral)
        expect("debts", figures.debts, expected.debts)
        expect("unrealised", assessment.unrealised, expected.unrealised)
        expect("requirement", figures.requirement, expected.requirement)
        expect("excess", figures.excess, expected.excess)
        expect("scale", figures.scale(margin.parameters), expected.scale)
        #expect((figures.marginRatio == nil) == (expected.marginRatio == nil), "\(name)")
        if let ratio = figures.marginRatio, let wanted = expected.marginRatio {
            expect("ratio", ratio, wanted)
        }
        let reasons = MarginReasons.names.filter { assessment.reasons.contains($0.reason) }
        #expect(reasons.map { "\($0.name)" }.sorted() == expected.reasons, "\(name)")
        #expect(assessment.assets.map(\.asset) == expected.assets.map { id($0.asset) }, "\(name)")
        for (asset, wanted) in zip(assessment.assets, expected.assets) {
            expect("\(wanted.asset)", asset.quantity, wanted.quantity)
            expect("value of \(wanted.asset)", asset.value, wanted.value)
            expect("loss of \(wanted.asset)", asset.loss, wanted.loss)
        }
        #expect(
            assessment.risk.map(\.underlying) == expected.risk.map { id($0.underlying) }, "\(name)")
        for (risk, wanted) in zip(assessment.risk, expected.risk) {
            expect("risk on \(wanted.underlying)", risk.loss, wanted.loss)
            expect("scenario of \(wanted.underlying)", risk.scenario.price, wanted.price)
            #expect(risk.scenario.volatility.rawValue == wanted.volatility, "\(name)")
        }
    }
}
