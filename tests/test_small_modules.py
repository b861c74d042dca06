"""Small Python modules: pytree, checkpointing, loss scaling, registered operations, versions."""

import warnings
from collections import OrderedDict, defaultdict, deque, namedtuple

import pytest
import torch
import torch.utils._pytree as torch_pytree

import rushlight as rl
from rushlight import amp, jit, library, ops
from rushlight.torch_version import TorchVersion
from rushlight.utils import _pytree as pytree
from rushlight.utils.checkpoint import checkpoint, checkpoint_sequential

Pair = namedtuple("Pair", "a b")
TREE = {
    "a": [1, (2, 3)],
    "b": Pair(4, {"x": 5}),
    "c": OrderedDict(z=1),
    "d": deque([1, 2], 3),
    "e": defaultdict(list, {"q": 7}),
    "f": None,
}


def test_pytree_as_torch():
    leaves, spec = pytree.tree_flatten(TREE)
    assert leaves == torch_pytree.tree_flatten(TREE)[0]
    assert pytree.tree_unflatten(leaves, spec) == TREE
    assert type(pytree.tree_unflatten(leaves, spec)["b"]) is Pair
    assert pytree.tree_map(str, TREE) == torch_pytree.tree_map(str, TREE)
    assert spec == pytree.tree_structure(TREE) and hash(spec) is not None
    assert spec != pytree.tree_structure([1])


def test_pytree_several_trees_and_errors():
    assert pytree.tree_map(lambda a, b: a + b, [1, (2,)], [3, (4,)]) == [4, (6,)]
    assert pytree.tree_map_only(int, lambda x: x + 1, [1, "a"]) == [2, "a"]
    with pytest.raises(ValueError, match="Node type mismatch"):
        pytree.tree_map(lambda a, b: a, [1], (1,))
    with pytest.raises(ValueError, match="`leaves` has length 1"):
        pytree.tree_unflatten([1], pytree.tree_structure([1, 2]))


def test_pytree_registered_type():
    class Box:
        def __init__(self, x):
            self.x = x

    pytree.register_pytree_node(Box, lambda b: ([b.x], None), lambda xs, _: Box(*xs))
    assert pytree.tree_map(lambda x: x * 2, Box(3)).x == 6


def gradients(model, x, run):
    for p in [*model.parameters(), x]:
        p.grad = None
    rl.manual_seed(0)
    run().sum().backward()
    return [p.grad.tolist() for p in [*model.parameters(), x]]


def test_checkpoint_gives_the_same_gradients():
    model = rl.nn.Sequential(
        rl.nn.Linear(4, 8), rl.nn.Dropout(0.5), rl.nn.ReLU(), rl.nn.Linear(8, 2)
    )
    x = rl.randn(3, 4, requires_grad=True)
    plain = gradients(model, x, lambda: model(x))
    for reentrant in (True, False):
        again = gradients(model, x, lambda r=reentrant: checkpoint(model, x, use_reentrant=r))
        assert again == plain
    assert gradients(model, x, lambda: checkpoint_sequential(model, 2, x)) == plain
    with rl.no_grad():
        assert not checkpoint(model, x).requires_grad


