package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/skycoin/teller"
)

const (
	defaultName    = "config.toml"
	defaultDataDir = ".teller-skycoin"
	maxFileSize    = 1 << 20
)

// Source says where the configuration is.
type Source struct {
	// File is the value of -c. With a path separator in it, or naming an existing .toml file, it is a path; else
	// NAME.toml is looked for in the data directory and then in WorkDir. "" looks for config.toml in the same places.
	File string
	// Dir is the value of -d, the data directory; "" is $HOME/.teller-skycoin.
	Dir string
	// WorkDir is what relative paths are relative to; "" is the process's working directory.
	WorkDir string
	// Environ is the environment as os.Environ gives it. Nothing else of the process's environment is read.
	Environ []string
}

// Load reads the configuration and checks all of it. The error, CodeInvalid, lists every mistake (see Mistakes); a file
// that was asked for and is not there is CodeNotFound with the places that were looked at. Without any file it checks
// the defaults, and tells what a real set-up needs. Nothing is created or changed.
func Load(src Source) (Config, error) {
	r, err := read(src)
	if err != nil {
		return Config{}, err
	}
	r.mistakes.addNew(r.config.check())
	r.mistakes.addNew(r.config.checkFiles())
	if err := r.err(); err != nil {
		return Config{}, err
	}
	return r.config, nil
}

// Read is Load for a tool that serves nobody: the file and the environment must be readable and every value of its type,
// but nothing is demanded that only a serving counter needs. Call Validate for that.
func Read(src Source) (Config, error) {
	r, err := read(src)
	if err != nil {
		return Config{}, err
	}
	if err := r.err(); err != nil {
		return Config{}, err
	}
	return r.config, nil
}

// Validate checks everything that can be checked without opening a file. The error, CodeInvalid, lists every mistake.
func (c Config) Validate() error {
	return reading{config: c, mistakes: c.check()}.err()
}

// reading is a configuration and what is known about how it came about.
type reading struct {
	config   Config
	mistakes Mistakes
	origins  map[string]origin
	lookedAt []string
}

func read(src Source) (reading, error) {
	env := environment(src.Environ)
	c := Default()
	if err := c.locate(src, env["HOME"]); err != nil {
		return reading{}, err
	}
	file, lookedAt, err := c.find(src.File)
	if err != nil {
		return reading{}, err
	}
	d := newDecoder(&c)
	if file != "" {
		data, err := readFile(file)
		if err != nil {
			return reading{}, err
		}
		entries, err := parseDocument(file, data)
		if err != nil {
			return reading{}, err
		}
		d.apply(entries)
		c.SourceFile = file
	}
	if err := d.applyEnvironment(&c, env); err != nil {
		return reading{}, err
	}
	return reading{config: c, mistakes: d.mistakes, origins: d.origins, lookedAt: lookedAt}, nil
}

// locate settles the directories that everything else is relative to.
func (c *Config) locate(src Source, home string) error {
	workDir, err := filepath.Abs(src.WorkDir)
	if err != nil {
		return teller.Errorf(teller.CodeUnavailable, "working directory: %w", err)
	}
	c.workDir, c.home = workDir, home
	switch {
	case src.Dir != "":
		c.DataDir = c.Path(src.Dir)
	case home != "":
		c.DataDir = filepath.Join(home, defaultDataDir)
	default:
		return teller.Errorf(teller.CodeInvalid, "HOME is not set: name the data directory with -d")
	}
	return nil
}

// find returns the file to read, "" when none was asked for and none is there, and where it looked.
func (c Config) find(name string) (file string, lookedAt []string, err error) {
	asked := name != ""
	switch {
	case !asked:
		name = defaultName
	case isPath(name) || strings.HasSuffix(name, ".toml"):
		lookedAt = []string{c.Path(name)}
	}
	if !isPath(name) {
		base := strings.TrimSuffix(name, ".toml") + ".toml"
		for _, dir := range []string{c.DataDir, c.workDir} {
			if p := filepath.Join(dir, base); len(lookedAt) == 0 || lookedAt[0] != p {
				lookedAt = append(lookedAt, p)
			}
		}
	}
	for _, p := range lookedAt {
		_, err := os.Stat(p)
		switch {
		case err == nil:
			return p, lookedAt, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", lookedAt, teller.Errorf(teller.CodeInvalid, "configuration file: %w", err)
		}
	}
	if asked {
		return "", lookedAt, teller.Errorf(teller.CodeNotFound, "configuration file %q not found, looked for %s",
			name, strings.Join(lookedAt, " and "))
	}
	return "", lookedAt, nil
}

func isPath(name string) bool { return strings.ContainsRune(name, filepath.Separator) }

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, teller.Errorf(teller.CodeInvalid, "configuration file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, teller.Errorf(teller.CodeInvalid, "configuration file: %w", err)
	}
	if len(data) > maxFileSize {
		return nil, teller.Errorf(teller.CodeInvalid, "configuration file %s is larger than 1 MiB: is it the right file?", path)
	}
	return data, nil
}

// err is nil when there is no mistake. Keys get the spelling of the file and their line.
func (r reading) err() error {
	if len(r.mistakes) == 0 {
		return nil
	}
	mistakes := slices.Clone(r.mistakes)
	for i, m := range mistakes {
		if o, ok := r.origins[m.Key]; ok && m.Origin == "" {
			mistakes[i].Key, mistakes[i].Origin = o.key, o.place
		}
	}
	what := "configuration"
	switch {
	case r.config.SourceFile != "":
		what = r.config.SourceFile
	case len(r.lookedAt) > 0:
		what = "no configuration file at " + strings.Join(r.lookedAt, " or ") +
			" (start from config.example.toml), and the defaults are not enough"
	}
	return teller.Errorf(teller.CodeInvalid, "%s:\n%w", what, mistakes)
}
