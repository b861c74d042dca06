"""`torch.distributed`: not available. The names that libraries look for before asking are here."""

from enum import Enum

from .._missing import missing


def is_available():
    """False: this build does not communicate between processes."""
    return False


def is_initialized():
    """False: there is no process group."""
    return False


def is_nccl_available():
    """False."""
    return False


is_gloo_available = is_mpi_available = is_ucc_available = is_xccl_available = is_nccl_available


def is_torchelastic_launched():
    """True under `torchrun`, which sets an environment variable."""
    import os

    return "TORCHELASTIC_RUN_ID" in os.environ


def _no_group(*args, **kwargs):
    raise ValueError(
        "Default process group has not been initialized, please make sure to call "
        "init_process_group.\nrushlight has no process groups: run on one process."
    )


get_rank = get_world_size = get_backend = barrier = all_reduce = all_gather = _no_group
broadcast = reduce = all_gather_object = broadcast_object_list = all_gather_into_tensor = _no_group
reduce_scatter = gather = scatter = send = recv = monitored_barrier = _no_group


def destroy_process_group(group=None):
    """Nothing to destroy."""


class ReduceOp(Enum):
    """Kinds of reduction, as names."""

    SUM, AVG, PRODUCT, MIN, MAX, BAND, BOR, BXOR = range(8)


class _Group:
    WORLD = None


group = GroupMember = _Group


class ProcessGroup:
    """Only for isinstance and annotations: there are no process groups."""


def __getattr__(name):
    return missing(__name__, name)
