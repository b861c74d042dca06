"""The cases of test_nn: arguments and inputs of every class and function. No tests."""

import numpy as np


class N:
    """A number array to be made anew for each side: normal floats, or what `kind` says."""

    def __init__(self, *shape, kind="normal", high=4, grad=True):
        self.shape, self.kind, self.high, self.grad = shape, kind, high, grad

    def make(self, lib, seed):
        rng = np.random.default_rng(seed)
        if self.kind == "int":
            return lib.from_numpy(
                np.asarray(rng.integers(0, self.high, self.shape)).astype("int64")
            )
        if self.kind == "sign":
            a = np.where(rng.random(self.shape) < 0.5, -1.0, 1.0)
        elif self.kind == "unit":
            a = rng.random(self.shape) * 0.98 + 0.01
        elif self.kind == "bool":
            return lib.from_numpy(rng.random(self.shape) < 0.3)
        else:
            a = rng.standard_normal(self.shape)
        t = lib.from_numpy(np.asarray(a, dtype="float32"))
        return t.requires_grad_() if self.grad and self.kind == "normal" else t

    def __repr__(self):
        return f"{self.kind}{self.shape}"


def build(value, lib, seed=0):
    """The same structure with every N made."""
    if isinstance(value, N):
        return value.make(lib, seed)
    if isinstance(value, (tuple, list)):
        return type(value)(build(v, lib, seed + i) for i, v in enumerate(value))
    if isinstance(value, dict):
        return {k: build(v, lib, seed + 50 + i) for i, (k, v) in enumerate(value.items())}
    return value


def leaves(value):
    """The tensors in nested tuples, lists and dicts."""
    if hasattr(value, "detach"):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (tuple, list)):
        return [leaf for v in value for leaf in leaves(v)]
    return []


def numpy(t):
    return t.detach().cpu().numpy()


def assert_same(a, b, rtol=2e-5, atol=2e-6):
    a, b = leaves(a), leaves(b)
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        assert tuple(x.shape) == tuple(y.shape)
        assert str(x.dtype) == str(y.dtype)
        np.testing.assert_allclose(numpy(x), numpy(y), rtol=rtol, atol=atol)


def backward(out, inputs, extra=()):
    """Gradients of a fixed weighted sum of the float outputs."""
    total = None
    for t in leaves(out):
        if t.requires_grad:
            w = np.cos(np.arange(t.numel(), dtype="float32")).reshape(tuple(t.shape))
            s = (t * _like(t, w)).sum()
            total = s if total is None else total + s
    if total is None:
        return []
    total.backward()
    return [t.grad for t in [*leaves(inputs), *extra] if t.requires_grad and t.grad is not None]


def _like(t, array):
    """An array as a tensor of the library and the dtype of `t`."""
    return t.detach().new_tensor(array.tolist()).reshape(t.shape)


IMG = N(2, 4, 7, 6)
SEQ = N(2, 4, 9)
VOL = N(2, 4, 5, 6, 4)
FLAT = N(5, 6)
IDX = N(3, 4, kind="int", high=10)
LABELS = N(5, kind="int", high=6)

