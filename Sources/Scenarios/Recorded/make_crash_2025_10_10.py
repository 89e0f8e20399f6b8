#!/usr/bin/env python3
"""Makes crash-2025-10-10.scenario from recorded market data.

    make_crash_2025_10_10.py DATA_DIRECTORY OUTPUT_FILE

Every rule by which the recording is repaired, joined or completed is in README.md beside this
file, under the heading that the functions below name. Standard library only; the same input
gives the same bytes.
"""

import bisect
import csv
import gzip
import math
import statistics
import sys
from pathlib import Path

MIDNIGHT = 1_760_054_400  # 2025-10-10T00:00:00Z
START = MIDNIGHT + 12 * 3600
CRASH = MIDNIGHT + 18 * 3600
END = MIDNIGHT + 24 * 3600
MINUTES = range(START, END, 60)

STALE_FROM = MIDNIGHT + 15 * 3600 + 27 * 60 + 4
PHANTOM_PRICE = 121_363.4
PHANTOM_NOTIONAL = 2_142_547.0
LEAST_BID_EDGE = 0.75
PERCENTS = range(1, 6)

# asset: class, tick, decimals of the tick, daily volume, depth ratio to BTC, system collateral
ASSETS = {
    "BTC": ("major", "0.1", 1, 100_000, 1.0, 500_000_000),
    "ETH": ("major", "0.01", 2, 4_000_000, 0.6, 300_000_000),
    "SOL": ("alt", "0.01", 2, 25_000_000, 0.2, 100_000_000),
    "USDE": ("stable", "0.0001", 4, 150_000_000, None, 100_000_000),
}
USDE_DEPTH = 20_000_000

CURVATURE = {"2025-10-31T08:00:00Z": 1.44, "2025-11-28T08:00:00Z": 0.97}
EXPIRY_SECONDS = {"2025-10-31T08:00:00Z": 1_761_897_600, "2025-11-28T08:00:00Z": 1_764_316_800}
RECORDED_STRIKES = {
    "2025-10-31T08:00:00Z": (80_000, 135_000),
    "2025-11-28T08:00:00Z": (102_000, 132_000),
}
STRIKES = {
    "BTC": {
        "2025-10-31T08:00:00Z": [80_000, 90_000, 100_000, 110_000, 120_000, 135_000],
        "2025-11-28T08:00:00Z": [80_000, 90_000, 102_000, 110_000, 120_000, 132_000],
    },
    "ETH": dict.fromkeys(CURVATURE, [2_000, 2_500, 3_000, 3_500, 4_000, 4_500, 5_500]),
    "SOL": dict.fromkeys(CURVATURE, [90, 120, 150, 180, 210, 240, 300]),
}
BETA = {"BTC": 1.0, "ETH": 1.63, "SOL": 1.89}


def rows(data, path):
    with gzip.open(data / path, "rt", newline="") as file:
        return list(csv.DictReader(file))


def bars(data, path):
    """Recorded bars by their opening second: (open, high, low, close)."""
    return {
        int(row["ts"]): tuple(float(row[name]) for name in ("open", "high", "low", "close"))
        for row in rows(data, path)
    }


def last_at(series, moment):
    """The value of a sorted [(second, value)] that stood at a moment."""
    index = bisect.bisect_right(series, moment, key=lambda pair: pair[0])
    return series[max(index - 1, 0)][1]


# README: Prices of the primary venue


def minute_bars(coarse, length, guide):
    """Minute bars that keep the recorded coarse bars' four prices and follow the guide inside."""
    result = {}
    for start in range(START - START % length, END, length):
        first, high, low, last = coarse[start]
        count = length // 60
        shape = [guide(start + 60 * index) for index in range(count + 1)]
        points = []
        for index in range(count + 1):
            share = index / count
            chord = shape[0] + (shape[-1] - shape[0]) * share
            scale = first / shape[0]
            point = first + (last - first) * share + (shape[index] - chord) * scale
            points.append(min(max(point, low), high))
        points[0], points[-1] = first, last
        pieces = [[a, max(a, b), min(a, b), b] for a, b in zip(points, points[1:])]
        min(pieces, key=lambda piece: piece[2])[2] = low
        max(pieces, key=lambda piece: piece[1])[1] = high
        for index, piece in enumerate(pieces):
            result[start + 60 * index] = tuple(piece)
    return {minute: result[minute] for minute in MINUTES}


# README: Index prices


def index_bars(recorded):
    """Recorded minutes; up to three silent ones between trades keep the last price."""
    result = {}
    known = sorted(recorded)
    for minute in MINUTES:
        if minute in recorded:
            result[minute] = recorded[minute]
            continue
        before = bisect.bisect_left(known, minute)
        if before == 0 or before == len(known):
            continue
        if known[before] - known[before - 1] <= 4 * 60:
            close = recorded[known[before - 1]][3]
            result[minute] = (close, close, close, close)
    return result


