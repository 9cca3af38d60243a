# The project's commands. `make` alone lists them.
# torch comes as the index that pip uses has it: on Linux x86-64 the public index has the CUDA build (gigabytes).
# Another build: set TORCH, and PIP_EXTRA_INDEX_URL to the index that PyTorch's installation page names for it.
#   CPU only:  make env TORCH=torch==2.13.0+cpu
#   CUDA 13.0: make env TORCH=torch==2.13.0+cu130

SHELL := /bin/bash
PYTHON ?= python3
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
EXTRAS := test,onnx,openspiel,notify

.PHONY: help newest oldest trackers ray ray-proofs env train monitor test check format bench proofs learning-curve golden search-cost docs \
  picture clean

newest: ## run the tests with the newest packages that pyproject.toml allows, in .venv-newest
	@$(PYTHON) -m venv .venv-newest
	@.venv-newest/bin/python -m pip install --disable-pip-version-check -q "$(TORCH)"
	@.venv-newest/bin/python -m pip install --disable-pip-version-check -q --upgrade \
	  --upgrade-strategy eager -e '.[$(EXTRAS)]' "$(TORCH)"
	@.venv-newest/bin/python -m pip list --disable-pip-version-check --format=freeze | grep -iE '^(torch|numba|numpy|textual|rich|msgspec|click)=='
	.venv-newest/bin/python -m pytest -n $(JOBS) --dist worksteal -m "not long"

oldest: $(READY) ## run the tests with the oldest packages that pyproject.toml allows, but torch, in .venv-oldest
	@$(BIN)/python -m venv .venv-oldest
	@$(BIN)/python tools/oldest_packages.py .venv-oldest/constraints.txt
	@.venv-oldest/bin/python -m pip install --disable-pip-version-check -q "$(TORCH)"
	@.venv-oldest/bin/python -m pip install --disable-pip-version-check -q \
	  -c .venv-oldest/constraints.txt -e '.[$(EXTRAS)]' "$(TORCH)"
	@.venv-oldest/bin/python -m pip list --disable-pip-version-check --format=freeze | grep -iE '^(torch|numba|numpy|textual|rich|msgspec|click)=='
	.venv-oldest/bin/python -m pytest -n $(JOBS) --dist worksteal -m "not long"

trackers: $(READY) ## test `blobmaster track` with all trackers, in .venv-trackers (300 MB to download)
	@$(BIN)/python -m venv .venv-trackers
	@$(BIN)/python tools/tracker_packages.py .venv-trackers
	@.venv-trackers/bin/python -m pip install --disable-pip-version-check -q -r .venv-trackers/requirements.txt
	.venv-trackers/bin/python -m pytest -n $(JOBS) -rs tests/monitor/track

ray: $(READY) ## test `--backend ray`, in .venv-ray (100 MB to download)
	@$(BIN)/python -m venv .venv-ray
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
	  > $$(.venv-ray/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/blobmaster.pth
	@.venv-ray/bin/python -m pip install --disable-pip-version-check -q -e '.[ray]'
	.venv-ray/bin/python -m pytest -rs -m "not long" tests/cluster

ray-proofs: $(READY) ## the long proofs of `--backend ray`, after `make ray`: faults of hosts, which need root
	.venv-ray/bin/python -m pytest -rsP -m long tests/cluster

help: ## list the commands
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(READY) ## make the environment in .venv (the other commands do it when needed)

$(READY): requirements.txt pyproject.toml
	@found=$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null); \
	case "$$found" in 3.11|3.12|3.13|3.14) ;; \
	  *) echo "BlobMaster needs Python 3.11 to 3.14, and $(PYTHON) is $${found:-not there}: make env PYTHON=python3.12"; \
	     exit 2;; esac
	@echo "==> making the environment in $(VENV) (once; a few minutes)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  echo "python's venv module is missing: install it (Debian: apt install python3-venv)"; exit 2; }
	@echo "==> installing $(TORCH)"
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on "$(TORCH)"
	@echo "==> installing the pinned dependencies"
	@$(BIN)/python -m pip install --disable-pip-version-check -q --progress-bar on -r requirements.txt
	@$(BIN)/python -m pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e .
	@touch $(READY)
	@echo "==> the environment is ready: $$($(BIN)/python tools/torch_build.py)"

train: $(READY) ## train a small player in about a minute, then say how to go on
	@$(BIN)/blobmaster train --fast

monitor: $(READY) ## watch the run in models/checkpoints
	@$(BIN)/blobmaster monitor

check: $(READY) ## format, lint, types and the import contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check ## everything that must hold: check, and all tests
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m "not long"

proofs: $(READY) ## the long proofs (some 20 minutes); docs/reliability.md holds their record
	$(BIN)/pytest -m long

format: $(READY) ## bring the code into its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY) ## measure speed; blobmaster bench --help says what
	@$(BIN)/blobmaster bench

learning-curve: $(READY) ## train from nothing for half an hour, measured on the way; the curve goes to docs/
	@$(BIN)/python tools/learning_curve.py models/learning-curve \
	  --config examples/learning-curve.toml --output docs/learning-curve

docs: $(READY) ## rewrite the parts of docs/ that are made from the code
	@$(BIN)/python tools/architecture.py
	@$(BIN)/python tools/opponents.py
	@$(BIN)/blobmaster settings --markdown > docs/settings.md

picture: $(READY) ## draw docs/monitor.svg from the recorded run, and with Chromium the page in the browser
	@PYTHONPATH=tests/shared $(BIN)/python tests/monitor/make_picture.py docs/monitor.svg
	@PYTHONPATH=tests/shared:tests/monitor/serve $(BIN)/python tests/monitor/make_page_picture.py docs

golden: $(READY) ## rewrite web/golden, the data for ports of the rules and the player
	@PYTHONPATH=tests/shared $(BIN)/python tests/web/golden.py

search-cost: $(READY) ## does search earn its cost: equal evaluations for each way of deciding
	@$(BIN)/python tools/search_cost.py

clean: ## remove the environment and caches (never models/)
	rm -rf $(VENV) .venv-newest .venv-oldest .venv-trackers .venv-ray .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