# (class, positional arguments, keyword arguments, inputs of forward)
MODULES = [
    ("Identity", (1,), {"a": 2}, (FLAT,)),
    ("Linear", (6, 3), {}, (FLAT,)),
    ("Linear", (6, 3), {"bias": False}, (N(2, 3, 6),)),
    ("Bilinear", (6, 4, 3), {}, (FLAT, N(5, 4))),
    ("Bilinear", (6, 4, 3, False), {}, (N(2, 5, 6), N(2, 5, 4))),
    ("Flatten", (), {}, (IMG,)),
    ("Flatten", (0, 1), {}, (IMG,)),
    ("Unflatten", (1, (2, 2)), {}, (IMG,)),
    ("Embedding", (10, 3), {}, (IDX,)),
    ("Embedding", (10, 3), {"padding_idx": -2}, (IDX,)),
    ("Embedding", (10, 3), {"max_norm": 1.0, "norm_type": 1.0}, (IDX,)),
    ("Embedding", (10, 3), {"scale_grad_by_freq": True}, (IDX,)),
    ("EmbeddingBag", (10, 3), {}, (IDX,)),
    ("EmbeddingBag", (10, 3), {"mode": "sum", "padding_idx": 1}, (IDX,)),
    ("EmbeddingBag", (10, 3), {"mode": "max"}, (IDX,)),
    ("Conv1d", (4, 6, 3), {}, (SEQ,)),
    ("Conv1d", (4, 6, 3), {"padding": "same", "dilation": 2}, (SEQ,)),
    ("Conv1d", (4, 6, 2), {"padding_mode": "circular", "padding": 2}, (SEQ,)),
    ("Conv2d", (4, 6, 3), {}, (IMG,)),
    ("Conv2d", (4, 6, 3), {"stride": 2, "padding": 1, "bias": False}, (N(4, 7, 6),)),
    ("Conv2d", (4, 6, (2, 3)), {"groups": 2, "dilation": (1, 2)}, (IMG,)),
    ("Conv2d", (4, 6, 4), {"padding": "same", "padding_mode": "reflect"}, (IMG,)),
    ("Conv2d", (4, 4, 3), {"groups": 4, "padding": "valid"}, (IMG,)),
    ("Conv2d", (4, 4, 3), {"padding_mode": "replicate", "padding": (1, 2)}, (IMG,)),
    ("Conv3d", (4, 3, 2), {}, (VOL,)),
    ("ConvTranspose1d", (4, 6, 3), {"stride": 2}, (SEQ,)),
    ("ConvTranspose2d", (4, 6, 3), {"stride": 2, "padding": 1, "output_padding": 1}, (IMG,)),
    ("ConvTranspose2d", (4, 6, 3), {"groups": 2, "dilation": 2, "bias": False}, (IMG,)),
    ("ConvTranspose3d", (4, 2, 2), {}, (VOL,)),
    ("MaxPool1d", (2,), {}, (SEQ,)),
    ("MaxPool1d", (3, 2, 1), {"return_indices": True, "ceil_mode": True}, (SEQ,)),
    ("MaxPool2d", (2,), {}, (IMG,)),
    ("MaxPool2d", (3, 2, 1, 1), {"return_indices": True, "ceil_mode": True}, (IMG,)),
    ("MaxPool3d", (2,), {}, (VOL,)),
    ("AvgPool1d", (2,), {}, (SEQ,)),
    ("AvgPool1d", (3, 2, 1, True, False), {}, (SEQ,)),
    ("AvgPool2d", (2,), {}, (IMG,)),
    ("AvgPool2d", (3, 2, 1), {"ceil_mode": True, "count_include_pad": False}, (IMG,)),
    ("AvgPool2d", (3,), {"divisor_override": 5}, (IMG,)),
    ("AvgPool3d", (2,), {}, (VOL,)),
    ("AvgPool3d", (3, 2, 1), {"ceil_mode": True, "count_include_pad": False}, (VOL,)),
    ("AvgPool3d", (3, 2, 1), {"ceil_mode": True}, (VOL,)),
    ("AvgPool3d", (2, 1), {"divisor_override": 3}, (VOL,)),
    ("LPPool1d", (2, 3), {}, (N(2, 4, 9, kind="unit"),)),
    ("LPPool2d", (3, 2, 1), {}, (N(2, 4, 7, 6, kind="unit"),)),
    ("LPPool3d", (2, 2), {}, (N(2, 4, 5, 6, 4, kind="unit"),)),
    ("AdaptiveAvgPool1d", (4,), {}, (SEQ,)),
    ("AdaptiveAvgPool2d", ((3, None),), {}, (IMG,)),
    ("AdaptiveAvgPool2d", (1,), {}, (IMG,)),
    ("AdaptiveAvgPool3d", ((3, 4, 2),), {}, (VOL,)),
    ("AdaptiveMaxPool1d", (4,), {"return_indices": True}, (SEQ,)),
    ("AdaptiveMaxPool2d", ((3, None),), {"return_indices": True}, (IMG,)),
    ("AdaptiveMaxPool2d", (5,), {}, (N(4, 7, 6),)),
    ("AdaptiveMaxPool3d", ((3, 4, 2),), {"return_indices": True}, (VOL,)),
    ("FractionalMaxPool2d", (2,), {"output_size": (3, 4)}, (IMG,)),
    ("FractionalMaxPool2d", (3,), {"output_ratio": 0.5, "return_indices": True}, (IMG,)),
    ("FractionalMaxPool3d", (2,), {"output_size": (3, 4, 2), "return_indices": True}, (VOL,)),
    ("BatchNorm1d", (6,), {}, (FLAT,)),
    ("BatchNorm1d", (4,), {"momentum": None}, (SEQ,)),
    ("BatchNorm2d", (4,), {}, (IMG,)),
    ("BatchNorm2d", (4,), {"affine": False, "track_running_stats": False}, (IMG,)),
    ("BatchNorm2d", (4,), {"bias": False, "eps": 1e-3}, (IMG,)),
    ("BatchNorm3d", (4,), {}, (VOL,)),
    ("InstanceNorm1d", (4,), {}, (SEQ,)),
    ("InstanceNorm2d", (4,), {"affine": True, "track_running_stats": True}, (IMG,)),
    ("InstanceNorm2d", (4,), {}, (N(4, 7, 6),)),
    ("InstanceNorm3d", (4,), {"affine": True}, (VOL,)),
    ("LayerNorm", (6,), {}, (FLAT,)),
    ("LayerNorm", ((7, 6),), {"bias": False}, (IMG,)),
    ("LayerNorm", (6,), {"elementwise_affine": False}, (FLAT,)),
    ("GroupNorm", (2, 4), {}, (IMG,)),
    ("GroupNorm", (2, 4), {"affine": False}, (IMG,)),
    ("RMSNorm", (6,), {}, (FLAT,)),
    ("RMSNorm", ((7, 6), 1e-3), {"elementwise_affine": False}, (IMG,)),
    ("LocalResponseNorm", (3,), {}, (IMG,)),
    ("LocalResponseNorm", (2, 0.1, 0.5, 2.0), {}, (SEQ,)),
    ("Dropout", (0.3,), {}, (FLAT,)),
    ("Dropout", (), {"inplace": True}, (N(5, 6, grad=False),)),
    ("Dropout1d", (0.3,), {}, (SEQ,)),
    ("Dropout1d", (0.3,), {}, (N(4, 9),)),
    ("Dropout2d", (0.3,), {}, (IMG,)),
    ("Dropout3d", (0.3,), {}, (VOL,)),
    ("AlphaDropout", (0.3,), {}, (FLAT,)),
    ("FeatureAlphaDropout", (0.3,), {}, (IMG,)),
    *[
        (name, (), {}, (FLAT,))
        for name in [
            "ReLU",
            "ReLU6",
            "Sigmoid",
            "Tanh",
            "SiLU",
            "Mish",
            "GELU",
            "SELU",
            "CELU",
            "ELU",
            "Hardshrink",
            "Hardsigmoid",
            "Hardswish",
            "Hardtanh",
            "LeakyReLU",
            "LogSigmoid",
            "PReLU",
            "RReLU",
            "Softplus",
            "Softshrink",
            "Softsign",
            "Tanhshrink",
            "GLU",
        ]
    ],
    *[
        (name, (), {"inplace": True}, (N(5, 6, grad=False),))
        for name in [
            "ReLU",
            "ReLU6",
            "SiLU",
            "Mish",
            "SELU",
            "CELU",
            "ELU",
            "Hardsigmoid",
            "Hardswish",
            "Hardtanh",
            "LeakyReLU",
        ]
    ],
    ("GELU", ("tanh",), {}, (FLAT,)),
    ("GLU", (0,), {}, (N(4, 3),)),
    ("Softplus", (2.0, 1.0), {}, (FLAT,)),
    ("Threshold", (0.1, 20), {}, (FLAT,)),
    ("Threshold", (0.1, 20, True), {}, (N(5, 6, grad=False),)),
    ("PReLU", (4, 0.1), {}, (IMG,)),
    ("Softmax", (1,), {}, (FLAT,)),
    ("Softmax", (), {}, (FLAT,)),
    ("LogSoftmax", (-1,), {}, (IMG,)),
    ("Softmin", (1,), {}, (FLAT,)),
    ("Softmax2d", (), {}, (IMG,)),
    ("ConstantPad1d", (2, 3.5), {}, (SEQ,)),
    ("ConstantPad2d", ((1, 2, 0, 1), 0.5), {}, (IMG,)),
    ("ConstantPad3d", (1, 2.0), {}, (VOL,)),
    ("ZeroPad1d", ((1, 2),), {}, (SEQ,)),
    ("ZeroPad2d", (2,), {}, (IMG,)),
    ("ZeroPad3d", (1,), {}, (VOL,)),
    ("ReflectionPad1d", (2,), {}, (SEQ,)),
    ("ReflectionPad2d", ((1, 2, 0, 1),), {}, (IMG,)),
    ("ReflectionPad3d", (1,), {}, (VOL,)),
    ("ReplicationPad1d", (2,), {}, (SEQ,)),
    ("ReplicationPad2d", (2,), {}, (IMG,)),
    ("ReplicationPad3d", (1,), {}, (VOL,)),
    ("CircularPad1d", (2,), {}, (SEQ,)),
    ("CircularPad2d", ((1, 2, 0, 1),), {}, (IMG,)),
    ("CircularPad3d", (1,), {}, (VOL,)),
    ("PixelShuffle", (2,), {}, (IMG,)),
    ("PixelUnshuffle", (2,), {}, (N(2, 3, 4, 6),)),
    ("ChannelShuffle", (2,), {}, (IMG,)),
    ("Unfold", (2,), {}, (IMG,)),
    ("Unfold", ((2, 3),), {"dilation": 2, "padding": 1, "stride": 2}, (IMG,)),
    ("Fold", ((7, 6), 2), {}, (N(2, 8, 30),)),
    ("Fold", ((7, 6), (2, 3)), {"padding": 1, "stride": (2, 1)}, (N(2, 12, 24),)),
    ("Upsample", (), {"scale_factor": 2}, (IMG,)),
    ("Upsample", ((5, 9),), {"mode": "nearest-exact"}, (IMG,)),
    ("Upsample", (13,), {"mode": "linear"}, (SEQ,)),
    ("Upsample", (), {"scale_factor": 1.7, "mode": "bilinear"}, (IMG,)),
    ("Upsample", ((5, 9),), {"mode": "bilinear", "align_corners": True}, (IMG,)),
    ("Upsample", ((5, 9),), {"mode": "bicubic"}, (IMG,)),
    ("Upsample", (), {"scale_factor": 1.5, "mode": "bicubic", "align_corners": True}, (IMG,)),
    ("Upsample", (3,), {"mode": "area"}, (IMG,)),
    ("Upsample", (), {"scale_factor": (2, 1.5, 3), "mode": "trilinear"}, (VOL,)),
    ("UpsamplingNearest2d", (), {"scale_factor": 2}, (IMG,)),
    ("UpsamplingBilinear2d", (), {"scale_factor": 2}, (IMG,)),
    ("CosineSimilarity", (), {}, (FLAT, FLAT)),
    ("CosineSimilarity", (0, 1e-3), {}, (FLAT, N(1, 6))),
    ("PairwiseDistance", (), {}, (FLAT, FLAT)),
    ("PairwiseDistance", (1.0,), {"keepdim": True}, (FLAT, N(6))),
    *[
        (name, (), {**options, "reduction": reduction}, inputs)
        for reduction in ("mean", "sum", "none")
        for name, options, inputs in (
            ("L1Loss", {}, (FLAT, FLAT)),
            ("MSELoss", {}, (FLAT, FLAT)),
            ("SmoothL1Loss", {}, (FLAT, FLAT)),
            ("SmoothL1Loss", {"beta": 0.5}, (FLAT, FLAT)),
            ("SmoothL1Loss", {"beta": 0.0}, (FLAT, FLAT)),
            ("HuberLoss", {"delta": 0.7}, (FLAT, FLAT)),
            ("CrossEntropyLoss", {}, (FLAT, LABELS)),
            ("CrossEntropyLoss", {"label_smoothing": 0.1, "ignore_index": 2}, (FLAT, LABELS)),
            ("CrossEntropyLoss", {"weight": N(4, kind="unit")}, (IMG, N(2, 7, 6, kind="int"))),
            ("CrossEntropyLoss", {}, (FLAT, N(5, 6, kind="unit"))),
            ("NLLLoss", {}, (FLAT, LABELS)),
            ("NLLLoss", {"ignore_index": 1}, (IMG, N(2, 7, 6, kind="int"))),
            ("NLLLoss", {"weight": N(6, kind="unit")}, (FLAT, LABELS)),
            ("BCELoss", {}, (N(5, kind="unit"), N(5, kind="unit"))),
            ("BCELoss", {"weight": N(6, kind="unit")}, (N(5, 6, kind="unit"),) * 2),
            ("BCEWithLogitsLoss", {}, (FLAT, N(5, 6, kind="unit"))),
            ("BCEWithLogitsLoss", {"pos_weight": N(6, kind="unit")}, (FLAT, N(5, 6, kind="unit"))),
            ("KLDivLoss", {}, (FLAT, N(5, 6, kind="unit"))),
            ("KLDivLoss", {"log_target": True}, (FLAT, FLAT)),
            ("PoissonNLLLoss", {}, (FLAT, N(5, 6, kind="unit"))),
            ("PoissonNLLLoss", {"full": True}, (FLAT, N(5, 6, kind="int"))),
            ("PoissonNLLLoss", {"log_input": False}, (N(5, 6, kind="unit"),) * 2),
            ("GaussianNLLLoss", {"full": True}, (FLAT, FLAT, N(5, 6, kind="unit"))),
            ("GaussianNLLLoss", {}, (FLAT, FLAT, N(5, 1, kind="unit"))),
            ("GaussianNLLLoss", {}, (FLAT, FLAT, N(5, kind="unit"))),
            ("HingeEmbeddingLoss", {"margin": 0.5}, (FLAT, N(5, 6, kind="sign"))),
            ("SoftMarginLoss", {}, (FLAT, N(5, 6, kind="sign"))),
            ("MarginRankingLoss", {"margin": 0.2}, (N(5), N(5), N(5, kind="sign"))),
            ("CosineEmbeddingLoss", {"margin": 0.2}, (FLAT, FLAT, N(5, kind="sign"))),
            ("CosineEmbeddingLoss", {}, (N(6), N(6), N(kind="sign"))),
            ("TripletMarginLoss", {}, (FLAT, FLAT, FLAT)),
            ("TripletMarginLoss", {"swap": True, "p": 1.0}, (FLAT, FLAT, FLAT)),
            ("TripletMarginWithDistanceLoss", {"margin": 0.3}, (FLAT, FLAT, FLAT)),
            ("MultiMarginLoss", {}, (FLAT, LABELS)),
            ("MultiMarginLoss", {"p": 2, "weight": N(6, kind="unit")}, (FLAT, LABELS)),
            ("MultiMarginLoss", {}, (N(6), N(kind="int"))),
            ("MultiLabelMarginLoss", {}, (FLAT, N(5, 6, kind="int", high=6))),
            ("MultiLabelSoftMarginLoss", {}, (FLAT, N(5, 6, kind="int", high=2))),
        )
    ],
    ("KLDivLoss", (), {"reduction": "batchmean"}, (FLAT, N(5, 6, kind="unit"))),
    ("LinearCrossEntropyLoss", (6, 4), {"bias": True}, (FLAT, N(5, kind="int"))),
    (
        "AdaptiveLogSoftmaxWithLoss",
        (16, 20, [4, 10, 15]),
        {},
        (N(8, 16), N(8, kind="int", high=20)),
    ),
    ("RNN", (6, 5), {}, (N(4, 3, 6),)),
    ("RNN", (6, 5, 2), {"nonlinearity": "relu", "bias": False}, (N(4, 3, 6), N(2, 3, 5))),
    ("LSTM", (6, 5), {}, (N(4, 3, 6),)),
    ("LSTM", (6, 5, 2), {"bidirectional": True, "batch_first": True}, (N(3, 4, 6),)),
    ("LSTM", (6, 5), {"proj_size": 3, "num_layers": 2}, (N(4, 6),)),
    ("LSTM", (6, 5), {}, (N(4, 3, 6), (N(1, 3, 5), N(1, 3, 5)))),
    ("LSTM", (6, 5, 2), {"dropout": 0.4}, (N(4, 3, 6),)),
    ("GRU", (6, 5), {"bidirectional": True}, (N(4, 3, 6),)),
    ("GRU", (6, 5, 2), {"bias": False}, (N(4, 3, 6), N(2, 3, 5))),
    ("RNNCell", (6, 5), {}, (N(3, 6),)),
    ("RNNCell", (6, 5), {"nonlinearity": "relu"}, (N(6), N(5))),
    ("LSTMCell", (6, 5), {}, (N(3, 6), (N(3, 5), N(3, 5)))),
    ("GRUCell", (6, 5), {"bias": False}, (N(3, 6), N(3, 5))),
    ("MultiheadAttention", (8, 2), {}, (N(4, 3, 8), N(5, 3, 8), N(5, 3, 8))),
    ("MultiheadAttention", (8, 2), {"batch_first": True, "bias": False}, (N(3, 4, 8),) * 3),
    ("MultiheadAttention", (8, 4), {"kdim": 6, "vdim": 5}, (N(4, 3, 8), N(5, 3, 6), N(5, 3, 5))),
    (
        "MultiheadAttention",
        (8, 2),
        {"add_bias_kv": True, "add_zero_attn": True, "dropout": 0.2},
        (N(4, 8), N(5, 8), N(5, 8)),
    ),
    ("TransformerEncoderLayer", (8, 2, 16), {"dropout": 0.1}, (N(4, 3, 8),)),
    ("TransformerEncoderLayer", (8, 2, 16), {"norm_first": True, "activation": "gelu"}, (N(4, 8),)),
    ("TransformerDecoderLayer", (8, 2, 16), {"batch_first": True}, (N(3, 4, 8), N(3, 5, 8))),
    ("Transformer", (8, 2, 1, 2, 16), {"dropout": 0.0}, (N(4, 3, 8), N(5, 3, 8))),
]


