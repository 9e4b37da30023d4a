#!/usr/bin/env bash
# Runs every fuzz target of the module for the given time, two at a time: fuzz.sh [TIME]
# A crash is kept under the package's testdata/fuzz, where `go test` repeats it from then on.
set -uo pipefail
cd "$(dirname "$0")/.."
mkdir -p build/fuzz
time=${1:-30s}

# go test -list prints the names of a package's targets and then the package.
targets=$(go test -list '^Fuzz' ./... 2>&1) || { echo "$targets"; exit 1; }
targets=$(awk '/^Fuzz/ { names[++n] = $1 } /^ok/ { for (i = 1; i <= n; i++) print $2, names[i]; n = 0 }' <<<"$targets")
[ -n "$targets" ] || { echo "no fuzz targets found"; exit 1; }
echo "fuzzing $(wc -l <<<"$targets") targets for $time each"

fuzz_one() {
	local package=$1 target=$2 time=$3 log
	log=build/fuzz/$(basename "$package")-$target.log
	# A single worker beside its coordinator keeps one core busy.
	if go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -parallel 1 "$package" >"$log" 2>&1; then
		echo "ok    $package $target: $(grep -o 'execs: [0-9]*' "$log" | tail -1)"
		return
	fi
	# Up to Go 1.26 a target may be called failed with this message alone when its time is up (go.dev/issue/75804).
	# A real find also names the input that it wrote.
	if grep -q '^ *context deadline exceeded$' "$log" && ! grep -qE 'Failing input written|panic:|fatal error' "$log"; then
		echo "ok    $package $target: $(grep -o 'execs: [0-9]*' "$log" | tail -1), stopped late"
		return
	fi
	echo "FAIL  $package $target"
	cat "$log"
	return 1
}
export -f fuzz_one

xargs -P 2 -L 1 bash -c 'fuzz_one "$1" "$2" "$0"' "$time" <<<"$targets"
