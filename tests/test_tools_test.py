"""What `make test` shows, and that it fails whenever a part fails."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "tools" / "test.py"
# Under another name: "test" is Python's own package.
LAUNCH = """
import importlib.util, json, pathlib, sys
sys.path.insert(0, str(pathlib.Path(sys.argv[1]).parent))  # as for a script
spec = importlib.util.spec_from_file_location("tools_test", sys.argv[1])
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)
sys.exit(script.main(json.loads(sys.argv[2]), sys.argv[3:]))
"""
GOOD = "def test_good(): pass\n"
BAD = "def test_bad(): assert 'this' == 'that'\n"


def command(folder, parts, *chosen):
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -q -ra\n")
    parts = {name: ["-m", "pytest", *arguments] for name, arguments in parts.items()}
    return [sys.executable, "-c", LAUNCH, str(SCRIPT), json.dumps(parts), *chosen]


def run(folder, *chosen, **files):
    """Run one part for each file and return exit status and output."""
    for name, text in files.items():
        (folder / f"test_{name}.py").write_text(text)
    parts = {name: [f"test_{name}.py"] for name in files}
    done = subprocess.run(
        command(folder, parts, *chosen),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    return done.returncode, done.stdout


def last(output):
    return output.strip().splitlines()[-1]


def test_all_is_well(tmp_path):
    skips = "import pytest\ndef test_other(): pytest.skip('for a reason')\n"
    status, output = run(tmp_path, one=GOOD, two=GOOD + skips)
    assert status == 0, output
    assert last(output) == "2 passed, 0 failed, 1 skipped"
    assert "== 1/2 one" in output and "== 2/2 two" in output
    assert "ok      two: 1 passed, 0 failed, 1 skipped in" in output
    assert "for a reason" in output and "[2/2]" in output


@pytest.mark.parametrize(
    "order", [("two", "one"), pytest.param(("one", "two"), marks=pytest.mark.long)]
)
def test_a_failing_part_fails_the_run_wherever_it_stands(tmp_path, order):
    texts = {"one": GOOD, "two": GOOD + BAD}
    status, output = run(tmp_path, **{name: texts[name] for name in order})
    assert status == 1, output
    assert last(output) == "2 passed, 1 failed, 0 skipped"
    assert "FAILED  two: 1 passed, 1 failed, 0 skipped in" in output
    assert "ok      one" in output
    # Told when it happened, and not again but for its name.
    told = [line for line in output.splitlines() if line.startswith("E ") and "'this'" in line]
    assert len(told) == 1, output


@pytest.mark.parametrize(
    ("chosen", "status", "closing"),
    [
        ("good", 0, "1 passed, 0 failed, 0 skipped"),
        pytest.param("none", 1, "0 passed, 0 failed, 0 skipped", marks=pytest.mark.long),
    ],
)
def test_chosen_tests_run_alone_and_there_must_be_some(tmp_path, chosen, status, closing):
    done, output = run(tmp_path, "-k", chosen, one=GOOD, two=BAD)
    assert (done, last(output)) == (status, closing), output


BROKEN = {
    "fixture": (
        "import pytest\n@pytest.fixture\ndef broken(): raise OSError('no such thing')\n"
        "def test_it(broken): pass\n",
        "0 passed, 1 failed, 0 skipped",
        "no such thing",
    ),
    "import": ("import does_not_exist\n", "0 passed, 1 failed, 0 skipped", "does_not_exist"),
    "crash": ("import os\ndef test_it(): os._exit(0)\n", "0 passed, 0 failed, 0 skipped", None),
    "dies": ("import os\ndef test_it(): os.abort()\n", "0 passed, 0 failed, 0 skipped", None),
    "nothing": ("", "0 passed, 0 failed, 0 skipped", "exit 5"),
}


@pytest.mark.parametrize(
    "kind",
    ["nothing", *(pytest.param(k, marks=pytest.mark.long) for k in BROKEN if k != "nothing")],
)
def test_what_breaks_before_or_beside_a_test_fails_the_run(tmp_path, kind):
    source, closing, message = BROKEN[kind]
    status, output = run(tmp_path, part=source)
    assert status == 1, output
    assert last(output) == closing
    assert message is None or message in output


@pytest.mark.long
def test_a_worker_that_crashes_fails_the_run(tmp_path):
    (tmp_path / "test_part.py").write_text("import os\ndef test_it(): os._exit(0)\n" + GOOD)
    done = subprocess.run(
        command(tmp_path, {"part": ["test_part.py", "-n", "1"]}), cwd=tmp_path,
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 1
    assert last(done.stdout) == "1 passed, 1 failed, 0 skipped"


@pytest.mark.parametrize(
    ("stored", "status"), [("3\n", 1), pytest.param("2\n", 0, marks=pytest.mark.long)]
)
def test_a_notebook_whose_output_differs_fails_the_run(tmp_path, stored, status):
    output = nbformat.v4.new_output("stream", name="stdout", text=stored)
    cell = nbformat.v4.new_code_cell("print(1 + 1)", execution_count=1, outputs=[output])
    notebook = nbformat.v4.new_notebook(cells=[cell])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    nbformat.write(notebook, tmp_path / "page.ipynb")
    done = subprocess.run(
        command(tmp_path, {"notebooks": ["page.ipynb", "--nbval", "--nbval-current-env"]}),
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == status, done.stdout
    assert last(done.stdout) == f"{1 - status} passed, {status} failed, 0 skipped"


@pytest.mark.parametrize(
    "workers",
    [pytest.param([], marks=pytest.mark.long), ["-n", "1"]],
    ids=["alone", "xdist"],
)
def test_a_failure_is_shown_while_the_rest_still_runs(tmp_path, workers):
    # The second test waits for a file that is written once the first one's failure was read.
    waits = (
        "import pathlib, time\n"
        "def test_waits():\n"
        "    end = time.monotonic() + 60\n"
        "    while not pathlib.Path('go').exists():\n"
        "        assert time.monotonic() < end, 'nobody saw the failure'\n"
        "        time.sleep(0.05)\n"
    )
    (tmp_path / "test_part.py").write_text(BAD + waits)
    with subprocess.Popen(
        command(tmp_path, {"part": ["test_part.py", *workers]}), cwd=tmp_path,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        output = ""
        for line in process.stdout:
            output += line
            if "assert 'this' == 'that'" in line:
                (tmp_path / "go").touch()
    assert process.returncode == 1
    assert last(output) == "1 passed, 1 failed, 0 skipped", output