def closes_to_bars(series):
    """Bars that run from each minute's last value to the next one's."""
    result = {}
    for minute in MINUTES:
        first, last = last_at(series, minute - 60), last_at(series, minute)
        result[minute] = (first, max(first, last), min(first, last), last)
    return result


def block_bars(blocks):
    """Minute bars of a price known per block."""
    result = {}
    for minute in MINUTES:
        inside = [price for second, price in blocks if minute <= second < minute + 60]
        if minute >= blocks[0][0] // 60 * 60 and (inside or minute > blocks[0][0]):
            first = last_at(blocks, minute)
            path = [first] + inside
            result[minute] = (first, max(path), min(path), path[-1])
    return result


# README: Depth


def snapshots(data):
    """Recorded depth: [(second, index price, {percent: (size, notional)})] in time order."""
    gathered = {}
    for row in rows(data, "crash_2025-10-10/binance_um_BTCUSDT_bookDepth.csv.gz"):
        second, percent = int(row["ts"]), int(float(row["percentage"]))
        entry = gathered.setdefault(second, (float(row["idx_price"]), {}))
        entry[1][percent] = (float(row["depth"]), float(row["notional"]))
    return [
        (second, *gathered[second])
        for second in sorted(gathered)
        if len(gathered[second][1]) == 10
    ]


def contradicts_index(index, bands):
    """Whether the bands' own average prices cannot belong to a middle near the index price."""
    lowest, highest = 0.0, math.inf
    for sign in (-1, 1):
        for percent in range(2, 6):
            size, notional = bands[sign * percent]
            inner_size, inner_notional = bands[sign * (percent - 1)]
            if size - inner_size < 1e-6:
                continue
            average = (notional - inner_notional) / (size - inner_size)
            edges = sorted(
                average / (1 + sign * edge / 100) for edge in (percent, percent - 1)
            )
            lowest, highest = max(lowest, edges[0]), min(highest, edges[1])
    return not lowest * 0.999 <= index <= highest * 1.001


def shape_at(shape, percent):
    """The morning's cumulative notional at a distance: linear, beyond 5 % a power law."""
    if percent <= 5:
        lower = int(percent)
        inner = shape[lower - 1] if lower else 0.0
        outer = shape[min(lower, 4)]
        return inner + (outer - inner) * (percent - lower)
    exponent = math.log(shape[4] / shape[3]) / math.log(5 / 4)
    return shape[4] * (percent / 5) ** exponent


def completed(edges, shape):
    """Notional at 1…5 % from what is known at other distances, the morning's shape between."""
    result = []
    for percent in PERCENTS:
        inner, outer = (0.0, 0.0), None
        for edge in edges:
            if edge[0] <= percent:
                inner = edge
            elif outer is None:
                outer = edge
        if outer is None:
            value = inner[1] * shape_at(shape, percent) / shape_at(shape, inner[0])
        else:
            base = shape_at(shape, inner[0]) if inner[0] else 0.0
            share = (shape_at(shape, percent) - base) / (shape_at(shape, outer[0]) - base)
            value = inner[1] + (outer[1] - inner[1]) * share
        result.append(value)
    return result


def depth_rows(data):
    """Cumulative notional at 1…5 % of mid, bids then asks, and what became of each snapshot."""
    recorded = snapshots(data)
    clean = [
        [[bands[sign * percent][1] for percent in PERCENTS] for sign in (-1, 1)]
        for second, index, bands in recorded
        if START <= second < START + 3 * 3600 and not contradicts_index(index, bands)
    ]
    shape = [
        [statistics.median(sides[side][i] for sides in clean) for i in range(5)]
        for side in (0, 1)
    ]
    result, last_pair = [], None
    counts = {"published": 0, "skipped": 0, "repaired": 0, "scaled": 0}
    for second, index, bands in recorded:
        if not START - 60 <= second < END:
            continue
        if second < STALE_FROM:
            if contradicts_index(index, bands):
                counts["skipped"] += 1
                continue
            counts["published"] += 1
            sides = [[bands[sign * p][1] for p in PERCENTS] for sign in (-1, 1)]
            result.append((max(second, START), sides))
            continue
        middle = (PHANTOM_PRICE + index) / 2
        asks = [(100 * (middle * (1 + p / 100) / index - 1), bands[p][1]) for p in PERCENTS]
        ask_side = completed(asks, shape[1])
        bids = [
            (-100 * (middle * (1 - p / 100) / index - 1), bands[-p][1] - PHANTOM_NOTIONAL)
            for p in PERCENTS
        ]
        above_index = max([notional for edge, notional in bids if edge <= 0], default=0.0)
        bids = [(edge, notional - above_index) for edge, notional in bids if edge > 0]
        bids = [(edge, notional) for edge, notional in bids if notional > 0]
        if bids and bids[-1][0] >= LEAST_BID_EDGE:
            counts["repaired"] += 1
            bid_side = completed(bids, shape[0])
            last_pair = (bid_side, ask_side)
        else:
            counts["scaled"] += 1
            fall = ask_side[1] / last_pair[1][1]
            bid_side = [notional * fall for notional in last_pair[0]]
        result.append((second, [bid_side, ask_side]))
    reference = shape[0][1]
    return result, counts, reference


