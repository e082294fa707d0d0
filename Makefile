# Two commands on a fresh machine: `make demo` and `make test`. Everything else builds on `make setup`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
UV := VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/uv
PIP := $(BIN)/python -m pip --disable-pip-version-check
STAMP := $(VENV)/.installed
# uv brings certificates of its own; where the machine keeps some, they count (a company's proxy)
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt),)
export UV_SYSTEM_CERTS ?= true
endif
EXTRA_PYTEST ?=

.PHONY: help setup demo test check bench soak lock clean

help: ## Show the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

setup: $(STAMP) ## Create .venv with the locked, hashed requirements and this package

$(STAMP): requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 14) else f"Python 3.11 to 3.13 is needed, {sys.executable} is {v.major}.{v.minor}: make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed: install the venv module (Debian: apt-get install python3-venv)"; exit 1; }
	{ $(PIP) install --quiet uv==$(UV_VERSION) && $(UV) pip install --quiet --require-hashes -r requirements/dev.lock; } || \
	{ echo "uv did not do it; pip, slower, reads pip.conf and may"; $(PIP) install --quiet --require-hashes -r requirements/dev.lock; }
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP) ## The whole way on a simulated league: import, train, calibrate, predict, grade, report
	$(BIN)/aipro demo

check: $(STAMP) ## Formatting, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check ## Everything that must hold, with the coverage of the package
	$(BIN)/pytest -n 2 --dist loadfile --cov --cov-report=term $(EXTRA_PYTEST)

soak: $(STAMP) ## The slow suites at full size
	AIPRO_SOAK=1 $(BIN)/pytest -n 2 --dist loadfile

bench: $(STAMP) ## Ratios against the named limits of docs/performance.md
	$(BIN)/python -m benchmarks --full

lock: ## Resolve the requirements anew (needs $(BIN)/uv)
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --python-version 3.11 --quiet pyproject.toml --extra all -o requirements/all.lock
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --python-version 3.11 --quiet pyproject.toml --extra localdb -c requirements/all.lock -o requirements/core.lock
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --python-version 3.11 --quiet pyproject.toml --extra dev -c requirements/all.lock -o requirements/dev.lock

clean: ## Remove the virtual environment and caches; never .aipro or artifacts
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage*
