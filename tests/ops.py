"""The table of operations: a row for each operation of the registry. Its tests are in test_ops.py.

A new operation needs a row in one of the ops_*.py files; all its tests follow from that.
"""

import ops_index
import ops_linear
import ops_nn
import ops_pointwise
import ops_reductions
import ops_special
import ops_views
from ops_check import OPERATIONS

# Operations that only serve others, and what tests them.
HIDDEN = {
    "slice": "tensor[a:b:c], in test_indexing.py",
    "select_backward": "the gradient of select",
    "slice_backward": "the gradient of slicing",
    "diagonal_backward": "the gradient of diagonal",
    "_fused_adam_": "optim.Adam, in test_optim_fused.py",
    "_fused_sgd_": "optim.SGD, in test_optim_fused.py",
    "_fused_rmsprop_": "optim.RMSprop, in test_optim_fused.py",
    "_foreach_add_": "the steps of optim, in test_optim_fused.py",
    "_block_attention": "nn.functional.scaled_dot_product_attention, in test_nn.py",
    "_lstm_cell": "nn.LSTM and nn.LSTMCell, in test_recurrent.py",
    "_lstm_layer": "nn.LSTM, in test_recurrent.py",
    "_gru_cell": "nn.GRU and nn.GRUCell, in test_recurrent.py",
    "_fft": "torch.fft, in test_fft.py",
    **dict.fromkeys(
        "_getrf _getrs _pivots_to_permutation _potrf _trsm _geqrf _orgqr _sytrf _sytrs _syevd "
        "_geev _gesdd _least_squares".split(),
        "torch.linalg, in test_linalg.py",
    ),
}

FILES = (ops_pointwise, ops_special, ops_views, ops_reductions, ops_index, ops_linear, ops_nn)
ROWS = {}
for _row in (r for file in FILES for r in file.ROWS):
    _key = _row.name
    while _key in ROWS:  # a second row of the same operation
        _key += "'"
    ROWS[_key] = _row


def covered_by(name):
    """The row that tests an operation: its own, or that of the form that is not in place."""
    if name in ROWS:
        return ROWS[name]
    return ROWS.get(name[:-1]) if name.endswith("_") else None


__all__ = ["HIDDEN", "OPERATIONS", "ROWS", "covered_by"]