LAZY = [
    ("LazyLinear", (3,), {}, (FLAT,)),
    ("LazyConv1d", (3, 2), {}, (SEQ,)),
    ("LazyConv2d", (3, 2), {"bias": False}, (IMG,)),
    ("LazyConv3d", (3, 2), {}, (VOL,)),
    ("LazyConvTranspose1d", (3, 2), {}, (SEQ,)),
    ("LazyConvTranspose2d", (3, 2), {}, (IMG,)),
    ("LazyConvTranspose3d", (3, 2), {}, (VOL,)),
    ("LazyBatchNorm1d", (), {}, (SEQ,)),
    ("LazyBatchNorm2d", (), {}, (IMG,)),
    ("LazyBatchNorm3d", (), {}, (VOL,)),
    ("LazyInstanceNorm1d", (), {"affine": True}, (SEQ,)),
    ("LazyInstanceNorm2d", (), {"track_running_stats": True, "affine": True}, (IMG,)),
    ("LazyInstanceNorm3d", (), {"affine": True}, (VOL,)),
]


FUNCTIONS = [
    ("adaptive_max_pool1d", (SEQ, 3, True), {}),
    ("affine_grid", (N(2, 2, 3), [2, 3, 4, 5]), {"align_corners": False}),
    ("affine_grid", (N(2, 2, 3), [2, 3, 4, 5]), {"align_corners": True}),
    ("affine_grid", (N(2, 3, 4), [2, 3, 4, 5, 2]), {"align_corners": False}),
    *[
        ("grid_sample", (IMG, N(2, 5, 3, 2, grad=mode != "nearest"), mode, pad, align), {})
        for mode in ("bilinear", "nearest", "bicubic")
        for pad in ("zeros", "border", "reflection")
        for align in (True, False)
    ],
    *[
        ("grid_sample", (VOL, N(2, 5, 3, 2, 3, grad=mode != "nearest"), mode, pad, True), {})
        for mode in ("bilinear", "nearest")
        for pad in ("zeros", "border", "reflection")
    ],
    *[
        ("interpolate", (IMG, size), {"mode": mode, "antialias": True, "align_corners": align})
        for size in ((3, 4), (12, 9))
        for mode in ("bilinear", "bicubic")
        for align in (True, False)
    ],
    ("interpolate", (IMG,), {"scale_factor": 0.6, "mode": "bilinear", "antialias": True}),
    ("interpolate", (IMG, (3, 4)), {"mode": "lanczos", "antialias": True}),
    ("interpolate", (IMG,), {"scale_factor": 1.3, "recompute_scale_factor": True}),
    ("interpolate", (IMG,), {"scale_factor": 0.7}),
    ("normalize", (FLAT,), {}),
    ("normalize", (FLAT, 1.0, 0), {}),
    ("pdist", (FLAT,), {}),
    ("pdist", (FLAT, 1.0), {}),
    ("one_hot", (IDX,), {}),
    ("one_hot", (IDX, 12), {}),
    ("conv_tbc", (N(5, 2, 3), N(3, 3, 4), N(4)), {"pad": 1}),
    ("embedding_bag", (N(7, kind="int"), N(4, 3), N(3, kind="int", high=1)), {}),
    (
        "embedding_bag",
        (N(3, 4, kind="int"), N(4, 3)),
        {"mode": "sum", "per_sample_weights": N(3, 4)},
    ),
    ("mse_loss", (FLAT, FLAT), {"weight": N(5, 6, kind="unit")}),
    ("l1_loss", (FLAT, FLAT), {"weight": N(5, 6, kind="unit"), "reduction": "sum"}),
    ("huber_loss", (FLAT, FLAT), {"weight": N(5, 6, kind="unit")}),
    ("mse_loss", (FLAT, N(5, 1)), {}),
    ("scaled_dot_product_attention", (N(2, 3, 4, 8), N(2, 3, 5, 8), N(2, 3, 5, 8)), {}),
    (
        "scaled_dot_product_attention",
        (N(2, 3, 4, 8), N(2, 3, 4, 8), N(2, 3, 4, 8)),
        {"is_causal": True, "scale": 0.3},
    ),
    (
        "scaled_dot_product_attention",
        (N(2, 3, 4, 8), N(2, 3, 5, 8), N(2, 3, 5, 8), N(4, 5, kind="bool")),
        {},
    ),
    (
        "scaled_dot_product_attention",
        (N(2, 4, 4, 8), N(2, 2, 5, 8), N(2, 2, 5, 8), N(4, 5, grad=False)),
        {"enable_gqa": True},
    ),
    ("gumbel_softmax", (FLAT,), {}),
    ("gumbel_softmax", (FLAT, 0.5), {"hard": True}),
    ("rrelu", (FLAT,), {"training": True}),
    ("lp_pool2d", (IMG, 2.0, 3, 2), {"ceil_mode": True}),
    ("softmax", (FLAT,), {"dim": 0, "dtype": "float64"}),
    ("logsigmoid", (FLAT,), {}),
    ("prelu", (FLAT, N(1)), {}),
]


