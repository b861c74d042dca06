"""torch.utils.module_tracker: in which modules a program is at a moment."""

import weakref

import rushlight as torch

__all__ = ["ModuleTracker"]


class ModuleTracker:
    """Inside the block, `parents` holds "Global" and the full names of the modules whose forward
    runs: {"Global", "Net", "Net.features.0"}. Not here: where a backward pass is.

    >>> tracker = ModuleTracker()
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 2))
    >>> _ = net[0].register_forward_pre_hook(lambda *_: print(sorted(tracker.parents)))
    >>> with tracker:
    ...     y = net(torch.ones(1, 2))
    ['Global', 'Sequential', 'Sequential.0']
    """

    def __init__(self):
        self.parents = {"Global"}
        self._names = weakref.WeakKeyDictionary()
        self._running = []

    @property
    def is_bw(self):
        """False: backward passes are not followed."""
        return False

    def _name(self, module):
        if module not in self._names:
            self._names[module] = type(module).__name__
        for name, child in module.named_children():
            self._names.setdefault(child, f"{self._names[module]}.{name}")
        return self._names[module]

    def _enter(self, module, inputs):
        self._running.append(self._name(module))
        self.parents.add(self._running[-1])

    def _leave(self, module, inputs, output):
        name = self._name(module)
        if name in self._running:  # those above it ended by an error
            del self._running[self._running.index(name) :]
            self.parents = {"Global", *self._running}

    def __enter__(self):
        self.parents, self._running = {"Global"}, []
        module = torch.nn.modules.module
        self._handles = [
            module.register_module_forward_pre_hook(self._enter),
            module.register_module_forward_hook(self._leave),
        ]
        return self

    def __exit__(self, *error):
        for handle in self._handles:
            handle.remove()
