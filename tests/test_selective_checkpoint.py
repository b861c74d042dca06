"""Selective checkpointing keeps what a policy says and computes the rest again, as in PyTorch."""

from functools import partial
from importlib import import_module

import pytest
from twin import error_of, table, twin

CASES, case = table()


def module(m):
    return import_module(f"{m.__name__}.utils.checkpoint")


def run(m, f, x, policy, parameters=()):
    ck = module(m)
    for p in parameters:
        p.grad = None
    m.manual_seed(1)
    x = x.detach().clone().requires_grad_()
    context_fn = partial(ck.create_selective_checkpoint_contexts, policy)
    options = {} if policy is None else {"context_fn": context_fn}
    y = ck.checkpoint(f, x, use_reentrant=False, **options)
    y.sum().backward()
    return [y, x.grad, [p.grad for p in parameters]]


def policies(m):
    P, aten = module(m).CheckpointPolicy, m.ops.aten
    products = [aten.mm.default, aten.addmm.default, aten.convolution.default, aten.bmm.default]
    return [
        None,
        products,
        lambda context, op, *args, **kwargs: P.MUST_SAVE if op in products else P.PREFER_RECOMPUTE,
        lambda *args, **kwargs: P.PREFER_SAVE,
        lambda *args, **kwargs: P.MUST_RECOMPUTE,
        lambda context, op, *args, **kwargs: getattr(context.op_output, "ndim", 0) == 2,
    ]


@case
def layers(m):
    nn = m.nn
    net = nn.Sequential(
        nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 8), nn.LayerNorm(8), nn.Linear(8, 2)
    )  # fmt: skip
    return [run(m, net, m.ones(3, 4), p, [*net.parameters()]) for p in policies(m)]


@case
def random_numbers(m):
    net = m.nn.Sequential(m.nn.Linear(4, 8), m.nn.Dropout(0.5), m.nn.Linear(8, 2))
    return [run(m, net, m.ones(3, 4), p, [*net.parameters()]) for p in policies(m)[:3]]


@case
def convolutions(m):
    nn = m.nn
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(8, 3))  # fmt: skip
    return [run(m, net, m.ones(2, 1, 6, 6), p, [*net.parameters()]) for p in policies(m)]


@case
def attention_and_several_results(m):
    def f(x):
        h = x.view(2, 2, 3, 4)
        a = m.nn.functional.scaled_dot_product_attention(h, h * 2, h + 1)
        values, indices = (a.flatten(1) @ m.ones(24, 2)).max(1)
        return values * (indices + 1) + a.flatten(1).split(12, 1)[0].sum(1)

    return [run(m, f, m.arange(48.0).view(2, 24) / 48, p) for p in policies(m)]


@case
def what_is_kept_is_not_computed_again(m):
    found = []
    for policy in ([m.ops.aten.mm.default], [m.ops.aten.exp.default], []):
        constant = m.full((2, 2), 0.5)
        x = m.ones(2, 2, requires_grad=True)
        ck = module(m)
        keep = partial(ck.create_selective_checkpoint_contexts, policy)
        y = ck.checkpoint(
            lambda x, c=constant: m.mm(x, c).exp(), x, use_reentrant=False, context_fn=keep
        )
        constant.fill_(0.25)
        y.sum().backward()
        found.append(x.grad)
    return found


@case
def a_kept_result_that_is_written(m):
    def f(x):
        return (x @ x).relu_()

    make, P = module(m).create_selective_checkpoint_contexts, module(m).CheckpointPolicy
    contexts = make([m.ops.aten.mm.default], allow_cache_entry_mutation=True)
    return [error_of(run, m, f, m.ones(2, 2), [m.ops.aten.mm.default]), len(contexts), P(0).name]


@case
def other_policies(m):
    return [error_of(module(m).create_selective_checkpoint_contexts, p) for p in (3, [3])]


@pytest.mark.parametrize("name", CASES)
def test_like_pytorch(name):
    twin(CASES[name])
