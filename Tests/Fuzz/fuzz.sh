#!/usr/bin/env bash
# Fuzzes each decoder for a number of seconds (default 60) with libFuzzer and the address
# sanitizer. The corpus starts from schemas/examples and from the seeds below; a crash leaves its
# input in .build/fuzz/crashes and fails the script.
set -euo pipefail
seconds=${1:-60}
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$root/.build/fuzz
mkdir -p "$work/modules" "$work/crashes"

numerics=$root/.build/checkouts/swift-numerics/Sources
[ -d "$numerics" ] || (cd "$root" && swift package resolve)

flags="-O -swift-version 6 -parse-as-library -sanitize=fuzzer,address -I $work/modules"
shims="-Xcc -fmodule-map-file=$numerics/_NumericsShims/include/module.modulemap"

# Each room as a module and one object, as SwiftPM would build it, but with the sanitizers.
room() {
    name=$1
    shift
    # shellcheck disable=SC2086
    swiftc $flags $shims -wmo -package-name breakwater -module-name "$name" \
        -emit-module -emit-module-path "$work/modules/$name.swiftmodule" \
        -emit-object -o "$work/$name.o" "$@"
}
room RealModule "$numerics"/RealModule/*.swift
for name in Quantities Market Haircuts Margin Messages; do
    room "$name" "$root/Sources/$name"/*.swift
done

export ASAN_OPTIONS=detect_leaks=0 SWIFT_BACKTRACE=enable=no
for target in Quote:quote Surface:iv-surface Haircut:haircut Positions:positions \
    Requirement:margin-requirement Exposure:exposure Control:control; do
    name=${target%%:*}
    message=${target##*:}
    corpus=$work/corpus-$message
    mkdir -p "$corpus"
    for file in "$root"/schemas/examples/"$message"*/valid/*.json \
        "$root"/schemas/examples/"$message"*/invalid/*.json; do
        [ -f "$file" ] || { echo "no examples of $message: $file" >&2; exit 1; }
        cp "$file" "$corpus/"
    done
    printf '{"schema":"%s.v1","asset":"BTC","time":"2026-11-22T14:00:00Z","sequence":7}' \
        "$message" >"$corpus/seed"
    swiftc -O -swift-version 6 -parse-as-library -sanitize=fuzzer,address \
        -I "$work/modules" $shims -module-name "Fuzz$name" \
        "$root/Tests/Fuzz/Fuzz$name.swift" "$root/Tests/Fuzz/FuzzKey.swift" \
        "$work/RealModule.o" "$work/Quantities.o" "$work/Market.o" "$work/Haircuts.o" \
        "$work/Margin.o" "$work/Messages.o" -o "$work/fuzz-$message"
    echo "fuzzing $message for $seconds s"
    "$work/fuzz-$message" "$corpus" -max_total_time="$seconds" -max_len=4096 -verbosity=1 \
        -print_final_stats=1 -artifact_prefix="$work/crashes/$message-" 2>&1 |
        tee "$work/$message.log" | grep -E 'ERROR|SUMMARY|Fatal|stat::number|DONE' || true
    grep -q '^Done' "$work/$message.log"
done
