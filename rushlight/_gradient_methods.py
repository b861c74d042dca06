"""Tensor's methods about gradients: backward and hooks. Not here: the engine, which is the core's."""

from . import _C
from ._C import Tensor


def backward(self, gradient=None, retain_graph=None, create_graph=False, inputs=None):
    """Adds the gradients of this tensor into the `.grad` of the leaves (see torch.autograd).

    `gradient` has the tensor's shape; only a tensor of one element goes without. `retain_graph`
    allows a second pass; `create_graph` records the gradients' own computation. Raises RuntimeError
    for a tensor without history, a shape that differs, or a graph that was freed.

    >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> w.grad
    tensor([2., 4.])
    """
    if type(self) is not Tensor and _C._has_torch_function(self):
        from .overrides import _dispatch

        return _dispatch(
            Tensor.backward,
            (self,),
            dict(
                gradient=gradient,
                retain_graph=retain_graph,
                create_graph=create_graph,
                inputs=inputs,
            ),
        )
    if gradient is None and not create_graph and inputs is None:  # nearly always
        _C._run_backward((self,), (None,), bool(retain_graph), False, (), True)
        return
    from .autograd import backward

    backward(self, gradient, retain_graph, create_graph, inputs=inputs)


def register_hook(self, hook):
    """`hook(grad)` runs when this tensor's gradient is known, and may return another.

    Returns a handle with `remove()`. The hook may not change `grad` in place. Raises RuntimeError
    for a tensor that does not require grad.

    >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> handle = w.register_hook(lambda grad: grad * 10)
    >>> w.sum().backward()
    >>> w.grad
    tensor([10., 10.])
    """
    if not self.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    from .autograd.graph import _TensorHandle

    return _TensorHandle(self, _C._register_hook(self, hook))


def register_post_accumulate_grad_hook(self, hook):
    """`hook(tensor)` runs after a leaf's gradient was added into `.grad`.

    Returns a handle with `remove()`. For what is done parameter by parameter, as an optimizer's
    step. Raises RuntimeError for a tensor that does not require grad, or is no leaf.

    >>> w = torch.tensor([1.0], requires_grad=True)
    >>> handle = w.register_post_accumulate_grad_hook(lambda p: print(p.grad))
    >>> (w * 3).sum().backward()
    tensor([3.])
    """
    if not self.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if self.grad_fn is not None:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    from .autograd.graph import _TensorHandle

    return _TensorHandle(self, _C._register_post_accumulate(self, hook))


def retain_grad(self):
    """Keeps `.grad` of a tensor that is no leaf.

    Nothing happens to leaves, which keep theirs. Raises RuntimeError for a tensor that does not
    require grad.

    >>> w = torch.tensor(3.0, requires_grad=True)
    >>> y = w * 2
    >>> y.retain_grad()
    >>> (y * y).backward()
    >>> y.grad
    tensor(12.)
    """
    _C._retain_grad(self)
