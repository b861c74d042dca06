"""The three values by which TensorBoard's hparams page knows a run: experiment, start and end."""

import time

import rushlight as torch

from . import _events as e

STRING, BOOL, FLOAT64 = 1, 2, 3
SUCCESS = 1


def _value(setting):
    """(dtype, google.protobuf.Value) of a setting."""
    if isinstance(setting, torch.Tensor):
        setting = setting.item()
    if isinstance(setting, bool):
        return BOOL, e.integer(4, setting)
    if isinstance(setting, (int, float)):
        return FLOAT64, e.double(2, setting)
    if isinstance(setting, str):
        return STRING, e.data(3, setting)
    raise ValueError("value should be one of int, float, str, bool, or torch.Tensor")


def values(settings, metrics, domains):
    """The Values to write, in order; `domains` lists the settings that were to choose from."""
    infos, chosen = b"", b""
    for name, setting in settings.items():
        kind, value = _value(setting)
        info = e.data(1, name) + e.integer(4, kind)
        if name in domains:  # ListValue
            info += e.data(5, b"".join(e.data(1, _value(x)[1]) for x in domains[name]))
        infos += e.data(4, info)
        chosen += e.data(1, e.data(1, name) + e.data(2, value))  # an entry of a map
    for name in metrics:
        infos += e.data(5, e.data(1, e.data(2, name)))
    now = e.double(5, time.time())
    parts = {
        "_hparams_/experiment": e.data(2, infos),
        "_hparams_/session_start_info": e.data(3, chosen + now),
        "_hparams_/session_end_info": e.data(4, e.integer(1, SUCCESS)),
    }
    return [e.data(1, tag) + e.metadata("hparams", content) for tag, content in parts.items()]
