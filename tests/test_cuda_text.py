"""The CUDA text of every formula: NVRTC compiles it, for every dtype the record names; a C++ compiler
runs it on the CPU, where it must agree with the compiled kernels. No GPU is needed or used.
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

    def compile(self, source, arch):
        """(log, PTX); the log is empty if all is well. For sm_ machine code is made as well."""
        handle = ctypes.c_void_p()
        self.lib.nvrtcCreateProgram(
            ctypes.byref(handle), source.encode(), b"rushlight.cu", 0, None, None
        )
        options = (ctypes.c_char_p * 1)(f"--gpu-architecture={arch}".encode())
        result = self.lib.nvrtcCompileProgram(handle, 1, options)
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
        log, ptx = nvrtc.compile(program(dtype), arch)
        missing = [k for k in kernels(dtype) if f"rl_{k[0]}_" not in ptx]
        return f"{dtype} {arch}: {log} {missing}" if log or missing else ""

    with ThreadPoolExecutor(2) as pool:
        assert [e for e in pool.map(compile, jobs) if e] == []


def test_float_stays_float(nvrtc):
    """No constant or leaf drags a float32 kernel into double, which most GPUs do slowly."""
    in_double = {"digamma", "lgamma"}  # on purpose
    chosen = [k for k in kernels(rushlight.float32) if k[0] not in in_double]
    log, ptx = nvrtc.compile(program(rushlight.float32, chosen), "compute_80")
    assert log == ""
    bodies = re.split(r"\.visible \.entry (\w+)\(", ptx)[1:]
    double = [n for n, body in zip(bodies[::2], bodies[1::2], strict=True) if ".f64" in body]
    assert double == []


def test_structure():
    text = C._cuda_source("_huber", 0, rushlight.float16, preamble=False)
    head = text.split("{")[0]
    assert head == (
        'extern "C" __global__ void rl__huber_backward0_float16(long long n, rl_half* out, '
        "const rl_half* in0, const rl_half* in1, const rl_half* in2, float s0) "
    )
    assert text.count("rl_load<float>(") == 3 and text.count("rl_store(out + i, ") == 1
    assert "for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < n;" in text

    text = C._cuda_source("tanh", 0, rushlight.float64, preamble=False)  # loads g and y, not x
    assert "in0" in text and "in1" not in text and "in2" in text and "1.0 - v" in text
    text = C._cuda_source("lt", -1, rushlight.int64, preamble=False)
    assert "bool* out, const long long* in0, const long long* in1)" in text
    text = C._cuda_source("abs", 0, rushlight.complex64, preamble=False)  # g is real, x complex
    assert "rl_complex<float>* out, const float* in0, const rl_complex<float>* in1" in text
    text = C._cuda_source("exp", 0, rushlight.complex128, preamble=False)
    assert "rl_conj(rl_load<rl_complex<double>>(in0[i]))" in text and "rl_store(out + i, rl_conj(v" in text


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
    with pytest.raises(TypeError, match='"erf" not implemented for \'ComplexFloat\''):
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
static float exp2(float x) { return exp2f(x); }
template <class T> T cyl_bessel_i0(T x) { return T(cyl_bessel_i(0.0, fabs((double)x))); }
template <class T> T erfinv(T x) {  // bisection, for what is inside
  if (!(fabs(x) < 1)) return x == 1 ? INFINITY : x == -1 ? -INFINITY : NAN;
  double a = -6, b = 6;
  for (int i = 0; i < 100; ++i) (erf((a + b) / 2) < x ? a : b) = (a + b) / 2;
  return T((a + b) / 2);
}
"""
HOST_DTYPES = [rushlight.float32, rushlight.float64, rushlight.int32, rushlight.int64,
               rushlight.complex64, rushlight.complex128]  # fmt: skip


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
