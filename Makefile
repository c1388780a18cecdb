# Everything a person does with this project, one word each. `make` alone lists them.
#
# Needs python3 >= 3.11 with venv, make and git. Everything else is installed
# into .venv at the pinned versions of requirements/; stamps make repeats instant.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,$(if $(shell $(name) -c 'import sys; print(sys.version_info >= (3, 11) or "")' 2>/dev/null),$(name))))
PY := .venv/bin/python
PIP := $(PY) -m pip --quiet --disable-pip-version-check
MADE := .venv/made
RUN := $(MADE)/run
DEV := $(MADE)/dev
NODE := $(MADE)/node
PAGES := gateway/web/dist/index.html
ARGS ?=

.PHONY: help run check pythons test pages trials mutants bench loadtest scenarios generate lock clean packages

help:  ## list these
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUN) $(PAGES)  ## a live show on this machine, with links to click; Ctrl-C stops it (ARGS="--port 9000")
	@exec $(PY) -m livestream $(ARGS) serve

check: $(DEV)  ## style, types, generated files, unit and property tests: under a minute
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m livestream.protocol.generate --check
	$(PY) -m pytest --quiet tests/unit tests/property

pythons: $(DEV)  ## unit and property tests under each newer Python that this machine has
	@for python in python3.12 python3.13; do \
	  $$python -c '' 2>/dev/null || { echo "$$python is not here"; continue; }; \
	  echo "$$python: installing …"; \
	  $$python -m venv .venv/$$python; \
	  .venv/$$python/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock; \
	  .venv/$$python/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .; \
	  .venv/$$python/bin/python -m pytest --quiet tests/unit tests/property; \
	done

test: packages $(DEV) $(PAGES)  ## the whole suite, browsers included (ARGS="-k resume")
	$(PY) -m pytest -m "not trial and not alone" --numprocesses 3 --dist loadfile $(ARGS)
	$(PY) -m pytest -m "alone and not trial" $(ARGS) || test $$? = 5  # ARGS may choose none of them

pages: $(PAGES)  ## build the viewer and host pages

trials: packages $(DEV) $(PAGES)  ## the long fault and load runs
	$(PY) -m pytest -m trial --timeout=3600 --capture=no $(ARGS)

mutants: $(DEV)  ## plants bugs into group buys one by one: each must be caught (ARGS=lock)
	$(PY) -m tests.mutants.groupbuy $(ARGS)

bench: $(DEV)  ## the benchmark
	$(PY) -m loadtest.bench.run $(ARGS)

loadtest: $(RUN)  ## rehearse a sale against a server of its own (ARGS="--viewers 1000"); reports go to loadtest-results/
	$(PY) -m livestream loadtest run big-sale --own --time 0.15 $(ARGS)

scenarios: $(RUN)  ## play every shipped scenario, 27 minutes on a quiet machine; a table at the end
	$(PY) -m livestream loadtest run --all --own $(ARGS)

generate: $(DEV)  ## write the files that follow from the protocols
	$(PY) -m livestream.protocol.generate
	$(PY) -m livestream draw schema > lottery/proof.schema.json
	$(PY) -m tests.support.draw_vectors
	$(PY) -m groupbuy.reference

clean:  ## remove what was built and installed; keeps data/
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  gateway/web/dist gateway/web/node_modules test-results

# -- the environment

$(RUN): requirements/run.lock pyproject.toml gateway/_send.c | .venv/bin/python
	@echo "installing …"
	$(PIP) install --require-hashes -r requirements/run.lock
	$(PIP) install --no-build-isolation --no-deps -e .
	@mkdir -p $(MADE) && touch $@

$(DEV): requirements/dev.lock $(RUN)
	@echo "installing the tools of tests …"
	$(PIP) install --require-hashes -r requirements/dev.lock
	@touch $@

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or name it with PYTHON=…" >&2; exit 2; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "venv is missing: on Debian, apt-get install python3-venv" >&2; exit 2; }

# -- the pages; Node is the system's when it is 20 or newer, else that of a wheel

$(PAGES): $(shell find gateway/web -name node_modules -prune -o -path gateway/web/dist -prune -o -type f -print) | $(RUN) $(NODE)
	@echo "building the pages …"
	$(PY) gateway/web/build.py

$(NODE): requirements/node.lock | $(RUN)
	@node -e 'process.exit(process.versions.node.split(".")[0] < 20)' 2>/dev/null && command -v npm >/dev/null \
	  || $(PIP) install --require-hashes -r requirements/node.lock
	@touch $@

# -- the machine

packages:
	@missing=""; \
	for each in chromium:chromium nginx:nginx-light cc:gcc; do \
	  PATH="$$PATH:/usr/sbin" command -v "$${each%%:*}" >/dev/null || missing="$$missing $${each##*:}"; \
	done; \
	$(PYTHON) -c 'import os, sysconfig; raise SystemExit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' \
	  || missing="$$missing python3-dev"; \
	test -z "$$missing" || { echo "the tests need more of Debian: apt-get install$$missing" >&2; exit 2; }

# -- the locks

LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
  --no-emit-index-url

lock:  ## pin the newest versions that pyproject.toml allows (needs uv)
	$(LOCK) --upgrade --extra embedded pyproject.toml requirements/build.in -o requirements/run.lock
	$(LOCK) --upgrade --extra embedded --extra dev -c requirements/run.lock \
	  pyproject.toml requirements/build.in -o requirements/dev.lock
	$(LOCK) --upgrade -c requirements/dev.lock requirements/node.in -o requirements/node.lock
