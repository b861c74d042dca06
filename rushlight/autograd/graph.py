"""torch.autograd.graph: nodes, edges, hooks on saved tensors."""

from .. import _C
from .._C import Node

__all__ = [
    "GradientEdge",
    "Node",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]

_refusal = None  # why saved_tensors_hooks may not be used now


class _TensorHandle:
    """Takes a hook off a tensor: `handle.remove()`."""

    def __init__(self, tensor, key):
        self.tensor, self.id = tensor, key

    def remove(self):
        """Takes the hook off."""
        if self.tensor is not None:
            _C._remove_hook(self.tensor, self.id)
            self.tensor = None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.remove()


class _NodeHandle(_TensorHandle):
    def remove(self):
        """Takes the hook off."""
        if self.tensor is not None:
            _C._node_remove_hook(self.tensor, self.id)
            self.tensor = None


def _register_hook(node, fn):
    """`fn(grad_inputs, grad_outputs)` runs after the node."""
    return _NodeHandle(node, _C._node_add_post_hook(node, fn))


def _register_prehook(node, fn):
    """`fn(grad_outputs)` runs before the node."""
    return _NodeHandle(node, _C._node_add_pre_hook(node, fn))


class GradientEdge(tuple):
    """(node, output_nr): where a gradient flows.

    `get_gradient_edge` makes it; `torch.autograd.backward` and `grad` take it for a tensor, so that
    the tensor itself need not be kept.

    >>> w = torch.ones(2, requires_grad=True)
    >>> torch.autograd.graph.get_gradient_edge(w * 2).output_nr
    0
    """

    node = property(lambda self: self[0])
    output_nr = property(lambda self: self[1])


def get_gradient_edge(tensor):
    """The edge of a tensor's gradient.

    A GradientEdge: the node that made the tensor, or that adds up a leaf's gradient, and which of
    its results it is. Raises RuntimeError for a tensor that does not require grad.

    >>> w = torch.ones(2, requires_grad=True)
    >>> torch.autograd.graph.get_gradient_edge(w * 2).node.name()
    'MulBackward0'
    """
    if not tensor.requires_grad:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not require gradients"
        )
    return GradientEdge(_C._gradient_edge(tensor))


_open = []  # blocks that have not ended, in all threads


_registered = False  # is _close_all?


def _close_all():
    for _ in _open:
        _C._pop_saved_tensors_hooks()


def _at_exit():
    """Sees to it that the core holds no functions of Python's when the program has ended."""
    global _registered
    if not _registered:
        import atexit

        atexit.register(_close_all)
        _registered = True


class saved_tensors_hooks:
    """Tensors saved for backward inside the block go through `pack_hook` and `unpack_hook`.

    `pack_hook(tensor)` says what is kept of it, `unpack_hook(kept)` makes a tensor of equal shape,
    dtype and values when backward needs it: to keep it on disk, or in fewer bits. Neither may write
    in place.

    >>> w = torch.tensor([2.0], requires_grad=True)
    >>> with torch.autograd.graph.saved_tensors_hooks(lambda t: t.tolist(), torch.tensor):
    ...     y = w * w
    >>> y.backward()
    >>> w.grad
    tensor([4.])
    """

    def __init__(self, pack_hook, unpack_hook):
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self):
        if _refusal is not None:
            raise RuntimeError(_refusal)
        _C._push_saved_tensors_hooks(self.pack_hook, self.unpack_hook)
        if not _open:
            _at_exit()
        _open.append(self)

    def __exit__(self, *exc):
        _C._pop_saved_tensors_hooks()
        _open.pop()


class save_on_cpu(saved_tensors_hooks):
    """Keeps saved tensors in the processor's memory.

    For models on a GPU with too little memory; on the CPU nothing changes. `pin_memory` is
    accepted.

    >>> w = torch.tensor([2.0], requires_grad=True)
    >>> with torch.autograd.graph.save_on_cpu():
    ...     y = w * w
    >>> y.backward()
    >>> w.grad
    tensor([4.])
    """

    def __init__(self, pin_memory=False, device_type="cuda"):
        super().__init__(lambda t: (t.device, t.cpu()), lambda packed: packed[1].to(packed[0]))


class disable_saved_tensors_hooks:
    """Inside, entering `saved_tensors_hooks` raises RuntimeError with this message.

    >>> with torch.autograd.graph.disable_saved_tensors_hooks("not here"):
    ...     try:
    ...         with torch.autograd.graph.save_on_cpu():
    ...             pass
    ...     except RuntimeError as error:
    ...         print(error)
    not here
    """

    def __init__(self, error_message):
        self.message, self.outside = error_message, []

    def __enter__(self):
        global _refusal
        self.outside.append(_refusal)
        _refusal = self.message

    def __exit__(self, *exc):
        global _refusal
        _refusal = self.outside.pop()


def increment_version(tensor):
    """Counts a tensor, or several, as written in place, for the checks of backward.

    For memory that was written by other means, as NumPy. Raises RuntimeError for what is no tensor,
    or no sequence of tensors.

    >>> x = torch.ones(2)
    >>> torch.autograd.graph.increment_version(x)
    >>> x._version
    1
    """
    if isinstance(tensor, _C.Tensor):
        tensor = (tensor,)
    try:
        tensors = tuple(tensor)
    except TypeError:
        raise RuntimeError("increment_version expect a Iterable[Tensor] as input") from None
    for t in tensors:
        if not isinstance(t, _C.Tensor):
            raise RuntimeError(
                "increment_version expects each element of the iterable to be a tensor"
            )
    for t in tensors:
        _C._bump_version(t)


class _MultiHandle:
    """Takes a hook off several tensors: `handle.remove()`."""

    def __init__(self, handles):
        self.handles = tuple(handles)

    def remove(self):
        """Takes the hook off."""
        for handle in self.handles:
            handle.remove()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.remove()


def register_multi_grad_hook(tensors, fn, *, mode="all"):
    """Runs `fn` once a backward pass, when the gradients of several tensors are known.

    mode="all": `fn(gradients)`, with None for tensors that the pass does not reach; it runs when
    all have come, or at the end of the pass. mode="any": `fn(gradient)` of the first that comes.
    Returns a handle whose `remove()` takes it off. Raises ValueError for another mode.

    >>> a, b = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
    >>> handle = torch.autograd.graph.register_multi_grad_hook([a, b], print)
    >>> (a * 2 + b).backward()
    [tensor([2.]), tensor([1.])]
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    tensors = tuple(tensors)
    run = {"found": None}  # this pass's gradients; None between passes

    def finish():
        found, run["found"] = run["found"], None
        if mode == "all" and found is not None and len(found) < len(tensors):
            fn([found.get(i) for i in range(len(tensors))])

    def arrive(i, gradient):
        # A gradient comes once a pass: twice means that the pass before ended in an error.
        if run["found"] is None or i in run["found"]:
            run["found"] = {}
            _C._queue_callback(finish)
        found = run["found"]
        first = not found
        found[i] = gradient
        if mode == "any" and first:
            fn(gradient)
        elif mode == "all" and len(found) == len(tensors):
            fn([found[k] for k in range(len(tensors))])

    def hook(i):
        return lambda gradient: arrive(i, gradient)

    return _MultiHandle(t.register_hook(hook(i)) for i, t in enumerate(tensors))


def __getattr__(name):
    from .._missing import missing

    return missing(__name__, name)
