"""The programs of examples/, small: rushlight runs each, and prints the numbers that PyTorch prints.

examples/digits.py has a file of its own, test_digits.py.
"""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rushlight import cli

EXAMPLES = Path(__file__).parent.parent / "examples"
SMALL = {
    "binary_net": "--epochs 1 --double",
    "captcha": "--epochs 1 --strips 96 --workers 2",
    "char_lstm": "--epochs 1 --write 0",
    "diffusion": "--steps 5",
    "ensemble": "--steps 5",
    "flow": "--steps 5",
    "gan": "--epochs 1",
    "gpt": "--steps 8",
    "heat_equation": "--steps 10",
    "karate_club": "--steps 10",
    "linear_regression": "--epochs 4",
    "maml": "--steps 3",
    "number_words": "--epochs 1",
    "policy_gradient": "--steps 5",
    "resnet": "--epochs 1",
    "siamese": "--epochs 1",
    "spirals": "--steps 20",
    "super_resolution": "--epochs 1",
    "time_series": "--epochs 1",
    "translate_dates": "--epochs 1 --pairs 256",
    "unet": "--epochs 1 --images 32",
    "vae": "--epochs 1",
    "vit": "--epochs 1",
    "word2vec": "--epochs 1 --sentences 100",
}
# Programs that need more than PyTorch have tests of their own.
OTHERS = {"digits", "semantic_search"}
# What these write after their losses hangs on near ties between letters.
WRITERS = {"gpt", "translate_dates"}

# Imports PyTorch once; then runs the programs that lines of its input name.
WORKER = """
import contextlib, io, json, runpy, sys
import torch
torch.set_num_threads(1)
start = torch.get_default_dtype()
for line in sys.stdin:
    program, *sys.argv[1:] = json.loads(line)
    sys.argv[0], sys.path[0], text = program, program.rpartition("/")[0], io.StringIO()
    torch.set_default_dtype(start)
    with contextlib.redirect_stdout(text):
        runpy.run_path(program, run_name="__main__")
    print(json.dumps(text.getvalue()), flush=True)
"""


@pytest.fixture(scope="module")
def torch_prints(tmp_path_factory):
    """A function (program, arguments) -> what it prints with PyTorch; None where that is not."""
    if importlib.util.find_spec("torch") is None:
        yield lambda program, arguments: None
        return
    worker = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", WORKER],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=tmp_path_factory.mktemp("torch"),
    )  # fmt: skip

    def prints(program, arguments):
        worker.stdin.write(json.dumps([str(program), *arguments]) + "\n")
        worker.stdin.flush()
        return json.loads(worker.stdout.readline())

    yield prints
    worker.stdin.close()
    assert worker.wait(timeout=60) == 0


def words(text):
    """The words and numbers of a text; pictures made of signs are left out."""
    return re.findall(r"[A-Za-z]{2,}|-?\d+(?:\.\d+)?%?", text)


def assert_same(ours, theirs):
    """Equal words and whole numbers; others within 1e-4 and a unit of their last place.

    Percentages count right answers out of some hundred: one point more or less is the same.
    """
    ours, theirs = words(ours), words(theirs)
    assert len(ours) == len(theirs)
    for i, (a, b) in enumerate(zip(ours, theirs)):
        if a[-1] == b[-1] == "%":
            assert float(a[:-1]) == pytest.approx(float(b[:-1]), abs=1), ours[:i]
        elif "." in a and "." in b:
            unit = 10.0 ** -len(b.partition(".")[2])
            assert float(a) == pytest.approx(float(b), rel=1e-4, abs=1e-4 + 1.01 * unit), ours[:i]
        else:
            assert a == b, ours[:i]


@pytest.mark.parametrize("name", SMALL)
def test_prints_what_torch_prints(name, torch_prints, tmp_path):
    program, arguments = EXAMPLES / f"{name}.py", SMALL[name].split()
    command = [sys.executable, "-m", "rushlight", "run", str(program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    losses = re.findall(r"(?:loss|drawing|critic) (\d+\.\d+)", done.stdout)
    assert losses and all(float(loss) < 100 for loss in losses)
    assert not list(tmp_path.iterdir())
    theirs = torch_prints(program, arguments)
    if theirs is not None:
        parts = [
            text.split("\n\n")[0] if name in WRITERS else text for text in (done.stdout, theirs)
        ]
        assert_same(*parts)


def test_every_program_is_run():
    assert {path.stem for path in EXAMPLES.glob("*.py")} - OTHERS == {*SMALL}


def test_check_finds_every_name(capsys):
    assert cli.main(["check", str(EXAMPLES)]) == 0
    assert "cannot be read" not in capsys.readouterr().out


@pytest.mark.parametrize("name", SMALL)
def test_documented(name):
    how = f"rushlight run examples/{name}.py"
    source = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    assert how in source and "rushlight" not in source.replace(how, "")
    assert f"({name}.py)" in (EXAMPLES / "README.md").read_text(encoding="utf-8")
