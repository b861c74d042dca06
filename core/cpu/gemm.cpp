// Matrix products: which kernel, how many threads, and the element types without one of their own.
// Complex products are real ones of twice the size, 16-bit floats are converted unless the
// processor multiplies pairs of them, integers of one width share a kernel, because wraparound
// makes them agree.
#include "cpu/gemm.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <string>
#include <type_traits>

#include "cpu/gemm_kernels.h"
#include "cpu/pick.h"
#include "cpu/threads.h"

RL_PICK(cpu::GemmKernels, gemm_kernels)

namespace rl::cpu {

// ---- scratch memory --------------------------------------------------------------------------

namespace {
struct ScratchSlots {
  void* data[static_cast<int>(Scratch::Count)] = {};
  int64_t size[static_cast<int>(Scratch::Count)] = {};
  ~ScratchSlots() {
    for (void* p : data) std::free(p);
  }
};
thread_local ScratchSlots t_scratch;
}  // namespace

void* scratch(Scratch slot, int64_t bytes) {
  const int i = static_cast<int>(slot);
  if (t_scratch.size[i] < bytes) {
    std::free(t_scratch.data[i]);
    t_scratch.size[i] = 0;
    const int64_t rounded = (bytes + bytes / 4 + 4095) / 4096 * 4096;
    t_scratch.data[i] = std::aligned_alloc(4096, static_cast<size_t>(rounded));
    if (!t_scratch.data[i]) throw std::bad_alloc();
    t_scratch.size[i] = rounded;
  }
  return t_scratch.data[i];
}

// ---- OpenBLAS --------------------------------------------------------------------------------

namespace {

struct Blas {
  std::mutex mutex;
  std::string path;
  void* handle = nullptr;
  bool tried = false;
  void (*set_threads)(int) = nullptr;
  int threads = 0;
};
Blas& blas() {
  static Blas* b = new Blas;
  return *b;
}

/// Its threads spin for 30 ms and more after a call, on cores that ours need then. They read how
/// long when they are loaded: a million ticks.
void* open_blas(const char* path) {
  constexpr const char* name = "OPENBLAS_THREAD_TIMEOUT";
  const bool unset = !std::getenv(name) && setenv(name, "20", 0) == 0;
  void* handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (unset) unsetenv(name);
  return handle;
}

/// Routines of less work are faster on one of OpenBLAS's threads: they meet after every few steps,
/// and wait for long where another program has one of the cores.
constexpr double kBlasThreadsFlops = 1e9;
thread_local double t_blas_flops = 0;

}  // namespace

BlasWork::BlasWork(double flops) : before_(t_blas_flops) { t_blas_flops = flops; }
BlasWork::~BlasWork() { t_blas_flops = before_; }

void* blas_symbol(const char* name) {
  Blas& b = blas();
  std::lock_guard<std::mutex> lock(b.mutex);
  if (!b.tried) {
    b.tried = true;
    if (!b.path.empty()) b.handle = open_blas(b.path.c_str());
    if (b.handle)
      b.set_threads =
          reinterpret_cast<void (*)(int)>(dlsym(b.handle, "scipy_openblas_set_num_threads"));
  }
  if (!b.handle) return nullptr;
  const int threads = in_parallel() || t_blas_flops < kBlasThreadsFlops ? 1 : num_threads();
  if (b.set_threads && b.threads != threads) b.set_threads(b.threads = threads);
  return dlsym(b.handle, (std::string("scipy_") + name).c_str());
}

void set_blas_path(const char* path) {
  Blas& b = blas();
  std::lock_guard<std::mutex> lock(b.mutex);
  b.path = path ? path : "";
  b.tried = false;
  b.handle = nullptr;
}

// ---- one real product ------------------------------------------------------------------------

namespace {

template <class T>
const RealKernels<T>& kernels() {
  const GemmKernels& k = gemm_kernels();
  if constexpr (std::is_same_v<T, float>)
    return k.f32;
  else if constexpr (std::is_same_v<T, double>)
    return k.f64;
  else if constexpr (kPairs<T>)
    return k.bf16;
  else if constexpr (sizeof(T) == 1)
    return k.u8;
  else if constexpr (sizeof(T) == 2)
    return k.u16;
  else if constexpr (sizeof(T) == 4)
    return k.u32;
  else
    return k.u64;
}

template <class T>
T* scratch_of(Scratch slot, int64_t count) {
  return static_cast<T*>(scratch(slot, count * static_cast<int64_t>(sizeof(T))));
}

/// Where vectors are strided, the kernels get a copy.
template <class T>
const T* contiguous(const T* x, int64_t inc, int64_t n, Scratch slot) {
  if (inc == 1) return x;
  T* copy = scratch_of<T>(slot, n);
  for (int64_t i = 0; i < n; ++i) copy[i] = x[i * inc];
  return copy;
}

constexpr int64_t kGrainFlops = 400'000;  // what a second thread must have to do to be woken

constexpr double kLongFlops = 1e7;  // a thread's share that is worth cutting further

constexpr int64_t kSweepRows = 64, kSweepBytes = 2 << 20;  // see GemmArgs::sweep

/// y = alpha * A @ x + beta * y with y contiguous.
template <class T>
void gemv_real(GemvArgs<T> g) {
  if (g.m <= 0) return;
  const int64_t work = 2 * g.m * std::max<int64_t>(g.n, 1);
  const int64_t rows = g.m * kGrainFlops / work;
  const int64_t grain = std::max<int64_t>(64, (rows + 63) / 64 * 64);
  parallel_for(0, g.m, grain, [&](int64_t begin, int64_t end) {
    GemvArgs<T> part = g;
    part.m = end - begin;
    part.a += begin * g.a_row;
    part.y += begin;
    kernels<T>().gemv(part);
  });
}

template <class T>
void gemm_serial(GemmArgs<T> g) {
  const RealKernels<T>& k = kernels<T>();
  g.pack_a = scratch_of<T>(Scratch::PackA, k.pack_a_size);
  g.pack_b = scratch_of<T>(Scratch::PackB, k.pack_b_size);
  k.gemm(g);
}

constexpr int64_t kSharedRows = 64;  // fewer are packed in no time, by every thread for itself

/// Threads share the panels of A, a block of its rows and of k at a time, and take the columns of B
/// by panels: nothing is packed twice.
template <class T>
void gemm_shared(const GemmArgs<T>& g) {
  const RealKernels<T>& kn = kernels<T>();
  T* packed = scratch_of<T>(Scratch::PackShared, kn.pack_a_size);
  const int64_t m_blocks = div_up(g.m, kn.block_rows), tiles = div_up(g.m, kn.tile_rows);
  const int64_t kc = div_up(g.k, div_up(g.k, kn.block_k));
  for (int64_t ic = 0; ic < m_blocks; ++ic)
    for (int64_t pc = 0; pc < g.k; pc += kc) {
      const int64_t i0 = tiles * ic / m_blocks * kn.tile_rows;
      GemmArgs<T> block = g;
      block.m = std::min(g.m, tiles * (ic + 1) / m_blocks * kn.tile_rows) - i0;
      block.k = std::min(kc, g.k - pc);
      block.a += i0 * g.a_row + pc * g.a_col;
      block.b += pc * g.b_row;
      block.c += i0 * g.ldc;
      if (pc) block.beta = T(1);
      parallel_for(0, div_up(block.m, kn.tile_rows), 4,
                   [&](int64_t begin, int64_t end) { kn.pack_rows(block, begin, end, packed); });
      block.packed = packed;
      parallel_each(div_up(g.n, kn.tile_cols), [&](int64_t begin, int64_t end) {
        GemmArgs<T> part = block;
        part.n = std::min(g.n, end * kn.tile_cols) - begin * kn.tile_cols;
        part.b += begin * kn.tile_cols * g.b_col;
        part.c += begin * kn.tile_cols;
        gemm_serial(part);
      });
    }
}

/// Threads share C as a grid of blocks, cut so that they pack little twice. k is never cut.
template <class T>
void gemm_real(GemmArgs<T> g) {
  if (g.m <= 0 || g.n <= 0) return;
  if constexpr (!kPairs<T>) {
    if (g.m == 1 && g.n == 1 && g.a_col != 1) {  // a strided dot product
      g.a = contiguous(g.a, g.a_col, g.k, Scratch::ConvertA);
      g.a_col = 1;
    }
    if (g.n == 1 && g.ldc == 1 && (g.a_row == 1 || g.a_col == 1)) {
      const T* x = contiguous(g.b, g.b_row, g.k, Scratch::Vector);
      return gemv_real<T>({g.m, g.k, g.a, g.a_row, g.a_col, x, g.c, g.alpha, g.beta});
    }
    if (g.m == 1 && (g.b_row == 1 || g.b_col == 1)) {
      const T* x = contiguous(g.a, g.a_col, g.k, Scratch::Vector);
      return gemv_real<T>({g.n, g.k, g.b, g.b_col, g.b_row, x, g.c, g.alpha, g.beta});
    }
  }
  g.as_dots = g.m <= 6 && g.k >= 64 && g.a_col == 1 && g.b_row == 1 && std::is_floating_point_v<T>;
  g.turned = g.m <= 4 * kernels<T>().tile_cols && g.n >= 2 * g.m && g.n * g.k >= 1 << 17 &&
             g.b_col != 1 && g.a_col == 1 && g.b_row == 1 && std::is_floating_point_v<T>;
  g.sweep = g.m <= kSweepRows && g.b_col == 1 && g.n >= 768 &&
            g.n * g.k * static_cast<int64_t>(sizeof(T)) >= kSweepBytes;
  const double flops =
      2.0 * static_cast<double>(g.m) * static_cast<double>(g.n) * static_cast<double>(g.k);
  int64_t parts = in_parallel() ? 1 : num_threads();
  parts = std::min<int64_t>(parts, static_cast<int64_t>(flops / kGrainFlops));
  if (parts <= 1) return gemm_serial(g);
  const RealKernels<T>& k = kernels<T>();
  if (flops > kLongFlops * static_cast<double>(parts)) parts *= 2;  // who is early takes another

  const int64_t tiles_m = div_up(g.m, k.tile_rows);
  const int64_t tiles_n = div_up(g.n, k.tile_cols);
  // Rows of B that lie close together are not packed: its columns need not be shared out.
  const bool in_place =
      g.b_col == 1 && g.b_row * int64_t{sizeof(T)} <= kNearBytes && g.m >= 4 * k.tile_rows;
  if ((std::is_floating_point_v<T> || kPairs<T>) && parts > num_threads() && !in_place &&
      !g.turned && !g.sweep && g.m >= kSharedRows)
    return gemm_shared(g);
  const double across = in_place ? 0.0 : static_cast<double>(g.n) / static_cast<double>(parts);
  int64_t grid_m = 1;  // the divisor of `parts` with which they pack least
  double best = 1e300;
  for (int64_t d = 1; d <= (g.turned ? 1 : parts); ++d) {
    if (parts % d || d > tiles_m || parts / d > tiles_n) continue;
    const double rows = static_cast<double>(d);
    const double edge = static_cast<double>(g.m) / rows + across * rows;
    if (edge < best) best = edge, grid_m = d;
  }
  if (best == 1e300) grid_m = std::min(parts, tiles_m);
  const int64_t grid_n = std::min(parts / grid_m, tiles_n);
  parallel_each(grid_m * grid_n, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const int64_t i = p / grid_n, j = p % grid_n;
      const int64_t m0 = g.m * i / grid_m, m1 = g.m * (i + 1) / grid_m;
      const int64_t n0 = tiles_n * j / grid_n * k.tile_cols;
      const int64_t n1 = std::min(g.n, tiles_n * (j + 1) / grid_n * k.tile_cols);
      GemmArgs<T> part = g;
      part.m = m1 - m0;
      part.n = n1 - n0;
      part.a += m0 * g.a_row;
      part.b += n0 * g.b_col;
      part.c += m0 * g.ldc + n0;
      gemm_serial(part);
    }
  });
}

