"""Layers of networks, forward and backward, and the optimisers' steps."""

import ast
from math import prod

from row import Row, both_ways

CONVOLUTIONS = {
    "conv2d 3 to 16, 3x3, (8, 3, 32, 32)": ("2d(3, 16, 3, padding=1", "8, 3, 32, 32"),
    "conv2d 1 to 32, 3x3, (32, 1, 28, 28)": ("2d(1, 32, 3", "32, 1, 28, 28"),
    "conv2d 32 to 64, 3x3, (32, 32, 26, 26)": ("2d(32, 64, 3", "32, 32, 26, 26"),
    "conv2d 3 to 64, 7x7, stride 2, (2, 3, 224, 224)": (
        "2d(3, 64, 7, 2, padding=3",
        "2, 3, 224, 224",
    ),
    "conv2d 64 to 64, 3x3, (4, 64, 56, 56)": ("2d(64, 64, 3, padding=1", "4, 64, 56, 56"),
    "conv2d 128 to 128, 3x3, (4, 128, 28, 28)": ("2d(128, 128, 3, padding=1", "4, 128, 28, 28"),
    "conv2d 512 to 512, 3x3, (4, 512, 7, 7)": ("2d(512, 512, 3, padding=1", "4, 512, 7, 7"),
    "conv2d 64 to 128, 3x3, stride 2, (4, 64, 56, 56)": (
        "2d(64, 128, 3, 2, padding=1",
        "4, 64, 56, 56",
    ),
    "conv2d 256 to 64, 1x1, (4, 256, 28, 28)": ("2d(256, 64, 1", "4, 256, 28, 28"),
    "conv2d depthwise 64, 3x3, (4, 64, 56, 56)": (
        "2d(64, 64, 3, padding=1, groups=64",
        "4, 64, 56, 56",
    ),
    "conv1d 16 to 32, 5, (16, 16, 200)": ("1d(16, 32, 5", "16, 16, 200"),
    "conv_transpose2d 64 to 32, 2x2, (4, 64, 28, 28)": (
        "Transpose2d(64, 32, 2, 2",
        "4, 64, 28, 28",
    ),
}


