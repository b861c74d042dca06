"""Operations composed of others in Python: differentiable as their parts are."""

import rushlight as torch



__all__ = [
    "allclose",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_shapes",
    "broadcast_tensors",
    "corrcoef",
    "cov",
    "cross",
    "einsum",
    "heaviside",
    "isclose",
    "isreal",
    "nan_to_num",
    "signbit",
    "unravel_index",
    "vander",
]


def broadcast_shapes(*shapes):
    """The shape that tensors of these shapes broadcast to."""
    result = []
    for shape in shapes:
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        result = [1] * (len(shape) - len(result)) + result
        for i in range(1, len(shape) + 1):
            if shape[-i] < 0:
                raise RuntimeError(f"Trying to create tensor with negative dimension ({shape[-i]}): ({shape[-i]})")
            if shape[-i] != 1 and result[-i] not in (1, shape[-i]):
                raise RuntimeError(
                    "Shape mismatch: objects cannot be broadcast to a single shape"
                )
            if shape[-i] != 1:
                result[-i] = shape[-i]
    return torch.Size(result)


def broadcast_tensors(*tensors):
    """The tensors expanded to their common shape, as views."""
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tensors[0]
    total = tensors[0]
    shape = tensors[0].shape
    for t in tensors[1:]:
        shape = (torch.empty(shape, device=total.device).expand(shape) + torch.empty(t.shape)).shape if shape != t.shape else shape
    return tuple(t.expand(shape) for t in tensors)


def _each(function):
    def many(*tensors):
        if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
            return tuple(function(t) for t in tensors[0])
        return function(tensors[0]) if len(tensors) == 1 else tuple(function(t) for t in tensors)

    return many


def atleast_1d(*tensors):
    """Each tensor with at least one dimension."""
    return _each(lambda t: t.reshape(1) if t.dim() == 0 else t)(*tensors)


def atleast_2d(*tensors):
    """Each tensor with at least two dimensions; new ones come first."""
    return _each(lambda t: t.reshape(1, 1) if t.dim() == 0 else t.unsqueeze(0) if t.dim() == 1 else t)(*tensors)


def atleast_3d(*tensors):
    """Each tensor with at least three dimensions."""

    def one(t):
        if t.dim() == 0:
            return t.reshape(1, 1, 1)
        if t.dim() == 1:
            return t.unsqueeze(0).unsqueeze(-1)
        return t.unsqueeze(-1) if t.dim() == 2 else t

    return _each(one)(*tensors)


def isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """abs(input - other) <= atol + rtol * abs(other), elementwise."""
    if input.dtype != other.dtype:
        raise RuntimeError(f"{_short(input)} did not match {_short(other)}")
    if rtol < 0:
        raise RuntimeError(f"rtol must be greater than or equal to zero, but got {rtol:g}")
    if atol < 0:
        raise RuntimeError(f"atol must be greater than or equal to zero, but got {atol:g}")
    close = input == other
    if equal_nan and (input.is_floating_point() or input.is_complex()):
        close = close | (input.isnan() & other.isnan())
    if rtol == 0 and atol == 0:
        return close
    wide = (input, other) if input.is_floating_point() or input.is_complex() else (input.double(), other.double())
    error = (wide[0] - wide[1]).abs()
    return close | (error.isfinite() & (error <= atol + (rtol * wide[1]).abs()))


def _short(t):
    return {"float32": "Float", "float64": "Double", "int64": "Long", "int32": "Int"}.get(str(t.dtype)[6:], str(t.dtype)[6:])


def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """isclose everywhere?

    >>> torch.allclose(torch.ones(2), torch.ones(2) + 1e-7)
    True
    """
    return bool(isclose(input, other, rtol, atol, equal_nan).all())


def isreal(input):
    """True where the imaginary part is zero."""
    return input.imag == 0 if input.is_complex() else torch.ones_like(input, dtype=torch.bool)


def signbit(input):
    """True for negative numbers, -0.0 among them."""
    if not input.is_floating_point():
        return input < 0
    return torch.copysign(torch.ones_like(input), input) < 0


def heaviside(input, values):
    """0 below zero, 1 above, `values` at zero."""
    if input.dtype != values.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    one, zero = torch.ones_like(input), torch.zeros_like(input)
    return torch.where(input == 0, values, torch.where(input > 0, one, zero))


def nan_to_num(input, nan=0.0, posinf=None, neginf=None):
    """NaN and infinities replaced by numbers."""
    if not (input.is_floating_point() or input.is_complex()):
        return input.clone()
    limits = torch.finfo(input.dtype)
    out = torch.where(input.isnan(), nan or 0.0, input)
    out = torch.where(out == float("inf"), limits.max if posinf is None else posinf, out)
    return torch.where(out == float("-inf"), limits.min if neginf is None else neginf, out)


