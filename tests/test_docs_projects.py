"""docs/projects.md: its commands run, one after another, and print what the page says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"(?:<!-- file: (\S+) -->\n)?```(\w+)\n(.*?)```", re.DOTALL)


def test_page(tmp_path):
    if shutil.which("bash") is None:
        pytest.skip("the page's commands are for a shell")
    blocks = BLOCK.findall((ROOT / "docs" / "projects.md").read_text(encoding="utf-8"))
    commands, expected = ["set -e"], []
    for name, kind, text in blocks:
        if kind == "sh":
            commands.append(text)
        elif kind == "python":
            (tmp_path / name).write_text(text)
        else:
            expected.append(text)
    assert len(commands) == 6 and len(expected) == 2
    # `check` exits with 1 where it found something.
    commands[2] = commands[2].rstrip() + " && exit 99 || test $? = 1\n"

    tools = tmp_path / "bin"
    tools.mkdir()
    for name, program in (("rushlight", "-m rushlight"), ("python", "")):
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {program} "$@"\n')
        (tools / name).chmod(0o755)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    done = subprocess.run(
        ["bash", "-c", "\n".join(commands)], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for text in expected:
        assert text in done.stdout
    assert "resumed after epoch 3" in done.stdout and "360 samples" in done.stdout
    assert "<svg" in (tmp_path / "loss.svg").read_text()
    assert (tmp_path / "my-digits/saved/my-digits/first/last.pt").exists()
