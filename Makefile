# Everything a fresh machine needs: `make demo` shows the main job, `make test` passes the tests.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PHOTOS ?= ../shared/data/eval/photos
export OMP_WAIT_POLICY = PASSIVE

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */\1\t/' | sort | expand -t 14

.PHONY: help weights paper demo test test-all test-train test-scale test-eval test-web test-docs docs screenshots results lint bench clean

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e ".[demo,test]"
	touch $@

$(VENV)/trainable: $(VENV)/installed
	$(BIN)/python -m pip install --quiet "torch==2.13.0" -e ".[demo,test,train]"
	touch $@

$(VENV)/web: $(VENV)/installed
	$(BIN)/python -m pip install --quiet -e ".[demo,test,web,webtest]"
	touch $@

demo: $(VENV)/installed  ## protect and recover a real portrait, print figures, write demo-out/
	$(BIN)/python tools/demo.py demo-out

test: $(VENV)/installed  ## the default suite, without torch
	$(BIN)/python -m pytest -q -m "not slow and not gpu"

test-train: $(VENV)/trainable  ## what needs torch: model, training loop, export
	$(BIN)/python -m pytest -q tests/training

$(VENV)/scalable: $(VENV)/installed
	$(BIN)/python -m pip install --quiet -e ".[demo,test,scale]"
	touch $@

test-scale: $(VENV)/scalable  ## runs on engines: a two-worker dask cluster, workers killed half-way
	$(BIN)/python -m pytest -q tests/scale

test-web: $(VENV)/web  ## the page in a real browser, the API under load; installs Chromium where it may
	@command -v chromium >/dev/null || test -n "$$CHROMIUM" || test "$$(id -u)" != 0 || \
	  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium) >/dev/null
	$(BIN)/python -m pytest -q tests/web tests/silence

$(VENV)/documentable: $(VENV)/installed
	$(BIN)/python -m pip install --quiet -e ".[demo,test,docs]"
	touch $@

docs: $(VENV)/documentable  ## the documentation as a site in build/docs; a warning is an error
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "build/docs/index.html"

test-docs: $(VENV)/documentable  ## the site: links, generated references, no requests to other hosts
	$(BIN)/python -m pytest -q tests/docs/test_site.py

screenshots: $(VENV)/web  ## docs/screenshots, from the page as it is
	$(BIN)/python tests/web/screenshots.py docs/screenshots

test-all: $(VENV)/trainable $(VENV)/scalable  ## everything, slow tests included
	$(BIN)/python -m pytest -q

lint: $(VENV)/trainable $(VENV)/web
	$(BIN)/python -m pip install --quiet ruff mypy
	$(BIN)/ruff check src tests tools bench
	$(BIN)/mypy

bench: $(VENV)/trainable  ## speed and memory as ratios against peers: writes docs/evidence/performance.md
	$(BIN)/python -m pip install --quiet -e ".[demo,test,train,eval,scale]"
	$(BIN)/python -m pip install --quiet --no-deps deface imageio imageio-ffmpeg tqdm  # a peer; it wants another OpenCV
	$(BIN)/python tools/performance.py

clean:
	rm -rf $(VENV) demo-out build dist

FACES ?=
STICKERS ?=
RUN ?= runs/secure-2
MODEL ?= src/proface_s/flow/weights/secure-2
weights: $(VENV)/trainable  ## retrain the shipped weights: make weights FACES="DIR DIR"
	$(BIN)/proface train --config configs/secure-2.json $(addprefix --data ,$(FACES)) --out $(RUN)
	$(BIN)/proface export $(RUN)/checkpoint.pt $(addprefix --data ,$(FACES)) -o $(MODEL) --card configs/secure-2.card.json

paper: $(VENV)/trainable  ## train the published system, both recovery modes, for comparison
	for mode in randwr randwr-2 randwr-fine randwr-float obfswr; do \
	  case $$mode in randwr-2|randwr-fine|obfswr) first="--init runs/paper-randwr/checkpoint.pt";; *) first=;; esac; \
	  $(BIN)/proface train --config configs/paper-$$mode.json $(addprefix --data ,$(FACES)) \
	  $(if $(STICKERS),--stickers $(STICKERS)) $$first --out runs/paper-$$mode || exit 1; done

EVAL ?= ../shared/data/eval
TRAIN ?= ../shared/data/train
MODELS ?= ../shared/models
PAPER ?= runs/paper-randwr/checkpoint.pt
PAPERS ?= $(wildcard runs/paper-*/checkpoint.pt)
RESULTS ?= runs/results
BUDGET ?= quick
ATTACKER ?= real_us_congress_pd real_us_house117 real_us_senate117 synth_sfhq synth_faker_cc0
PROFACE ?= $(BIN)/proface
QUALITY = $(PROFACE) evaluate $(foreach set,faces_faker_cc0 faces_governors faces_sfhq,--data $(EVAL)/$(set)) \
  --pictures $(EVAL)/faces_faker_cc0
JUDGES = --recogniser dlib --recogniser $(MODELS)/mobileface_v2.onnx=configs/recognisers/mobileface.json \
  --recogniser $(MODELS)/faceres.onnx=configs/recognisers/faceres.json
$(VENV)/evaluable: $(VENV)/trainable
	$(BIN)/python -m pip install --quiet -e ".[demo,test,train,eval]"
	touch $@

test-eval: $(VENV)/evaluable  ## measures against other implementations, adversaries on planted weaknesses
	$(BIN)/python -m pytest -q -m "not gpu" tests/evaluation

results: $(VENV)/evaluable  ## measure and attack everything, then write docs/evidence/results.md; goes on where it was interrupted
	$(QUALITY) --report $(RESULTS)/ours --styles all --limit 20 --photos $(EVAL)/photos \
	  --method secure-2 --method secure-2-cover --method lsb-avif
	$(QUALITY) --report $(RESULTS)/strengths --styles sweep --limit 12 --method secure-2
	for size in 64 128 512; do $(QUALITY) --report $(RESULTS)/size-$$size --size $$size --styles blur,swap --limit 20 \
	  --method secure-2 --method lsb-avif || exit 1; done
	for peer in $(PAPERS); do $(QUALITY) --report $(RESULTS)/$$(basename $$(dirname $$peer)) --styles all --limit 10 \
	  --protocol both --method paper:$$peer || exit 1; done
	$(PROFACE) evaluate --data $(EVAL)/faces_faker_cc0 --report $(RESULTS)/identity --styles blur,swap --limit 12 \
	  --method secure-2 --method paper:$(PAPER) --pairs $(EVAL)/lfw/pairs.csv \
	  --pairs-limit 240 $(JUDGES)
	$(PROFACE) attack --data $(EVAL)/faces_faker_cc0 $(foreach set,$(ATTACKER),--own $(TRAIN)/$(set)) --kind crops \
	  --budget $(BUDGET) --report $(RESULTS)/attack --method secure-2 --peer paper:$(PAPER) \
	  --recogniser dlib --recogniser $(MODELS)/mobileface_v2.onnx=configs/recognisers/mobileface.json
	$(BIN)/python tools/results.py $(RESULTS) docs/evidence
