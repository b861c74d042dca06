"""Instance normalisation: statistics of each channel of each sample."""

from .. import functional as F
from .batchnorm import _LazyNormBase, _NormBase

__all__ = [
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
]


class _InstanceNorm(_NormBase):
    def __init__(
        self,
        num_features,
        eps=1e-5,
        momentum=0.1,
        affine=False,
        track_running_stats=False,
        device=None,
        dtype=None,
        *,
        bias=True,
    ):
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )

    def _get_no_batch_dim(self):
        raise NotImplementedError

    def _check_input_dim(self, input):
        low = self._get_no_batch_dim()
        if input.dim() not in (low, low + 1):
            raise ValueError(f"expected {low}D or {low + 1}D input (got {input.dim()}D input)")

    def _apply_instance_norm(self, input):
        momentum = self.momentum if self.momentum is not None else 0.0
        return F.instance_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            momentum,
            self.eps,
        )

    def forward(self, input):
        self._check_input_dim(input)
        dim = input.dim() - self._get_no_batch_dim()
        if input.size(dim) != self.num_features:
            self._on_wrong_size(input, dim)
        if dim == 0:
            return self._apply_instance_norm(input.unsqueeze(0)).squeeze(0)
        return self._apply_instance_norm(input)

    def _on_wrong_size(self, input, dim):
        if self.affine:
            raise ValueError(
                f"expected input's size at dim={dim} to match num_features"
                f" ({self.num_features}), but got: {input.size(dim)}."
            )
        import warnings

        warnings.warn(
            f"input's size at dim={dim} does not match num_features. "
            "You can silence this warning by not passing in num_features, "
            "which is not used because affine=False",
            stacklevel=3,
        )

    def _load_from_state_dict(
        self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
    ):
        # Old files hold statistics of norms that do not track any.
        if local_metadata.get("version", None) is None and not self.track_running_stats:
            names = [n for n in ("running_mean", "running_var") if prefix + n in state_dict]
            if names:
                error_msgs.append(_OLD_FILE.format(" and ".join(names), type(self).__name__))
                for name in names:
                    state_dict.pop(prefix + name)
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )


_OLD_FILE = (
    "Unexpected running stats buffer(s) {} for {} with track_running_stats=False. If state_dict is "
    "a checkpoint saved before 0.4.0, this may be expected because {} does not track running stats "
    "by default since 0.4.0. Please remove these keys from state_dict."
).replace("because {}", "because the module")


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation of (N, C, L) or (C, L). See `InstanceNorm2d`."""

    def _get_no_batch_dim(self):
        return 2


class LazyInstanceNorm1d(_LazyNormBase, _InstanceNorm):
    """InstanceNorm1d that finds `num_features` at the first call."""

    cls_to_become = InstanceNorm1d

    def _get_no_batch_dim(self):
        return 2


class InstanceNorm2d(_InstanceNorm):
    """(x - mean) / sqrt(var + eps) * weight + bias per sample and channel (Ulyanov et al. 2016).

    Takes (N, C, H, W) or (C, H, W). Has no parameters and no running statistics by default.
    """

    def _get_no_batch_dim(self):
        return 3


class LazyInstanceNorm2d(_LazyNormBase, _InstanceNorm):
    """InstanceNorm2d that finds `num_features` at the first call."""

    cls_to_become = InstanceNorm2d

    def _get_no_batch_dim(self):
        return 3


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of (N, C, D, H, W) or (C, D, H, W). See `InstanceNorm2d`."""

    def _get_no_batch_dim(self):
        return 4


class LazyInstanceNorm3d(_LazyNormBase, _InstanceNorm):
    """InstanceNorm3d that finds `num_features` at the first call."""

    cls_to_become = InstanceNorm3d

    def _get_no_batch_dim(self):
        return 4
