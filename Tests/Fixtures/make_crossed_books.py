#!/usr/bin/env python3
"""Makes crossed-books.jsonl: books as a recorder with a phantom bid published them.

    make_crossed_books.py DATA_DIRECTORY OUTPUT_FILE

Four snapshots of 2025-10-10 from crash_2025-10-10/binance_um_BTCUSDT_bookDepth.csv.gz, unrepaired.
The recording has cumulative depth by percent, so each percent's own depth is one level at its
average price. The phantom bid stands alone where it shares the first percent with other bids. The
recording has no best ask: a level of the least size at the recorded index price stands for it.
"""

import csv
import datetime
import gzip
import json
import sys
from pathlib import Path

MIDNIGHT = 1_760_054_400
PHANTOM_SIZE, PHANTOM_NOTIONAL = 17.654, 2_142_547.0931


def levels(bands, sign):
    """[average price, size] of each percent that holds anything, best first."""
    result, inner_size, inner_notional = [], 0.0, 0.0
    for percent in range(1, 6):
        size = float(bands[sign * percent]["depth"])
        notional = float(bands[sign * percent]["notional"])
        if size - inner_size > 0.001:
            price = (notional - inner_notional) / (size - inner_size)
            result.append([price, size - inner_size])
        inner_size, inner_notional = size, notional
    return result


def written(side):
    return [[f"{price:.1f}", f"{size:.3f}"] for price, size in side]


def main(data, output):
    stale = {}
    path = data / "crash_2025-10-10/binance_um_BTCUSDT_bookDepth.csv.gz"
    with gzip.open(path, "rt", newline="") as file:
        for row in csv.DictReader(file):
            if row["stale_bid"] == "1":
                stale.setdefault(int(row["ts"]), {})[int(row["percentage"])] = row
    lines = []
    for hour, minute in [(15, 27), (18, 0), (20, 50), (21, 14)]:
        second = min(s for s in stale if s >= MIDNIGHT + hour * 3600 + minute * 60)
        bands = stale[second]
        bids = levels(bands, -1)
        price, size = bids[0]
        if size > PHANTOM_SIZE + 0.01:
            rest = size - PHANTOM_SIZE
            bids[0] = [(price * size - PHANTOM_NOTIONAL) / rest, rest]
            bids.insert(0, [PHANTOM_NOTIONAL / PHANTOM_SIZE, PHANTOM_SIZE])
        asks = [[float(bands[1]["idx_price"]), 0.001]] + levels(bands, 1)
        time = datetime.datetime.fromtimestamp(second, datetime.timezone.utc)
        quote = {
            "schema": "quote.v1",
            "asset": "BTC",
            "venue": "binance",
            "kind": "book",
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "sequence": len(lines) + 1,
            "bids": written(bids),
            "asks": written(asks),
        }
        lines.append(json.dumps(quote, separators=(",", ":")) + "\n")
    Path(output).write_text("".join(lines))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2])