/// What one call of gemm asks for, whatever the type.
struct Product {
  bool trans_a, trans_b;
  int64_t m, n, k;
  Factor alpha;
  const void* a;
  int64_t lda;
  const void* b;
  int64_t ldb;
  Factor beta;
  void* c;
  int64_t ldc;
};

template <class T>
void gemm_plain(const Product& p) {
  // Through int64 for integers: a negative factor must wrap around.
  using Wide = std::conditional_t<std::is_floating_point_v<T>, double, int64_t>;
  gemm_real<T>(
      {p.m, p.n, p.k, static_cast<const T*>(p.a), p.trans_a ? 1 : p.lda, p.trans_a ? p.lda : 1,
       static_cast<const T*>(p.b), p.trans_b ? 1 : p.ldb, p.trans_b ? p.ldb : 1,
       static_cast<T*>(p.c), p.ldc, static_cast<T>(static_cast<Wide>(p.alpha.re)),
       static_cast<T>(static_cast<Wide>(p.beta.re)), nullptr, nullptr, false, false, false});
}

// ---- complex ---------------------------------------------------------------------------------

template <class T>
void scale_complex(const Product& p) {
  const T re = static_cast<T>(p.beta.re), im = static_cast<T>(p.beta.im);
  for (int64_t i = 0; i < p.m; ++i) {
    T* c = static_cast<T*>(p.c) + 2 * i * p.ldc;
    for (int64_t j = 0; j < 2 * p.n; j += 2) {
      const T x = c[j], y = c[j + 1];
      c[j] = x * re - y * im;
      c[j + 1] = x * im + y * re;
    }
  }
}

