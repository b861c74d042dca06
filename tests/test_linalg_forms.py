"""torch.linalg at its edges: errors as PyTorch words them, out=, named results, empty and not finite
matrices, arguments that LAPACK must never see, memory layouts, old names.

Not here: values and gradients (test_linalg.py).
"""

import gc
import weakref

import numpy
import pytest
import torch
from agree import agree, random, same_error
from twin import twin

import rushlight

FUNCTIONS = (
    "cholesky cholesky_ex cond det eig eigh eigvals eigvalsh inv inv_ex ldl_factor ldl_factor_ex lu "
    "lu_factor lu_factor_ex matrix_exp matrix_norm norm pinv qr slogdet svd svdvals"
).split()
OLD = (
    "cholesky cholesky_inverse det logdet slogdet inverse pinverse lu qr svd geqrf matrix_exp"
).split()


def wrong(m):
    return {
        "vector": m.ones(3),
        "number": m.tensor(1.0),
        "wide": m.ones(2, 3),
        "int": m.ones(3, 3, dtype=m.int64),
        "bool": m.ones(3, 3, dtype=m.bool),
        "half": m.ones(3, 3, dtype=m.float16),
        "bfloat16": m.ones(3, 3, dtype=m.bfloat16),
        "singular": m.zeros(3, 3),
        "singular batch": m.stack([m.eye(3), m.zeros(3, 3)]),
        "text": "x",
    }


def outcome(m, fn):
    """The error's class and first line, or that there is none."""
    try:
        fn(m)
    except Exception as e:  # noqa: BLE001
        return type(e).__name__, str(e).split("\n")[0]
    return "no error"


CASES = wrong(torch)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("case", CASES)
def test_wrong_matrices(name, case):
    theirs = outcome(torch, lambda m: getattr(m.linalg, name)(wrong(m)[case]))
    if "INTERNAL ASSERT" in theirs[1]:
        pytest.skip("a mistake of PyTorch's")
    assert outcome(rushlight, lambda m: getattr(m.linalg, name)(wrong(m)[case])) == theirs


@pytest.mark.parametrize("name", OLD)
@pytest.mark.parametrize("case", CASES)
def test_wrong_matrices_under_old_names(name, case):
    theirs = outcome(torch, lambda m: getattr(m, name)(wrong(m)[case]))
    assert outcome(rushlight, lambda m: getattr(m, name)(wrong(m)[case])) == theirs


PAIRS = {
    "solve": lambda m, a, b: m.linalg.solve(a, b),
    "solve right": lambda m, a, b: m.linalg.solve(a, b, left=False),
    "solve_ex": lambda m, a, b: m.linalg.solve_ex(a, b, check_errors=True),
    "solve_triangular": lambda m, a, b: m.linalg.solve_triangular(a, b, upper=True),
    "lstsq": lambda m, a, b: m.linalg.lstsq(a, b),
    "cholesky_solve": lambda m, a, b: m.cholesky_solve(b, a),
    "triangular_solve": lambda m, a, b: m.triangular_solve(b, a),
    "householder_product": lambda m, a, b: m.linalg.householder_product(a, b),
    "ormqr": lambda m, a, b: m.ormqr(a, m.ones(3), b),
    "vecdot": lambda m, a, b: m.linalg.vecdot(a, b),
    "cross": lambda m, a, b: m.linalg.cross(a, b),
    "tensorsolve": lambda m, a, b: m.linalg.tensorsolve(a, b),
}


def operands(m):
    return {
        "matrix": m.eye(3) + 1,
        "zeros": m.zeros(3, 3),
        "vector": m.ones(3),
        "short": m.ones(2),
        "wide": m.ones(2, 3),
        "batch": m.ones(2, 3, 4),
        "int": m.ones(3, 3, dtype=m.int64),
        "text": "x",
    }


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("left", operands(torch))
@pytest.mark.parametrize("right", operands(torch))
def test_wrong_pairs(name, left, right):
    theirs = outcome(torch, lambda m: PAIRS[name](m, operands(m)[left], operands(m)[right]))
    if name == "solve_triangular" and theirs == "no error" and "int" in (left, right):
        pytest.skip("PyTorch reads the memory of one dtype as another")
    assert (
        outcome(rushlight, lambda m: PAIRS[name](m, operands(m)[left], operands(m)[right]))
        == theirs
    )