def cross(input, other, dim=None):
    """The cross product along a dimension of size 3."""
    if dim is None:
        dim = next((d for d, s in enumerate(input.shape) if s == 3), None)
        if dim is None:
            raise RuntimeError("no dimension of size 3 in input")
    input, other = torch.broadcast_tensors(input, other)
    if input.size(dim) != 3:
        raise RuntimeError(f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.size(dim)} and {other.size(dim)}")
    return input.roll(-1, dim) * other.roll(1, dim) - input.roll(1, dim) * other.roll(-1, dim)


def cov(input, *, correction=1, fweights=None, aweights=None):
    """The covariance of variables in rows (NumPy's cov)."""
    x = input if input.dim() == 2 else input.reshape(1, -1)
    weight = None
    if fweights is not None:
        weight = fweights.to(x.dtype)
    if aweights is not None:
        weight = aweights if weight is None else weight * aweights
    total = torch.tensor(float(x.size(1)), dtype=x.dtype) if weight is None else weight.sum()
    mean = x.mean(1, keepdim=True) if weight is None else (x * weight).sum(1, keepdim=True) / total
    norm = total - correction
    if aweights is not None and correction:
        norm = total - correction * (weight * aweights).sum() / total
    x = x - mean
    right = x if weight is None else x * weight
    return (x @ right.t().conj() / norm.clamp(min=0)).squeeze()


def corrcoef(input):
    """The correlation coefficients of variables in rows."""
    c = cov(input)
    if c.dim() == 0:
        return c / c
    d = c.diagonal().sqrt()
    return (c / d.unsqueeze(1) / d.unsqueeze(0)).clamp(-1, 1)


def vander(x, N=None, *, increasing=False):
    """The Vandermonde matrix: powers of x in columns."""
    n = x.size(0) if N is None else N
    powers = torch.arange(n) if increasing else torch.arange(n - 1, -1, -1)
    return x.unsqueeze(-1) ** powers


def unravel_index(indices, shape):
    """Flat indices as coordinates in `shape`."""
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    result = []
    for size in reversed(shape):
        result.append(indices % size)
        indices = torch.div(indices, size, rounding_mode="floor")
    return tuple(reversed(result))


# ---- einsum: Einstein's summation, by permuting each operand and one batched product a pair ----


def einsum(equation, *operands):
    """Sums of products by index letters: 'ij,jk->ik' is a matrix product; '...' is any dimensions.

    Raises RuntimeError for a malformed equation or sizes that do not fit.

    >>> torch.einsum("ij,ij->i", torch.ones(2, 3), torch.ones(2, 3))
    tensor([3., 3.])
    """
    if not isinstance(equation, str):
        equation, operands = _from_sublists((equation, *operands))
    elif len(operands) == 1 and isinstance(operands[0], (tuple, list)):
        operands = operands[0]
    terms, out = _parse(equation, operands)
    if out is None:
        letters = "".join(terms)
        dots = sorted({c for c in letters if isinstance(c, str) and ord(c) >= _DOTS}, reverse=True)
        out = "".join(dots) + "".join(sorted(c for c in set(letters) if ord(c) < _DOTS and letters.count(c) == 1))
    sizes = {}
    views = []
    for term, t in zip(terms, operands):
        term, t = _diagonals(term, t)
        for c, n in zip(term, t.shape):
            if n != 1 and sizes.get(c, 1) not in (1, n):
                raise RuntimeError(
                    f"einsum(): subscript {c} has size {n} for operand {len(views)} which does not broadcast "
                    f"with previously seen size {sizes[c]}"
                )
            sizes[c] = max(n, sizes.get(c, 1)) if n else 0
        views.append((term, t))
    for c in out:
        if c not in sizes:
            raise RuntimeError(f"einsum(): output subscript {c} does not appear in the equation for any input operand")
    term, total = views[0]
    for k, (other, t) in enumerate(views[1:], 1):
        later = set(out).union(*(set(v[0]) for v in views[k + 1 :]))
        term, total = _contract(term, total, other, t, later)
    summed = [i for i, c in enumerate(term) if c not in out]
    if summed:
        total = total.sum(summed)
        term = "".join(c for c in term if c in out)
    return total.permute([term.index(c) for c in out])


_DOTS = 0x1000  # letters that stand for the dimensions of an ellipsis


