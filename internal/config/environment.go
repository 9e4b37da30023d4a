package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"

	"github.com/skycoin/teller"
)

const envPrefix = "TELLER_"

// environment makes a map of an os.Environ list.
func environment(list []string) map[string]string {
	m := make(map[string]string, len(list))
	for _, line := range list {
		if name, value, ok := strings.Cut(line, "="); ok && name != "" { // env reads "" for a field without a tag
			m[name] = value
		}
	}
	return m
}

// applyEnvironment lays the variables that the env tags name over c, which the decoder's schema must be of. An empty
// variable is the same as none.
func (d *decoder) applyEnvironment(c *Config, vars map[string]string) error {
	// Other variables are kept from the library: it must not find more in there than the tags say.
	named := map[string]string{}
	for _, f := range d.schema.fields {
		if v := vars[f.env]; f.env != "" && v != "" {
			named[f.env] = v
			d.origins[f.key] = origin{f.key, f.env}
		}
	}
	if err := env.ParseWithOptions(c, env.Options{Environment: named}); err != nil {
		return teller.Errorf(teller.CodeInvalid, "environment: %w", err)
	}
	c.notes = append(c.notes, d.misspeltVariables(vars)...)
	return nil
}

// misspeltVariables warns of variables that look as if they were meant for teller. They are no mistakes: the environment
// belongs to others too.
func (d *decoder) misspeltVariables(vars map[string]string) []string {
	var known []string
	for _, f := range d.schema.fields {
		if f.env != "" {
			known = append(known, strings.TrimPrefix(f.env, envPrefix))
		}
	}
	var notes []string
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		short, ours := strings.CutPrefix(name, envPrefix)
		if near := nearest(short, known); ours && near != "" && near != short {
			notes = append(notes, fmt.Sprintf("the environment has %s, which teller does not read%s",
				name, didYouMean(envPrefix+near)))
		}
	}
	return notes
}
