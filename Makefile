# Every target makes .venv by itself. `make PYTHON=/path/to/python3.12 ...` chooses the interpreter.

PYTHON ?=
BIN := .venv/bin
PY := $(BIN)/python
READY := .venv/ready
# Spark needs Java; without it the tests of that back end are skipped aloud.
SPARK := $(if $(shell command -v java),spark)
PLANS ?= 100000

# What was left out of .venv is said again at each run, not only by the run that made it.
say_left_out = @if [ -f .venv/left-out ]; then cat .venv/left-out >&2; fi

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test check lint format types walls differential bench clean

help:
	@echo "make demo          judge the plans in examples/ and print what is found"
	@echo "make test          run the tests"
	@echo "make check         lint, types and tests: what .ci/run does"
	@echo "make lint|types    ruff; mypy --strict"
	@echo "make walls         import walls, and no domain words in the engine (also part of the tests)"
	@echo "make differential  reference evaluator against durable-rules and DuckDB on PLANS=$(PLANS) random plans"
	@echo "make bench         measure, against other engines too, and write benchmarks/README.md"
	@echo "make format        let ruff put imports and layout in order"
	@echo "make clean         remove .venv and everything that was made"

# Findings are what the demo is there to show (exit code 1); a broken policy or plan (2, 3) fails it.
demo: $(READY)
	$(say_left_out)
	@code=0; $(BIN)/jobplan check examples/made-up-*.yaml || code=$$?; [ $$code -le 1 ] || exit $$code
	@echo; echo "Plans as their employers published them, which carry no date of their own:"; echo
	@code=0; $(BIN)/jobplan check examples/eng-*.yaml --as-of 2024-06-01 || code=$$?; [ $$code -le 1 ] || exit $$code
	@echo; echo "All of them in one audit:"; echo
	@code=0; $(BIN)/jobplan audit examples/*.yaml --as-of 2024-06-01 --out build/audit --force || code=$$?; [ $$code -le 1 ] || exit $$code
	@echo "open build/audit/report.html"

test: $(READY)
	$(say_left_out)
	$(PY) -m pytest -q -n auto --dist worksteal

# The walls are among the tests.
check: lint types test

lint: $(READY)
	$(PY) -m ruff check .

format: $(READY)
	$(PY) -m ruff check --fix --select I,W .

types: $(READY)
	$(PY) -m mypy

walls: $(READY)
	$(BIN)/lint-imports --no-logo
	$(PY) -m pytest -q tests/test_walls.py

differential: $(READY)
	$(say_left_out)
	JOBPLAN_PLANS=$(PLANS) $(PY) -m pytest -q -n auto --dist worksteal tests/test_backends_agree.py tests/test_sql_agree.py

bench: .venv/ready-bench
	$(say_left_out)
	$(PY) -m benchmarks --write

clean:
	rm -rf .venv build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find engine tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

# Names that a version manager offers may not run, and Debian parts `venv` from Python: so each is tried, first
# those for which durable-rules builds.
.venv/ready .venv/ready-bench: pyproject.toml tools/set_up.py
	@for python in $(PYTHON) python3.11 python3.12 python3 python3.13 python3.14; do \
	    if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        found=$$python; break; \
	    fi; \
	done; \
	if [ -z "$$found" ]; then \
	    echo "error: no Python 3.11 or newer with its venv module was found; name one: make PYTHON=/path/to/python3.11" >&2; \
	    exit 1; \
	fi; \
	$$found tools/set_up.py .venv dev $(SPARK) $(patsubst ready-%,%,$(filter ready-%,$(@F)))
	@touch $@
