package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// readSeed returns the seed that was named on the command line, or for "-" asks for it.
func readSeed(arg string) (string, error) {
	if arg != "-" {
		return arg, nil
	}
	stdin := int(os.Stdin.Fd())
	var seed string
	if term.IsTerminal(stdin) {
		fmt.Fprint(os.Stderr, "seed: ")
		b, err := term.ReadPassword(stdin)
		fmt.Fprintln(os.Stderr)
		if err != nil {
			return "", fmt.Errorf("read the seed: %w", err)
		}
		seed = string(b)
	} else {
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil && line == "" {
			return "", fmt.Errorf("read the seed: %w", err)
		}
		seed = strings.TrimRight(line, "\r\n")
	}
	if seed == "" {
		return "", fmt.Errorf("the seed is empty")
	}
	return seed, nil
}
