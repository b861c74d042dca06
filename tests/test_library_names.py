"""Names by which libraries reach into torch, each as PyTorch has it."""

import subprocess
import sys
import tempfile
from collections import namedtuple

import pytest
import torch as theirs
import torch.utils._pytree as their_tree
from twin import error_of

import rushlight as ours
import rushlight.utils._pytree as our_tree

Pair = namedtuple("Pair", "a b")


def under_alias(code):
    command = [sys.executable, "-m", "rushlight", "run", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tempfile.gettempdir())
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_modules_of_ours_have_pytorch_s_missing_names():
    under_alias(
        "import torch, torch.overrides\n"
        "from torch.overrides import enable_reentrant_dispatch\n"
        "from torch.nn.parallel.distributed import DistributedDataParallel\n"
        "assert torch.nn.parallel.DataParallel and callable(torch.nn.parallel.data_parallel)\n"
        "for call in (enable_reentrant_dispatch, torch.nn.parallel.DistributedDataParallel):\n"
        "    try: call()\n"
        "    except NotImplementedError: pass\n"
        "    else: assert False, call\n"
        "assert not hasattr(torch.overrides, 'nosuch')\n"
    )


def test_a_missing_name_is_one_object():
    under_alias(
        "import torch, torch.fx\n"
        "assert torch.fx.GraphModule is torch.fx.GraphModule\n"
        "assert {torch.fx.Node: 1}[torch.fx.Node] == 1\n"
    )


@pytest.mark.parametrize(
    "value", [Pair(1, [2]), {"a": 1}, [1], (1, 2), 3, Pair(Pair(1, 2), ())], ids=repr
)
def test_tree_nodes(value):
    """Lightning walks trees by these."""
    results = []
    for tree in (their_tree, our_tree):
        kind = tree._get_node_type(value)
        known = kind in tree.SUPPORTED_NODES
        children = tree.SUPPORTED_NODES[kind].flatten_fn(value) if known else None
        leaves, spec = tree.tree_flatten(value)
        again = tree.tree_map(lambda x: x + 1, value)
        results.append((kind, known, children, leaves, tree.tree_unflatten(leaves, spec), again))
        assert spec == tree.tree_structure(value)
    assert results[0] == results[1]


def test_size_in_memory():
    for torch in (theirs, ours):
        x = torch.ones(1000)
        assert 4000 < sys.getsizeof(x.untyped_storage()) < 4200


def test_where_a_call_of_to_is_parsed():
    for torch in (theirs, ours):
        assert torch.nn.Module  # its file has the function
        parse = torch._C._nn._parse_to
        device, dtype, blocking, _ = parse("cpu", torch.float64, True)
        assert (str(device), str(dtype), blocking) == ("cpu", "torch.float64", True)
        assert parse(torch.ones(1))[:2] == (torch.device("cpu"), torch.float32)


def test_loader_s_iterators():
    for torch in (theirs, ours):
        from_loader = torch.utils.data.dataloader
        loader = torch.utils.data.DataLoader([1, 2])
        assert isinstance(iter(loader), from_loader._SingleProcessDataLoaderIter)
        assert issubclass(
            from_loader._MultiProcessingDataLoaderIter, from_loader._BaseDataLoaderIter
        )


def test_types():
    from rushlight import types

    assert types._device is ours.device and types._dtype is ours.dtype
    assert isinstance(1, types.Number) and isinstance("cpu", types.Device)


def test_library_operations_for_other_keys_are_not_bodies():
    library = ours.library.Library("rushlight_test_names", "DEF")
    library.define("twice(Tensor x) -> Tensor")
    library.impl("twice", lambda x: x * 2)
    ours.library.Library("rushlight_test_names", "IMPL", "Meta").impl("twice", lambda x: 1 / 0)
    ours.library.impl("rushlight_test_names::twice", "AutocastXPU", lambda x: 1 / 0)
    ours.library.register_autograd("rushlight_test_names::twice", lambda ctx, g: 1 / 0)
    assert ours.ops.rushlight_test_names.twice(ours.ones(1)).item() == 2


@pytest.mark.skipif(ours.cuda.is_available(), reason="about machines without a GPU")
@pytest.mark.parametrize("place", ["xpu", "accelerator", "Tensor"])
def test_what_a_program_without_the_device_catches(place):
    def refusals(m):
        calls = {
            "xpu": lambda n: getattr(m.xpu, n)(),
            "accelerator": lambda n: getattr(m.accelerator, n)(),
            "Tensor": lambda n: getattr(m.ones(1), n)(),
        }
        names = {
            "xpu": "synchronize current_device current_stream is_bf16_supported memory_allocated",
            "accelerator": "synchronize empty_cache current_device_index memory_allocated",
            "Tensor": "xpu ipu",
        }
        return [error_of(calls[place], name) for name in names[place].split()]

    assert refusals(ours) == refusals(theirs)


def test_every_name_of_pytorch_s_can_be_named():
    """In modules of ours too: a name that is absent is a stub, not an AttributeError."""
    under_alias(
        "import importlib, torch\n"
        "from rushlight import _missing\n"
        "torch.nosuch if hasattr(torch, 'nosuch') else _missing._names('torch')\n"
        "absent = []\n"
        "for module in sorted(_missing._manifest):\n"
        "    if module in ('torch.Tensor', 'torch._C'): continue\n"
        "    found = importlib.import_module(module)\n"
        "    for name in _missing._names(module):\n"
        "        if not hasattr(found, name): absent.append(f'{module}.{name}')\n"
        "absent = [a for a in absent if not a.endswith(('.TYPE_CHECKING', '.fft.Tensor'))]\n"
        "assert len(_missing._manifest) > 600 and not absent, absent\n"
        "from torch.multiprocessing.spawn import ProcessRaisedException\n"
        "assert ProcessRaisedException is torch.multiprocessing.ProcessRaisedException\n"
        "assert callable(torch.multiprocessing.spawn) and callable(torch.autograd.gradcheck)\n"
    )


def test_exceptions_on_their_way():
    for m in (ours, theirs):
        wrapper = []
        for error in (KeyError("a"), ValueError("b"), UnicodeDecodeError("utf-8", b"x", 0, 1, "c")):
            try:
                raise error
            except Exception:  # noqa: BLE001
                wrapper.append(m._utils.ExceptionWrapper(where="in a test"))
        lines = [error_of(w.reraise) for w in wrapper]
        assert lines == [
            "KeyError: Caught KeyError in a test.",
            "ValueError: Caught ValueError in a test.",
            "RuntimeError: Caught UnicodeDecodeError in a test.",
        ]
        assert "test_library_names.py" in wrapper[0].exc_msg
