# Every target is one readable command. The README gives the same commands for systems without make.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
WORKERS ?= auto

# One BLAS thread for each worker: two workers of two threads each run five times slower.
export OMP_NUM_THREADS = 1
export OPENBLAS_NUM_THREADS = 1
export MKL_NUM_THREADS = 1
unexport MPLBACKEND

TEXTS = $(wildcard chapters/*/*.md)
NOTEBOOKS = $(TEXTS:.md=.ipynb)
SITE = _build/site

# In the order of the folders: at the end stand the notebooks, which are of one size.
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder
NBVAL = $(PYTEST) --nbval -v --no-header chapters

# Which of the two make notebooks keeps where both text and notebook were edited: text or notebook.
KEEP ?=
ifneq ($(filter-out text notebook,$(KEEP)),)
  $(error KEEP must be text or notebook, not $(KEEP))
endif

.PHONY: book test lab site epub pdf notebooks portable practice bench experiment mutants sabotage lock clean in-step

book: in-step                      ## run every chapter, compare it with what is stored, build the site
	$(NBVAL)
	$(MAKE) --no-print-directory site

test: $(VENV)/installed            ## all tests, the notebooks among them
	$(PYTEST) --nbval tests lib chapters

lab: $(VENV)/installed             ## JupyterLab on the reader's edition of the chapters
	$(BIN)/python -m bookkit.edition
	$(BIN)/jupyter lab reading

site: in-step                      ## the site, from the stored outputs
	$(BIN)/sphinx-build -W --keep-going -q -d _build/doctrees -c book . $(SITE)
	@echo "The book is built. Open $(CURDIR)/$(SITE)/index.html"

epub: in-step                      ## the book as an EPUB, from the stored outputs
	$(BIN)/sphinx-build -W --keep-going -q -b epub -d _build/epub.doctrees -c book . _build/epub
	@echo "The book is built: $(CURDIR)/_build/epub/descent.epub"

pdf: site                          ## the book as one PDF, printed by Chromium
	$(BIN)/python -m bookkit.paper $(SITE) _build/descent.pdf

notebooks: $(VENV)/installed       ## run every chapter and store text, code and outputs in step
	$(if $(KEEP),,$(BIN)/python -m bookkit.pairs guard $(TEXTS))
	$(if $(filter notebook,$(KEEP)),$(BIN)/jupytext --quiet --to md:myst $(NOTEBOOKS))
	$(BIN)/jupytext --quiet --to ipynb --update $(TEXTS)
	echo $(NOTEBOOKS) | TQDM_DISABLE=1 xargs -n 1 -P 2 $(BIN)/jupyter nbconvert --log-level=WARN --to notebook --inplace --execute --ExecutePreprocessor.record_timing=False
	$(BIN)/jupytext --quiet --to md:myst $(NOTEBOOKS)
	$(BIN)/python -m bookkit.pairs check $(TEXTS)

in-step: $(VENV)/installed         ## stop where a text and its notebook differ
	@$(BIN)/python -m bookkit.pairs check $(TEXTS)

portable: in-step                  ## the notebooks under other BLAS kernels, which stand for other machines
	OPENBLAS_CORETYPE=Haswell ATEN_CPU_CAPABILITY=default $(NBVAL)
	OPENBLAS_CORETYPE=Sandybridge ATEN_CPU_CAPABILITY=default $(NBVAL)

practice: $(VENV)/installed        ## the chapters with blanks where the solutions stand
	$(BIN)/python -m bookkit.practice

bench: $(VENV)/installed           ## speed against PyTorch, as ratios in one run
	$(BIN)/python benchmarks/bench.py
	$(BIN)/python benchmarks/scaling.py

experiment: $(VENV)/installed      ## the experiment of chapter 20, on all cores or on Dask's workers (SCHEDULER=…); it goes on where it was interrupted
	$(BIN)/python -m bookkit.comparison $(patsubst %,--workers %,$(filter-out auto,$(WORKERS))) $(patsubst %,--scheduler %,$(SCHEDULER))

mutants: $(VENV)/installed         ## change the library in thousands of small ways: does a test notice each? (an hour)
	$(BIN)/pip install --quiet -c requirements/lock.txt -e ".[mutants]"
	rm -rf _build/mutants && mkdir -p _build/mutants
	ln -s ../../lib _build/mutants/src
	ln -s ../../tests ../../pyproject.toml _build/mutants
	cd _build/mutants && $(abspath $(BIN))/mutmut run $(patsubst %,--max-children %,$(filter-out auto,$(WORKERS)))
	cd _build/mutants && $(abspath $(BIN))/mutmut results

sabotage: in-step                  ## plant faults in a copy of the library: does a chapter of the part turn red? (PARTS=…)
	$(BIN)/python -m bookkit.sabotage $(PARTS)

lock: $(VENV)/installed            ## store the installed versions
	$(BIN)/pip freeze --exclude-editable | sed 's/+cpu//' > requirements/lock.txt

clean:                             ## remove what was built; the environment stays, and what you wrote in practice/ and reading/
	rm -rf _build .pytest_cache .hypothesis

$(VENV)/installed: requirements/torch.txt requirements/lock.txt pyproject.toml
	$(PYTHON) requirements/preflight.py $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --retries 1 --no-deps -r requirements/torch.txt || $(PYTHON) requirements/preflight.py --torch
	$(BIN)/pip install --quiet -c requirements/lock.txt -e ".[chapters,scale,site,test]"
	@touch $@