def _from_sublists(args):
    operands = args[0 : len(args) - len(args) % 2 : 2]
    lists = args[1::2]
    out = args[-1] if len(args) % 2 else None

    def text(indices):
        return "".join("..." if i is Ellipsis else chr(ord("A") + i) if i < 26 else chr(ord("a") + i - 26) for i in indices)

    equation = ",".join(map(text, lists))
    return (equation if out is None else f"{equation}->{text(out)}"), operands


def _parse(equation, operands):
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        more = "fewer" if len(terms) > len(operands) else "more"
        raise RuntimeError(f"einsum(): {more} operands were provided than specified in the equation")
    widest = 0
    expanded = []
    for i, (term, t) in enumerate(zip(terms, operands)):
        named = len(term.replace("...", ""))
        if "..." in term:
            n = t.dim() - named
            widest = max(widest, n)
            term = term.replace("...", "".join(chr(_DOTS + k) for k in range(n - 1, -1, -1)))
        if len(term) != t.dim():
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({named}) "
                f"{'is more than' if named > t.dim() else 'does not match'} the number of dimensions ({t.dim()}) for operand {i}"
                + ("" if named > t.dim() else " and no ellipsis was given")
            )
        for c in term:
            if not (c.isalpha() or ord(c) >= _DOTS):
                raise RuntimeError(f"einsum(): invalid subscript given at index {equation.find(c)} in the equation string, subscripts must be in [a-zA-Z]")
        expanded.append(term)
    if not arrow:
        return expanded, None
    out = right.replace("...", "".join(chr(_DOTS + k) for k in range(widest - 1, -1, -1)))
    for c in out:
        if out.count(c) > 1:
            raise RuntimeError(f"einsum(): output subscript {c} appears more than once in the output")
    return expanded, out


def _diagonals(term, t):
    """A letter that comes twice in one operand stands for its diagonal."""
    for c in sorted(set(term)):
        while term.count(c) > 1:
            a = term.index(c)
            b = term.index(c, a + 1)
            if t.size(a) != t.size(b):
                raise RuntimeError(f"einsum(): subscript {c} is repeated for operand 0 but the sizes don't match, {t.size(b)} != {t.size(a)}")
            t = t.diagonal(0, a, b)
            term = term[:a] + term[a + 1 : b] + term[b + 1 :] + c
    return term, t


def _contract(left, a, right, b, keep):
    """One product: letters in both and kept are batch, in both and not kept are summed."""
    for c in [c for c in left if c not in right and c not in keep]:
        a, left = a.sum(left.index(c)), left.replace(c, "")
    for c in [c for c in right if c not in left and c not in keep]:
        b, right = b.sum(right.index(c)), right.replace(c, "")
    both = [c for c in left if c in right]
    batch = [c for c in both if c in keep]
    summed = [c for c in both if c not in keep]
    # A broadcast size-1 dimension cannot be a batch or a summed one of a plain product.
    for c in both:
        n = max(a.size(left.index(c)), b.size(right.index(c)))
        if a.size(left.index(c)) != n:
            a = a.expand([n if x == c else -1 for x in left])
        if b.size(right.index(c)) != n:
            b = b.expand([n if x == c else -1 for x in right])
    rows = [c for c in left if c not in both]
    columns = [c for c in right if c not in both]
    size_a, size_b = dict(zip(left, a.shape)), dict(zip(right, b.shape))

    def flat(letters, sizes):
        n = 1
        for c in letters:
            n *= sizes[c]
        return n

    a = a.permute([left.index(c) for c in batch + rows + summed])
    b = b.permute([right.index(c) for c in batch + summed + columns])
    out = batch + rows + columns
    shape = [size_a.get(c, size_b.get(c)) for c in out]
    if not summed and not rows and not columns:
        return "".join(out), a * b
    nb, nr, ns, nc = flat(batch, size_a), flat(rows, size_a), flat(summed, size_a), flat(columns, size_b)
    product = torch.bmm(a.reshape(nb, nr, ns), b.reshape(nb, ns, nc))
    return "".join(out), product.view(shape)


# Methods that are these functions, and in-place forms that are a copy of the result.
def _in_place(function):
    def method(self, *args, **kwargs):
        return self.copy_(function(self, *args, **kwargs))

    return method


_METHODS = {
    name: globals()[name]
    for name in ("allclose", "corrcoef", "cov", "cross", "heaviside", "isclose", "isreal", "nan_to_num", "signbit")
}
_METHODS["nan_to_num_"] = _in_place(nan_to_num)
_METHODS["heaviside_"] = _in_place(heaviside)
_METHODS["broadcast_to"] = lambda self, *size: self.expand(*size)
