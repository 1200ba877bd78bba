# Every target gets what it needs first: on a new machine `make demo` and `make test` just work.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/cloud-elements
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv || echo $(CACHE)/uv/bin/uv)
TIERS := unit rules property states host package sandbox-test clients tools-test corpus cli e2e older pipelines languages browser
PYTHON := .venv/bin/python
# Each worker gets half, and takes from the other when it is done: what a module shares is made once.
PYTEST := $(PYTHON) -m pytest -n 2 --dist worksteal
# Where tests wait for other processes, for answers and for limits, two do not keep two processors busy.
WAITING := $(PYTEST) -n 3
# What the platform answers is read behind the doors, whichever SDK they were opened with.
BEHIND := (test_answers or test_journal or test_switches or test_platforms) and not serialized and not providers
export SE_OFFLINE := true
export PYTHONDONTWRITEBYTECODE := # else every process that a test starts compiles what it imports
.NOTPARALLEL:
.PHONY: help install engine demo test lint $(TIERS) chaos bench dist docs docs-site sdk format clean
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z].*:.*## / {printf "%-59s %s\n", $$1, $$2}' Makefile
$(CACHE)/uv/bin/uv:
	@echo "installing uv into $(CACHE)/uv"; export PIP_ROOT_USER_ACTION=ignore; python3 -m pip install --quiet --target $(CACHE)/uv uv \
	  || { python3 -m venv $(CACHE)/uv && $(CACHE)/uv/bin/pip install --quiet uv; }
install: $(UV) ## Put the locked dependencies into .venv
	@$(UV) sync --frozen --quiet --compile-bytecode && $(PYTHON) -m compileall -q provider
engine: install ## Find a Pulumi engine, or get one (minutes, once)
	@$(PYTHON) tools/engine.py
demo: engine ## Play the main job, from consent to destroy, against a sandbox
	@$(PYTHON) -m tools.demo
test: lint $(TIERS) ## Run everything that must pass before a merge
lint: install ## Check style, spelling, types and the direction of imports; print the figures of the structure
	.venv/bin/ruff check && .venv/bin/ruff format --check
	.venv/bin/codespell
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PYTHON) -m tools.structure
unit rules property states corpus clients sandbox-test tools-test: install ## Run that folder of tests/
	$(PYTEST) tests/$(@:-test=) $(if $(filter property,$@),tests/chaos)
host: install ## Run tests/host; with the oldest and the newest SDK, what depends on it
	$(WAITING) tests/host
	@newest=$$(echo 'pulumi<4' | $(UV) pip compile -q --no-deps --no-header --no-annotate -) || exit 1; \
	for sdk in $$(sed -nE 's/.*"pulumi>=([0-9.]+),.*/pulumi==\1/p' pyproject.toml) $$(echo "$$newest" | grep -vxF "$$($(UV) pip freeze --python .venv)"); do \
	  echo "tests/host with $$sdk"; $(UV) run -q --isolated --frozen --with $$sdk python -m pytest -n 3 --dist worksteal tests/host -k '(not native or test_native) and not ($(BEHIND))' || exit 1; done
cli e2e package pipelines: engine ## Run that folder of tests/, with the real engine
	$(WAITING) tests/$@
languages: engine ## Run tests/languages: the native provider from YAML, Python, TypeScript, Go and Java
	@{ command -v mvn && command -v javac; } >/dev/null \
	  || { apt-get update -qq && apt-get install -qq -y --no-install-recommends maven default-jdk-headless; } >/dev/null 2>&1 \
	  || { echo "make languages needs Maven and a JDK of 17 or newer, and apt-get could not install them: do it" >&2; exit 1; }
	@$(PYTHON) -m tools.languages --get
	$(PYTEST) tests/$@
older: export CLOUD_ELEMENTS_ENGINE_VERSION = $(shell awk -F '"' '/^PINNED/ {print $$4}' tools/engine.py)
older: install ## Run what the engine's version may decide with the older engine too
	@$(PYTHON) tools/engine.py
	$(WAITING) -m older tests/cli tests/e2e
browser: engine ## Run tests/browser with a headless Chromium
	@{ command -v chromium && command -v chromedriver; } >/dev/null \
	  || { apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium chromium-driver; } >/dev/null 2>&1 \
	  || { echo "make browser needs chromium and chromium-driver, and apt-get could not install them: do it" >&2; exit 1; }
	$(PYTEST) tests/browser
chaos: install ## Run tests/chaos for much longer
	CLOUD_ELEMENTS_CHAOS=long $(PYTEST) --timeout 7200 tests/chaos
bench: engine ## Measure, and print the tables
	$(PYTHON) -m benchmarks
docs-site: install ## Build the documentation's site into dist/site, and check its links
	$(PYTHON) -m tools.site
docs: install ## Write the generated tables of docs/, and the schema of the native provider
	$(PYTHON) -m tools.reference
	$(PYTHON) -m tools.schema
sdk: install ## Write the Python SDK of the native provider anew (needs Go)
	@$(PYTHON) -m tools.languages
dist: install ## Build the wheel and the sdist, with a bill of materials and all licences, into dist/
	@$(PYTHON) -m tools.release
format: install ## Format the code, and repair what can be repaired
	.venv/bin/ruff check --fix-only --quiet && .venv/bin/ruff format
clean: ## Remove what the tools left here
	rm -rf .venv dist .*_cache .hypothesis && find . -name __pycache__ -prune -exec rm -rf {} +