# README: Surfaces


def smile(forward, expiry, volatilities):
    """A parabola in k through the two recorded volatilities: (level, slope, curvature)."""
    curvature = CURVATURE[expiry]
    left, right = (math.log(strike / forward) for strike in RECORDED_STRIKES[expiry])
    rise = volatilities[1] - volatilities[0] - curvature * (right**2 - left**2)
    slope = rise / (right - left)
    return volatilities[0] - slope * left - curvature * left**2, slope, curvature


def volatility(parabola, k):
    level, slope, curvature = parabola
    k = min(max(k, -0.45), 0.35)
    return level + slope * k + curvature * k * k


def surface_rows(options, forwards):
    """Per minute and expiry: forward and volatilities of one asset, from BTC's options."""
    result = {asset: [] for asset in BETA}
    for minute in MINUTES:
        parabolas, btc_forward = {}, None
        for expiry, strikes in RECORDED_STRIKES.items():
            quoted = [options[expiry, strike][minute - 60] for strike in strikes]
            btc_forward = quoted[0][0]
            parabolas[expiry] = smile(btc_forward, expiry, [mark for _, mark in quoted])
        for asset, beta in BETA.items():
            forward = btc_forward if asset == "BTC" else forwards[asset][minute][0]
            line, variance = [], 0.0
            for expiry, parabola in parabolas.items():
                years = (EXPIRY_SECONDS[expiry] - minute) / (365 * 86_400)
                assert years * parabola[0] ** 2 >= variance, (minute, asset)
                variance = years * parabola[0] ** 2
                values = [
                    round(1e4 * beta * volatility(parabola, math.log(strike / forward) / beta))
                    for strike in STRIKES[asset][expiry]
                ]
                line.append((round(forward * 100), values))
            result[asset].append(line)
    return result


def recorded_options(data):
    """{(expiry, strike): {minute: (underlying price, mark volatility)}}; the put is left out."""
    result, underlying = {}, {}
    for row in rows(data, "crash_2025-10-10/okx_btc_options_1m.csv.gz"):
        if row["type"] != "call" or not row["underlying_price"]:
            continue
        expiry = next(e for e, s in EXPIRY_SECONDS.items() if s == int(row["expiration"]))
        price = float(row["underlying_price"])
        series = result.setdefault((expiry, int(float(row["strike_price"]))), {})
        series[int(row["ts"])] = (price, float(row["mark_iv"]))
        underlying[int(row["ts"])] = price
    return result, sorted(underlying.items())


# README: Daily volume


def rolling_volumes(data, path):
    """Base units over the 24 h before each hour."""
    recorded = [(int(row["ts"]), float(row["volume"])) for row in rows(data, path)]
    return [
        round(sum(volume for second, volume in recorded if hour - 86_400 <= second < hour))
        for hour in range(START, END, 3600)
    ]


# README: The format


def price_lines(asset, venue, kind, series, decimals):
    lines = [f"prices {asset} {venue} {kind} {len(MINUTES)}"]
    previous = 0
    for minute in MINUTES:
        if minute not in series:
            lines.append("-")
            continue
        first, high, low, last = (round(price * 10**decimals) for price in series[minute])
        lines.append(f"{first - previous} {high - first} {first - low} {last - first}")
        previous = last
    return lines


def depth_lines(asset, recorded):
    lines = []
    for second, sides in recorded:
        limit = 60 if second < CRASH else 30
        values = [round(value / 1e3) for side in sides for value in side]
        for side in (slice(0, 5), slice(5, 10)):
            values[side] = [max(values[side][: i + 1]) for i in range(5)]
        moment = second - START
        moment += -moment % limit
        if lines and lines[-1][0] == moment:
            lines.pop()
        if moment < END - START:
            lines.append((moment, values))
    return [f"depth {asset} {len(lines)}"] + [
        " ".join(map(str, [moment, *values])) for moment, values in lines
    ]


