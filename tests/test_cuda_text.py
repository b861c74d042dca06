"""The CUDA text of every formula: NVRTC compiles it, for every dtype of its domain; a C++ compiler
runs it on the CPU, where it must agree with the formula on tensors. No GPU is needed or used.
"""

import ctypes
import importlib.util
import itertools
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import formulas
import numpy as np
import pytest

import rushlight

C = rushlight._C


def kernels(dtype):
    """(name, gradient) of every kernel for a dtype."""
    for name, facts in formulas.ALL.items():
        if dtype not in facts["dtypes"]:
            continue
        yield name, -1
        if facts["differentiable"] and (dtype.is_floating_point or dtype.is_complex):
            yield from ((name, k) for k in range(facts["operands"]))


DTYPES = sorted({d for f in formulas.ALL.values() for d in f["dtypes"]}, key=str)


def program(dtype, chosen=None):
    chosen = kernels(dtype) if chosen is None else chosen
    texts = [C._cuda_source(name, k, dtype, preamble=False) for name, k in chosen]
    return C._cuda_preamble() + "\n".join(texts)


class Nvrtc:
    """The few calls of NVIDIA's run-time compiler that a test needs."""

    def __init__(self):
        spec = importlib.util.find_spec("nvidia.cuda_nvrtc")
        if spec is None:
            pytest.skip("the wheel nvidia-cuda-nvrtc-cu12 is not installed")
        (path,) = Path(spec.submodule_search_locations[0]).glob("lib/libnvrtc.so.12")
        self.lib = ctypes.CDLL(str(path))

    def text(self, handle, what):
        size = ctypes.c_size_t()
        assert getattr(self.lib, f"nvrtcGet{what}Size")(handle, ctypes.byref(size)) == 0
        buffer = ctypes.create_string_buffer(size.value)
        assert getattr(self.lib, f"nvrtcGet{what}")(handle, buffer) == 0
        return buffer.value.decode(errors="replace")

    def compile(self, source, arch, *options):
        """(log, PTX); the log is empty if all is well. For sm_ machine code is made as well."""
        options = [f"--gpu-architecture={arch}".encode(), *options]
        handle = ctypes.c_void_p()
        self.lib.nvrtcCreateProgram(
            ctypes.byref(handle), source.encode(), b"rushlight.cu", 0, None, None
        )
        array = (ctypes.c_char_p * len(options))(*options)
        result = self.lib.nvrtcCompileProgram(handle, len(options), array)
        log = self.text(handle, "ProgramLog").strip("\x00\n ")
        ptx = "" if result else self.text(handle, "PTX")
        self.lib.nvrtcDestroyProgram(ctypes.byref(handle))
        return log or ("" if result == 0 else f"error {result}"), ptx


@pytest.fixture(scope="module")
def nvrtc():
    return Nvrtc()


def test_every_kernel_compiles(nvrtc):
    jobs = list(itertools.product(DTYPES, ("sm_80", "sm_90")))

    def compile(job):
        dtype, arch = job
        log, ptx = nvrtc.compile(program(dtype), arch, b"--Ofast-compile=max")  # 6 times as fast
        missing = [k for k in kernels(dtype) if f"rl_{k[0]}_" not in ptx]
        return f"{dtype} {arch}: {log} {missing}" if log or missing else ""

    with ThreadPoolExecutor(2) as pool:
        assert [e for e in pool.map(compile, jobs) if e] == []


def test_float_stays_float(nvrtc):
    """No constant or leaf drags a float32 kernel into double, which most GPUs do slowly."""
    double = re.compile(  # CUDA's own, and on purpose
        r"= (sin|cos|tan|lgamma|digamma|i[01]e?|erfcx|(log_)?ndtri?|airy_ai|zeta|_polygamma|igammac?"
        r"|(scaled_)?(modified_)?bessel_\w+|\w+_polynomial_\w+)\b"
    )
    chosen = [k for k in kernels(rushlight.float32) if not double.search(C._program(*k))]
    assert len(chosen) > 200
    log, ptx = nvrtc.compile(program(rushlight.float32, chosen), "compute_80")
    assert log == ""
    parts = re.split(r"\.visible \.entry (\w+)\(", ptx)[1:]
    bodies = dict(zip(parts[::2], parts[1::2], strict=True))
    assert [name for name, body in bodies.items() if ".f64" in body] == []


def test_structure():
    text = C._cuda_source("_huber", 0, rushlight.float16, preamble=False)
    head = text.split("{")[0]
    assert head == (
        'extern "C" __global__ void rl__huber_backward0_float16(long long n, rl_half* out, '
        "const rl_half* in0, const rl_half* in1, const rl_half* in2, float s0) "
    )
    assert text.count("rl_load<float>(") == 3 and text.count("rl_store(out + i, ") == 1
    assert "long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;" in text
    assert "for (; i < n; i += step)" in text

    text = C._cuda_source("tanh", 0, rushlight.float64, preamble=False)  # loads g and y, not x
    assert "in0" in text and "in1" not in text and "in2" in text and "1.0 - v" in text
    text = C._cuda_source("lt", -1, rushlight.int64, preamble=False)
    assert "bool* out, const long long* in0, const long long* in1)" in text
    text = C._cuda_source("abs", 0, rushlight.complex64, preamble=False)  # g is real, x complex
    assert "rl_complex<float>* out, const float* in0, const rl_complex<float>* in1" in text
    text = C._cuda_source("exp", 0, rushlight.complex128, preamble=False)
    assert (
        "rl_conj(rl_load<rl_complex<double>>(in0[i]))" in text
        and "rl_store(out + i, rl_conj(v" in text
    )


