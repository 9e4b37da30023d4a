#!/usr/bin/env bash
# Runs `go test` with the given arguments and prints one line for each package, every test that was skipped with its
# reason, everything that a failing package printed, and the number of tests in the end. The whole output is kept in
# build/.
set -uo pipefail
cd "$(dirname "$0")/.."
mkdir -p build

name=test
[[ " $* " == *" -race "* ]] && name=test-race
log=build/$name.log

# mawk, Debian's awk, reads whole blocks unless it is told not to: nothing would be seen until the end.
awk=(awk)
awk -W version 2>/dev/null </dev/null | grep -q mawk && awk=(mawk -W interactive)

echo "go test $*"
go test -v "$@" 2>&1 | tee "$log" | "${awk[@]}" -f scripts/gotest.awk
exit "${PIPESTATUS[0]}"
