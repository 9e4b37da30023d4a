# Condenses the output of `go test -v`: see gotest.sh. Packages do not interleave, so what stands between two results
# belongs to the second.

{ lines[++n] = $0 }

/^=== (RUN|NAME|CONT) / { speaker = $3 }
match($0, /^ +[^ ]+\.go:[0-9]+: /) { spoke[speaker] = substr($0, RSTART + RLENGTH) }

/^--- PASS: / { passed++ }
/^--- FAIL: / { failed++; blamed = 1 }
/^ *--- SKIP: / { skipped++; skip[++skips] = $3 ": " ($3 in spoke ? spoke[$3] : "no reason given") }

/^(ok|FAIL|\?)[ \t]+[^ \t]/ {
	if (/^FAIL/) {
		show(n - 1)
		if (!blamed) failed++ # it did not build, or fell with no test to blame
	}
	for (i = 1; i <= skips; i++) print "     skipped " skip[i]
	if (!/no test files/) print
	fflush()
	n = skips = blamed = 0
	split("", spoke)
}

END {
	show(n) # no result follows what is left: go test did not get that far
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
}

# show prints the first lines up to an index, but for what tells of tests that passed: the last 100 lines that each
# failed test said, and what belongs to no test. When no test is called failed, the one that ran last is to blame.
function show(upto, i, name, owner, bad, known, said, left) {
	for (i = 1; i <= upto; i++) {
		split(lines[i], words)
		if (lines[i] ~ /^=== /) name = words[3]
		if (lines[i] ~ /^(panic|fatal error): /) name = ""
		owner[i] = name
		if (lines[i] ~ /^ *--- FAIL: /) {
			bad[words[3]] = known = 1
			owner[i] = ""
		}
		said[owner[i]]++
	}
	if (!known) bad[name] = 1
	bad[""] = 1
	name = ""
	for (i = 1; i <= upto; i++) {
		left = said[owner[i]]--
		if (lines[i] ~ /^=== |^ *--- (PASS|SKIP): |^FAIL$|^PASS$/ || !(owner[i] in bad)) continue
		if (owner[i] != "" && left > 100) continue
		if (owner[i] != name && owner[i] != "") print "=== " owner[i]
		name = owner[i]
		print lines[i]
	}
}
