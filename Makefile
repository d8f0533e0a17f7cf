# make book · serve · test · lint · bench · notebooks · peers · constraints
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: book serve test lint bench mutants notebooks peers constraints clean

$(VENV)/.reader: requirements.txt constraints.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -r requirements.txt -c constraints.txt -e ".[book]"
	touch $@

$(VENV)/.developer: $(VENV)/.reader requirements-dev.txt
	$(BIN)/pip install -q -r requirements-dev.txt -c constraints.txt
	touch $@

# The heavy libraries that the tests compare with; without them those tests say that they skip.
$(VENV)/.peers: $(VENV)/.developer pyproject.toml
	$(BIN)/pip install -q -e ".[peers]" -c constraints.txt
	touch $@

peers: $(VENV)/.peers

book: $(VENV)/.reader
	$(BIN)/python tools/build.py

serve: book
	$(BIN)/python tools/serve.py

# The site under test is the one whose outputs are stored; a test runs the chapters on MNIST.
test: $(VENV)/.developer
	env -u BACKPROP_MNIST_DIR $(BIN)/python tools/build.py
	$(BIN)/python tools/test.py

# Plant the mistakes of tests/mutants one by one; about half an hour on two cores.
mutants: $(VENV)/.developer
	$(BIN)/python tools/mutants.py

bench: $(VENV)/.peers
	$(BIN)/python benchmarks/run.py

notebooks: $(VENV)/.developer
	$(BIN)/python tools/notebooks.py

lint: $(VENV)/.developer
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy code
	$(BIN)/lint-imports
	$(BIN)/python tools/lint_scripts.py
	$(BIN)/python tools/notebooks.py --check

constraints: $(VENV)/.developer
	$(BIN)/uv pip compile --universal --python-version 3.11 --no-header \
	  --no-emit-find-links --no-emit-index-url \
	  requirements.txt requirements-dev.txt -o constraints.txt

clean:
	rm -rf _build $(VENV)
