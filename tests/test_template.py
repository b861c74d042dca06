"""`rushlight new`: the project it makes trains, resumes with the same numbers, and is PyTorch's."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from test_tensorboard import scalars

from rushlight import cli

SMALL = ["--batch-size", "96", "--set", "model.args.channels=8"]


@pytest.fixture
def project(tmp_path):
    assert cli.main(["new", str(tmp_path / "my-digits")]) == 0
    return tmp_path / "my-digits"


def start(project, program, *arguments, backend="rushlight"):
    runner = ["-m", "rushlight", "run"] if backend == "rushlight" else ["-W", "ignore"]
    return subprocess.Popen(
        [sys.executable, *runner, program, *arguments], cwd=project, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def run(project, program, *arguments, status=0, **kwargs):
    process = start(project, program, *arguments, **kwargs)
    text = process.communicate(timeout=200)[0]
    assert process.returncode == status, text
    return text


def history(project, name):
    return json.loads((project / "saved" / "my-digits" / name / "history.json").read_text())


def test_it_trains_tests_and_draws(project, capsys):
    text = run(project, "train.py", "--epochs", "3", "--run", "a", *SMALL)
    rows = history(project, "a")
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert rows[2]["loss"] < 0.6 * rows[0]["loss"] and rows[2]["val_accuracy"] > 0.8
    assert rows[2]["val_top_3_accuracy"] >= rows[2]["val_accuracy"]
    assert "epoch   3" in text and "parameters that learn" in text
    run_folder = project / "saved" / "my-digits" / "a"
    there = {path.name for path in run_folder.iterdir()}
    assert {"config.json", "train.log", "history.json", "last.pt", "best.pt"} <= there
    assert "curves.png" in there or "matplotlib is not installed" in text
    assert not any(name.endswith(".new") for name in there)
    kept = json.loads((run_folder / "config.json").read_text())
    assert kept["model"]["args"]["channels"] == 8 and kept["trainer"]["epochs"] == 3

    text = run(project, "test.py")
    assert "360 samples" in text and "best.pt" in text
    accuracy = float(text.split(" accuracy")[1].split()[0])
    assert 0.7 < accuracy <= 1


def test_resumed_runs_have_the_same_numbers(project):
    run(project, "train.py", "--epochs", "4", "--run", "straight", *SMALL)
    run(project, "train.py", "--epochs", "2", "--run", "halves", *SMALL)
    assert len(history(project, "halves")) == 2
    text = run(project, "train.py", "--resume", "--epochs", "4")
    assert "resumed after epoch 2" in text
    assert history(project, "halves") == history(project, "straight")
    run(project, "train.py", "--epochs", "4", "--run", "other", "--seed", "1", *SMALL)
    assert history(project, "other") != history(project, "straight")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_run_goes_on(project):
    run(project, "train.py", "--epochs", "3", "--run", "whole", *SMALL)
    process = start(project, "train.py", "--epochs", "3", "--run", "killed", *SMALL)
    checkpoint = project / "saved" / "my-digits" / "killed" / "last.pt"
    for _ in range(6000):
        if checkpoint.exists():
            break
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert len(history(project, "killed")) < 3
    run(project, "train.py", "--resume", "saved/my-digits/killed")
    assert history(project, "killed") == history(project, "whole")


def test_torch_has_the_same_numbers(project):
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed")
    # Few steps at a low rate: later ones drift apart by rounding alone.
    small = ["--batch-size", "383", "--lr", "0.0005", "--epochs", "1"]
    run(project, "train.py", "--run", "ours", *small)
    run(project, "train.py", "--run", "theirs", *small, backend="torch")
    (ours,), (theirs,) = history(project, "ours"), history(project, "theirs")
    assert ours == pytest.approx(theirs, rel=1e-4, abs=4e-3)  # one right answer of 287 is 0.0035
    assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-4)
    # Each reads the other's checkpoints.
    text = run(project, "train.py", "--resume", "saved/my-digits/theirs", "--epochs", "2")
    assert "resumed after epoch 1" in text
    run(project, "test.py", "--resume", "saved/my-digits/ours", backend="torch")


def test_early_stopping_and_tensorboard(project):
    change = ["--set", "trainer.monitor=max lr", "--set", "trainer.patience=2"]
    text = run(project, "train.py", "--run", "a", *SMALL, *change)
    assert "stopped: lr was no better for 2 epochs" in text
    rows = history(project, "a")
    assert len(rows) == 3
    written = scalars(project / "saved" / "my-digits" / "a")
    for tag, name in (("loss/train", "loss"), ("loss/val", "val_loss")):
        values = [(step, value) for step, found, value in written if found == tag]
        assert values == [(row["epoch"], pytest.approx(row[name], rel=1e-6)) for row in rows]
    run(
        project,
        "train.py",
        "--run",
        "b",
        "--epochs",
        "1",
        "--set",
        "trainer.tensorboard=false",
        *SMALL,
    )
    assert not list((project / "saved" / "my-digits" / "b").glob("events*"))


def test_mistakes_are_named(project, capsys):
    def fails(*arguments):
        return run(project, "train.py", *arguments, status=1)

    assert "has no NoSuchNet; it has" in fails("--set", "model.type=NoSuchNet")
    assert "no part 'trainers'" in fails("--set", "trainers.epochs=1")
    assert "there is no run to go on from" in fails("--resume")
    assert "must be KEY=VALUE" in fails("--set", "epochs")
    assert "monitor names 'nothing'" in fails(
        "--epochs", "1", "--set", "trainer.monitor=min nothing", *SMALL
    )


def test_new_refuses(project, tmp_path, capsys):
    assert cli.main(["new", str(project)]) == 1
    assert "is not empty" in capsys.readouterr().err
    assert cli.main(["new", str(tmp_path / 'a"b')]) == 1
    assert "is no name for a project" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert cli.main(["new", str(tmp_path / "file" / "inside")]) == 1
    assert cli.main(["new"]) == 2
    assert cli.main(["new", "--name"]) == 2


def test_every_file_is_copied(project):
    names = {str(path.relative_to(project)) for path in project.rglob("*") if path.is_file()}
    assert {"train.py", "test.py", "config.json", "base/trainer.py", "data/digits.csv.gz"} <= names
    assert "CC BY 4.0" in (project / "data" / "README.md").read_text()
    for path in (project / "config.json", project / "README.md"):
        assert "PROJECT" not in path.read_text() and "my-digits" in path.read_text()
    assert cli.main(["check", str(project)]) == 0
    assert not any("rushlight" in path.read_text() for path in project.rglob("[!t]*.py"))
