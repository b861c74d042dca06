"""One sample of an entry in one form: run with PyTorch, run with rushlight, compared.

A form's function gives None if the two agree, or the problem in words; it raises Skip where PyTorch
itself has nothing to compare with. Not here: which samples are run, and in which process.
"""

import warnings

import torch

import rushlight

from . import compare, translate
from .compare import Raised

SEED = 1729
# Results without meaning, of which only the shape and dtype are compared.
NO_NUMBERS = {
    "empty", "empty_like", "empty_permuted", "empty_strided", "new_empty", "new_empty_strided",
    "resize_", "resize_as_",
}  # fmt: skip


class Skip(Exception):
    """PyTorch has nothing to compare with."""


class Sample:
    """A sample input of an entry, and the same for rushlight, made anew for each call."""

    def __init__(self, entry, sample):
        self.entry, self.sample = entry, sample

    def theirs(self, wide=False):
        s = self.sample
        fresh = translate.widened if wide else translate.fresh
        return fresh((s.input, *s.args)), fresh(s.kwargs)

    def mine(self):
        s = self.sample
        translate.forget()
        return translate.value((s.input, *s.args)), translate.value(s.kwargs)

    def differentiable(self, result, m):
        """The results that gradients are taken of: for some entries not what the call returns."""
        process = self.sample.output_process_fn_grad
        if m is rushlight:
            process = translate.function(process)
        return [t for t in flat(process(result)) if isinstance(t, m.Tensor) and t.requires_grad]


def flat(x):
    if isinstance(x, (tuple, list)):
        return [t for part in x for t in flat(part)]
    return [x]


