package config

import "strings"

// suggestKey is "; did you mean X?" for a misspelt key, or "" when no key is near: one of the same section that differs
// by few letters, else those of the same name in other sections.
func suggestKey(key string, known []string) string {
	section, name := splitKey(key)
	var here, elsewhere []string
	for _, k := range known {
		switch s, n := splitKey(k); {
		case s == section:
			here = append(here, n)
		case n == name:
			elsewhere = append(elsewhere, k)
		}
	}
	if n := nearest(name, here); n != "" {
		return didYouMean(joinKey(section, n))
	}
	if len(elsewhere) > 3 {
		return ""
	}
	return didYouMean(strings.Join(elsewhere, " or "))
}

func didYouMean(what string) string {
	if what == "" {
		return ""
	}
	return "; did you mean " + what + "?"
}

// splitKey parts a key from its section.
func splitKey(key string) (section, name string) {
	at := strings.LastIndexByte(key, '.')
	return key[:max(at, 0)], key[at+1:]
}

// nearest is the known name with the fewest letters changed, at most a third of them; "" when there is none.
func nearest(name string, known []string) string {
	best, limit := "", max(1, len(name)/3)
	for _, k := range known {
		if d := distance(name, k); d <= limit {
			best, limit = k, d-1
		}
	}
	return best
}

// distance is the number of letters to insert, delete or replace, or of neighbours to swap, to come from a to b.
func distance(a, b string) int {
	if len(a) > 100 || len(b) > 100 { // no key is that long, and the work grows with the product
		return max(len(a), len(b))
	}
	d := make([][]int, len(a)+1) // d[i][j] is the distance of a[:i] and b[:j]
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := d[i-1][j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			d[i][j] = min(replace, d[i-1][j]+1, d[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