/// A complex [m,k] @ [k,n] is a real [m,2k] @ [2k,2n]: a row of A is already (re, im, re, im, ...),
/// and each row of alpha * B becomes two, (re, im) and (-im, re). The product then lies in C as it
/// should, so only B (and a transposed A) is copied, a slice of k at a time.
template <class T>
void gemm_complex(const Product& p) {
  const bool zero = p.beta.re == 0 && p.beta.im == 0;
  if (!zero && (p.beta.im != 0 || (p.beta.re != 1 && p.k <= 0))) scale_complex<T>(p);
  T beta = p.beta.im != 0 ? T(1) : static_cast<T>(p.beta.re);
  if (p.k <= 0 && !zero) return;
  const T ar = static_cast<T>(p.alpha.re), ai = static_cast<T>(p.alpha.im);
  const T *a = static_cast<const T*>(p.a), *b = static_cast<const T*>(p.b);
  constexpr int64_t slice = 512;
  for (int64_t k0 = 0; k0 < std::max<int64_t>(p.k, 1); k0 += slice, beta = T(1)) {
    const int64_t k = std::min(slice, p.k - k0);
    T* bb = scratch_of<T>(Scratch::ConvertB, 4 * slice * p.n);
    parallel_for(0, k, 1 + 32768 / (p.n + 1), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const T* from = b + 2 * (p.trans_b ? k0 + r : (k0 + r) * p.ldb);
        const int64_t step = 2 * (p.trans_b ? p.ldb : 1);
        T *top = bb + 4 * r * p.n, *low = top + 2 * p.n;
        for (int64_t j = 0; j < p.n; ++j) {
          const T x = from[j * step], y = from[j * step + 1];
          const T re = ar == 1 && ai == 0 ? x : x * ar - y * ai;
          const T im = ar == 1 && ai == 0 ? y : x * ai + y * ar;
          top[2 * j] = re, top[2 * j + 1] = im;
          low[2 * j] = -im, low[2 * j + 1] = re;
        }
      }
    });
    const T* aa = a + 2 * k0;
    int64_t lda = 2 * p.lda;
    if (p.trans_a) {
      T* copy = scratch_of<T>(Scratch::ConvertA, 2 * slice * p.m);
      for (int64_t r = 0; r < k; ++r)
        for (int64_t i = 0; i < p.m; ++i) {
          copy[2 * (i * k + r)] = a[2 * ((k0 + r) * p.lda + i)];
          copy[2 * (i * k + r) + 1] = a[2 * ((k0 + r) * p.lda + i) + 1];
        }
      aa = copy;
      lda = 2 * k;
    }
    gemm_real<T>({p.m, 2 * p.n, 2 * k, aa, lda, 1, bb, 2 * p.n, 1, static_cast<T*>(p.c), 2 * p.ldc,
                  T(1), beta, nullptr, nullptr, false, false, false});
  }
}