ERRORS = [
    lambda m: m.linalg.qr(m.ones(2, 2), "x"),
    lambda m: m.linalg.eigh(m.ones(2, 2), UPLO="x"),
    lambda m: m.linalg.svd(m.ones(2, 2), driver="gesvd"),
    lambda m: m.linalg.lu(m.ones(2, 2), pivot=False),
    lambda m: m.linalg.lu_factor(m.ones(2, 2), pivot=False),
    lambda m: m.linalg.matrix_norm(m.ones(2, 2), "x"),
    lambda m: m.linalg.matrix_norm(m.ones(2, 2), 3),
    lambda m: m.linalg.matrix_norm(m.ones(2, 2), 1, (0, 0)),
    lambda m: m.linalg.matrix_norm(m.ones(2, 2), dim=(0,)),
    lambda m: m.linalg.matrix_norm(m.ones(2, 2), dim=(0, 2)),
    lambda m: m.linalg.matrix_norm(m.ones(2, 2), dtype=m.int32),
    lambda m: m.linalg.norm(m.ones(2, 2, 2), 2),
    lambda m: m.linalg.norm(m.ones(2, 2, 2), 2, dim=(0, 1, 2)),
    lambda m: m.linalg.cond(m.ones(2, 2), "x"),
    lambda m: m.linalg.cond(m.ones(2, 3), 1),
    lambda m: m.linalg.lstsq(m.ones(2, 2), m.ones(2, 2), driver="x"),
    lambda m: m.linalg.tensorinv(m.ones(2, 2), ind=0),
    lambda m: m.linalg.tensorinv(m.ones(2, 3), ind=1),
    lambda m: m.linalg.vander(m.ones(2), N=1),
    lambda m: m.linalg.matrix_power(m.zeros(2, 2), -1),
    lambda m: m.linalg.inv_ex(m.zeros(2, 2), check_errors=True),
    lambda m: m.linalg.cholesky_ex(m.zeros(2, 2), check_errors=True),
    lambda m: m.linalg.lu_solve(m.ones(2, 2), m.zeros(2, dtype=m.int32), m.ones(2, 2)),
    lambda m: m.linalg.lu_solve(m.ones(2, 2), m.full((2,), 3, dtype=m.int32), m.ones(2, 2)),
    lambda m: m.linalg.lu_solve(m.ones(2, 2), m.ones(2, dtype=m.int64), m.ones(2, 2)),
    lambda m: m.linalg.lu_solve(m.ones(2, 2), m.ones(3, dtype=m.int32), m.ones(2, 2)),
    lambda m: m.linalg.svd(m.full((2, 2), float("nan"))),
    lambda m: m.linalg.eig(m.full((2, 2), float("inf"))),
    lambda m: m.linalg.eigh(m.full((3, 3), float("nan"))),
    lambda m: m.linalg.cholesky(m.full((3, 3), float("nan"))),
    lambda m: m.linalg.qr(m.ones(3, 2, requires_grad=True), "complete")[0].sum().backward(),
    lambda m: m.linalg.qr(m.ones(3, 2, requires_grad=True), "r")[1].sum().backward(),
    lambda m: m.linalg.inv(m.eye(2), out=m.empty(2, 2, dtype=m.float64)),
    lambda m: m.linalg.svd(m.eye(2), out=m.empty(2, 2)),
]


@pytest.mark.parametrize("k", range(len(ERRORS)))
def test_errors(k):
    same_error(ERRORS[k])


def test_linalg_error():
    assert issubclass(rushlight.linalg.LinAlgError, RuntimeError)
    with pytest.raises(rushlight.linalg.LinAlgError):
        rushlight.linalg.inv(rushlight.zeros(2, 2))
    assert repr(rushlight.linalg.LinAlgError) == repr(torch.linalg.LinAlgError)


