"""`torch.utils.model_zoo`: the older name of functions in `torch.hub`."""

from ..hub import load_state_dict_from_url as load_url

__all__ = ["load_url"]


def __getattr__(name):
    from .. import hub

    return getattr(hub, name)