def test_numbers_and_scalars_are_arguments():
    text = C._cuda_source("mul", -1, rushlight.bfloat16, numbers=2, preamble=False)
    assert "const rl_bfloat16* in0, float in1)" in text and "in1[i]" not in text
    before = [C._cuda_source("softplus", k) for k in (-1, 0)]
    for beta, threshold, size in (1, 20, 3), (0.3, 5, 70000):
        x = rushlight.ones(size, requires_grad=True)
        rushlight.nn.functional.softplus(x, beta, threshold).sum().backward()
        assert [C._cuda_source("softplus", k) for k in (-1, 0)] == before


def test_errors():
    with pytest.raises(KeyError):
        C._cuda_source("matmul")
    with pytest.raises(IndexError):
        C._cuda_source("exp", 1)
    with pytest.raises(TypeError, match="\"erf\" not implemented for 'ComplexFloat'"):
        C._cuda_source("erf", -1, rushlight.complex64)
    with pytest.raises(TypeError, match="not implemented for 'Long'"):
        C._cuda_source("maximum", 0, rushlight.int64)
    with pytest.raises(TypeError, match="not implemented for 'Bool'"):
        C._cuda_source("sub", -1, rushlight.bool)


# ---- the text run on the CPU ----

HOST = """
#include <cmath>
#include <cstring>
#include <cstdint>
#define __device__
#define __global__
#define __align__(n) alignas(n)
#define asm(...)
using namespace std;
static struct { unsigned x; } gridDim{1}, blockDim{1}, blockIdx{0}, threadIdx{0};
template <class To, class From> To bits(From x) { To y; memcpy(&y, &x, sizeof y); return y; }
static double __longlong_as_double(long long x) { return bits<double>(x); }
static float __int_as_float(int x) { return bits<float>(x); }
static int __float_as_int(float x) { return bits<int>(x); }
template <class T> T rsqrt(T x) { return T(1) / sqrt(x); }
template <class T> T erfinv(T x) {  // bisection, for what is inside
  if (!(fabs(x) < 1)) return x == 1 ? INFINITY : x == -1 ? -INFINITY : NAN;
  double a = -6, b = 6;
  for (int i = 0; i < 100; ++i) (erf((a + b) / 2) < x ? a : b) = (a + b) / 2;
  return T((a + b) / 2);
}
"""
HOST_DTYPES = [rushlight.float32, rushlight.float64, rushlight.int64, rushlight.complex128]


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """The kernels of the dtypes above as functions of this process."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler")
    folder = tmp_path_factory.mktemp("cuda_text")
    texts = [C._cuda_source(*k, d, preamble=False) for d in HOST_DTYPES for k in kernels(d)]
    (folder / "all.cpp").write_text(HOST + C._cuda_preamble() + "\n".join(texts))
    out = folder / "all.so"
    subprocess.run(
        [compiler, "-std=c++17", "-O0", "-w", "-shared", "-fPIC", folder / "all.cpp", "-o", out],
        check=True,
    )
    return ctypes.CDLL(str(out))


class Pair(ctypes.Structure):
    _fields_ = [("re", ctypes.c_double), ("im", ctypes.c_double)]


def run_text(host, name, gradient, dtype, out, inputs, scalars):
    """Runs a kernel of the text as the CUDA driver would: arrays as pointers, numbers as values."""
    number = {"float32": ctypes.c_float, "float64": ctypes.c_double, "int64": ctypes.c_int64,
              "complex128": Pair}[dtype]  # fmt: skip
    suffix = "" if gradient < 0 else f"_backward{gradient}"
    kernel = getattr(host, f"rl_{name}{suffix}_{dtype}")
    pointers = [a.ctypes.data_as(ctypes.c_void_p) for a in (out, *inputs)]
    kernel(ctypes.c_int64(out.size), *pointers, *map(number, scalars))


def kernel_cases(name, dtype):
    """(gradient, inputs that the kernel loads, scalars, what it must give), as arrays."""
    tensors, scalars = formulas.samples(name, dtype)
    inputs = formulas.as_operands(name, tensors)
    if whole := dtype.startswith("int"):  # there a program's float constants would promote
        y = C._run_formula(name, inputs, scalars)
    else:
        y = C._interpret_program(name, -1, inputs, scalars)
    yield -1, [t.numpy() for t in inputs], scalars, y.numpy()
    facts = formulas.ALL[name]
    if facts["differentiable"] and not whole:
        g, _, _, y, which, _, interpreted = formulas.gradients(name, dtype)
        for k, expected in zip(which, interpreted, strict=True):
            given = zip([g, *inputs, y], facts["loads"][k], strict=True)
            yield k, [t.numpy() for t, loaded in given if loaded], scalars, expected.numpy()


def differences(got, expected):
    """How many elements differ by more than two libraries' rounding explains."""
    eps = 2.0**-23 if expected.dtype == np.float32 else 2.0**-52
    if expected.dtype.kind in "bi":
        return int((got != expected).sum())
    with np.errstate(all="ignore"):
        near = np.isclose(got, expected, rtol=2000 * eps, atol=200 * eps, equal_nan=True)
    return int((~near).sum())


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "complex128"])
def test_text_computes_the_formula(host, dtype):
    wrong = {}
    for name, facts in formulas.ALL.items():
        if getattr(rushlight, dtype) not in facts["dtypes"]:
            continue
        for gradient, inputs, scalars, expected in kernel_cases(name, dtype):
            got = np.empty_like(expected)
            run_text(host, name, gradient, dtype, got, inputs, scalars)
            if n := differences(got, expected):
                wrong[name, gradient] = n
    assert wrong == {}