def flops_of(layer, shape):
    """Multiplications and additions of a convolution's direct sum; Winograd's does fewer."""
    call = ast.parse(f"f{layer})").body[0].value
    into, out, size, *stride = [argument.value for argument in call.args]
    stride = stride[0] if stride else 1
    options = {keyword.arg: keyword.value.value for keyword in call.keywords}
    images, _, *sides = ast.literal_eval(f"({shape})")
    grow = layer.startswith("Transpose")  # each input pixel meets the filter once
    pad, groups = 2 * options.get("padding", 0), options.get("groups", 1)
    places = prod(side if grow else (side + pad - size) // stride + 1 for side in sides)
    return 2 * images * into * out // groups * size ** len(sides) * places


def convolutions():
    for name, (layer, shape) in CONVOLUTIONS.items():
        setup = f"layer = nn.Conv{layer}); x = torch.rand({shape}, requires_grad=True)"
        readme = name.startswith("conv2d 64 to 64")
        flops = flops_of(layer, shape)
        yield from both_ways("convolutions", name, setup, "layer(x)", readme, flops)


LAYERS = {
    "linear 784 to 512, batch 64": ("nn.Linear(784, 512)", "64, 784"),
    "batch_norm (16, 64, 28, 28)": ("nn.BatchNorm2d(64)", "16, 64, 28, 28"),
    "group_norm (16, 64, 28, 28)": ("nn.GroupNorm(8, 64)", "16, 64, 28, 28"),
    "layer_norm (64, 512)": ("nn.LayerNorm(512)", "64, 512"),
    "max_pool2d (8, 32, 32, 32)": ("nn.MaxPool2d(2)", "8, 32, 32, 32"),
    "avg_pool2d (8, 32, 32, 32)": ("nn.AvgPool2d(2)", "8, 32, 32, 32"),
    "adaptive_avg_pool2d (8, 512, 7, 7)": ("nn.AdaptiveAvgPool2d(1)", "8, 512, 7, 7"),
    "dropout (64, 512)": ("nn.Dropout(0.5)", "64, 512"),
    "gelu (64, 2048)": ("nn.GELU()", "64, 2048"),
    "relu (64, 2048)": ("nn.ReLU()", "64, 2048"),
    "softmax (256, 1000)": ("nn.Softmax(1)", "256, 1000"),
    "upsample bilinear (4, 16, 32, 32)": (
        "nn.Upsample(scale_factor=2, mode='bilinear')",
        "4, 16, 32, 32",
    ),
    "transformer encoder layer 128, (8, 64)": (
        "nn.TransformerEncoderLayer(128, 4, 512, dropout=0.0, batch_first=True)",
        "8, 64, 128",
    ),
}
RECURRENT = {
    "RNN 32 to 64, 20 steps of 16": "nn.RNN(32, 64)",
    "GRU 32 to 64, 20 steps of 16": "nn.GRU(32, 64)",
    "LSTM 32 to 64, 20 steps of 16": "nn.LSTM(32, 64)",
}
LOSSES = {
    "mse_loss (64, 512)": ("64, 512", "torch.randn(64, 512)", "F.mse_loss(x, y)"),
    "binary_cross_entropy_with_logits (64, 512)": (
        "64, 512",
        "torch.rand(64, 512)",
        "F.binary_cross_entropy_with_logits(x, y)",
    ),
    "cross_entropy (64, 10)": ("64, 10", "torch.randint(10, (64,))", "F.cross_entropy(x, y)"),
    "cross_entropy (256, 1000)": (
        "256, 1000",
        "torch.randint(1000, (256,))",
        "F.cross_entropy(x, y)",
    ),
}
OPTIMIZERS = ("SGD(p, lr=0.1)", "SGD(p, lr=0.1, momentum=0.9)", "Adam(p)", "AdamW(p)", "RMSprop(p)")


def layers():
    for name, (layer, shape) in LAYERS.items():
        setup = f"layer = {layer}; x = torch.rand({shape}, requires_grad=True)"
        yield from both_ways("layers", name, setup, "layer(x)")
    for name, layer in RECURRENT.items():
        setup = f"layer = {layer}; x = torch.rand(20, 16, 32, requires_grad=True)"
        yield from both_ways("layers", name, setup, "layer(x)[0]")
    setup = "layer = nn.Embedding(10000, 64); x = torch.randint(10000, (32, 20))"
    yield from both_ways("layers", "embedding of 640 out of 10,000", setup, "layer(x)")
    setup = "q, k, v = (torch.randn(4, 8, 128, 64, requires_grad=True) for _ in range(3))"
    for causal in (False, True):
        name = f"attention (4, 8, 128, 64){', causal' if causal else ''}"
        call = f"F.scaled_dot_product_attention(q, k, v, is_causal={causal})"
        yield from both_ways("layers", name, setup, call)
    for name, (shape, target, call) in LOSSES.items():
        setup = f"x, y = torch.randn({shape}, requires_grad=True), {target}"
        yield Row("layers", f"{name}, both ways", setup, f"{call}.backward()")


def optimizers():
    for optimizer in OPTIMIZERS:
        for shown, model in (
            (
                "6 tensors, 1e4 parameters",
                "nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 10)",
            ),
            ("2 tensors, 1e6 parameters", "nn.Linear(1000, 1000)"),
        ):
            setup = f"""
p = list(nn.Sequential({model}).parameters())
for q in p:
    q.grad = torch.randn_like(q)
optimizer = torch.optim.{optimizer}
"""
            yield Row("optimizers", f"{optimizer}, {shown}", setup, "optimizer.step()")


def rows():
    """Every row of this file."""
    for group in (convolutions, layers, optimizers):
        yield from group()
