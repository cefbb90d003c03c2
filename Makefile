# Two commands matter: `make demo` and `make test`. Everything else is for those who build.
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
SUPPLY := build/supply
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt
export HF_HUB_OFFLINE := 1
# Tests start hundreds of processes: each would compile what it imports anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help sbom advisories demo test setup peers fix check bench crash fuzz docs image clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

demo: $(VENV)/.run ## run the main job on loopback: scanner, node, archive
	$(BIN)/python -m deid_node demo

test: $(VENV)/.dev ## run every test that needs no GPU
	$(BIN)/python -m pytest -n auto --dist loadgroup

setup: $(VENV)/.dev ## make the environment for development

peers: $(VENV)/.dev ## add the programs that `deid-lab evaluate privacy --peers` measures beside ours
	$(PIP) --editable ".[cpu,dicomweb,diffusion,provenance,review]" --editable "deid_node_lab[train,peers]"
	@command -v tesseract >/dev/null || echo "tesseract is missing: apt-get install tesseract-ocr"

fix: $(VENV)/.dev ## format, and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: $(VENV)/.dev ## format, lint, types, import contracts, fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy deid_node deid_node_lab tests
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q -n auto -m "not slow" tests/unit/config tests/unit/receive \
	  tests/unit/route tests/unit/spool tests/unit/observe tests/unit/pixels tests/unit/pixeldata \
	  tests/unit/metadata tests/unit/leaks tests/architecture

bench: $(VENV)/.dev ## measure speed against a peer in the same run
	$(BIN)/python -m tests.bench

fuzz: $(VENV)/.dev ## nonsense to the doors and damaged files through the corridor, for MINUTES=20
	$(BIN)/python -m tests.fuzz --minutes $(or $(MINUTES),20) --seed $(or $(SEED),1)

crash: $(VENV)/.dev ## kill the node and what is around it for 20 minutes, and count losses
	$(BIN)/python -m tests.crash --minutes 20

docs: $(VENV)/.dev ## write docs/configuration.md and the tables anew from the code
	$(BIN)/python scripts/write_docs.py

sbom: $(VENV)/.run $(SUPPLY)/.made ## write what the environment is made of to build/sbom.json (CycloneDX)
	$(SUPPLY)/bin/cyclonedx-py environment --output-reproducible --pyproject pyproject.toml \
	  --output-file build/sbom.json $(BIN)/python

advisories: $(VENV)/.run $(SUPPLY)/.made ## compare the environment with the published advisories
	$(SUPPLY)/bin/pip-audit --progress-spinner off --skip-editable \
	  --path $$($(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")

image: ## build the container image (CPU)
	docker build --target cpu --file docker/Dockerfile --tag deid-node:cpu .

clean: ## remove what was made
	rm -rf $(VENV) demo-out fuzz-out build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip --disable-pip-version-check install --quiet "pip>=25.1,<27"

$(VENV)/.run: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) --editable ".[cpu,diffusion]"
	@touch $@

$(VENV)/.dev: $(VENV)/.run deid_node_lab/pyproject.toml
	$(PIP) --group dev --editable ".[cpu,dicomweb,diffusion,provenance,openvino,ray,review]" --editable "deid_node_lab[train,research]"
	@touch $@

# An environment of their own: what inspects the node's must not be found in it.
$(SUPPLY)/.made: pyproject.toml
	$(PYTHON) -m venv $(SUPPLY)
	$(SUPPLY)/bin/python -m pip --disable-pip-version-check install --quiet "pip>=25.1,<27" \
	  "cyclonedx-bom>=6,<8" "pip-audit>=2.7,<3"
	@touch $@
