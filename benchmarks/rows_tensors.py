"""Operations on tensors of some size: pointwise, reductions, sorting, indexing, random numbers, matrix
products, linear algebra."""

from row import Row

POINTWISE = (  # the last: bytes that an element must move
    ("a + b", "a + b", 12),
    ("a * 2 + b", "a * 2 + b", 20),  # two operations
    ("exp", "a.exp()", 8),
    ("log", "a.log()", 8),
    ("tanh", "a.tanh()", 8),
    ("sigmoid", "a.sigmoid()", 8),
    ("gelu", "F.gelu(a)", 8),
    ("relu", "a.relu()", 8),
    ("sin", "a.sin()", 8),
    ("a ** 3", "a ** 3", 8),
    ("sqrt", "a.sqrt()", 8),
    ("a > b", "a > b", 9),
)
LARGE = 10_000_000  # floats that no cache of a core holds


def elementwise():
    for count in (1_000, 100_000, LARGE):
        setup = f"a, b = torch.rand({count}), torch.rand({count})"
        shown = f"{count:.0e}".replace("e+0", "e")
        for name, statement, moved in POINTWISE:
            large = {"moved": moved * count, "readme": name in ("a + b", "gelu")}
            large = large if count == LARGE else {}
            yield Row("elementwise", f"{name}, {shown} floats", setup, statement, **large)
    matrix = "m, r, c = torch.rand(1000, 1000), torch.rand(1000), torch.rand(1000, 1)"
    yield Row("elementwise", "matrix + row, 1e6 floats", matrix, "m + r")
    yield Row("elementwise", "matrix * column, 1e6 floats", matrix, "m * c")
    yield Row("elementwise", "matrix.t() + matrix, 1e6 floats", matrix, "m.t() + m")
    yield Row("elementwise", "m.t().contiguous(), 1e6 floats", matrix, "m.t().contiguous()")
    yield Row("elementwise", "m.clone(), 1e6 floats", matrix, "m.clone()")
    yield Row("elementwise", "to(float64), 1e6 floats", matrix, "m.to(torch.float64)")
    yield Row("elementwise", "to(bfloat16), 1e6 floats", matrix, "m.to(torch.bfloat16)")
    integers = "a, b = torch.randint(100, (10**6,)), torch.randint(100, (10**6,))"
    yield Row("elementwise", "a + b, 1e6 int64", integers, "a + b")
    yield Row("elementwise", "a == b, 1e6 int64", integers, "a == b")
    where = "a, b, m = torch.rand(10**6), torch.rand(10**6), torch.rand(10**6) > 0.5"
    yield Row("elementwise", "where, 1e6 floats", where, "torch.where(m, a, b)")
    yield Row("elementwise", "a.add_(b), 1e6 floats", where, "a.add_(b)")


def reductions():
    for count in (1_000, 100_000, LARGE):
        shown, setup = f"{count:.0e}".replace("e+0", "e"), f"a = torch.rand({count})"
        moved = 4 * count if count == LARGE else 0
        yield Row("reductions", f"sum, {shown} floats", setup, "a.sum()", moved=moved)
    setup = f"m = torch.rand(10_000, {LARGE // 10_000})"
    for call in ("m.max()", "m.sum(dim=0)", "m.sum(dim=1)", "m.var(dim=0)", "m.argmax(dim=1)"):
        yield Row("reductions", f"{call}, (10000, 1000)", setup, call, moved=4 * LARGE)
    setup = "m = torch.rand(1000, 1000)"
    for name in ("sum", "mean", "max", "argmax", "var", "logsumexp", "cumsum", "norm"):
        for dim in (0, 1):
            call = f"m.{name}(dim={dim})"
            yield Row("reductions", f"{call}, (1000, 1000)", setup, call)
    yield Row("reductions", "m.std(), (1000, 1000)", setup, "m.std()")
    yield Row("reductions", "(m > 0.5).sum(), (1000, 1000)", setup, "(m > 0.5).sum()")


def sorting():
    vector, matrix = "a = torch.rand(10**6)", "m = torch.rand(1000, 1000)"
    yield Row("sorting", "sort, 1e6 floats", vector, "a.sort()")
    yield Row("sorting", "sort(dim=1), (1000, 1000)", matrix, "m.sort(dim=1)")
    yield Row("sorting", "topk(10), (1000, 1000)", matrix, "m.topk(10, dim=1)")
    yield Row("sorting", "median, 1e6 floats", vector, "a.median()")
    integers = "i = torch.randint(1000, (10**5,))"
    yield Row("sorting", "unique, 1e5 integers", integers, "i.unique()")
    yield Row("sorting", "bincount, 1e5 integers", integers, "i.bincount()")


