import Foundation
import Haircuts
import Market
import Quantities
import TestSupport
import Testing

/// The formulas agree with QuantLib 1.44, whose tables `Vectors/make_quantlib_tables.py` writes.
struct QuantLibTests {
    /// A table of numbers: its columns by name, at least one row.
    struct Table {
        struct Malformed: Error { var line: Int }

        let rows: [[String: Double]]

        init(_ text: String) throws {
            let lines = text.split(separator: "\n")
            guard lines.count >= 2 else { throw Malformed(line: lines.count) }
            let names = lines[0].split(separator: ",").map(String.init)
            rows = try lines.dropFirst().enumerated().map { index, line in
                let values = line.split(separator: ",", omittingEmptySubsequences: false)
                let numbers = values.compactMap { Double($0) }
                guard values.count == names.count, numbers.count == names.count else {
                    throw Malformed(line: index + 2)
                }
                return Dictionary(uniqueKeysWithValues: zip(names, numbers))
            }
        }

        static func read(_ name: String) throws -> Table {
            let data = try Repository.data("Tests/HaircutsTests/Vectors/\(name)")
            return try Table(String(decoding: data, as: UTF8.self))
        }
    }

    @Test(arguments: ["", "a,b\n", "a,b\n1\n", "a,b\n1,x\n", "a,b\n1,2\n3,\n"])
    func aTableWithoutRowsOrNumbersIsNoTable(_ text: String) {
        #expect(throws: Table.Malformed.self) { try Table(text) }
    }

    /// Far out of the money QuantLib takes one near 1 from another, which leaves it 1e-15 of the
    /// forward: the absolute part is ten times that.
    @Test func pricesAndGreeksOfBlack76Agree() throws {
        let table = try Table.read("quantlib_black76.csv")
        #expect(table.rows.count == 432)
        for row in table.rows {
            let forward = try #require(row["forward"])
            var option = Black76(
                .call, forward: forward, strike: try #require(row["strike"]),
                years: try #require(row["years"]), volatility: try #require(row["volatility"]))
            func check(_ value: Double, _ column: String, scale: Double) throws {
                let expected = try #require(row[column])
                #expect(
                    abs(value - expected) <= 1e-9 * abs(expected) + 1e-14 * scale,
                    "\(column) of \(option): \(value), not \(expected)")
            }
            try check(option.price, "call", scale: forward)
            try check(option.delta, "delta_call", scale: 1)
            try check(option.vega, "vega", scale: forward)
            option.right = .put
            try check(option.price, "put", scale: forward)
            try check(option.delta, "delta_put", scale: 1)
            try check(option.vega, "vega", scale: forward)
        }
    }

    /// All volatilities are above 0.05: no absolute part is needed.
    @Test func volatilitiesOfSVIAgree() throws {
        let table = try Table.read("quantlib_svi.csv")
        #expect(table.rows.count == 357)
        for row in table.rows {
            func number(_ name: String) throws -> Double { try #require(row[name]) }
            let svi = Surface.SVI(
                a: try number("a"), b: try number("b"), rho: try number("rho"),
                m: try number("m"), sigma: try number("sigma"))
            let (years, forward) = (try number("years"), try number("forward"))
            let (strike, expected) = (try number("strike"), try number("volatility"))
            let direct = (svi.totalVariance(at: log(strike / forward)) / years).squareRoot()
            #expect(agrees(direct, expected), "\(row) gives \(direct)")
            let prepared = PreparedSurface(surface([(years, forward, .svi(svi))]))
            let value = prepared.impliedVolatility(
                strike: decimal(strike), expiry: instant(inYears: years), at: now)
            #expect(agrees(value ?? .nan, expected), "\(row) gives \(value ?? .nan)")
        }
    }
}
