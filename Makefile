# Everything a fresh machine needs: `make demo` shows the main job, `make test` passes the tests, `make help` lists all.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CODE := src tests tools bench
SUITE := -m pytest -q -m "not slow and not gpu"
export OMP_WAIT_POLICY = PASSIVE

.PHONY: help demo test test-all test-train test-scale test-eval test-web test-docs coverage fuzz lint style types format package \
  docs screenshots weights paper results bench clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */\1\t/' | sort | expand -t 14

# Environments: all of them are one, which grows with what the targets need.

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e ".[demo,test]"
	touch $@

$(VENV)/trainable: $(VENV)/installed
	$(BIN)/python -m pip install --quiet "torch==2.13.0" -e ".[demo,test,train]"
	touch $@

$(VENV)/evaluable: $(VENV)/trainable
	$(BIN)/python -m pip install --quiet -e ".[demo,test,train,eval]"
	touch $@

$(VENV)/scalable: $(VENV)/installed
	$(BIN)/python -m pip install --quiet -e ".[demo,test,scale]"
	touch $@

$(VENV)/web: $(VENV)/installed
	$(BIN)/python -m pip install --quiet -e ".[demo,test,web,webtest]"
	touch $@

$(VENV)/documentable: $(VENV)/installed
	$(BIN)/python -m pip install --quiet -e ".[demo,test,docs]"
	touch $@

$(VENV)/developed: $(VENV)/installed
	$(BIN)/python -m pip install --quiet -e ".[demo,test,dev]"
	touch $@

# Tests.

demo: $(VENV)/installed  ## protect and recover a real portrait, print figures, write demo-out/
	$(BIN)/python tools/demo.py demo-out

test: $(VENV)/installed  ## the default suite, without torch
	$(BIN)/python $(SUITE)

test-train: $(VENV)/trainable  ## what needs torch: model, training loop, export
	$(BIN)/python -m pytest -q tests/lab/training

test-scale: $(VENV)/scalable  ## runs on engines: a two-worker dask cluster, workers killed half-way
	$(BIN)/python -m pytest -q tests/scale

test-eval: $(VENV)/evaluable  ## measures against other implementations, adversaries on planted weaknesses
	$(BIN)/python -m pytest -q -m "not gpu" tests/lab/evaluation tests/lab/attacks

test-web: $(VENV)/web  ## the page in a real browser, the API under load; installs Chromium where it may
	@command -v chromium >/dev/null || test -n "$$CHROMIUM" || test "$$(id -u)" != 0 || \
	  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium) >/dev/null
	$(BIN)/python -m pytest -q tests/web tests/silence

test-docs: $(VENV)/documentable  ## the site: links, generated references, no requests to other hosts
	$(BIN)/python -m pytest -q tests/docs/test_site.py

test-all: $(VENV)/evaluable $(VENV)/scalable $(VENV)/web $(VENV)/documentable  ## everything, slow tests included
	$(BIN)/python -m pytest -q -m "not gpu"

coverage: $(VENV)/scalable $(VENV)/web  ## the default suite, with the lines of the package that it runs counted
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run $(SUITE)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

fuzz: $(VENV)/installed  ## explore: property tests with new examples, then 20,000 mutated files for each parser
	HYPOTHESIS_PROFILE=explore $(BIN)/python -m pytest -q -m hypothesis --ignore tests/web
	$(BIN)/python tests/fuzz/fuzz.py --seed $${SEED:-$$(date +%s)}

# Code and package.

lint: style types  ## style, layout and types of the code

style: $(VENV)/developed  ## ruff: rules and layout
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)

types: $(VENV)/developed $(VENV)/trainable $(VENV)/web  ## mypy, strict
	$(BIN)/mypy

format: $(VENV)/developed  ## lay out the code, and mend what ruff can mend
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

package: $(VENV)/developed  ## build wheel and source archive in dist/, check both, and use the wheel in a fresh environment
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/python tools/check_package.py dist

# Documents.

docs: $(VENV)/documentable  ## the documentation as a site in build/docs; a warning is an error
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "build/docs/index.html"

screenshots: $(VENV)/web  ## docs/screenshots, from the page as it is
	$(BIN)/python tests/web/screenshots.py docs/screenshots

bench: $(VENV)/evaluable $(VENV)/scalable  ## speed and memory as ratios against peers: writes docs/evidence/performance.md
	$(BIN)/python -m pip install --quiet --no-deps deface imageio imageio-ffmpeg tqdm  # a peer; it wants another OpenCV
	$(BIN)/python tools/performance.py

clean:  ## remove the environment and everything that was built
	rm -rf $(VENV) demo-out build dist

