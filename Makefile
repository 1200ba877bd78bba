# Every target gets what it needs first: on a new machine `make demo` and `make test` just work.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/cloud-elements
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv || echo $(CACHE)/uv/bin/uv)
TIERS := unit property host sandbox-test tools-test corpus cli e2e browser
PYTEST := .venv/bin/python -m pytest -n 2
export SE_OFFLINE := true
.NOTPARALLEL:
.PHONY: help install engine demo test lint $(TIERS) bench chaos docs format clean

help: ## Show this list
	@sed -nE 's/^([a-z][a-z0-9 -]*):.*## (.*)/\1|\2/p' Makefile | while IFS='|' read -r t h; do printf '%-32s %s\n' "$$t" "$$h"; done
install: $(UV) ## Put the locked dependencies into .venv
	@$(UV) sync --frozen --quiet
$(CACHE)/uv/bin/uv:
	python3 -m pip install --quiet --target $(CACHE)/uv uv || { python3 -m venv $(CACHE)/uv && $(CACHE)/uv/bin/pip install --quiet uv; }
engine: install ## Find a Pulumi engine, or get one (once; minutes)
	@.venv/bin/python tools/engine.py
demo: engine ## Declare an instance against a sandbox: up, outputs, up again, destroy
	@.venv/bin/python -m tools.demo
test: lint $(TIERS) ## Run everything that must pass before a merge
lint: install ## Check style, types and the direction of imports
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
unit property corpus cli: install ## Run the tests in that folder of tests/
	$(PYTEST) tests/$@
sandbox-test tools-test: install ## Run tests/sandbox, tests/tools
	$(PYTEST) tests/$(@:-test=)
host: install ## Run tests/host with the locked, the oldest and the newest SDK
	$(PYTEST) tests/host
	@newest=$$(echo 'pulumi<4' | $(UV) pip compile -q --no-deps --no-header --no-annotate -) || exit 1; \
	oldest=$$(sed -nE 's/.*"pulumi>=([0-9.]+),.*/pulumi==\1/p' pyproject.toml); \
	for sdk in $$oldest $$(echo "$$newest" | grep -vxF "$$($(UV) pip freeze)"); do \
	  echo "tests/host with $$sdk"; $(UV) run -q --isolated --frozen --with $$sdk python -m pytest -n 2 tests/host || exit 1; done
e2e: engine ## Run tests/e2e with the real engine
	$(PYTEST) tests/e2e
browser: install ## Run tests/browser with a headless Chromium
	@command -v chromium chromedriver >/dev/null || { apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium chromium-driver >/dev/null; } \
	  || { echo "make browser: install chromium and chromium-driver first; apt-get cannot do it here" >&2; exit 1; }
	$(PYTEST) tests/browser
format: install ## Format the code and repair what ruff can
	.venv/bin/ruff check --fix
	.venv/bin/ruff format
clean: ## Remove what the tools left in this folder
	rm -rf .venv dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
