"""`rushlight.summary`, `rushlight.draw` and `rushlight check`."""

import json
import pathlib
import xml.etree.ElementTree as xml

import pytest

import rushlight as torch
from rushlight import cli


def test_summary_of_a_net():
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(5408, 10)
    )
    net.train()
    state = torch.get_rng_state()
    table = torch.summary(net, torch.zeros(2, 1, 28, 28))
    assert table.total_params == 80 + 54090
    assert [row[3] for row in table.rows][1:] == [
        "[2, 8, 26, 26]", "[2, 8, 26, 26]", "[2, 5408]", "[2, 10]"
    ]  # fmt: skip
    assert net.training and net[0].training
    assert torch.equal(state, torch.get_rng_state())
    assert "54,170" in str(table) and "<table>" in table._repr_html_()


def test_summary_of_shared_frozen_and_nested():
    class Two(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a = torch.nn.LSTM(3, 4)
            self.b = torch.nn.Linear(4, 4)
            self.c = self.b
            self.b.bias.requires_grad_(False)

        def forward(self, x, *, other):
            out, (h, _) = self.a(x + other["x"])
            return {"out": self.c(self.b(out)), "h": h}

    x = torch.zeros(5, 2, 3)
    table = torch.summary(Two(), x, other={"x": x})
    assert table.rows[0][3] == "{out: [5, 2, 4], h: [1, 2, 4]}"
    assert table.total_params == sum(p.numel() for p in Two().parameters())
    assert table.total_params - table.trainable_params == 4
    assert "Parameters" in str(torch.summary(Two()))


def test_check_names_what_is_absent(tmp_path, capsys):
    (tmp_path / "a.py").write_text(
        "import torch\nimport torch.nn.functional as F\nfrom torch import nn as n, optim\n"
        "x = F.relu(torch.ones(2))\nn.Linear(1, 1)\noptim.SparseAdam\ntorch.no_such_name(x)\n"
    )
    (tmp_path / "b.py").write_text("def broken(:\n")
    assert cli.main(["check", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "torch.optim.SparseAdam" in out and "a.py:6" in out
    assert "torch.no_such_name" in out and "cannot be read" in out
    assert "torch.nn.functional.relu" not in out
    (tmp_path / "b.py").unlink()
    (tmp_path / "a.py").write_text("import torch\ntorch.ones(2)\n")
    assert cli.main(["check", str(tmp_path)]) == 0
    assert cli.main(["check", str(tmp_path / "none")]) == 2


def test_draw(tmp_path):
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    drawing = torch.draw(net, torch.ones(2, 3))
    lines = drawing.text.split("\n")
    assert lines[0] == "output (2, 1)" and lines[1] == "  AddmmBackward0"
    assert any("0.weight (4, 3)" in line for line in lines)
    picture = xml.fromstring(drawing.svg)
    assert len(picture.findall(".//{*}rect")) == len(drawing.labels)
    for end in ("svg", "html", "txt"):
        drawing.save(tmp_path / f"x.{end}")
        assert (tmp_path / f"x.{end}").stat().st_size > 50


def test_draw_shared_deep_and_wrong():
    x = torch.ones(2, requires_grad=True)
    y = x
    for _ in range(3000):
        y = y * 2
    z = x.exp()
    assert torch.draw(z * z.sin()).text.count("(above)") == 1
    assert len(torch.draw(y).labels) == 3002 and torch.draw(y).svg
    with pytest.raises(ValueError, match="no history"):
        torch.draw(torch.ones(2))
    with pytest.raises(TypeError, match="needs inputs"):
        torch.draw(torch.nn.Linear(1, 1))
    with pytest.raises(TypeError):
        torch.draw(3)


def test_config():
    assert torch.version.rushlight in torch.__config__.show()
    assert str(torch.get_num_threads()) in torch.__config__.parallel_info()


def test_check_reads_notebooks_and_says_what_to_do_instead(tmp_path, capsys):
    code = ["import torch\n", "%matplotlib inline\n", "if torch.nosuch():\n", "    !ls\n"]
    cells = [{"cell_type": "markdown", "source": "torch.is_text"}]
    cells += [
        {"cell_type": "code", "source": s} for s in (code, "%%bash\ntorch (", "torch.compile")
    ]
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": cells}))
    (tmp_path / "b.py").write_text("from torch.optim import SparseAdam")
    (tmp_path / "c.ipynb").write_text("{}")
    assert cli.main(["check", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "torch.optim.SparseAdam" in out and "use torch.optim.Adam)" in out
    assert "there in part:\n  torch.compile" in out and "torch.nosuch" in out
    assert "is_text" not in out and f"cannot be read: {tmp_path}/c.ipynb" in out
    (tmp_path / "empty").mkdir()
    assert cli.main(["check", str(tmp_path / "empty")]) == 0
    assert "holds no .py or .ipynb file" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ("", "a command is missing"),
        ("nosuch", "unknown command 'nosuch'"),
        ("tests", "(rushlight run tests?)"),
        ("check", "the path of a file or a folder is needed"),
        ("check a b", "the path of a file or a folder is needed"),
        ("new -x", "a name for the project is needed"),
        ("run", "run needs a program"),
        ("run --nosuch", "unknown option --nosuch of run"),
        ("info x", "info takes no arguments"),
        ("shim x", "shim takes no such arguments"),
    ],
)
def test_wrong_command_lines(args, why, capsys, monkeypatch):
    monkeypatch.chdir(pathlib.Path(__file__).parent.parent)
    assert cli.main(args.split()) == 2
    err = capsys.readouterr().err
    assert why in err.splitlines()[0] and "usage: rushlight run" in err


@pytest.mark.parametrize("args", ["--help", "help", "check --help", "new -h", "run --help"])
def test_help(args, capsys):
    assert cli.main(args.split()) == 0
    assert capsys.readouterr().out.startswith("usage: rushlight run")


def test_summary_of_what_is_no_model_or_no_input():
    layer = torch.nn.ConvTranspose2d(1, 1, 3, stride=2)
    assert torch.summary(layer, torch.ones(1, 1, 4, 4), (10, 10)).rows[0][3] == "[1, 1, 10, 10]"
    with pytest.raises(TypeError, match="takes a module, not the class Linear"):
        torch.summary(torch.nn.Linear)
    with pytest.raises(TypeError, match=r"not their sizes: torch.zeros\(1, 3\)"):
        torch.summary(torch.nn.Linear(3, 2), (1, 3))


def test_draw_several_outputs_and_other_files(tmp_path):
    x = torch.ones(2, requires_grad=True)
    drawing = torch.draw([x * 2, torch.ones(1, requires_grad=True) + 1])
    assert drawing.text.split("\n")[::3] == ["output0 (2)", "output1 (1)"]
    with pytest.raises(ValueError, match=r"\.svg, \.html or \.txt, not as 'x\.png'"):
        drawing.save("x.png")
    with pytest.raises(ValueError, match="It is a leaf"):
        torch.draw(x)
