# Everything that builds, runs, tests and checks teller. `make` alone lists it.

.DEFAULT_GOAL := help
SHELL := /bin/bash

TOOLS_BIN    := $(CURDIR)/.tools/bin
LINT_VERSION := v2.15.0
LINT         := $(TOOLS_BIN)/golangci-lint-$(LINT_VERSION)
NODES        := $(addprefix $(TOOLS_BIN)/,btcd btcctl geth skynode)
VERSION      := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

ARGS      ?=
BENCH     ?= .
FUZZTIME  ?= 30s
MUTANTS   ?=
SEEDS     ?= 10000
KILLS     ?= 25
SEED      ?=

# What the caller's environment says about modules and workspaces must not change what is built here.
export GOFLAGS := -mod=readonly -buildvcs=false
export GOWORK  := off
# Where tests find the nodes.
export TELLER_TOOLS := $(TOOLS_BIN)

##@ Run

.PHONY: run
run: build ## Start teller in dummy mode and print what to try (ARGS="--dir DIR" keeps its data elsewhere)
	@exec build/teller dummy $(ARGS)

.PHONY: build
build: ## Build build/teller; needs no C compiler
	@CGO_ENABLED=0 go build -trimpath -ldflags "-X main.version=$(VERSION)" -o build/teller ./cmd/teller

##@ Test

.PHONY: test
test: gcc tools anvil ## Install what is missing and run every test, also under the race detector
	go vet ./...
	go -C tools vet ./...
	@# A cached result may be that of a test that was skipped for want of a node.
	@scripts/gotest.sh -count=1 -timeout 15m ./...
	@scripts/gotest.sh -count=1 -race -short -timeout 15m ./...

.PHONY: bench
bench: ## Run the benchmarks, each of which compares within its run (BENCH=regexp; needs 10 GB in the temporary directory)
	go test -run '^$$' -bench '$(BENCH)' -benchtime 1x -timeout 60m ./internal/store/... ./internal/app
	go test -run '^$$' -bench '$(BENCH)' -timeout 60m ./internal/chain/... ./internal/pool ./internal/scan

.PHONY: sim
sim: ## Simulate SEEDS=10000 runs of the engine under faults, and judge each (SEED=n tells the story of one)
ifneq ($(SEED),)
	go test -count=1 -v -run '^TestSeed$$' ./internal/sim -args -seed=$(SEED)
else
	go test -count=1 -v -run '^TestSeeds$$' -timeout 4h ./internal/sim -args -seeds=$(SEEDS)
endif

.PHONY: crash
crash: tools anvil ## Kill teller KILLS=25 times on real nodes and judge by the chains (SEED=n repeats a run's choices)
	@mkdir -p build/crash
	TELLER_KILLS=$(KILLS) TELLER_SEED=$(SEED) go test -count=1 -v -run '^TestCrashLoop$$' -timeout 4h \
		-artifacts -outputdir $(CURDIR)/build/crash ./internal/crashtest

.PHONY: mutants
mutants: ## Put one fault after the other into the engine and see that the simulation notices each (MUTANTS='-only NAME', '-pick 3 -turn N' or '-list')
	@go run ./internal/sim/mutants $(MUTANTS)

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME=30s, two at a time
	@scripts/fuzz.sh $(FUZZTIME)

##@ Check

.PHONY: lint
lint: install-linters ## Run the linters over both modules
	$(LINT) run ./...
	cd tools && $(LINT) run --config ../.golangci.yml ./...

.PHONY: fmt
fmt: install-linters ## Format all Go code
	$(LINT) fmt ./...
	cd tools && $(LINT) fmt --config ../.golangci.yml ./...

.PHONY: generate
generate: ## Write the generated documents: docs/states.md
	go test -count=1 -run '^TestStatesDocument$$' . -update

.PHONY: tidy-check
tidy-check: ## Fail when `go mod tidy` would change something
	GOFLAGS= go mod tidy -diff
	GOFLAGS= go -C tools mod tidy -diff

##@ Install

.PHONY: tools
tools: $(NODES) ## Build the nodes that tests run against, into .tools/bin

$(NODES) &: tools/go.mod tools/go.sum $(wildcard tools/skynode/*.go)
	@echo "building btcd, btcctl, geth and skynode into .tools/bin; the first time takes some minutes"
	@CGO_ENABLED=0 go build -C tools -o $(TOOLS_BIN)/ github.com/btcsuite/btcd github.com/btcsuite/btcd/cmd/btcctl \
		github.com/ethereum/go-ethereum/cmd/geth ./skynode
	@touch $(NODES)

.PHONY: anvil
anvil: ## Install anvil, an Ethereum node for tests of reorgs, into .tools/bin
	@scripts/install-anvil.sh $(TOOLS_BIN)

.PHONY: install-linters
install-linters: $(LINT) ## Build golangci-lint into .tools/bin

$(LINT):
	@echo "building golangci-lint $(LINT_VERSION) into .tools/bin; the first time takes some minutes"
	@GOBIN=$(TOOLS_BIN) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	@mv $(TOOLS_BIN)/golangci-lint $@

.PHONY: gcc
gcc: ## Install a C compiler where there is none: the race detector needs one
	@scripts/install-gcc.sh

.PHONY: clean
clean: ## Remove what was built, but for .tools
	rm -rf build

##@ Help

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { print "\n" substr($$0, 5) } /^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' Makefile
