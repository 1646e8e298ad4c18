# Everything from nothing but Python >= 3.11 and make: each target makes its own environment first.
PYTHON ?= python3
CORES ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -n $(CORES) --dist worksteal
REFERENCE := greedy_regret coverage_value_gap
QUICK = XLA_FLAGS="$$XLA_FLAGS $$($(BIN)/python tests/quick_compile.py)"
# Modules are compiled by the first process that imports them, not at installation and not by every one of ten workers.
export PYTHONDONTWRITEBYTECODE :=
SUITE := tests --ignore=tests/long --ignore=tests/benchmarks

.PHONY: reproduce reference test test-thorough test-catalogue test-exhaustive test-long test-nojit guards bench clean help

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

reproduce: .venv/ready ## run all studies at the quick preset, judge claims, draw figures into results/
	$(BIN)/simbench reproduce --preset quick

reference: .venv/ready ## compute the committed reference results again
	$(BIN)/simbench run $(REFERENCE) --preset quick
	$(BIN)/python -m simbench.show.reference $(REFERENCE)

test: .venv/ready-test ## the test suite, about four minutes on two cores
	$(QUICK) $(PYTEST) $(SUITE) -m "not catalogue and not thorough"

test-thorough: .venv/ready-test ## what the default tests leave out: further cases, and the catalogue with every control
	$(QUICK) $(PYTEST) $(SUITE) -m "(catalogue or thorough) and not exhaustive" --dist loadfile \
		--no-loadscope-reorder

test-catalogue: .venv/ready-test ## the catalogue of claims with every control, less the runs that take longest to play
	$(QUICK) $(PYTEST) $(SUITE) -m "catalogue and not exhaustive" --dist loadfile --no-loadscope-reorder

test-exhaustive: .venv/ready-test ## every case of the grids that CI takes samples of
	$(QUICK) $(PYTEST) $(SUITE) -m exhaustive

test-long: .venv/ready-test ## long statistical tests; SIMBENCH_LONG=full for the full sizes
	$(PYTEST) tests/long

test-nojit: .venv/ready-test ## kernels as plain Python, with their coverage
	NUMBA_DISABLE_JIT=1 $(PYTEST) tests/learners tests/engine/test_three_implementations.py \
		tests/engine/test_sentences.py tests/engine/test_tpo.py tests/engine/test_tpo_ellipsoid.py -m "not thorough" \
		-k "not vs_naive_online and not vs_numba_online and not apart and not mutant" \
		--cov=simbench.learners --cov=simbench.engine --cov-report=term-missing:skip-covered

guards: .venv/ready-dev ## lint, format, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/ready-test ## benchmarks: ratios inside one run
	$(BIN)/python -m pytest tests/benchmarks --benchmark-enable --benchmark-only --benchmark-columns=min,median

clean: ## remove the environment; results stay
	rm -rf .venv

.venv/ready: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -e .
	touch $@

.venv/ready-test: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -e ".[test]"
	touch .venv/ready $@

.venv/ready-dev: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -e ".[dev]"
	touch .venv/ready .venv/ready-test $@
