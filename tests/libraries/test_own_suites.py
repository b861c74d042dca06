"""Libraries' own tests, where a library ships them."""

import os
import re
import subprocess
import sys

import pytest


def test_einops_own_tests(tmp_path):
    """All that concern torch: only those of other frameworks are skipped."""
    pytest.importorskip("einops", reason="einops is not installed")
    import importlib.metadata

    try:
        importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("no shim: einops' tests start programs that import torch")
    env = {**os.environ, "EINOPS_TEST_BACKENDS": "numpy,torch"}
    env["PATH"] = os.path.dirname(sys.executable) + os.pathsep + env["PATH"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--pyargs"]
    done = subprocess.run(
        [*command, "einops.tests"], capture_output=True, text=True, env=env, cwd=tmp_path
    )
    last = done.stdout.strip().splitlines()[-1]
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(re.search(r"(\d+) passed", last).group(1)) >= 60, last