def indexing():
    rows = "a = torch.rand(10000, 64); i = torch.randint(10000, (1000,))"
    yield Row("indexing", "index_select 1000 rows of 64", rows, "a.index_select(0, i)")
    yield Row("indexing", "a[i], 1000 rows of 64", rows, "a[i]")
    rows = "a = torch.rand(1000, 64); i = torch.randint(1000, (1000,)); b = torch.rand(1000, 64)"
    yield Row("indexing", "index_add_, 1000 rows of 64", rows, "a.index_add_(0, i, b)")
    yield Row("indexing", "a[i] = b, 1000 rows of 64", rows, "a[i] = b")
    mask = "m = torch.rand(1000, 1000); k = m > 0.5; j = torch.randint(1000, (1000, 1000))"
    yield Row("indexing", "m[mask], 1e6 floats", mask, "m[k]")
    yield Row("indexing", "masked_fill, 1e6 floats", mask, "m.masked_fill(k, 0.0)")
    yield Row("indexing", "gather(1), 1e6 floats", mask, "m.gather(1, j)")
    yield Row("indexing", "scatter_add(1), 1e6 floats", mask, "m.scatter_add(1, j, m)")
    yield Row("indexing", "nonzero, 1e6 floats", mask, "k.nonzero()")
    yield Row("indexing", "cat of two, 2e6 floats", mask, "torch.cat([m, m], dim=1)")
    yield Row("indexing", "roll, 1e6 floats", mask, "m.roll(7, 1)")
    yield Row("indexing", "flip, 1e6 floats", mask, "m.flip(1)")
    image = "x = torch.rand(8, 3, 64, 64)"
    yield Row("indexing", "pad (8, 3, 64, 64)", image, "F.pad(x, (1, 1, 1, 1))")
    yield Row(
        "indexing", "NCHW to NHWC, (8, 3, 64, 64)", image, "x.permute(0, 2, 3, 1).contiguous()"
    )


RANDOM = [
    Row("random", "rand(1e6)", "", "torch.rand(1_000_000)", readme=True),
    Row("random", "randn(1e6)", "", "torch.randn(1_000_000)"),
    Row("random", "randint(1e6)", "", "torch.randint(10, (1_000_000,))"),
    Row("random", "randperm(1e5)", "", "torch.randperm(100_000)"),
    Row("random", "bernoulli(1e6)", "p = torch.full((10**6,), 0.3)", "torch.bernoulli(p)"),
    Row("random", "multinomial, 64 of 1000", "p = torch.rand(64, 1000)", "p.multinomial(1)"),
    Row("random", "dropout, 1e6 floats", "x = torch.rand(10**6)", "F.dropout(x)"),
]


def products():
    for n in (16, 32, 64, 128, 256, 512, 1024, 2048):
        setup = f"a, b = torch.rand({n}, {n}), torch.rand({n}, {n})"
        readme, flops = n in (64, 512, 2048), 2 * n**3
        yield Row("products", f"matmul {n} x {n}", setup, "a @ b", readme=readme, flops=flops)
    for m, k, n in ((1, 512, 512), (8, 768, 3072), (64, 1000, 100), (1000, 64, 100), (4096, 8, 8)):
        setup = f"a, b = torch.rand({m}, {k}), torch.rand({k}, {n})"
        flops = 2 * m * k * n
        yield Row("products", f"matmul ({m}, {k}) by ({k}, {n})", setup, "a @ b", flops=flops)
    for layout, call in (("a.t() @ b", "a.t() @ b"), ("a @ b.t()", "a @ b.t()")):
        setup = "a, b = torch.rand(256, 256), torch.rand(256, 256)"
        yield Row("products", f"{layout}, 256 x 256", setup, call, flops=2 * 256**3)
    for b, n in ((64, 32), (32, 64), (8, 256)):
        setup = f"a, b = torch.rand({b}, {n}, {n}), torch.rand({b}, {n}, {n})"
        flops = 2 * b * n**3
        yield Row("products", f"bmm {b} of {n} x {n}", setup, "torch.bmm(a, b)", flops=flops)
    vector = "a, v = torch.rand(1000, 1000), torch.rand(1000)"
    yield Row("products", "matrix by vector, 1000 x 1000", vector, "a @ v")
    double = "a, b = (torch.rand(256, 256, dtype=torch.float64) for _ in range(2))"
    yield Row("products", "matmul 256 x 256, float64", double, "a @ b")
    for n in (64, 256, 1024):
        half = f"a, b = (torch.rand({n}, {n}).bfloat16() for _ in range(2))"
        yield Row("products", f"matmul {n} x {n}, bfloat16", half, "a @ b")
    linear = "x, w = torch.rand(64, 512).bfloat16(), torch.rand(512, 512).bfloat16()"
    yield Row(
        "products", "linear 64 x 512 to 512, bfloat16", linear, "torch.nn.functional.linear(x, w)"
    )
    heads = "q, k = torch.rand(8, 4, 64, 32), torch.rand(8, 4, 64, 32)"
    yield Row("products", "einsum of attention", heads, "torch.einsum('bhid,bhjd->bhij', q, k)")


def linear_algebra():
    for n in (4, 64, 256):
        setup = f"a = torch.rand({n}, {n}); a = a @ a.t() + torch.eye({n}); b = torch.rand({n}, 1)"
        for name, call in (
            ("solve", "solve(a, b)"), ("inv", "inv(a)"), ("cholesky", "cholesky(a)"),
            ("qr", "qr(a)"), ("eigh", "eigh(a)"), ("svd", "svd(a)"), ("det", "det(a)"),
        ):  # fmt: skip
            yield Row("linear algebra", f"{name} {n} x {n}", setup, f"torch.linalg.{call}")
    yield Row("linear algebra", "fft of 2**16", "x = torch.rand(2**16)", "torch.fft.rfft(x)")
    yield Row("linear algebra", "fft2 256 x 256", "x = torch.rand(256, 256)", "torch.fft.fft2(x)")
    sound = "x, window = torch.rand(2**16), torch.hann_window(400)"
    stft = "torch.stft(x, 400, 160, window=window, return_complex=True)"
    yield Row("linear algebra", "stft of 2**16, windows of 400", sound, stft)


def rows():
    """Every row of this file."""
    for group in (elementwise, reductions, sorting, indexing, products, linear_algebra):
        yield from group()
    yield from RANDOM
