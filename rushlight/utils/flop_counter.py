"""torch.utils.flop_counter: the name, so that libraries can prepare a count; none is made yet."""


class FlopCounterMode:
    """Would count the floating-point operations inside its block.

    It can be made, and has counted nothing; entering it raises NotImplementedError, because the
    core has no place yet where a context sees every call.
    """

    def __init__(self, mods=None, depth=2, display=True, custom_mapping=None):
        self.depth, self.display = depth, display

    def __enter__(self):
        raise NotImplementedError(
            "torch.utils.flop_counter.FlopCounterMode is not in this version of rushlight"
        )

    def __exit__(self, exc_type, exc_value, traceback):
        pass

    def get_total_flops(self):
        """0: nothing was counted."""
        return 0

    def get_flop_counts(self):
        """{}: nothing was counted."""
        return {}