# Models and measurements, on your own data: docs/how-to/training.md and docs/evidence/evaluation.md.

FACES ?=
STICKERS ?=
EVAL ?=
TRAIN ?=
MODELS ?=
SETS ?= faces_faker_cc0 faces_governors faces_sfhq
ATTACKER ?= real_us_congress_pd real_us_house117 real_us_senate117 synth_sfhq synth_faker_cc0
FACES_IS = folders with photos of faces
EVAL_IS = a folder with the folders $(SETS) photos lfw
TRAIN_IS = a folder with the folders $(ATTACKER)
MODELS_IS = a folder with the recognisers mobileface_v2.onnx faceres.onnx

needs-%:
	@test -n "$($*)" || { echo "$* is not set; it names $($*_IS): make ... $*=PATH" >&2; exit 2; }

RUN ?= runs/secure-2
MODEL ?= src/proface_s/flow/weights/secure-2

weights: needs-FACES $(VENV)/trainable  ## retrain the shipped weights: make weights FACES="DIR DIR"
	$(BIN)/proface train --config configs/secure-2.json $(addprefix --data ,$(FACES)) --out $(RUN)
	$(BIN)/proface export $(RUN)/checkpoint.pt $(addprefix --data ,$(FACES)) -o $(MODEL) --card configs/secure-2.card.json
	$(BIN)/python tools/integer_model.py $(dir $(MODEL))secure-3 --source $(MODEL)

paper: needs-FACES $(VENV)/trainable  ## train the published system for comparison: make paper FACES="DIR DIR" STICKERS=DIR
	for mode in randwr randwr-2 randwr-3 randwr-4 randwr-fine randwr-float obfswr obfswr-2 obfswr-3; do \
	  case $$mode in randwr-2|randwr-fine|obfswr) from=randwr;; randwr-3) from=randwr-2;; randwr-4) from=randwr-3;; \
	  obfswr-2) from=obfswr;; obfswr-3) from=obfswr-2;; *) from=;; esac; \
	  $(BIN)/proface train --config configs/paper-$$mode.json $(addprefix --data ,$(FACES)) \
	  $(if $(STICKERS),--stickers $(STICKERS)) $${from:+--init runs/paper-$$from/checkpoint.pt} \
	  --out runs/paper-$$mode || exit 1; done

OURS ?= secure-3
PAPERS ?= paper-randwr paper-obfswr
PAPER ?= paper:configs/$(firstword $(PAPERS)).checkpoint.pt
RESULTS ?= runs/results
BUDGET ?= quick
PROFACE ?= $(BIN)/proface
FIRST = $(EVAL)/$(firstword $(SETS))
QUALITY = $(PROFACE) evaluate $(foreach set,$(SETS),--data $(EVAL)/$(set)) --pictures $(FIRST)
JUDGES = --recogniser dlib --recogniser $(MODELS)/mobileface_v2.onnx=configs/recognisers/mobileface.json \
  --recogniser $(MODELS)/faceres.onnx=configs/recognisers/faceres.json

results: needs-EVAL needs-TRAIN needs-MODELS $(VENV)/evaluable  ## measure, attack, write docs/evidence/results.md: make results EVAL=DIR TRAIN=DIR MODELS=DIR
	$(QUALITY) --report $(RESULTS)/ours --styles all --limit 20 --photos $(EVAL)/photos \
	  --method $(OURS) --method $(OURS)-cover --method lsb-avif
	$(QUALITY) --report $(RESULTS)/strengths --styles sweep --limit 12 --method $(OURS)
	for size in 64 128 512; do $(QUALITY) --report $(RESULTS)/size-$$size --size $$size --styles blur,swap --limit 20 \
	  --method $(OURS) --method lsb-avif || exit 1; done
	for peer in $(PAPERS); do $(QUALITY) --report $(RESULTS)/$$peer --styles all --limit 10 \
	  --protocol both --method paper:configs/$$peer.checkpoint.pt || exit 1; done
	$(PROFACE) evaluate --data $(FIRST) --report $(RESULTS)/identity --styles blur,swap --limit 12 \
	  --method $(OURS) --method $(PAPER) --pairs $(EVAL)/lfw/pairs.csv \
	  --pairs-limit 240 $(JUDGES)
	$(PROFACE) attack --data $(FIRST) $(foreach set,$(ATTACKER),--own $(TRAIN)/$(set)) --kind crops \
	  --budget $(BUDGET) --report $(RESULTS)/attack --method $(OURS) --peer $(PAPER) \
	  --recogniser dlib --recogniser $(MODELS)/mobileface_v2.onnx=configs/recognisers/mobileface.json
	$(BIN)/python tools/results.py $(RESULTS) docs/evidence
