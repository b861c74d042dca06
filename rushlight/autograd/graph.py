"""torch.autograd.graph: nodes, edges, hooks on saved tensors."""

from .. import _C
from .._C import Node

__all__ = ["GradientEdge", "Node", "get_gradient_edge", "save_on_cpu", "saved_tensors_hooks"]


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
    """(node, output_nr): where a gradient flows."""

    node = property(lambda self: self[0])
    output_nr = property(lambda self: self[1])


def get_gradient_edge(tensor):
    """The edge of a tensor's gradient."""
    if not tensor.requires_grad:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not require gradients"
        )
    return GradientEdge(_C._gradient_edge(tensor))


class saved_tensors_hooks:
    """Tensors saved for backward inside the block go through `pack_hook` and `unpack_hook`."""

    def __init__(self, pack_hook, unpack_hook):
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self):
        _C._push_saved_tensors_hooks(self.pack_hook, self.unpack_hook)

    def __exit__(self, *exc):
        _C._pop_saved_tensors_hooks()


class save_on_cpu(saved_tensors_hooks):
    """Keeps saved tensors in the processor's memory."""

    def __init__(self, pin_memory=False, device_type="cuda"):
        super().__init__(lambda t: (t.device, t.cpu()), lambda packed: packed[1].to(packed[0]))
