// Command mutants is the mutation gate: it puts one fault after the other into the engine, by an overlay that leaves the
// source as it is, and has the simulation run with it. A fault that the simulation does not notice means that nobody
// would. Run it with `make mutants`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// defaultCommand is the simulation.
var defaultCommand = strings.Fields("go test ./internal/sim -run ^TestSeeds$ -count=1 -failfast -timeout 60m -args -seeds=1000")

func main() {
	var o options
	flag.StringVar(&o.only, "only", "", "run the mutant of this name")
	flag.IntVar(&o.pick, "pick", 0, "run this many only (0 = all)")
	flag.IntVar(&o.turn, "turn", 0, "with -pick: which ones, from one turn to the next others")
	flag.BoolVar(&o.build, "build", false, "only see whether each mutant applies and compiles")
	list := flag.Bool("list", false, "list the mutants")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), "mutants [flags] [command ...]\n\nThe command must fail, and print \"seed N:\", for each mutant. Without one it is\n  ",
			strings.Join(defaultCommand, " "), "\n\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	if *list {
		for _, m := range mutants() {
			fmt.Printf("%-32s %s\n", m.name, m.what)
		}
		return
	}
	if o.command = flag.Args(); len(o.command) == 0 {
		o.command = defaultCommand
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

type options struct {
	only       string
	pick, turn int
	build      bool
	command    []string
}

// choose picks the mutants to run.
func (o options) choose(all []mutant) ([]mutant, error) {
	if o.only != "" {
		for _, m := range all {
			if m.name == o.only {
				return []mutant{m}, nil
			}
		}
		return nil, fmt.Errorf("there is no mutant %q: see -list", o.only)
	}
	if o.pick <= 0 || o.pick >= len(all) {
		return all, nil
	}
	var picked []mutant
	for i := range o.pick {
		at := (o.turn*o.pick + i) % len(all)
		picked = append(picked, all[(at+len(all))%len(all)])
	}
	return picked, nil
}

// run runs the mutants, one after the other. An error says how many were not caught.
func run(ctx context.Context, o options) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	chosen, err := o.choose(mutants())
	if err != nil {
		return err
	}
	var failed []string
	for i, m := range chosen {
		fmt.Printf("%2d/%d  %-32s ", i+1, len(chosen), m.name)
		begun := time.Now()
		verdict, caught := o.judge(ctx, root, m)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		fmt.Printf("%s, %.0f s\n", verdict, time.Since(begun).Seconds())
		if !caught {
			failed = append(failed, m.name)
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("%d of %d were not caught: %s", len(failed), len(chosen), strings.Join(failed, ", "))
	}
	fmt.Printf("all %d are as they should be\n", len(chosen))
	return nil
}

// caughtBy is how the simulation names the seed that failed.
var caughtBy = regexp.MustCompile(`\bseed (\d+): (.*)`)

// judge runs the command on a mutant, and tells whether the simulation has caught it.
func (o options) judge(ctx context.Context, root string, m mutant) (verdict string, caught bool) {
	dir, err := os.MkdirTemp("", "mutant-")
	if err != nil {
		return err.Error(), false
	}
	defer os.RemoveAll(dir)
	overlay, err := m.overlay(root, dir)
	if err != nil {
		return "STALE: " + err.Error(), false
	}
	out, err := command(ctx, root, overlay, append([]string{"go", "vet"}, m.packages()...)...)
	if err != nil {
		return "DOES NOT COMPILE:\n" + out, false
	}
	if o.build {
		return "applies and compiles", true
	}
	out, err = command(ctx, root, overlay, o.command...)
	exit := new(exec.ExitError)
	switch found := caughtBy.FindStringSubmatch(out); {
	case err == nil:
		return "SURVIVED: " + m.what, false
	case !errors.As(err, &exit):
		return "NOT RUN: " + err.Error(), false
	case found == nil:
		return "FAILED, but names no seed:\n" + tail(out, 20), false
	default:
		return "caught by seed " + found[1] + " (" + found[2] + ")", true
	}
}

// command runs a command of the go tool with the overlay.
func command(ctx context.Context, root, overlay string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the developer's own
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly -buildvcs=false -overlay="+overlay)
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func tail(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// moduleRoot is the directory of go.mod, from here upwards.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("there is no go.mod here or above")
		}
		dir = up
	}
}
