# Condenses the output of `go test -v`: see gotest.sh. Packages do not interleave, so what stands between two results
# belongs to the second.

{ lines[++n] = $0 }

/^--- PASS: / { passed++ }
/^--- FAIL: / { failed++ }
/^ *--- SKIP: / { skipped++; skip[++skips] = $3 ": " reason(n) }

/^(ok|FAIL|\?)[ \t]+[^ \t]/ {
	if (/^FAIL/) show(n - 1)
	for (i = 1; i <= skips; i++) print "     skipped " skip[i]
	if (!/no test files/) print
	fflush()
	n = skips = 0
}

END {
	show(n) # no result follows what is left: go test did not get that far
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
}

# show prints the first lines up to an index, but for what tells of tests that passed. The line that names a running
# test is printed when the test said something.
function show(upto, i, running) {
	for (i = 1; i <= upto; i++) {
		if (lines[i] ~ /^=== /) {
			running = lines[i]
		} else if (lines[i] !~ /^ *--- PASS: |^FAIL$|^PASS$/) {
			if (running != "" && lines[i] ~ /^ /) print running
			running = ""
			print lines[i]
		}
	}
}

# reason finds what a skipped test logged last.
function reason(at, i) {
	for (i = at - 1; i > 0 && i > at - 5; i--)
		if (match(lines[i], /^ +[^ ]+\.go:[0-9]+: /)) return substr(lines[i], RSTART + RLENGTH)
	return "no reason given"
}