MISTAKES = """
nn.Conv2d(3, 4, 1, groups=2)
nn.Conv2d(4, 3, 1, groups=2)
nn.Conv2d(4, 3, 1, groups=0)
nn.Conv2d(4, 3, 1, padding='same', stride=2)
nn.ConvTranspose2d(3, 4, 1, padding_mode='reflect')
nn.ConvTranspose2d(3, 4, 3)(lib.zeros(1, 3, 4, 4), output_size=(9, 9))
nn.ConvTranspose2d(3, 4, 3)(lib.zeros(1, 3, 4, 4), output_size=(9,))
nn.BatchNorm1d(3)(lib.zeros(1, 3))
nn.BatchNorm2d(3)(lib.zeros(1, 3))
nn.BatchNorm3d(3)(lib.zeros(1, 3))
nn.InstanceNorm2d(3)(lib.zeros(1, 3))
nn.InstanceNorm1d(3)(lib.zeros(1, 3, 1))
nn.InstanceNorm1d(3)(lib.zeros(1, 4, 2))
nn.InstanceNorm1d(3, affine=True)(lib.zeros(1, 4, 2))
nn.GroupNorm(3, 4)
nn.GroupNorm(2, 4)(lib.zeros(4))
nn.Dropout(1.5)
F.dropout(lib.zeros(2), -0.1)
F.dropout1d(lib.zeros(2))
F.dropout2d(lib.zeros(2, 2))
F.dropout2d(lib.zeros(2, 2, 2))
F.dropout3d(lib.zeros(2, 2, 2))
F.feature_alpha_dropout(lib.zeros(2), training=True)
F.softmax(lib.zeros(2))
F.log_softmax(lib.zeros(2))
F.hardtanh(lib.zeros(2), 2.0, 1.0)
nn.Hardtanh(1.0, 0.0)
nn.Hardtanh(min_value=0.0)
F.glu(lib.zeros(()))
F.glu(lib.zeros(3))
nn.Softmax2d()(lib.zeros(3))
nn.Embedding(3, 2, padding_idx=5)
nn.Embedding(3, 2, _weight=lib.zeros(2, 2))
nn.Embedding.from_pretrained(lib.zeros(2))
F.embedding(lib.tensor([1]), lib.zeros(3, 2), padding_idx=4)
F.embedding_bag(lib.tensor([1]), lib.zeros(3, 2))
F.embedding_bag(lib.tensor([[1]]), lib.zeros(3, 2), lib.tensor([0]))
F.embedding_bag(lib.tensor([[1]]), lib.zeros(3, 2), mode='x')
F.embedding_bag(lib.tensor([[1]]), lib.zeros(3, 2), mode='max', sparse=True)
F.embedding_bag(lib.tensor([[1]]), lib.zeros(3, 2), per_sample_weights=lib.zeros(2))
F.mse_loss(lib.zeros(3), lib.zeros(3, 1))
F.l1_loss(lib.zeros(3), lib.zeros(3, 1))
F.smooth_l1_loss(lib.zeros(3), lib.zeros(3, 1))
F.huber_loss(lib.zeros(3), lib.zeros(3, 1))
F.mse_loss(lib.zeros(3), lib.zeros(3), reduction='avg')
F.mse_loss(lib.zeros(3), lib.zeros(3), size_average=False)
F.mse_loss(lib.zeros(3), lib.zeros(3), weight=lib.zeros(2))
nn.MSELoss(reduce=False)
F.kl_div(lib.zeros(3), lib.zeros(3))
F.binary_cross_entropy(lib.zeros(3), lib.zeros(2))
F.binary_cross_entropy_with_logits(lib.zeros(3), lib.zeros(2))
F.gaussian_nll_loss(lib.zeros(3), lib.zeros(3), -lib.ones(3))
F.gaussian_nll_loss(lib.zeros(3), lib.zeros(3), lib.ones(2))
F.gaussian_nll_loss(lib.zeros(3), lib.zeros(3), lib.ones(3), reduction='x')
F.poisson_nll_loss(lib.zeros(3), lib.zeros(3), reduction='x')
F.margin_ranking_loss(lib.zeros(3), lib.zeros(3), lib.zeros(3, 1))
F.cosine_embedding_loss(lib.zeros(3), lib.zeros(3), lib.zeros(3))
F.cosine_embedding_loss(lib.zeros(3), lib.zeros(3), lib.zeros(3, 1))
F.triplet_margin_loss(lib.zeros(3), lib.zeros(3), lib.zeros(3, 1))
F.triplet_margin_loss(lib.zeros(3), lib.zeros(3), lib.zeros(3), margin=-1)
F.multi_margin_loss(lib.zeros(2, 3), lib.tensor([0, 1]), p=3)
nn.TripletMarginLoss(margin=0)
nn.HuberLoss(delta='x')
nn.MultiMarginLoss(p=3)
nn.Bilinear(0, 1, 1)
nn.Unflatten(1, 3)
nn.Unflatten(1, (3, 'a'))
nn.CircularPad2d(1)(lib.zeros(3))
F.interpolate(lib.zeros(1, 1, 2, 2))
F.interpolate(lib.zeros(1, 1, 2, 2), 3, 2)
F.interpolate(lib.zeros(1, 1, 2, 2), (3,))
F.interpolate(lib.zeros(1, 1, 2, 2), scale_factor=(3,))
F.interpolate(lib.zeros(1, 1, 2, 2), 3, mode='linear')
F.interpolate(lib.zeros(1, 1, 2), 3, mode='bilinear')
F.interpolate(lib.zeros(1, 1, 2), 3, mode='bicubic')
F.interpolate(lib.zeros(1, 1, 2), 3, mode='x')
F.interpolate(lib.zeros(1, 1, 2), 3, align_corners=True)
F.interpolate(lib.zeros(1, 1, 2), 3, antialias=True)
F.upsample(lib.zeros(1, 1, 2, 2), 3)
F.grid_sample(lib.zeros(1, 1, 2, 2), lib.zeros(1, 2, 2, 2))
F.grid_sample(lib.zeros(1, 1, 2, 2), lib.zeros(1, 2, 2, 2), mode='x', align_corners=True)
F.grid_sample(lib.zeros(1, 1, 2, 2), lib.zeros(1, 2, 2, 2), padding_mode='x', align_corners=True)
F.affine_grid(lib.zeros(1, 2, 2), [1, 1, 2, 2], align_corners=True)
F.affine_grid(lib.zeros(1, 2, 3), [1, 2], align_corners=True)
F.local_response_norm(lib.zeros(2, 2), 2)
F.max_unpool2d(lib.zeros(1, 1, 2, 2), lib.zeros(1, 1, 2, 2).long(), 2, output_size=(9, 9))
F.bilinear(lib.zeros(2, 3), lib.zeros(2, 4), lib.zeros(1, 5, 4))
F.bilinear(lib.zeros(2, 3), lib.zeros(3, 4), lib.zeros(1, 3, 4))
F.pixel_shuffle(lib.zeros(1, 3, 2, 2), 2)
F.pixel_unshuffle(lib.zeros(1, 3, 3, 2), 2)
F.pixel_shuffle(lib.zeros(1, 3), 2)
F.channel_shuffle(lib.zeros(1, 3, 2), 2)
F.fold(lib.zeros(1, 4, 5), (3, 3), 2)
F.fold(lib.zeros(1, 5, 4), (3, 3), 2)
F.unfold(lib.zeros(1, 1, 2, 2), 3)
F.unfold(lib.zeros(1, 1, 1, 2, 2), 3)
F.rms_norm(lib.zeros(2, 3), (4,))
F.rms_norm(lib.zeros(2, 3), (3,), lib.zeros(2))
F.rms_norm(lib.zeros(2, 3), ())
F.pdist(lib.zeros(2))
nn.RNN(0, 3)
nn.RNN(3, 3, nonlinearity='x')
nn.RNN(3, 3, proj_size=2)
nn.LSTM(3, 3, proj_size=3)
nn.LSTM(3, 3, dropout=2)
nn.LSTM(3, 3, dropout=0.5)
nn.LSTM(3, 3, bias=1)
nn.LSTM(3, 3)(lib.zeros(3))
nn.GRU(3, 3)(lib.zeros(3))
nn.RNN(3, 3)(lib.zeros(3))
nn.LSTM(3, 3)(lib.zeros(2, 2, 4))
nn.LSTM(3, 3)(lib.zeros(2, 2, 3), (lib.zeros(1, 3, 3), lib.zeros(1, 3, 3)))
nn.LSTM(3, 3)(lib.zeros(2, 2, 3), (lib.zeros(3, 3), lib.zeros(3, 3)))
nn.GRU(3, 3)(lib.zeros(2, 2, 3), lib.zeros(3, 3))
nn.GRU(3, 3)(lib.zeros(2, 3), lib.zeros(1, 3, 3))
nn.GRU(3, 3)(lib.zeros(2, 2, 3), lib.zeros(1, 3, 3))
nn.LSTM(3, 3)(lib.zeros(2, 2, 3).double())
nn.LSTMCell(3, 3)(lib.zeros(2, 2, 3))
nn.GRUCell(3, 3)(lib.zeros(2, 3), lib.zeros(1, 1, 3))
nn.MultiheadAttention(5, 2)
nn.MultiheadAttention(0, 2)
nn.MultiheadAttention(4, 2)(lib.zeros(3), lib.zeros(3), lib.zeros(3))
nn.MultiheadAttention(4, 2)(lib.zeros(3, 4), lib.zeros(3, 1, 4), lib.zeros(3, 4))
nn.MultiheadAttention(4, 2)(*[lib.zeros(3, 4)] * 3, attn_mask=lib.zeros(2, 2))
nn.MultiheadAttention(4, 2)(*[lib.zeros(3, 5)] * 3)
nn.Transformer(4, 2, 1, 1, 8)(lib.zeros(2, 3, 4), lib.zeros(2, 4, 4))
nn.Transformer(4, 2, 1, 1, 8)(lib.zeros(2, 3, 5), lib.zeros(2, 3, 5))
nn.TransformerEncoderLayer(4, 2, activation='x')
nn.AdaptiveLogSoftmaxWithLoss(4, 10, [])
nn.AdaptiveLogSoftmaxWithLoss(4, 10, [5, 3])
nn.AdaptiveLogSoftmaxWithLoss(4, 10, [5])(lib.zeros(1, 4), lib.tensor([10]))
nn.FractionalMaxPool2d(2)
nn.FractionalMaxPool2d(2, 2, 0.5)
nn.FractionalMaxPool2d(2, output_ratio=2.0)
nn.init.eye_(lib.zeros(2))
nn.init.dirac_(lib.zeros(2))
nn.init.dirac_(lib.zeros(3, 2, 1), 2)
nn.init.xavier_uniform_(lib.zeros(2))
nn.init.kaiming_uniform_(lib.zeros(2, 2), mode='x')
nn.init.kaiming_uniform_(lib.zeros(2, 0))
nn.init.orthogonal_(lib.zeros(2))
nn.init.sparse_(lib.zeros(2), 0.1)
nn.init.calculate_gain('x')
nn.init.calculate_gain('leaky_relu', True)
nn.init.uniform(lib.zeros(2))
nn.init.trunc_normal_(lib.zeros(2), mean=9.0)
""".strip().split("\n")