def test_pivots_are_never_trusted():
    """LAPACK would follow them out of the matrix."""
    solve = rushlight.linalg.ldl_solve
    eye = rushlight.eye(3)
    for pivots in ([0, 1, 2], [4, 1, 1], [-1, 2, 3], [1, 2, -3], [-9, -9, 1], [2**31 - 1] * 3):
        with pytest.raises(RuntimeError):
            solve(eye, rushlight.tensor(pivots, dtype=rushlight.int32), eye)
    with pytest.raises(RuntimeError):
        rushlight.lu_unpack(eye, rushlight.tensor([1, 2, 9], dtype=rushlight.int32))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e38])
@pytest.mark.parametrize("name", [*FUNCTIONS, "lstsq", "matrix_rank", "solve"])
def test_not_finite_matrices_end(name, value):
    """An answer or an error, soon."""
    for shape in ((3, 3), (2, 4, 4)):
        a = rushlight.full(shape, value)
        a[..., 0, 0] = 1
        f = getattr(rushlight.linalg, name)
        outcome(rushlight, lambda m, f=f, a=a: f(a, a) if name in ("lstsq", "solve") else f(a))


@pytest.mark.parametrize("shape", [(0, 0), (0, 3, 3), (2, 0, 0), (3, 0), (0, 3), (2, 3, 0), (1, 1)])
@pytest.mark.parametrize(
    "name", [*FUNCTIONS, "matrix_rank", "vander", "matrix_power", "solve", "lstsq"]
)
def test_empty(name, shape):
    extra = {"matrix_power": (2,)}.get(name, ())

    def run(m):
        a = m.zeros(shape, dtype=m.float64) + 2
        args = (a, a) if name in ("solve", "lstsq") else (a, *extra)
        r = getattr(m.linalg, name)(*args)
        return [tuple(t.shape) for t in r] if isinstance(r, tuple) else tuple(r.shape)

    twin(run)


RESULTS = {
    "cholesky_ex": lambda m, a: m.linalg.cholesky_ex(a),
    "eig": lambda m, a: m.linalg.eig(a),
    "eigh": lambda m, a: m.linalg.eigh(a),
    "inv_ex": lambda m, a: m.linalg.inv_ex(a),
    "ldl_factor": lambda m, a: m.linalg.ldl_factor(a),
    "ldl_factor_ex": lambda m, a: m.linalg.ldl_factor_ex(a),
    "lstsq": lambda m, a: m.linalg.lstsq(a, a),
    "lu": lambda m, a: m.linalg.lu(a),
    "lu_factor": lambda m, a: m.linalg.lu_factor(a),
    "lu_factor_ex": lambda m, a: m.linalg.lu_factor_ex(a),
    "qr": lambda m, a: m.linalg.qr(a),
    "slogdet": lambda m, a: m.linalg.slogdet(a),
    "solve_ex": lambda m, a: m.linalg.solve_ex(a, a),
    "svd": lambda m, a: m.linalg.svd(a),
    "old svd": lambda m, a: m.svd(a),
    "old qr": lambda m, a: m.qr(a),
    "old slogdet": lambda m, a: m.slogdet(a),
    "geqrf": lambda m, a: m.geqrf(a),
    "lu_unpack": lambda m, a: m.lu_unpack(*m.linalg.lu_factor(a)),
    "triangular_solve": lambda m, a: m.triangular_solve(a, a),
    "old lu": lambda m, a: m.lu(a, get_infos=True),
}


@pytest.mark.parametrize("name", RESULTS)
def test_named_results(name):
    def describe(m):
        a = m.eye(2, dtype=m.float64) * 2
        a.requires_grad_(not name.startswith(("ldl", "geqrf", "lu_unpack", "old lu", "triangular")))
        r = RESULTS[name](m, a)
        fields = repr(r).split("=")[0], type(r).__name__, type(r).n_fields, len(r)
        nodes = [type(t.grad_fn).__name__ for t in r]
        return str(fields), nodes, [str(t.dtype) for t in r]

    assert describe(rushlight) == describe(torch)


