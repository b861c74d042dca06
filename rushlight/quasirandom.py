"""torch.quasirandom: Sobol' sequences, points that fill the unit cube more evenly than random ones.

The direction numbers are those of Joe and Kuo (SIAM J. Sci. Comput. 30, 2008), read from SciPy's
table, so SciPy must be installed. Scrambling: Owen (1995) by random lower triangular matrices.
"""

import rushlight as torch

__all__ = ["SobolEngine"]


class SobolEngine:
    """A Sobol' sequence, point after point.

    Args:
        dimension (int): of the cube, at most 21201.
        scramble (bool): a random digital shift and linear scrambling; the same for a seed as PyTorch's.
        seed (int): for the scrambling.

    Raises:
        ValueError: a dimension out of range.
        ImportError: SciPy is not installed.

    Example:
        >>> torch.quasirandom.SobolEngine(2).draw(3)
        tensor([[0.0000, 0.0000],
                [0.5000, 0.5000],
                [0.7500, 0.2500]])
    """

    MAXBIT, MAXDIM = 30, 21201

    def __init__(self, dimension, scramble=False, seed=None):
        if dimension > self.MAXDIM or dimension < 1:
            raise ValueError(
                f"Supported range of dimensionality for SobolEngine is [1, {self.MAXDIM}]"
            )
        self.seed, self.scramble, self.dimension = seed, scramble, dimension
        self.sobolstate = _directions(dimension, self.MAXBIT)
        self.shift = torch.zeros(dimension, dtype=torch.long)
        if scramble:
            self._scramble()
        self.quasi = self.shift.clone()
        self._first_point = (self.quasi / 2**self.MAXBIT).reshape(1, -1)
        self.num_generated = 0

    def _scramble(self):
        generator = None
        if self.seed is not None:
            generator = torch.Generator()
            generator.manual_seed(self.seed)
        bits, count = self.MAXBIT, self.dimension
        powers = 2 ** torch.arange(bits)
        shift = torch.randint(2, (count, bits), generator=generator)
        self.shift = (shift * powers).sum(1)
        matrices = torch.randint(2, (count, bits, bits), generator=generator).tril()
        matrices.diagonal(dim1=1, dim2=2).fill_(1)
        # A direction's digits, the first the most significant, go through its dimension's matrix.
        digits = self.sobolstate.unsqueeze(2) >> torch.arange(bits - 1, -1, -1) & 1
        mixed = torch.einsum("dij,dkj->dki", matrices.double(), digits.double()).long() % 2
        self.sobolstate = (mixed * powers.flip(0)).sum(2)

    def draw(self, n=1, out=None, dtype=None):
        """The next `n` points, [n, dimension]."""
        dtype = dtype or torch.get_default_dtype()
        first = self.num_generated == 0
        result = self._first_point.to(dtype)
        count = n - 1 if first else n
        if count or not first:
            points = self._advance(count)
            drawn = points.to(dtype) * 2.0**-self.MAXBIT
            result = torch.cat((result, drawn)) if first else drawn
        self.num_generated += n
        if out is None:
            return result
        return out.resize_(result.shape).copy_(result)

    def draw_base2(self, m, out=None, dtype=None):
        """The next 2^m points; the number of all drawn must then be a power of two.

        Raises:
            ValueError: it is not.
        """
        n = 2**m
        total = self.num_generated + n
        if total & (total - 1):
            raise ValueError(
                "The balance properties of Sobol' points require n to be a power of 2. "
                f"{self.num_generated} points have been previously generated, then: "
                f"n={self.num_generated}+2**{m}={total}. If you still want to do this, please use "
                "'SobolEngine.draw()' instead."
            )
        return self.draw(n=n, out=out, dtype=dtype)

    def fast_forward(self, n):
        """Leaves out `n` points; returns the engine."""
        self._advance(n if self.num_generated else n - 1)
        self.num_generated += n
        return self

    def reset(self):
        """Begins again; returns the engine."""
        self.quasi.copy_(self.shift)
        self.num_generated = 0
        return self

    def _advance(self, n):
        """The next `n` points after the present one as integers; the last is the present one then.

        Point i is the exclusive or of the directions at the ones of i's Gray code.
        """
        start = self.num_generated or 1
        index = torch.arange(start, start + n)
        gray, points = index ^ (index >> 1), self.shift.repeat(n, 1)
        for bit in range(self.MAXBIT):
            points ^= (gray >> bit & 1).unsqueeze(1) * self.sobolstate[:, bit]
        if n:
            self.quasi.copy_(points[-1])
        return points

    def __repr__(self):
        text = f"dimension={self.dimension}"
        text += ", scramble=True" if self.scramble else ""
        text += f", seed={self.seed}" if self.seed is not None else ""
        return f"{type(self).__name__}({text})"


def _directions(dimension, bits):
    """The direction numbers of the first dimensions, [dimension, bits], by Bratley and Fox's
    recurrence (ACM TOMS 14, 1988) over the primitive polynomials modulo 2."""
    import os
    from importlib.util import find_spec

    scipy = find_spec("scipy")
    if scipy is None:
        raise ImportError(
            "SobolEngine reads its direction numbers from SciPy, which is not installed: "
            "pip install scipy"
        )
    import numpy

    path = os.path.join(os.path.dirname(scipy.origin), "stats", "_sobol_direction_numbers.npz")
    table = numpy.load(path)
    rows = [[1] * bits]
    for poly, row in zip(table["poly"][1:dimension].tolist(), table["vinit"][1:].tolist()):
        degree = poly.bit_length() - 1
        row = row[:degree]
        for j in range(degree, bits):
            value = row[j - degree]
            for k in range(1, degree + 1):
                if poly >> (degree - k) & 1:
                    value ^= row[j - k] << k
            row.append(value)
        rows.append(row)
    return torch.tensor(rows) << torch.arange(bits - 1, -1, -1)