def test_grad_scaler_skips_bad_steps():
    p = rl.nn.Parameter(rl.ones(2))
    optimizer = rl.optim.SGD([p], lr=0.1)
    scaler = amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    scales = []
    for bad in (False, True, False, False):
        optimizer.zero_grad()
        scaler.scale((p * (float("inf") if bad else 1.0)).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        scales.append(scaler.get_scale())
    assert scales == [8.0, 4.0, 4.0, 8.0]
    assert p.tolist() == pytest.approx([0.7, 0.7])
    other = amp.GradScaler("cpu")
    other.load_state_dict(scaler.state_dict())
    assert other.get_scale() == 8.0
    theirs = torch.amp.GradScaler("cpu")
    assert set(theirs.state_dict()) == set(scaler.state_dict())


def test_autocast_without_a_gpu():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with amp.autocast("cuda", enabled=not rl.cuda.is_available()):
            assert (rl.ones(2) + 1).dtype == rl.float32
    with pytest.raises(RuntimeError, match="Expected one of cpu"):
        amp.autocast("moon")


def test_registered_operations():
    lib = library.Library("demo", "DEF")
    assert lib.define("twice(Tensor x) -> Tensor") == "twice"
    lib.impl("twice", lambda x: x * 2)
    lib.impl("twice", lambda x: 0, "Meta")
    assert ops.demo.twice(rl.ones(1)).tolist() == ops.demo.twice.default(rl.ones(1)).tolist() == [2]
    with pytest.raises(AttributeError, match="'_OpNamespace' 'demo' object has no attribute"):
        _ = ops.demo.thrice

    @library.custom_op("demo::cube", mutates_args=())
    def cube(x):
        return x**3

    cube.register_autograd(
        lambda ctx, g: g * 3 * ctx.saved_tensors[0] ** 2,
        setup_context=lambda ctx, inputs, output: ctx.save_for_backward(inputs[0]),
    )
    x = rl.ones(2, requires_grad=True)
    ops.demo.cube(x * 2).sum().backward()
    assert x.grad.tolist() == [24.0, 24.0]


def test_jit_passes_through():
    assert jit.script(len) is len and jit.ignore(len) is len and not jit.is_scripting()
    assert jit.unused()(len) is len and jit.trace(len, (1,)) is len
    assert jit.trace_module(len, {"forward": ()}) is len and jit.Attribute(3, int).value == 3
    with jit.strict_fusion(), pytest.raises(jit.Error):
        raise jit.Error


@pytest.mark.parametrize(
    "other", ["2.12", "2.13", "2.13.0", "2.13.1", "2.9.9", "10.0", (2, 13), (2, 4), (3,), "2.14a0"]
)
def test_version_compares_as_torchs(other):
    ours, theirs = TorchVersion("2.13.0"), torch.torch_version.TorchVersion("2.13.0")
    assert (ours < other, ours > other) == (theirs < other, theirs > other)
    assert (ours <= other, ours >= other) == (theirs <= other, theirs >= other)
    assert (ours == other) == (theirs == other) and (ours != other) == (not ours == other)


def outcome(assert_close, *args, **kwargs):
    """(class, message) of the error of a comparison, or None."""
    try:
        assert_close(*args, **kwargs)
    except Exception as e:
        return type(e).__name__, str(e).split("\n")[0] if isinstance(e, TypeError) else str(e)
    return None


PAIRS = [
    ([1.0, 2.0], [1.0, 2.0]),
    ([1.0, 2.0], [1.0, 2.1]),
    ([1.0, 2.0], [1.0, 2.000001]),
    ([[1.0, 2.0], [3.0, 5.0]], [[1.0, 2.5], [3.0, 4.0]]),
    ([1.0], [1.0, 2.0]),
    ([1, 2], [1, 3]),
    ([1, 2], [1.0, 2.0]),
    (1.0, 2.0),
    ([float("nan")], [float("nan")]),
]


@pytest.mark.parametrize("pair", PAIRS, ids=str)
@pytest.mark.parametrize("kwargs", [{}, {"rtol": 0.3, "atol": 0.1}, {"equal_nan": True}], ids=str)
def test_assert_close_as_torch(pair, kwargs):
    from rushlight.testing import assert_close

    theirs = outcome(torch.testing.assert_close, *map(torch.tensor, pair), **kwargs)
    assert outcome(assert_close, *map(rl.tensor, pair), **kwargs) == theirs
    nested = outcome(
        torch.testing.assert_close, *({"a": [torch.tensor(p)]} for p in pair), **kwargs
    )
    ours = outcome(assert_close, *({"a": [rl.tensor(p)]} for p in pair), **kwargs)
    assert (ours is None) == (nested is None)


@pytest.mark.parametrize(
    "pair", [(1, 2), (1.0, 2.0), (1.0, 1.0), (1, 1.0), (None, None), (None, 1)], ids=str
)
def test_assert_close_of_numbers(pair):
    from rushlight.testing import assert_close

    ours, theirs = outcome(assert_close, *pair), outcome(torch.testing.assert_close, *pair)
    assert (ours and ours[0]) == (theirs and theirs[0])
    with pytest.raises(AssertionError, match="mine"):
        assert_close(1.0, 2.0, msg="mine")


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda: rl.jit.save(rl.nn.Linear(1, 1), "x.pt"), "save a model's state_dict"),
        (lambda: rl.jit.load("x.pt"), "no TorchScript"),
        (lambda: rl.optim.SparseAdam([rl.ones(1)]), "use torch.optim.Adam"),
    ],
)
def test_absent_names_say_what_to_do(call, hint):
    with pytest.raises(NotImplementedError, match=hint) as caught:
        call()
    assert "is not in rushlight" in str(caught.value).split("\n")[0]


def test_what_a_scripted_module_lacks():
    with pytest.raises(AttributeError, match="'Linear' object has no attribute 'save'\nwhy: "):
        rl.jit.script(rl.nn.Linear(1, 1)).save("x.pt")
    assert not hasattr(rl.nn.Linear(1, 1), "graph")