OUT = {
    **{n: (lambda m, a, n=n, **k: getattr(m.linalg, n)(a, **k)) for n in FUNCTIONS
       if n not in ("matrix_exp",)},
    "solve": lambda m, a, **k: m.linalg.solve(a, a, **k),
    "solve_triangular": lambda m, a, **k: m.linalg.solve_triangular(a, a, upper=True, **k),
    "lu_solve": lambda m, a, **k: m.linalg.lu_solve(*m.linalg.lu_factor(a), a, **k),
    "matrix_power": lambda m, a, **k: m.linalg.matrix_power(a, 3, **k),
    "matrix_rank": lambda m, a, **k: m.linalg.matrix_rank(a, **k),
    "vecdot": lambda m, a, **k: m.linalg.vecdot(a, a, **k),
    "multi_dot": lambda m, a, **k: m.linalg.multi_dot([a, a, a], **k),
    "inverse": lambda m, a, **k: m.inverse(a, **k),
    "old svd": lambda m, a, **k: m.svd(a, **k),
    "geqrf": lambda m, a, **k: m.geqrf(a, **k),
}  # fmt: skip


@pytest.mark.parametrize("name", OUT)
def test_out(name):
    a = rushlight.eye(3, dtype=rushlight.float64) * 2
    want = OUT[name](rushlight, a)
    many = isinstance(want, tuple)
    out = [rushlight.empty(0, dtype=t.dtype) for t in (want if many else [want])]
    got = OUT[name](rushlight, a, out=tuple(out) if many else out[0])
    for o, g, w in zip(out, got if many else [got], want if many else [want]):
        assert g is o and rushlight.equal(o, w)
    if many:
        assert type(got) is type(want)


def test_subclasses_take_over():
    seen = []

    class Watched(rushlight.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            seen.append(func.__name__)
            return super().__torch_function__(func, types, args, kwargs or {})

    x = rushlight.eye(2).as_subclass(Watched)
    rushlight.linalg.inv(x)
    assert "linalg_inv" in seen


def test_nodes_do_not_keep_their_results_alive():
    gc.disable()
    try:
        for name in ("inv", "svd", "eigh", "eig", "qr", "lu", "det", "slogdet", "cholesky_ex"):
            a = rushlight.tensor([[2.0, 1], [1, 3]], requires_grad=True)
            r = getattr(rushlight.linalg, name)(a)
            alive = [weakref.ref(t) for t in (r if isinstance(r, tuple) else (r,))]
            del r
            assert not any(w() for w in alive), name
    finally:
        gc.enable()


def test_written_results_are_noticed():
    a = rushlight.tensor([[2.0, 1], [1, 3]], requires_grad=True)
    r = rushlight.linalg.inv(a)
    r.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        r.sum().backward()


def test_phases_have_no_gradient():
    def loss(m):
        a = m.tensor([[2.0, 1j], [-1j, 3]], requires_grad=True)
        m.linalg.eigh(a)[1].imag.sum().backward()

    same_error(loss)


def test_many_small_matrices():
    """Threads share a batch; what they give is what one gives."""
    a = random(3000, 4, 4) + 4 * numpy.eye(4)
    agree(lambda m, x: m.linalg.inv(x), a)
    agree(lambda m, x: m.linalg.svdvals(x), a)
    agree(lambda m, x: m.linalg.eigvalsh(x @ x.mT), a)


def test_methods():
    a = rushlight.eye(2) * 2
    for name in rushlight._methods._LINALG_METHODS:
        assert hasattr(rushlight.Tensor, name) and hasattr(torch.Tensor, name), name
        assert callable(getattr(rushlight, name))
    assert float(a.det()) == 4 and float(a.logdet()) == pytest.approx(1.3862944)
    assert a.svd().S.tolist() == [2, 2] and a.slogdet().sign == 1
