# make test    everything that must pass, with its set-up
# make lint    what must hold of the source without running it
# make help    the other targets

# Compiled by go run once, which takes a minute or two; it includes staticcheck.
GOLANGCI  := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
# The last one that the Go of go.mod compiles; it takes some minutes once.
GORELEASER := github.com/goreleaser/goreleaser/v2@v2.15.1
TESTFLAGS := -timeout 60m
STEP      := scripts/step

# How long what is random or long runs. CI takes these; before a release run more (CONTRIBUTING.md).
STREAMS    ?= 20
FUZZTIME   ?= 5s
FAULTTIME  ?= 2m
SOAKTIME   ?= 10m
STRESSTIME ?= 30m
MUTANTS    ?= 200
SEED       ?= 1

.NOTPARALLEL:
.PHONY: test lint help build setup unit race streams fuzz soak faults stress speed mutants gofmt tidy vet golangci arch cross generate deb package

# In CI alone, a package is installed on the machine, while nothing else runs.
test: setup unit race streams fuzz $(if $(filter true,$(CI)),deb)

lint: gofmt tidy vet golangci arch cross

# Assertions are compiled in for tests, and into the server that tests build.
unit race streams fuzz soak faults stress: export GOFLAGS := $(shell go env GOFLAGS) -tags=invariants

help:
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' Makefile

build: ## build ./redistill
	go build -o redistill .

setup: ## install what the tests need
	@$(STEP) "set up" scripts/setup

unit: ## run every test once
	@$(STEP) "tests" go test $(TESTFLAGS) ./...

race: ## run under the race detector what goroutines share
	@$(STEP) "tests with the race detector" scripts/race $(TESTFLAGS)

streams: ## compare random command streams with redis-server for STREAMS seconds
	@$(STEP) "random command streams" go test $(TESTFLAGS) -v -run '^TestRandomStreams$$' ./test/wire -seconds $(STREAMS)

fuzz: ## run every fuzz target for FUZZTIME
	@$(STEP) "fuzzing" scripts/fuzz $(FUZZTIME) $(TESTFLAGS)

soak: ## do to a server all that clients and operators do, at once, for SOAKTIME on each I/O path
	@$(STEP) "soak" go test -timeout 24h -count=1 -v -run '^TestSoak$$' ./test/soak -soak $(SOAKTIME)

faults: ## do to a server what production does, for FAULTTIME a test; moves the machine's clock for a moment
	@$(STEP) "faults" go test -timeout 24h -v ./test/faults -faults $(FAULTTIME) -clock

stress: ## run the tests again and again for STRESSTIME, beside a load on all processors and on the page cache
	@$(STEP) "stress" scripts/stress $(STRESSTIME)

speed: ## compare CPU time and allocations with the last commit that landed; fails on a tenth more
	@$(STEP) "speed" go run ./test/speed

gofmt: ## find files that gofmt would change
	@$(STEP) "gofmt" scripts/gofmt-check

tidy: ## find what go mod tidy would change
	@$(STEP) "go mod tidy" go mod tidy -diff

vet: ## run go vet with the build tags, without which golangci-lint runs it
	@$(STEP) "go vet with assertions" go vet -tags invariants ./...
	@$(STEP) "go vet with measured holds" go vet -tags holds ./engine

golangci: ## run the linters of .golangci.yml
	@$(STEP) "golangci-lint" go run $(GOLANGCI) run --timeout 30m ./...

arch: ## check the rules about imports, sizes and forbidden calls
	@$(STEP) "source rules" go test ./test/arch

cross: ## compile for every released system
	@$(STEP) "cross builds" scripts/cross

# A mutant may allocate without end.
mutants: ## try MUTANTS random changes of the source, by SEED, and name those that no test fails for; takes hours
	@ulimit -d 8000000 && $(STEP) "mutants" nice go run ./test/mutants -seed $(SEED) -count $(MUTANTS)

deb: ## build the Debian package, install it, try its server and remove it, and follow docs/production.md (root, apt-get)
	@$(STEP) "Debian package" go test $(TESTFLAGS) -count=1 -v -run '^(TestDebianPackage|TestProduction)$$' ./deploy -install

package: ## build what a release has into dist/, without publishing, and try the Debian package (root)
	@$(STEP) "release" go run $(GORELEASER) release --snapshot --clean --skip=docker$(if $(shell command -v syft),,$(comma)sbom)
	@$(STEP) "Debian package" scripts/package-test dist/*_linux_$(shell go env GOARCH).deb

comma := ,

generate: ## rewrite the generated documentation
	go generate ./...