// ---- 16-bit floats ---------------------------------------------------------------------------

const float* widen(DType t, const void* from, int64_t rows, int64_t cols, int64_t ld, float* to) {
  const LoadFn load = load_store().load[static_cast<int>(t)][static_cast<int>(Compute::F32)];
  parallel_for(0, rows, 1 + 65536 / (cols + 1), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      load(cols, static_cast<const uint16_t*>(from) + r * ld, 1, to + r * cols);
  });
  return to;
}

/// An operand of a product as pairs: as it lies (k along its rows, which pairs fit), or a copy.
struct Pairs {
  const BFloatPair* data;
  int64_t line, step;  // between its lines, and between pairs along k

  Pairs(const void* from, int64_t lines, int64_t k, int64_t ld, bool along_k, Scratch slot) {
    const auto* x = static_cast<const uint16_t*>(from);
    const int64_t pairs = div_up(k, 2);
    line = along_k ? pairs : 1, step = along_k ? 1 : lines;
    if (along_k && k % 2 == 0 && ld % 2 == 0 && reinterpret_cast<uintptr_t>(x) % 4 == 0) {
      data = reinterpret_cast<const BFloatPair*>(x);
      line = ld / 2;
      return;
    }
    BFloatPair* to = scratch_of<BFloatPair>(slot, lines * pairs);
    data = to;
    const int64_t rows = along_k ? lines : pairs, width = along_k ? pairs : lines;
    parallel_for(0, rows, 1 + 32768 / (width + 1), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        if (!along_k) {
          const uint16_t* even = x + 2 * r * ld;
          gemm_kernels().pair_up(even, 2 * r + 1 < k ? even + ld : nullptr, to + r * width, width);
          continue;
        }
        if (k % 2) to[r * width + width - 1] = 0;
        std::memcpy(to + r * width, x + r * ld, static_cast<size_t>(2 * k));
      }
    });
  }
};

