# ruff: noqa: F401
"""Classifiers with torchvision's layer names: resnet, vgg, mobilenet_v2 and v3, vit, and small classics.

No weights are downloaded: `weights=` must be None; load checkpoints with `load_state_dict`.
"""

from .mobilenet import MobileNetV2, mobilenet_v2
from .mobilenetv3 import MobileNetV3, mobilenet_v3_large, mobilenet_v3_small
from .resnet import (
    ResNet,
    resnet18,
    resnet34,
    resnet50,
    resnet101,
    resnet152,
    resnext50_32x4d,
    wide_resnet50_2,
)
from .vgg import (
    VGG,
    AlexNet,
    alexnet,
    vgg11,
    vgg11_bn,
    vgg13,
    vgg13_bn,
    vgg16,
    vgg16_bn,
    vgg19,
    vgg19_bn,
)
from .vision_transformer import VisionTransformer, vit_b_16, vit_b_32, vit_l_16

_BUILDERS = {
    name: value for name, value in list(globals().items()) if name[0].islower() and callable(value)
}


def list_models(module=None, include=None, exclude=None):
    """Names for `get_model`."""
    return sorted(_BUILDERS)


def get_model(name, **config):
    """A model by name. Raises ValueError for an unknown one."""
    if name.lower() not in _BUILDERS:
        raise ValueError(f"Unknown model {name}")
    return _BUILDERS[name.lower()](**config)


def __getattr__(name):
    if name.endswith("_Weights"):
        # Libraries name these classes at import; there is nothing to download behind them.
        return type(name, (), {"DEFAULT": name + ".DEFAULT", "IMAGENET1K_V1": name + ".V1"})
    raise AttributeError(f"module 'torchvision.models' has no attribute '{name}'")