def surface_lines(asset, recorded):
    grids = STRIKES[asset]
    lines = [f"surfaces {asset} {len(grids)} {len(recorded)}"]
    lines += [f"expiry {expiry} {' '.join(map(str, strikes))}" for expiry, strikes in grids.items()]
    previous = None
    for line in recorded:
        flat = [number for forward, values in line for number in (forward, *values)]
        before = previous or [0] * len(flat)
        lines.append(" ".join(str(now - then) for now, then in zip(flat, before)))
        previous = flat
    return lines


def checksum(text):
    """FNV-1a, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def primary_prices(data):
    """Minute bars of the primary venue, by asset."""
    index = {}
    for second, price, _ in snapshots(data):
        index.setdefault(second // 60 * 60, price)
    index = sorted(index.items())
    gemini = {
        asset: [
            (minute + 60, bar[3])
            for minute, bar in sorted(
                bars(data, f"crash_2025-10-10/gemini_{asset.lower()}usd_1m.csv.gz").items()
            )
        ]
        for asset in ("BTC", "ETH", "SOL")
    }

    def moved(asset):
        """Gemini's price moved by what parts the venues in BTC at that minute."""
        return lambda minute: (
            last_at(gemini[asset], minute)
            * last_at(index, minute)
            / last_at(gemini["BTC"], minute)
        )

    mark = bars(data, "crash_2025-10-10/binance_BTCUSDT_priceidx_5m_2025-10-01_20.csv.gz")
    ether = bars(data, "events_intraday/2025-10_ethusdt_perp_15m_gpl.csv.gz")
    solana = bars(data, "events_intraday/2025-10_solusdt_perp_5m_gpl.csv.gz")
    dollar = bars(data, "events_intraday/2025-10_usdeusdt_1m_nolic.csv.gz")
    return {
        "BTC": minute_bars(mark, 300, lambda minute: last_at(index, minute)),
        "ETH": minute_bars(ether, 900, moved("ETH")),
        "SOL": minute_bars(solana, 300, moved("SOL")),
        "USDE": {minute: dollar[minute] for minute in MINUTES},
    }


def index_prices(data, underlying):
    """Minute bars of the index venues: {(asset, venue): bars}."""
    result = {
        (asset, "gemini"): index_bars(
            bars(data, f"crash_2025-10-10/gemini_{asset.lower()}usd_1m.csv.gz")
        )
        for asset in ("BTC", "ETH", "SOL")
    }
    result["BTC", "okx"] = closes_to_bars(underlying)
    blocks = [
        (int(row["ts"]), float(row["token1Price"]))
        for row in rows(data, "stablecoins/uniswap_v3_usde_usdt_block_2025-10-10.csv.gz")
    ]
    result["USDE", "uniswap"] = block_bars(blocks)
    return result


def main(data, output):
    primary = primary_prices(data)
    options, underlying = recorded_options(data)
    depth, counts, reference = depth_rows(data)
    lines = [
        "breakwater-scenario 1",
        "name crash-2025-10-10",
        "description The crash of 10 October 2025: BTC, ETH, SOL and USDe, 12:00 to 24:00 UTC",
        "start 2025-10-10T12:00:00Z",
        f"section warm-up {CRASH - START} 20",
        f"section crash {END - CRASH} 1",
    ]
    for asset, (kind, tick, _, volume, ratio, collateral) in ASSETS.items():
        ratio = ratio or USDE_DEPTH / reference
        lines.append(
            f"asset {asset} {kind} binance {tick} {volume} {round(reference * ratio)} {collateral}"
            f" BTC {round(ratio * 1e6)}"
        )
    for asset, series in primary.items():
        lines += price_lines(asset, "binance", "book", series, ASSETS[asset][2])
    for (asset, venue), series in index_prices(data, underlying).items():
        lines += price_lines(asset, venue, "index", series, ASSETS[asset][2])
    lines += depth_lines("BTC", depth)
    hourly = {
        "BTC": [ASSETS["BTC"][3]] * 12,
        "ETH": rolling_volumes(data, "events_intraday/2025-10_ethusdt_perp_15m_gpl.csv.gz"),
        "SOL": rolling_volumes(data, "events_intraday/2025-10_solusdt_perp_5m_gpl.csv.gz"),
        "USDE": rolling_volumes(data, "events_intraday/2025-10_usdeusdt_1m_nolic.csv.gz"),
    }
    lines += [f"volumes {asset} " + " ".join(map(str, hourly[asset])) for asset in ASSETS]
    for asset, recorded in surface_rows(options, primary).items():
        lines += surface_lines(asset, recorded)
    text = "\n".join(lines) + "\n"
    text += f"end {checksum(text):016x}\n"
    Path(output).write_text(text)
    print(f"{output}: {len(text)} bytes; depth {counts}, reference {reference:.0f}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2])
