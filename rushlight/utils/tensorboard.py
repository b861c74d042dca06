"""`torch.utils.tensorboard`: the SummaryWriter of tensorboardX, which writes the same files."""


def __getattr__(name):
    if name in ("SummaryWriter", "FileWriter", "RecordWriter"):
        try:
            import tensorboardX
        except ImportError:
            raise ModuleNotFoundError(
                "No module named 'tensorboardX'\nSummaryWriter needs it: pip install tensorboardX"
            ) from None
        return getattr(tensorboardX, name)
    raise AttributeError(f"module 'torch.utils.tensorboard' has no attribute '{name}'")
