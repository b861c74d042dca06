"""LazyModuleMixin: what makes a module take its parameters' shapes from the first input."""

from ..parameter import is_lazy

__all__ = ["LazyModuleMixin"]


class LazyModuleMixin:
    """Mixed in before a Module class, which then starts with uninitialized parameters.

    The class defines `initialize_parameters(*args)`, called before the first forward with its
    arguments, and may set `cls_to_become`, which the instance turns into afterwards.
    """

    cls_to_become = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._load_hook = self._register_load_state_dict_pre_hook(self._lazy_load_hook)
        self._initialize_hook = self.register_forward_pre_hook(
            self._infer_parameters, with_kwargs=True
        )

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        # An uninitialized tensor cannot be detached: it is saved as it is.
        for table in (self._parameters, self._buffers):
            for name, tensor in table.items():
                transient = table is self._buffers and name in self._non_persistent_buffers_set
                if tensor is not None and not transient:
                    keep = keep_vars or is_lazy(tensor)
                    destination[prefix + name] = tensor if keep else tensor.detach()

    def _lazy_load_hook(
        self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
    ):
        """Shapes come from the checkpoint if it has them."""
        for table in (self._parameters, self._buffers):
            for name, tensor in table.items():
                source = state_dict.get(prefix + name)
                if is_lazy(tensor) and source is not None and not is_lazy(source):
                    tensor.materialize(source.shape)

    def initialize_parameters(self, *args, **kwargs):
        """Give every parameter its shape and values, from the arguments of the first call."""
        raise NotImplementedError(
            f"initialize_parameters is not implemented for {self.__class__.__name__}"
        )

    def has_uninitialized_params(self):
        """Whether any of this module's own parameters or buffers still has no shape."""
        return any(is_lazy(t) for t in (*self._parameters.values(), *self._buffers.values()))

    def _infer_parameters(self, module, args, kwargs=None):
        """The forward pre-hook: initialize, then leave no trace of having been lazy."""
        module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(f"module {self._get_name()} has not been fully initialized")
        module._initialize_hook.remove()
        module._load_hook.remove()
        del module._initialize_hook
        del module._load_hook
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become

    def _replicate_for_data_parallel(self):
        raise RuntimeError(
            "Modules with uninitialized parameters can't be used with `DataParallel`. "
            "Run a dummy forward pass to correctly initialize the modules"
        )
