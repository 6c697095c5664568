# Two commands for everyone: `make demo` and `make test`. The rest is for developers and .ci/run.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CONSTRAINTS := constraints.txt
INSTALL := -m pip install --quiet --no-compile --disable-pip-version-check --constraint $(CONSTRAINTS)
DEMO_DIR ?= demo
PYTEST_WORKERS ?= 2
PYTEST_ARGS ?=

.PHONY: demo test lint docs wheel-check ci clean

demo: $(VENV)/.core
	$(BIN)/carnatic-sep demo --out $(DEMO_DIR)

# Each worker keeps to one thread, so that two of them do not fight over two cores.
test: $(VENV)/.dev
	OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest -n $(PYTEST_WORKERS) $(PYTEST_ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# The wheel must work where the repository is not: a fresh environment, another directory.
wheel-check: $(VENV)/.core
	rm -rf dist .venv-wheel
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	$(BIN)/python -m venv .venv-wheel
	.venv-wheel/bin/python $(INSTALL) torch
	.venv-wheel/bin/python $(INSTALL) dist/*.whl
	.venv-wheel/bin/python -I .ci/wheel_check.py

ci:
	.ci/run

clean:
	rm -rf $(VENV) .venv-wheel build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache

# Stamps: an environment is made once and brought up to date when what it is made from changes.
$(VENV)/.made:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 10) <= v < (3, 14) else \
		"carnatic-sep needs Python 3.10 to 3.13, not %d.%d: make PYTHON=python3.12 ..." % v)'
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.core: $(VENV)/.made pyproject.toml $(CONSTRAINTS)
	$(BIN)/python $(INSTALL) torch
	$(BIN)/python $(INSTALL) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	$(BIN)/python $(INSTALL) --editable '.[train,eval,data,rooms,ensemble,analysis,diffusion,m4a,dev]'
	@touch $@

$(VENV)/.docs: $(VENV)/.core
	$(BIN)/python $(INSTALL) --editable '.[docs]'
	@touch $@