def attempt(m, f, args, kwargs):
    """What a call returns or raises, warnings aside, random numbers from one seed."""
    m.manual_seed(SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return f(*args, **kwargs)
        except Exception as e:  # noqa: BLE001  (whatever PyTorch raises, the same is wanted)
            return Raised(e)


def pair(sample, theirs_f, mine_f=None):
    """Calls with their arguments: ((args, result) of PyTorch, the same of rushlight)."""
    args, kwargs = sample.theirs()
    result = attempt(torch, theirs_f, args, kwargs)
    if isinstance(result, Raised):
        raise Skip(str(result))
    my_args, my_kwargs = sample.mine()
    mine = attempt(rushlight, mine_f or twin(theirs_f), my_args, my_kwargs)
    return ((args, kwargs), result), ((my_args, my_kwargs), mine)


def twin(f):
    try:
        return translate.function(f)
    except (AttributeError, ModuleNotFoundError, NotImplementedError) as e:
        message = f"missing: {e}"

        def missing(*args, **kwargs):
            raise NotImplementedError(message)

        return missing


def outcome(mine, theirs, entry, loose=1):
    """How a result differs, in numbers and in looks."""
    if isinstance(theirs, torch.Tensor):
        translate.check_supported(theirs)
    if isinstance(mine, Raised):
        return str(mine)
    if (theirs is NotImplemented) != (mine is NotImplemented):
        return f"is {mine}, not {theirs}"
    numbers = entry.name not in NO_NUMBERS
    return compare.values(mine, theirs, loose, numbers, compare.allowed(entry))


# ---- the forms ----


def values(sample):
    (_, theirs), (_, mine) = pair(sample, sample.entry.op)
    problem = outcome(mine, theirs, sample.entry)
    if otherwise_right(problem, sample, mine, theirs):
        return None
    return problem or compare.strides(mine, theirs)


def otherwise_right(problem, sample, mine, theirs):
    """Whether numbers that differ are right all the same: equal in what the entry says is
    determined, or right where PyTorch is not, by its own result in the wider dtype."""
    if not problem or "values differ" not in problem:
        return False
    return processed(sample, mine, theirs) is None or exact(sample, mine, theirs)


def exact(sample, mine, theirs):
    """Whether a result is what PyTorch computes of the same numbers in this dtype or the wider."""
    if not any(map(compare.has_wider, flat(theirs))):
        return False
    args, kwargs = sample.theirs(wide=True)
    wide = attempt(torch, sample.entry.op, args, kwargs)
    return compare.values(mine, compare.nearest(mine, theirs, wide)) is None


def processed(sample, mine, theirs):
    """Compares what the entry says is determined: not the signs of eigenvectors."""
    process = sample.sample.output_process_fn_grad
    try:
        mine, theirs = translate.function(process)(mine), process(theirs)
        return compare.values(mine, theirs, allow=compare.allowed(sample.entry))
    except Exception as e:  # noqa: BLE001
        return str(Raised(e))


def gradients(sample):
    return derivative(sample, 1)


def second(sample):
    if not sample.entry.supports_gradgrad:
        raise Skip("no second derivatives")
    return derivative(sample, 2)


def derivative(sample, order, f=None, mine_f=None):
    (inputs, theirs), (my_inputs, mine) = pair(sample, f or sample.entry.op, mine_f)
    try:
        outputs = sample.differentiable(theirs, torch)
    except Exception as e:  # noqa: BLE001
        raise Skip(str(e)) from e
    leaves = translate.leaves(inputs)
    if not outputs or not leaves:
        raise Skip("nothing to differentiate")
    for t in [*flat(theirs), *outputs]:
        if isinstance(t, torch.Tensor):
            translate.check_supported(t)
    if isinstance(mine, Raised):
        return str(mine)
    grads = attempt(torch, grad_of(torch, outputs, leaves, order), (), {})
    if isinstance(grads, Raised):
        raise Skip(str(grads))
    if all(g is None for g in grads):
        raise Skip("constant")
    my_leaves = translate.leaves(my_inputs)

    def my_grads():
        return grad_of(rushlight, sample.differentiable(mine, rushlight), my_leaves, order)()

    result = attempt(rushlight, my_grads, (), {})
    if isinstance(result, Raised):
        return str(result)
    wide = None
    for i, (a, b) in enumerate(zip(result, grads)):
        problem = gradient_differs(a, b, sample.entry)
        if problem and "values differ" in problem and compare.has_wider(b):
            wide = wide or exact_gradients(sample, order, b.dtype)
            best = compare.nearest(a, b, wide[i])
            problem = gradient_differs(a, best, sample.entry) and problem
        if problem:
            return f"gradient of input {i}: {problem}"
    return None


def exact_gradients(sample, order, dtype):
    """PyTorch's gradients in the wider dtype of the same numbers, or what it raises, for each."""
    args, kwargs = sample.theirs(wide=True)
    leaves = translate.leaves((args, kwargs))

    def run():
        outputs = sample.differentiable(sample.entry.op(*args, **kwargs), torch)
        return grad_of(torch, outputs, leaves, order, dtype)()

    grads = attempt(torch, run, (), {})
    return [grads] * len(leaves) if isinstance(grads, Raised) else grads


def grad_of(m, outputs, leaves, order, through=None):
    """Weights of the results are rounded to the dtype `through` first."""

    def run():
        sources = outputs
        for k in range(order):
            weights = [weight(m, t, i + k, through) for i, t in enumerate(sources)]
            last = k + 1 == order
            grads = m.autograd.grad(
                sources, leaves, weights, create_graph=not last, allow_unused=True
            )
            sources = [g for g in grads if g is not None and g.requires_grad]
            if not last and not sources:
                return [None] * len(leaves)
        return grads

    return run


def weight(m, t, i, through):
    """A number for each element of a result, so that no gradient cancels by symmetry."""
    x = m.arange(t.numel(), dtype=m.float64) * (1.3 + i) + i
    w = m.complex(m.cos(x), m.sin(x)) if t.is_complex() else m.cos(x)
    return w.to(through or t.dtype).to(t.dtype).reshape(t.shape)


def gradient_differs(mine, theirs, entry):
    if mine is None or theirs is None:  # a gradient of zero may be absent
        rest = theirs if mine is None else mine
        if rest is None or not compare.array(rest).any():
            return None
        return "is absent" if mine is None else "is not absent"
    return compare.values(mine, theirs, loose=20, allow=compare.allowed(entry))


def inplace(sample):
    f = sample.entry.get_inplace()
    if f is None or sample.sample.broadcasts_input:
        raise Skip("no in-place form")
    return called(sample, f, on_copy=True)


def method(sample):
    f = sample.entry.get_method()
    if f is None:
        raise Skip("no method")
    return called(sample, f)


def called(sample, f, on_copy=False):
    """Another form of the call. An error of PyTorch's (a dtype, mostly) must be rushlight's too."""
    (args, kwargs), (my_args, my_kwargs) = sample.theirs(), sample.mine()
    if not isinstance(args[0], torch.Tensor):
        raise Skip("not a method of a tensor")
    if on_copy:
        args = (args[0].detach().clone(), *args[1:])
        my_args = (my_args[0].detach().clone(), *my_args[1:])
    theirs = attempt(torch, f, args, kwargs)
    mine = attempt(rushlight, twin(f), my_args, my_kwargs)
    if isinstance(theirs, Raised):
        return compare.errors(mine, theirs)
    problem = outcome(mine, theirs, sample.entry)
    if otherwise_right(problem, sample, mine, theirs):
        return None
    if on_copy and not problem and theirs is args[0] and mine is not my_args[0]:
        return "does not return the tensor itself"
    return problem


def out(sample):
    if not sample.entry.supports_out:
        raise Skip("no out=")
    sample = Sample(sample.entry, without_grad(sample.sample))
    (_, theirs), (_, mine) = pair(sample, sample.entry.op)
    if isinstance(mine, Raised):
        return str(mine)
    tensors = [theirs] if isinstance(theirs, torch.Tensor) else theirs
    if not isinstance(tensors, (tuple, list)) or not all(map(compare.is_tensor, tensors)):
        raise Skip("no tensor to write to")
    for name, shape, dtype in (
        ("right size", lambda s: s, lambda d: d),
        ("to be resized", lambda s: (0,), lambda d: d),
        ("long", lambda s: s, lambda d: torch.long),
    ):
        plan = [(tuple(shape(t.shape)), dtype(t.dtype)) for t in tensors]
        if problem := written(sample, plan, isinstance(theirs, torch.Tensor)):
            return f"out= of {name}: {problem}"
    return None


def written(sample, plan, single):
    """A call that writes into tensors of these shapes and dtypes."""
    (args, kwargs), (my_args, my_kwargs) = sample.theirs(), sample.mine()
    outs = [torch.ones(shape, dtype=dtype) for shape, dtype in plan]
    translate.forget()
    my_outs = [translate.tensor(t) for t in outs]
    kwargs["out"] = outs[0] if single else tuple(outs)
    my_kwargs["out"] = my_outs[0] if single else tuple(my_outs)
    theirs = attempt(torch, sample.entry.op, args, kwargs)
    mine = attempt(rushlight, twin(sample.entry.op), my_args, my_kwargs)
    if isinstance(theirs, Raised):
        if "failed to match any schema" in theirs.line:
            raise Skip("no out=")
        return compare.errors(mine, theirs)
    if isinstance(mine, Raised):
        return str(mine)
    problem = outcome(my_outs, outs, sample.entry)
    if otherwise_right(problem, sample, mine, theirs):
        problem = None
    if not problem and (mine is my_outs[0]) != (theirs is outs[0]):
        return "does not return the tensor that was given"
    return problem


def without_grad(sample):
    def plain(x):
        if isinstance(x, torch.Tensor):
            return x.detach()
        if isinstance(x, dict):
            return {k: plain(v) for k, v in x.items()}
        return type(x)(map(plain, x)) if type(x) in (tuple, list) else x

    twin = type(sample)(plain(sample.input), args=plain(sample.args), kwargs=plain(sample.kwargs))
    twin.output_process_fn_grad = sample.output_process_fn_grad
    return twin


def errors(sample):
    """An error input: the same class and first line."""
    args, kwargs = sample.theirs()
    theirs = attempt(torch, sample.entry.op, args, kwargs)
    if not isinstance(theirs, Raised):
        raise Skip("does not raise here")
    my_args, my_kwargs = sample.mine()
    return compare.errors(attempt(rushlight, twin(sample.entry.op), my_args, my_kwargs), theirs)


FORMS = {f.__name__: f for f in (values, gradients, second, method, inplace, out, errors)}
