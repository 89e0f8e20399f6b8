#!/usr/bin/env python3
"""Writes the tables of QuantLib's Black-76 and SVI that the formulas are held to.

    python3 -m venv .venv && .venv/bin/pip install QuantLib==1.44
    .venv/bin/python Tests/HaircutsTests/Vectors/make_quantlib_tables.py

Made with QuantLib 1.44 from PyPI; another version is refused, so that the tables name their
origin. `repr` writes numbers that read back to the same bits.

quantlib_black76.csv: BlackCalculator, undiscounted, one unit. Greeks are of the forward
(`delta_call`, `delta_put`) and per 1.00 of volatility (`vega`).
quantlib_svi.csv: SviSmileSection, annualised volatility by strike.
"""

import csv
import math
from pathlib import Path

import QuantLib as ql

VERSION = "1.44"
HERE = Path(__file__).parent

# a, b, rho, m, sigma, years: calm, steep, shifted, wild, flat, short.
SMILES = [
    (0.04, 0.1, -0.3, 0.0, 0.2, 1.0),
    (0.01, 0.25, -0.7, 0.05, 0.1, 0.25),
    (-0.02, 0.4, 0.5, -0.1, 0.3, 0.5),
    (0.2, 0.9, -0.9, 0.2, 0.5, 2.0),
    (0.09, 0.0, 0.0, 0.0, 0.1, 0.75),
    (0.0005, 0.02, -0.2, 0.005, 0.03, 7 / 365),
    (0.0, 1.0, 0.95, 0.0, 0.05, 1.5),
]
FORWARDS = [0.37, 100.0, 64_250.5]


def write(name: str, header: list[str], rows: list[list[float]]) -> None:
    with open(HERE / name, "w", newline="", encoding="ascii") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([repr(float(value)) for value in row] for row in rows)


def black76() -> list[list[float]]:
    rows = []
    for forward in FORWARDS:
        for moneyness in [0.3, 0.6, 0.85, 0.95, 1.0, 1.05, 1.2, 1.7, 3.0]:
            strike = forward * moneyness
            for years in [1 / 365, 30 / 365, 0.5, 2.0]:
                for volatility in [0.2, 0.65, 1.5, 3.0]:
                    deviation = volatility * math.sqrt(years)
                    call, put = (
                        ql.BlackCalculator(
                            ql.PlainVanillaPayoff(right, strike), forward, deviation, 1.0)
                        for right in [ql.Option.Call, ql.Option.Put]
                    )
                    rows.append([
                        forward, strike, years, volatility, call.value(), put.value(),
                        call.deltaForward(), put.deltaForward(), call.vega(years),
                    ])
    return rows


def svi() -> list[list[float]]:
    rows = []
    for a, b, rho, m, sigma, years in SMILES:
        for forward in FORWARDS:
            section = ql.SviSmileSection(years, forward, [a, b, sigma, rho, m])
            for step in range(-8, 9):
                strike = round(forward * math.exp(0.15 * step), 9)
                rows.append([
                    a, b, rho, m, sigma, years, forward, strike, section.volatility(strike)])
    return rows


def main() -> None:
    if ql.__version__ != VERSION:
        raise SystemExit(f"QuantLib {VERSION} is wanted, this is {ql.__version__}.")
    write(
        "quantlib_black76.csv",
        ["forward", "strike", "years", "volatility", "call", "put", "delta_call", "delta_put",
         "vega"],
        black76())
    write(
        "quantlib_svi.csv",
        ["a", "b", "rho", "m", "sigma", "years", "forward", "strike", "volatility"],
        svi())


if __name__ == "__main__":
    main()
