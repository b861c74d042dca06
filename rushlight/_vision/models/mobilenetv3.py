"""MobileNetV3 (Howard et al. 2019), large and small, with torchvision's layer names."""

from functools import partial

from rushlight import nn

from ..ops.misc import Conv2dNormActivation, SqueezeExcitation
from ._weights import check
from .mobilenet import _make_divisible

_R, _H = nn.ReLU, nn.Hardswish
# channels in, kernel, channels inside, channels out, squeeze?, activation, stride
_LARGE = [
    (16, 3, 16, 16, False, _R, 1), (16, 3, 64, 24, False, _R, 2), (24, 3, 72, 24, False, _R, 1),
    (24, 5, 72, 40, True, _R, 2), (40, 5, 120, 40, True, _R, 1), (40, 5, 120, 40, True, _R, 1),
    (40, 3, 240, 80, False, _H, 2), (80, 3, 200, 80, False, _H, 1), (80, 3, 184, 80, False, _H, 1),
    (80, 3, 184, 80, False, _H, 1), (80, 3, 480, 112, True, _H, 1), (112, 3, 672, 112, True, _H, 1),
    (112, 5, 672, 160, True, _H, 2), (160, 5, 960, 160, True, _H, 1), (160, 5, 960, 160, True, _H, 1),
]  # fmt: skip
_SMALL = [
    (16, 3, 16, 16, True, _R, 2), (16, 3, 72, 24, False, _R, 2), (24, 3, 88, 24, False, _R, 1),
    (24, 5, 96, 40, True, _H, 2), (40, 5, 240, 40, True, _H, 1), (40, 5, 240, 40, True, _H, 1),
    (40, 5, 120, 48, True, _H, 1), (48, 5, 144, 48, True, _H, 1), (48, 5, 288, 96, True, _H, 2),
    (96, 5, 576, 96, True, _H, 1), (96, 5, 576, 96, True, _H, 1),
]  # fmt: skip


class InvertedResidual(nn.Module):
    """Widen, convolve each channel by itself, weigh the channels, narrow."""

    def __init__(self, channels, kernel, inside, out, squeeze, activation, stride, norm_layer):
        super().__init__()
        self.use_res_connect = stride == 1 and channels == out
        style = {"norm_layer": norm_layer, "activation_layer": activation}
        layers = []
        if inside != channels:
            layers.append(Conv2dNormActivation(channels, inside, kernel_size=1, **style))
        layers.append(
            Conv2dNormActivation(inside, inside, kernel, stride=stride, groups=inside, **style)
        )
        if squeeze:
            narrow = _make_divisible(inside // 4, 8)
            layers.append(SqueezeExcitation(inside, narrow, scale_activation=nn.Hardsigmoid))
        style["activation_layer"] = None
        layers.append(Conv2dNormActivation(inside, out, kernel_size=1, **style))
        self.block = nn.Sequential(*layers)
        self.out_channels = out

    def forward(self, x):
        return x + self.block(x) if self.use_res_connect else self.block(x)


class MobileNetV3(nn.Module):
    """A stem, inverted residuals, a wide 1x1 convolution, two linear layers."""

    def __init__(self, setting, last_channel, num_classes=1000, width_mult=1.0, norm_layer=None,
                 dropout=0.2):  # fmt: skip
        super().__init__()
        norm_layer = norm_layer or partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)
        style = {"norm_layer": norm_layer, "activation_layer": nn.Hardswish}

        def width(channels):
            return _make_divisible(channels * width_mult, 8)

        features = [Conv2dNormActivation(3, width(setting[0][0]), stride=2, **style)]
        for channels, kernel, inside, out, *rest in setting:
            sizes = width(channels), kernel, width(inside), width(out)
            features.append(InvertedResidual(*sizes, *rest, norm_layer))
        wide = 6 * width(setting[-1][3])
        features.append(Conv2dNormActivation(width(setting[-1][3]), wide, kernel_size=1, **style))
        self.features = nn.Sequential(*features)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        last = width(last_channel)
        self.classifier = nn.Sequential(
            nn.Linear(wide, last),
            nn.Hardswish(inplace=True),
            nn.Dropout(p=dropout, inplace=True),
            nn.Linear(last, num_classes),
        )
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out")
            elif isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, 0, 0.01)
            if isinstance(m, (nn.Conv2d, nn.Linear)) and m.bias is not None:
                nn.init.zeros_(m.bias)

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def mobilenet_v3_large(*, weights=None, pretrained=False, progress=True, **kwargs):
    """MobileNetV3, the larger."""
    check(weights, pretrained)
    return MobileNetV3(_LARGE, 1280, **kwargs)


def mobilenet_v3_small(*, weights=None, pretrained=False, progress=True, **kwargs):
    """MobileNetV3, the smaller."""
    check(weights, pretrained)
    return MobileNetV3(_SMALL, 1024, **kwargs)