/// C in float from A and B in bfloat16.
void gemm_bfloat16(const Product& p, const Product& of_float) {
  const Pairs a(p.a, p.m, p.k, p.lda, !p.trans_a, Scratch::ConvertA);
  const Pairs b(p.b, p.n, p.k, p.ldb, p.trans_b, Scratch::ConvertB);
  gemm_real<BFloatPair>({p.m, p.n, div_up(p.k, 2), a.data, a.line, a.step, b.data, b.step, b.line,
                         static_cast<float*>(of_float.c), of_float.ldc,
                         static_cast<float>(p.alpha.re), static_cast<float>(p.beta.re), nullptr,
                         nullptr, false, false, false});
}

void gemm_16bit(DType t, const Product& p) {
  Product q = p;
  q.lda = p.trans_a ? p.m : p.k;
  q.ldb = p.trans_b ? p.k : p.n;
  q.ldc = p.n;
  float* c = scratch_of<float>(Scratch::ConvertC, p.m * p.n);
  if (p.beta.re != 0) widen(t, p.c, p.m, p.n, p.ldc, c);
  q.c = c;
  if (t == DType::BF16 && gemm_kernels().bf16.gemm && has_bfloat16() && p.m > 1 && p.n > 1) {
    gemm_bfloat16(p, q);
  } else {
    q.a = widen(t, p.a, p.trans_a ? p.k : p.m, q.lda, p.lda,
                scratch_of<float>(Scratch::ConvertA, p.m * p.k));
    q.b = widen(t, p.b, p.trans_b ? p.n : p.k, q.ldb, p.ldb,
                scratch_of<float>(Scratch::ConvertB, p.k * p.n));
    gemm_plain<float>(q);
  }
  const StoreFn store = load_store().store[static_cast<int>(t)];
  parallel_for(0, p.m, 1 + 65536 / (p.n + 1), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      store(p.n, c + r * p.n, static_cast<uint16_t*>(p.c) + r * p.ldc, 1);
  });
}

