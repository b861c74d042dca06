"""torch.__config__: what this build is, as text."""


def show():
    """The build, a line a fact."""
    from . import _C, version

    facts = getattr(_C, "_build_info", dict)()
    lines = [f"rushlight {version.rushlight}, with the API of PyTorch {version.torch}, built with:"]
    return "\n".join(lines + [f"  - {name}: {value}" for name, value in facts.items()]) + "\n"


def parallel_info():
    """How many threads compute."""
    from . import get_num_threads

    return f"threads: {get_num_threads()}\n"
