package main

import (
	"fmt"
	"os"
)

// readSeed returns the seed that was named on the command line, or for "-" asks for it.
func readSeed(arg string) (string, error) {
	if arg != "-" {
		return arg, nil
	}
	seed, err := prompter(os.Stdin, os.Stderr)("seed: ")
	if err != nil {
		return "", fmt.Errorf("read the seed: %w", err)
	}
	if seed == "" {
		return "", fmt.Errorf("the seed is empty")
	}
	return seed, nil
}
