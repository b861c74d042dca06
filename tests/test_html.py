"""What notebooks show of tensors, modules and graphs; `repr` stays as it is."""

import base64
import re
import subprocess
import sys
import tempfile
import zlib
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
import torch as theirs

import rushlight as torch
from rushlight import nn


class Balance(HTMLParser):
    """Checks that every element is closed, and collects the text."""

    def __init__(self, page):
        super().__init__()
        self.open, self.text, self.tags = [], "", []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in ("br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def shown(value):
    page = Balance(value._repr_html_())
    return page.text


def pixels(page):
    """The rows of colours of the picture in a page."""
    data = base64.b64decode(re.search(r"base64,([^']*)'", page).group(1))
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    found, at = {}, 8
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        body = data[at + 4 : at + 8 + size]
        assert zlib.crc32(body) == int.from_bytes(data[at + 8 + size : at + 12 + size], "big")
        found[body[:4]], at = body[4:], at + 12 + size
    width, height = (int.from_bytes(found[b"IHDR"][i : i + 4], "big") for i in (0, 4))
    raw, line = zlib.decompress(found[b"IDAT"]), 1 + 3 * width
    assert len(raw) == height * line
    return [[tuple(raw[y * line + 1 + 3 * x :][:3]) for x in range(width)] for y in range(height)]


def test_statistics():
    x = torch.tensor([[1.0, -2.0, 0.0], [torch.nan, torch.inf, 3.0]])
    page = x._repr_html_()
    text = shown(x)
    assert "2×3" in text and "torch.float32" in text and "24 bytes" in text
    cells = dict(zip(re.findall("<th>(.*?)</th>", page), re.findall("<td>(.*?)</td>", page)))
    assert cells == {"min": "-2", "mean": "0.5", "max": "3", "std": "1.803", "zero": "1",
                     "NaN": "1", "inf": "1"}  # fmt: skip
    assert repr(x) in text


def test_heat_map():
    x = torch.tensor([[1.0, -2.0, 0.0], [torch.nan, torch.inf, 1.0]])
    white, black = (255, 255, 255), (0, 0, 0)
    assert pixels(x._repr_html_()) == [
        [(255, 128, 128), (0, 0, 255), white],
        [black, black, (255, 128, 128)],
    ]
    assert len(pixels(torch.randn(7)._repr_html_())) == 1
    large = pixels(torch.randn(3, 100, 1000)._repr_html_())
    assert (len(large), len(large[0])) == (20, 48)
    assert pixels(torch.zeros(2, 2)._repr_html_()) == [[white, white], [white, white]]


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.tensor(3.5),
        lambda: torch.empty(0, 4),
        lambda: torch.arange(6).view(2, 3),
        lambda: torch.ones(2, 3, dtype=torch.bool),
        lambda: torch.randn(4, 5, dtype=torch.complex64),
        lambda: torch.randn(4, 5, dtype=torch.bfloat16),
        lambda: torch.full((3,), torch.nan),
        lambda: torch.empty(2, 3, device="meta"),
        lambda: torch.randn(3, 4).t()[::2].requires_grad_() * 2,
        lambda: nn.Parameter(torch.ones(2, 2)),
        lambda: torch.ones(1),
        lambda: torch.randint(0, 255, (2, 3, 64, 64), dtype=torch.uint8),
    ],
)
def test_every_kind_of_tensor(make):
    x = make()
    before = repr(x), x._version if not x.is_meta else 0
    assert repr(x) in shown(x)
    assert (repr(x), x._version if not x.is_meta else 0) == before


def test_subclass():
    class Mine(torch.Tensor):
        pass

    assert "2×2" in shown(torch.ones(2, 2).as_subclass(Mine))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.BatchNorm1d(4))
        self.again = self.body[0]
        self.scale = nn.Parameter(torch.ones(2), requires_grad=False)
        self.note = nn.Identity()
        self.note.extra_repr = lambda: "<script>alert(1)</script>"


def test_module_tree():
    net = Net()
    page = net._repr_html_()
    text = shown(net)
    assert "26 parameters (24 trainable), 104 bytes" in text
    assert "0: Linear(in_features=3, out_features=4, bias=True) weight 4×3, bias 4 16" in text
    assert "again: Linear(in_features=3, out_features=4, bias=True) is body.0, again" in text
    assert "scale 2 fixed" in text and "running_mean 4" in text
    assert "<script>" not in page
    assert page.count("<details") == 2 and page.count("<details open") == 2


def test_large_modules_are_folded():
    layers = [nn.Sequential(nn.Linear(2, 2), nn.ReLU()) for _ in range(30)]
    page = nn.Sequential(*layers)._repr_html_()
    assert page.count("<details") == 31 and page.count("<details open") == 1


def test_odd_modules():
    assert "LazyLinear" in shown(nn.LazyLinear(3))
    assert shown(nn.ReLU()).startswith("0 parameters")
    loop = nn.ModuleList([nn.Linear(1, 1)] * 3)
    assert shown(loop).count("is 0, again") == 2
    empty = nn.Module()
    empty.register_module("gone", None)
    assert "Module" in shown(empty)


def test_text_is_pytorch_s():
    for library in (torch, theirs):
        library.manual_seed(0)
    ours, peer = (x.nn.Sequential(x.nn.Linear(2, 3), x.nn.ReLU()) for x in (torch, theirs))
    ours._repr_html_()
    assert repr(ours) == repr(peer) and repr(ours[0].weight) == repr(peer[0].weight)


def test_graph_is_a_picture():
    w = torch.ones(2, requires_grad=True)
    svg = torch.draw((w * 3).sum(), params={"w": w})._repr_svg_()
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg") and "MulBackward0" in svg and "w (2)" in svg


def test_nothing_is_loaded_before_it_is_shown():
    code = (
        "import sys, rushlight as torch\n"
        "x = torch.ones(2, 2); repr(x); torch.nn.Linear(1, 1)\n"
        "assert 'rushlight._html' not in sys.modules\n"
        "x._repr_html_(); assert 'rushlight._html' in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tempfile.gettempdir()
    )
    assert done.returncode == 0, done.stderr
