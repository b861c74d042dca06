"""torch.return_types: the named tuples that operations return."""

from operator import itemgetter


def _text(values, fields):
    items = ",\n".join(f"{n}={v!r}" for n, v in zip(fields, values))
    return f"torch.return_types.{type(values).__name__}(\n{items})"


def _repr(self):
    """How a named tuple of the core prints, as PyTorch's."""
    return _text(self, type(self).__match_args__)


class _Fields(tuple):
    """A tuple whose items have names too; made of a sequence of them."""

    __slots__ = ()
    fields = ()

    def __new__(cls, items):
        self = tuple.__new__(cls, items)
        if len(self) != len(cls.fields):
            raise TypeError(
                f"torch.return_types.{cls.__name__}() takes a {len(cls.fields)}-sequence "
                f"({len(self)}-sequence given)"
            )
        return self

    def __repr__(self):
        return _text(self, self.fields)

    def __reduce__(self):
        return (type(self), (tuple(self),))


def _named(name, fields):
    names = tuple(fields.split())
    members = {n: property(itemgetter(i)) for i, n in enumerate(names)}
    count = len(names)
    members.update(__slots__=(), __module__=__name__, fields=names)
    members.update(n_fields=count, n_sequence_fields=count, n_unnamed_fields=0)
    return type(name, (_Fields,), members)


frexp = _named("frexp", "mantissa exponent")
histogram = _named("histogram", "hist bin_edges")
histogramdd = _named("histogramdd", "hist bin_edges")
linalg_cholesky_ex = _named("linalg_cholesky_ex", "L info")
linalg_eig = _named("linalg_eig", "eigenvalues eigenvectors")
linalg_eigh = _named("linalg_eigh", "eigenvalues eigenvectors")
linalg_inv_ex = _named("linalg_inv_ex", "inverse info")
linalg_ldl_factor = _named("linalg_ldl_factor", "LD pivots")
linalg_ldl_factor_ex = _named("linalg_ldl_factor_ex", "LD pivots info")
linalg_lstsq = _named("linalg_lstsq", "solution residuals rank singular_values")
linalg_lu = _named("linalg_lu", "P L U")
linalg_lu_factor = _named("linalg_lu_factor", "LU pivots")
linalg_lu_factor_ex = _named("linalg_lu_factor_ex", "LU pivots info")
linalg_qr = _named("linalg_qr", "Q R")
linalg_slogdet = _named("linalg_slogdet", "sign logabsdet")
linalg_solve_ex = _named("linalg_solve_ex", "result info")
linalg_svd = _named("linalg_svd", "U S Vh")
lu_unpack = _named("lu_unpack", "P L U")
geqrf = _named("geqrf", "a tau")
qr = _named("qr", "Q R")
slogdet = _named("slogdet", "sign logabsdet")
svd = _named("svd", "U S V")
triangular_solve = _named("triangular_solve", "solution cloned_coefficient")
_lu_with_info = _named("_lu_with_info", "LU pivots info")


# The core makes a class when it first returns one: name: further arguments of such a call.
_OF_THE_CORE = {
    **dict.fromkeys("cummax cummin max median min mode nanmedian sort".split(), (0,)),
    **dict.fromkeys(["aminmax"], ()),
    "kthvalue": (1,),
    "topk": (1,),
}


def __getattr__(name):
    if name in _OF_THE_CORE:
        import rushlight as torch

        return type(getattr(torch, name)(torch.ones(1), *_OF_THE_CORE[name]))
    from ._missing import missing

    return missing("torch.return_types", name)
