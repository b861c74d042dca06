"""Gamma draws with PyTorch's numbers (Marsaglia & Tsang 2000), and their gradient. An element at a
time in Python: exact, not fast.
"""

import math

import rushlight as torch


def _one(alpha):
    number = torch.empty((), dtype=torch.float64)
    scale = 1.0
    if alpha < 1.0:
        if alpha == 0.0:
            return 0.0
        scale *= (1 - number.uniform_().item()) ** (1.0 / alpha)
        alpha += 1.0
    d = alpha - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        y = 0.0
        while y <= 0.0:
            x = number.normal_().item()
            y = 1.0 + c * x
        v = y * y * y
        u = 1 - number.uniform_().item()
        xx = x * x
        if u < 1.0 - 0.0331 * xx * xx or math.log(u) < 0.5 * xx + d * (1.0 - v + math.log(v)):
            return scale * d * v


class _StandardGamma(torch.autograd.Function):
    @staticmethod
    def forward(ctx, alpha):
        flat = [_one(a) for a in alpha.double().reshape(-1).tolist()]
        x = torch.tensor(flat, dtype=torch.float64).to(alpha.dtype).reshape(alpha.shape)
        x = x.clamp(min=torch.finfo(alpha.dtype).tiny)
        ctx.save_for_backward(alpha, x)
        return x

    @staticmethod
    def backward(ctx, grad):
        # x moves with alpha so that its place in the distribution stays (Figurnov et al. 2018).
        alpha, x = (t.double() for t in ctx.saved_tensors)
        h = 1e-4 * alpha.clamp(max=1.0)
        change = (torch.igamma(alpha + h, x) - torch.igamma(alpha - h, x)) / (2 * h)
        density = ((alpha - 1) * x.log() - x - torch.lgamma(alpha)).exp()
        return grad * (-change / density).to(grad.dtype)


def standard_gamma(alpha):
    """Draws of Gamma(alpha, 1); gradients reach alpha."""
    return _StandardGamma.apply(alpha)
