# make book · live · lab · serve · print · classroom · test · test-reader · test-lab · test-live · test-long · kernels · lint · bench · mutants · notebooks · hero · links · wheel · peers ·
# constraints: each is a session of noxfile.py, which runs on every system.
# make ARGUMENTS='-k layers' test passes arguments on.
PYTHON ?= python3
VENV := .venv
NOX := $(VENV)/bin/nox
TASKS := book live lab serve print classroom test-reader test-lab test-live test-long kernels lint bench mutants notebooks hero links wheel peers constraints

.PHONY: $(TASKS) test clean

$(TASKS): $(NOX)
	$(NOX) -s $@ -- $(ARGUMENTS)

test: $(NOX)
	$(NOX) -s tests -- $(ARGUMENTS)

$(NOX): constraints.txt
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install -q nox -c constraints.txt
	touch $@

clean:
	rm -rf _build .nox $(VENV)
