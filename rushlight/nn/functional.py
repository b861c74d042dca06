"""nn.functional: layers as functions. Collects its parts."""

import rushlight as torch  # noqa: F401

from ._functional_activation import *  # noqa: F403
from ._functional_activation import _get_softmax_dim, _threshold  # noqa: F401
from ._functional_attention import *  # noqa: F403
from ._functional_attention import (  # noqa: F401
    _canonical_mask,
    _in_projection,
    _in_projection_packed,
    _mha_shape_check,
    _none_or_dtype,
)
from ._functional_linear import *  # noqa: F403
from ._functional_linear import _no_grad_embedding_renorm_  # noqa: F401
from ._functional_loss import *  # noqa: F403
from ._functional_margin import *  # noqa: F403
from ._functional_norm import *  # noqa: F403
from ._functional_norm import _verify_batch_size, _verify_spatial_size  # noqa: F401
from ._functional_pool import *  # noqa: F403
from ._functional_unpool import *  # noqa: F403
from ._functional_unpool import _unpool_output_size  # noqa: F401
from ._functional_vision import *  # noqa: F403
from ._tuples import _list_with_default, _pair, _single, _triple  # noqa: F401


def __getattr__(name):
    from .._missing import missing

    return missing(__name__, name)
