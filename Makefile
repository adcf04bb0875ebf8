# From a bare machine with Python and make to a running demo: `make help` lists what there is.

UV_VERSION := 0.13.9
UV := $(or $(shell command -v uv 2>/dev/null),.tools/bin/uv)
PY := .venv/bin/python
PROJECT := pyproject.toml setup.py
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.10 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock" --group build

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test test-all train-digits bench-engine bench-training lock upgrade wheel clean env dev

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: env ## install the core, run a trained network
	.venv/bin/lava-ahp demo

test: dev ## install everything, run the tests that are not slow, two files at a time
	$(PY) -m pytest -m "not slow" -n 2 --dist loadfile

test-all: dev ## install everything, run every test
	$(PY) -m pytest

train-digits: dev ## train the network that comes with the package
	.venv/bin/lava-ahp train digits --out netx_models/digits.net --test
	.venv/bin/lava-ahp conformance make digits

bench-engine: .venv/.bench ## engine's speed against Lava, torch, Norse and snnTorch; ARGS=--json
	@$(PY) benchmarks/engine.py $(ARGS)

bench-training: .venv/.bench ## training speed against lava-dl, Norse and torch's LSTM; ARGS=--json
	@$(PY) benchmarks/training.py $(ARGS)

lock: | $(UV) ## write the lock files again after a change of pyproject.toml, keeping versions
	$(COMPILE) --extra train --extra test --output-file requirements-dev.lock pyproject.toml
	$(COMPILE) --constraint requirements-dev.lock --output-file requirements.lock pyproject.toml
	$(COMPILE) --extra train --extra test --group bench --constraint requirements-dev.lock \
		--output-file requirements-bench.lock pyproject.toml

upgrade: ## the same, with the newest version of everything
	rm -f requirements.lock requirements-dev.lock requirements-bench.lock
	$(MAKE) lock

wheel: dev ## build source archive and wheel into dist/
	rm -rf build dist
	$(PY) -m build --no-isolation

clean: ## remove environments, builds and caches
	rm -rf .venv .tools build dist *.egg-info .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment in .venv: the core alone; with training and tests (dev); with the benchmarks' peers
# as well (bench). What holds more stays where it is.
env: $(firstword $(wildcard .venv/.bench .venv/.dev) .venv/.core)
dev: $(firstword $(wildcard .venv/.bench) .venv/.dev)

.venv/.core: requirements.lock
.venv/.dev: requirements-dev.lock
.venv/.bench: requirements-bench.lock
.venv/.core .venv/.dev .venv/.bench: $(PROJECT) | $(UV) $(PY)
	@rm -f .venv/.core .venv/.dev .venv/.bench
	$(UV) pip sync --python $(PY) --require-hashes $(filter %.lock,$^)
	$(UV) pip install --python $(PY) --no-deps --no-build-isolation --editable .
	@touch $@

$(PY): | $(UV)
	@$(UV) python find 3.10 >/dev/null 2>&1 || $(UV) python install 3.10 >/dev/null 2>&1 || \
		{ echo "lava-ahp needs Python 3.10, the only one Lava runs on, and none was found: install it and try again." >&2; exit 1; }
	@rm -rf .venv
	$(UV) venv --quiet --python 3.10 .venv

.tools/bin/uv:
	python3 -m venv .tools
	.tools/bin/python -m pip install --quiet uv==$(UV_VERSION)