void gemm_any(DType t, const Product& p) {
  if (p.m <= 0 || p.n <= 0) return;
  switch (t) {
    case DType::F32:
      return gemm_plain<float>(p);
    case DType::F64:
      return gemm_plain<double>(p);
    case DType::C64:
      return gemm_complex<float>(p);
    case DType::C128:
      return gemm_complex<double>(p);
    case DType::F16:
    case DType::BF16:
      return gemm_16bit(t, p);
    default:
      break;
  }
  switch (size_of(t)) {
    case 1:
      return gemm_plain<uint8_t>(p);
    case 2:
      return gemm_plain<uint16_t>(p);
    case 4:
      return gemm_plain<uint32_t>(p);
    default:
      return gemm_plain<uint64_t>(p);
  }
}

const char* at(const void* p, DType t, int64_t elements) {
  return static_cast<const char*>(p) + elements * size_of(t);
}
char* at(void* p, DType t, int64_t elements) {
  return static_cast<char*>(p) + elements * size_of(t);
}

}  // namespace

void gemm(DType t, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, Factor alpha,
          const void* a, int64_t lda, const void* b, int64_t ldb, Factor beta, void* c,
          int64_t ldc) {
  gemm_any(t, {trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc});
}

void gemm_batched(DType t, bool trans_a, bool trans_b, int64_t batch, int64_t m, int64_t n,
                  int64_t k, Factor alpha, const void* a, int64_t lda, int64_t stride_a,
                  const void* b, int64_t ldb, int64_t stride_b, Factor beta, void* c, int64_t ldc,
                  int64_t stride_c) {
  auto one = [&](int64_t i) {
    gemm_any(t, {trans_a, trans_b, m, n, k, alpha, at(a, t, i * stride_a), lda,
                 at(b, t, i * stride_b), ldb, beta, at(c, t, i * stride_c), ldc});
  };
  const double flops = 2.0 * static_cast<double>(m) * static_cast<double>(n) *
                       static_cast<double>(std::max<int64_t>(k, 1));
  if (batch < 2 * num_threads() && flops > 4e6) {  // few and large: the threads share each one
    for (int64_t i = 0; i < batch; ++i) one(i);
    return;
  }
  const auto some = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) one(i);
  };
  if (flops > kGrainFlops) return parallel_each(batch, some);
  parallel_for(0, batch, 1 + static_cast<int64_t>(kGrainFlops / (flops + 1000)), some);
}

void gemv(DType t, bool trans, int64_t m, int64_t n, Factor alpha, const void* a, int64_t lda,
          const void* x, int64_t incx, Factor beta, void* y, int64_t incy) {
  if (incy == 1) return gemm(t, trans, false, m, 1, n, alpha, a, lda, x, incx, beta, y, 1);
  const int64_t size = size_of(t);
  char* out = static_cast<char*>(y);
  char* copy = static_cast<char*>(scratch(Scratch::ConvertC, (m + 1) * size));
  std::string own;  // 16-bit types use that slot themselves
  if (t == DType::F16 || t == DType::BF16) own.resize((m + 1) * size), copy = own.data();
  for (int64_t i = 0; i < m; ++i) std::memcpy(copy + i * size, out + i * incy * size, size);
  gemm(t, trans, false, m, 1, n, alpha, a, lda, x, incx, beta, copy, 1);
  for (int64_t i = 0; i < m; ++i) std::memcpy(out + i * incy * size, copy + i * size, size);
}

void dot(DType t, int64_t n, const void* x, int64_t incx, const void* y, int64_t incy,
         void* result) {
  // [n,1] transposed and [n,1]: columns of matrices whose rows lie inc* apart.
  gemm(t, true, false, 1, 1, n, 1.0, x, incx, y, incy, 0.0, result, 1);
}

}  // namespace rl::cpu
