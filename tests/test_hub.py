"""torch.hub with folders on this machine, against PyTorch's. Nothing is downloaded here."""

import pathlib

import pytest
import torch
from twin import error_of, table, twin

import rushlight

SNIPPETS, case = table()
HUBCONF = """
dependencies = {dependencies}
from beside_hubconf import WIDTH
def net(inputs=2, *, scale=1):
    "A net."
    return inputs, scale, WIDTH
_private = 1
"""


def folder(path, dependencies=()):
    path.mkdir(parents=True, exist_ok=True)
    (path / "hubconf.py").write_text(HUBCONF.format(dependencies=list(dependencies)))
    (path / "beside_hubconf.py").write_text("WIDTH = 7\n")
    return str(path)


@case
def call(m, path):
    return m.hub.load(path, "net", 5, source="local", scale=3)


@case
def no_such_entry(m, path):
    return error_of(lambda: m.hub.load(path, "nothing", source="local"))


@case
def not_callable(m, path):
    return error_of(lambda: m.hub.load(path, "_private", source="local"))


@case
def no_name(m, path):
    return error_of(lambda: m.hub.load(path, 3, source="local"))


@case
def no_folder(m, path):
    return error_of(lambda: m.hub.load(path + "-absent", "net", source="local"))


@case
def unknown_source(m, path):
    return error_of(lambda: m.hub.load(path, "net", source="ftp"))


@case
def missing_dependencies(m, path):
    needy = folder(pathlib.Path(path, "needy"), ["absent_a", "re"])
    return error_of(lambda: m.hub.load(needy, "net", source="local"))


@pytest.mark.parametrize("name", SNIPPETS)
def test_local(name, tmp_path):
    path = folder(tmp_path)
    twin(lambda m: SNIPPETS[name](m, path))


@pytest.mark.parametrize("m", [torch, rushlight], ids=["torch", "rushlight"])
def test_repository_in_the_cache(m, tmp_path, monkeypatch):
    folder(tmp_path / "someone_thing_v1")
    monkeypatch.setattr(m.hub, "get_dir", lambda: str(tmp_path))
    options = {"trust_repo": True, "skip_validation": True}
    assert m.hub.load("someone/thing:v1", "net", verbose=False, **options) == (2, 1, 7)
    assert m.hub.list("someone/thing:v1", verbose=False, **options) == ["net"]
    assert m.hub.help("someone/thing:v1", "net", **options) == "A net."


def test_code_is_not_downloaded(tmp_path, monkeypatch):
    monkeypatch.setattr(rushlight.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(NotImplementedError, match="git clone https://github.com/someone/thing"):
        rushlight.hub.load("someone/thing:v1", "net")
    with pytest.raises(ValueError, match="source='local'"):
        rushlight.hub.load(str(tmp_path), "net")
