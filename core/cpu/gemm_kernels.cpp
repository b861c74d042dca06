// Serial matrix product and matrix-vector kernels, compiled once per instruction set.
// A product is cut into blocks that fit the caches and, within them, into register tiles. Every
// element of C sums over k in the same order whatever tile it falls into, so that results do not
// depend on how gemm.cpp cuts the work into threads.
#include "cpu/gemm_kernels.h"

#include "cpu/gemm_tile.h"

namespace rl::RL_ISA {
using cpu::BFloatPair;
using cpu::GemmArgs;
using cpu::GemvArgs;
using cpu::kPairs;
using cpu::Sum;

namespace {

// ---- register tiles ------------------------------------------------------------------------

/// sum += a * b, a being a vector that repeats *from or, with kSpread, best read from there.
template <bool kSpread, class T>
RL_INLINE void multiply_add(Vec<Sum<T>>& sum, [[maybe_unused]] const T* from,
                            [[maybe_unused]] Vec<T> a, Vec<T> b) {
  if constexpr (kPairs<T> && kSpread)
    asm("vdpbf16ps %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(b), "m"(*from));
  else if constexpr (kPairs<T>)
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(b), "v"(a));
  else if constexpr (kSpread)
    add_product<T>(sum, from, b);
  else
    sum += a * b;
}

template <class T>
RL_INLINE void finish_partial(T* c, Vec<T> sum, int64_t n, T alpha, T beta) {
  Vec<T> r = sum * alpha;
  if (beta != T(0)) r += load_partial(c, n) * beta;
  store_partial(c, r, n);
}

template <class T>
struct Tile {
  int64_t k;
  const T* a;
  int64_t a_step;  ///< kRows: between rows, elements along k adjoin; else: between steps of k
  const T* b;
  int64_t b_step;  ///< between steps of k; a whole tile's width is readable
  Sum<T>* c;
  int64_t ldc, cols;
  Sum<T> alpha, beta;
};

template <class T, int MR, int NV, bool kRows>
void tile_kernel(const Tile<T>& t) {
  constexpr int w = kLanes<T>;
  using S = Sum<T>;
  Vec<S> sum[MR][NV] = {};
  // Row pointers in groups of four: base, base + step, base + 2 step, base + 3 step are addressing
  // modes, so that 14 rows take six registers. The asm hides how the bases are related.
  const T* base[(MR + 3) / 4];
#pragma GCC unroll 16
  for (int i = 0; i < (MR + 3) / 4; ++i) {
    base[i] = t.a + (kRows ? 4 * i * t.a_step : 4 * i);
    if (kRows) asm("" : "+r"(base[i]));
  }
  if (t.k > 32) {  // else C is written before it could arrive
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i)
#pragma GCC unroll 16
      for (int j = 0; j < NV; ++j) __builtin_prefetch(t.c + i * t.ldc + j * w, 1);
  }
  const T *a = t.a, *b = t.b;
  const int64_t a_step = t.a_step, a_step3 = 3 * t.a_step, b_step = t.b_step;
  for (int64_t p = 0; p < t.k; ++p) {
    Vec<T> bv[NV];
#pragma GCC unroll 16
    for (int j = 0; j < NV; ++j) {
      bv[j] = load(b + j * w);
      __builtin_prefetch(b + 16 * b_step + j * w);  // B is often read in place, row by row
    }
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) {
      // Some products spread their element of A themselves: fewer instructions, more loads.
      const T* from = kRows ? base[i / 4] + (i % 4 == 3 ? a_step3 : (i % 4) * a_step) : a + i;
      const Vec<T> av = splat(*from);
#pragma GCC unroll 16
      for (int j = 0; j < NV; ++j)
        if (kRows ? i % 2 == 0 : i % 3 != 0)
          multiply_add<true, T>(sum[i][j], from, av, bv[j]);
        else
          multiply_add<false, T>(sum[i][j], from, av, bv[j]);
    }
    if constexpr (kRows) {
#pragma GCC unroll 16
      for (int i = 0; i < (MR + 3) / 4; ++i) ++base[i];
    }
    a += a_step;
    b += b_step;
  }
  // Copies: after a store the compiler must take the fields of t for changed.
  const S alpha = t.alpha, beta = t.beta;
  const int64_t cols = t.cols, ldc = t.ldc;
  S* const c = t.c;
  if (cols >= NV * w && beta == S(0)) {
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i)
#pragma GCC unroll 16
      for (int j = 0; j < NV; ++j) store(c + i * ldc + j * w, sum[i][j] * alpha);
    return;
  }
  if (cols >= NV * w) {
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i)
#pragma GCC unroll 16
      for (int j = 0; j < NV; ++j)
        store(c + i * ldc + j * w, sum[i][j] * alpha + load(c + i * ldc + j * w) * beta);
    return;
  }
  if constexpr (kMasked<T>) {  // partial stores cost what whole ones do
#pragma GCC unroll 16
    for (int j = 0; j < NV; ++j) {
      const int64_t n = min(w, cols - j * w);
      if (n <= 0) return;
#pragma GCC unroll 16
      for (int i = 0; i < MR; ++i) finish_partial(c + i * ldc + j * w, sum[i][j], n, alpha, beta);
    }
    return;
  }
  Vec<S> edge[MR][NV];  // in memory, so that this rare path stays short
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < NV; ++j) edge[i][j] = sum[i][j];
#pragma GCC unroll 1
  for (int i = 0; i < MR; ++i)
    for (int64_t j = 0; j * w < cols; ++j)
      finish_partial(c + i * ldc + j * w, edge[i][j], min(w, cols - j * w), alpha, beta);
}

template <class T>
using TileFn = void (*)(const Tile<T>&);

/// kernels[kRows][rows - 1][vectors: 1, 2, or tile_vectors(rows)]
template <class T>
struct TileTable {
  TileFn<T> fn[2][kTileRows<T>][3];
  constexpr TileTable() : fn{} { fill<kTileRows<T>>(); }
  template <int MR>
  constexpr void fill() {
    if constexpr (MR > 0) {
      set<MR, false>();
      if constexpr (kIsFloat<T>) set<MR, true>();
      fill<MR - 1>();
    }
  }
  template <int MR, bool kRows>
  constexpr void set() {
    constexpr int full = kIsFloat<T> ? tile_vectors(MR) : 2;
    TileFn<T>* f = fn[kRows][MR - 1];
    f[0] = tile_kernel<T, MR, 1, kRows>;
    f[1] = tile_kernel<T, MR, 2, kRows>;
    f[2] = tile_kernel<T, MR, full, kRows>;
  }
};
template <class T>
constexpr TileTable<T> kTiles;

// ---- blocks --------------------------------------------------------------------------------

template <class T>
struct Block {
  static constexpr int64_t k = 2048 / sizeof(T);  ///< a B panel of 2 vectors fills half the L1
  static constexpr int64_t m = kTileRows<T> * (kIsFloat<T> ? 16 : 48);
  static constexpr int64_t n = 2048 / sizeof(T);
  static constexpr int64_t few = 2 * m;  ///< rows that are packed at once while B is not
  static constexpr int64_t pack_a = few * k + (few / kTileRows<T> + 1) * kLanes<T> + 64;
  static constexpr int64_t pack_b = (n + 2 * kLanes<T>)*k + 64;
};

/// Vectors of the next panel when `cols` columns are left.
template <class T>
int next_panel(int64_t cols, int full) {
  return cols >= full * kLanes<T> ? full : cols > kLanes<T> ? 2 : 1;
}

/// The last panel may be partial; everything before it can be read in place.
template <class T>
int64_t partial_panel(int64_t n, int full) {
  int64_t j = 0;
  while (j < n) {
    const int64_t width = next_panel<T>(n - j, full) * kLanes<T>;
    if (j + width > n) return j;
    j += width;
  }
  return n;
}

template <class T>
void scale(const GemmArgs<T>& g) {
  for (int64_t i = 0; i < g.m; ++i)
    for (int64_t j = 0; j < g.n; ++j) {
      Sum<T>& c = g.c[i * g.ldc + j];
      c = g.beta == Sum<T>(0) ? Sum<T>(0) : static_cast<Sum<T>>(c * g.beta);
    }
}

/// MR rows of A with NC rows of B transposed, both adjoining along k: nothing to pack.
template <class T, int MR, int NC>
void dot_tile(const GemmArgs<T>& g, int64_t i0, int64_t j0) {
  constexpr int w = kLanes<T>;
  Vec<T> sum[MR][NC] = {};
  const T *a = g.a + i0 * g.a_row, *b = g.b + j0 * g.b_col;
  auto step = [&](auto read) __attribute__((always_inline)) {
    Vec<T> av[MR];
#pragma GCC unroll 8
    for (int i = 0; i < MR; ++i) av[i] = read(a + i * g.a_row);
#pragma GCC unroll 8
    for (int j = 0; j < NC; ++j) {
      const Vec<T> bv = read(b + j * g.b_col);
#pragma GCC unroll 8
      for (int i = 0; i < MR; ++i) sum[i][j] += av[i] * bv;
    }
  };
  int64_t p = 0;
  for (; p + w <= g.k; p += w) step([&](const T* x) { return load(x + p); });
  if (p < g.k) step([&](const T* x) { return load_partial(x + p, g.k - p); });
#pragma GCC unroll 8
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < NC; ++j) {
      T& c = g.c[(i0 + i) * g.ldc + j0 + j];
      const T s = sum_lanes<T>(sum[i][j]) * g.alpha;
      c = g.beta == T(0) ? s : s + g.beta * c;
    }
}

template <class T, int MR>
void dot_rows_of(const GemmArgs<T>& g, int64_t i, int64_t j) {
  g.n - j >= 4 ? dot_tile<T, MR, 4>(g, i, j) : dot_tile<T, MR, 1>(g, i, j);
}

/// Few rows times a transposed B.
template <class T>
void gemm_dots(const GemmArgs<T>& g) {
  for (int64_t j = 0; j < g.n; j += g.n - j >= 4 ? 4 : 1)
    for (int64_t i = 0; i < g.m; i += 3) switch (g.m - i) {
        case 1:
          dot_rows_of<T, 1>(g, i, j);
          break;
        case 2:
          dot_rows_of<T, 2>(g, i, j);
          break;
        default:
          dot_rows_of<T, 3>(g, i, j);
      }
}

/// Short rows of A times a B that registers hold: true if B is one.
template <class T, int K = kRegisters / 2>
bool gemm_narrow(const GemmArgs<T>& args) {
  if constexpr (K > 0) {
    if (args.k != K) return gemm_narrow<T, K - 1>(args);
    const GemmArgs<T> g = args;  // stores to C cannot change it
    Vec<T> b[K];
#pragma GCC unroll 16
    for (int p = 0; p < K; ++p) b[p] = load_partial(g.b + p * g.b_row, g.n);
    for (int64_t i = 0; i < g.m; ++i) {
      Vec<T> sum = {};
#pragma GCC unroll 16
      for (int p = 0; p < K; ++p) add_product<T>(sum, g.a + i * g.a_row + p, b[p]);
      finish_partial(g.c + i * g.ldc, sum, g.n, g.alpha, g.beta);
    }
  }
  return K > 0;
}

template <class T>
void gemm(const GemmArgs<T>& g);

/// C^T = B^T A^T, which packs A only, then turned.
template <class T>
void gemm_turned(const GemmArgs<T>& g) {
  constexpr int64_t w = kLanes<T>, strip = Block<T>::n;
  T* out = g.pack_b + Block<T>::pack_b / 2;
  for (int64_t j0 = 0; j0 < g.n; j0 += strip) {
    const int64_t n = min(strip, g.n - j0);
    gemm<T>({n, g.m, g.k, g.b + j0 * g.b_col, g.b_col, 1, g.a, 1, g.a_row, out, g.m, g.alpha, T(0),
             g.pack_a, g.pack_b, false, false, false});
    for (int64_t i = 0; i < g.m; i += w)
      for (int64_t j = 0; j < n; j += w) {
        const int64_t rows = min(w, g.m - i), cols = min(w, n - j);
        Vec<T> square[w] = {};
        for (int64_t r = 0; r < cols; ++r) square[r] = load_partial(out + (j + r) * g.m + i, rows);
        transpose<T>(square);
        for (int64_t r = 0; r < rows; ++r)
          finish_partial(g.c + (i + r) * g.ldc + j0 + j, square[r], cols, T(1), g.beta);
      }
  }
}

/// A tile of `rows` rows by `vectors` vectors, or a part of one if fewer columns are left.
template <class T>
void run_tile(int64_t rows, int vectors, bool by_rows, const Tile<T>& t) {
  const TileFn<T>* const f = kTiles<T>.fn[by_rows][rows - 1];
  const int full = kIsFloat<T> ? tile_vectors(static_cast<int>(rows)) : 2;
  if (vectors <= 2) return f[vectors - 1](t);
  if (vectors == full) return f[2](t);
  for (int v = 0; v < vectors; v += 2) {  // a shorter last tile has no kernel of this width
    Tile<T> part = t;
    part.b += v * kLanes<T>;
    part.c += v * kLanes<T>;
    part.cols -= v * kLanes<T>;
    f[vectors - v == 1 ? 0 : 1](part);
  }
}

/// Tiles as even as possible: 16 rows are two of 8, not 14 and 2.
template <class T>
int64_t tile_rows(int64_t m) {
  return div_up(m, div_up(m, kTileRows<T>));
}

/// Where the panel of A's row i begins. Packing writes past a panel's end: threads pack apart.
template <class T>
int64_t panel_at(int64_t i, int64_t mr, int64_t k) {
  return i / mr * (mr * k + kLanes<T>);
}

/// The panels of rows [begin, end) of k columns at `a`, a block of A.
template <class T>
void pack_block(const GemmArgs<T>& g, const T* a, int64_t begin, int64_t end, int64_t k, int64_t mr,
                T* to) {
  for (int64_t i = begin; i < end; i += mr)
    pack_panel(a + i * g.a_row, g.a_row, g.a_col, min(mr, end - i), k, to + panel_at<T>(i, mr, k),
               mr);
}

/// The panels [begin, end) of A.
template <class T>
void pack_rows(const GemmArgs<T>& g, int64_t begin, int64_t end, T* to) {
  const int64_t mr = tile_rows<T>(g.m);
  pack_block(g, g.a, begin * mr, min(end * mr, g.m), g.k, mr, to);
}

template <class T>
void gemm(const GemmArgs<T>& g) {
  if (g.m <= 0 || g.n <= 0) return;
  if (g.k <= 0) return scale(g);
  constexpr int64_t w = kLanes<T>;
  if constexpr (kIsFloat<T> && !kPairs<T>) {
    if (g.as_dots) return gemm_dots(g);
    if (g.turned) return gemm_turned(g);
    if (g.n <= w && g.a_col == 1 && g.b_col == 1 && gemm_narrow<T>(g)) return;
  }
  const int64_t mr = tile_rows<T>(g.m);
  const int full = kIsFloat<T> ? tile_vectors(static_cast<int>(mr)) : 2;
  const int64_t kc = g.sweep ? min(g.k, 32) : div_up(g.k, div_up(g.k, Block<T>::k));
  // A and B are read in place where that is cheap: by few tiles, or from lines close together.
  const auto near = [](int64_t step) { return step * int64_t{sizeof(T)} <= cpu::kNearBytes; };
  const bool pack_b = g.b_col != 1 || g.m > (near(g.b_row) ? 64 : 8) * kTileRows<T>;
  // With few rows a panel is packed when its turn comes, and used while it lies in the L1.
  const bool in_turn = pack_b && g.m <= Block<T>::few;
  const int64_t nc = g.sweep || in_turn ? g.n : min(g.n, Block<T>::n);
  const int64_t mc = (in_turn ? Block<T>::few : Block<T>::m) / mr * mr;
  const bool rows = kIsFloat<T> && g.a_col == 1;
  const bool pack_a =
      g.packed ||
      (rows || g.a_row == 1 ? g.n > (near(rows ? g.a_row : g.a_col) ? 16 : 8) * w : true);
  const T* const panels = g.packed ? g.packed : g.pack_a;

  for (int64_t jc = 0; jc < g.n; jc += nc) {
    const int64_t n = min(nc, g.n - jc);
    for (int64_t pc = 0; pc < g.k; pc += kc) {
      const int64_t k = min(kc, g.k - pc);
      const T* b = g.b + pc * g.b_row + jc * g.b_col;
      const Sum<T> beta = pc == 0 ? g.beta : Sum<T>(1);
      const int64_t packed = pack_b ? 0 : partial_panel<T>(n, full);
      const auto pack = [&](int64_t j, int64_t width, T* to) {
        pack_panel(b + j * g.b_col, g.b_col, g.b_row, min(width, n - j), k, to, width);
      };
      for (int64_t j = packed; j < n && !in_turn;) {
        const int64_t width = next_panel<T>(n - j, full) * w;
        pack(j, width, g.pack_b + (j - packed) * k);
        j += width;
      }
      for (int64_t ic = 0; ic < g.m; ic += mc) {
        const int64_t m = min(mc, g.m - ic);
        const T* a = g.a + ic * g.a_row + pc * g.a_col;
        if (pack_a && !g.packed) pack_block(g, a, 0, m, k, mr, g.pack_a);
        const auto run = [&](int64_t i, int64_t j, int vectors) {
          const bool in_pack = j >= packed;
          // A shorter last tile reads its packed panel with the full step.
          run_tile<T>(min(mr, m - i), vectors, rows && !pack_a,
                      {k, pack_a ? panels + panel_at<T>(i, mr, k) : a + i * g.a_row,
                       pack_a ? mr
                       : rows ? g.a_row
                              : g.a_col,
                       !in_pack  ? b + j
                       : in_turn ? g.pack_b
                                 : g.pack_b + (j - packed) * k,
                       in_pack ? vectors * w : g.b_row, g.c + (ic + i) * g.ldc + jc + j, g.ldc,
                       min(vectors * w, n - j), g.alpha, beta});
        };
        if (in_turn) {
          for (int64_t j = 0; j < n;) {
            const int vectors = next_panel<T>(n - j, full);
            pack(j, vectors * w, g.pack_b);
            for (int64_t i = 0; i < m; i += mr) run(i, j, vectors);
            j += vectors * w;
          }
          continue;
        }
        for (int64_t i = 0; i < m; i += mr)
          for (int64_t j = 0; j < n;) {
            const int vectors = next_panel<T>(n - j, full);
            run(i, j, vectors);
            j += vectors * w;
          }
      }
    }
  }
}

// ---- matrix times vector -------------------------------------------------------------------

/// R rows at once, each a dot product in two vectors of partial sums.
template <class T, int R>
void dot_rows(const GemvArgs<T>& g, int64_t i0) {
  constexpr int w = kLanes<T>;
  Vec<T> sum[R][2] = {};
  const T* a = g.a + i0 * g.a_row;
  int64_t j = 0;
  for (; j + 2 * w <= g.n; j += 2 * w) {
    const Vec<T> x0 = load(g.x + j), x1 = load(g.x + j + w);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      sum[r][0] += load(a + r * g.a_row + j) * x0;
      sum[r][1] += load(a + r * g.a_row + j + w) * x1;
    }
  }
  for (int half = 0; j < g.n; j += w, ++half) {
    const int64_t n = min(w, g.n - j);
    const Vec<T> x = load_partial(g.x + j, n);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) sum[r][half] += load_partial(a + r * g.a_row + j, n) * x;
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    T& y = g.y[i0 + r];
    const T s = sum_lanes<T>(sum[r][0] + sum[r][1]) * g.alpha;
    y = g.beta == T(0) ? s : static_cast<T>(s + g.beta * y);
  }
}

/// Rows of few elements: as many rows at once as a vector has lanes. Returns how many rows it did.
template <class T>
int64_t short_rows(const GemvArgs<T>& g) {
  constexpr int w = kLanes<T>;
  int64_t i = 0;
  for (; i + w <= g.m; i += w) {
    const T* a = g.a + i * g.a_row;
    T sum[w] = {};
    for (int64_t j = 0; j < g.n; ++j)
      for (int l = 0; l < w; ++l) sum[l] += a[l * g.a_row + j] * g.x[j];
    for (int l = 0; l < w; ++l) {
      const T s = sum[l] * g.alpha;
      g.y[i + l] = g.beta == T(0) ? s : static_cast<T>(s + g.beta * g.y[i + l]);
    }
  }
  return i;
}

/// y += sum over R columns: y is read and written once per R columns.
template <class T, int R>
void add_columns(const GemvArgs<T>& g, int64_t j0, int64_t i0, int64_t i1) {
  constexpr int w = kLanes<T>;
  T x[R];
  for (int r = 0; r < R; ++r) x[r] = g.alpha * g.x[j0 + r];
  const T* a = g.a + j0 * g.a_col;
  for (int64_t i = i0; i < i1; i += w) {
    const int64_t n = i1 - i;
    Vec<T> y = n >= w ? load(g.y + i) : load_partial(g.y + i, n);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
      y += (n >= w ? load(a + r * g.a_col + i) : load_partial(a + r * g.a_col + i, n)) * x[r];
    if (n >= w)
      store(g.y + i, y);
    else
      store_partial(g.y + i, y, n);
  }
}

/// The same sums in the same order for R vectors of y, in registers over all columns: faster while
/// A lies in the L2, slower from further away.
template <class T, int R>
void hold_columns(const GemvArgs<T>& g, int64_t i) {
  constexpr int w = kLanes<T>;
  Vec<T> y[R];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) y[r] = g.beta == T(0) ? Vec<T>{} : load(g.y + i + r * w) * g.beta;
  const T* a = g.a + i;
  for (int64_t j = 0; j < g.n; ++j, a += g.a_col) {
    const T x = g.alpha * g.x[j];
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) y[r] += load(a + r * w) * x;
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) store(g.y + i + r * w, y[r]);
}

template <class T>
void gemv(const GemvArgs<T>& g) {
  if (g.a_col == 1) {
    int64_t i = g.n < 2 * kLanes<T> ? short_rows(g) : 0;
    for (; i + 4 <= g.m; i += 4) dot_rows<T, 4>(g, i);
    for (; i < g.m; ++i) dot_rows<T, 1>(g, i);
    return;
  }
  constexpr int64_t held = kRegisters / 2, step = held * kLanes<T>;
  int64_t i = 0;
  if (g.m * g.n * static_cast<int64_t>(sizeof(T)) <= 1 << 20)
    for (; i + step <= g.m; i += step) hold_columns<T, held>(g, i);
  const int64_t first = i;
  for (; i < g.m; ++i) g.y[i] = g.beta == T(0) ? T(0) : static_cast<T>(g.beta * g.y[i]);
  constexpr int64_t strip = 8192 / sizeof(T);  // of y, to stay in the L1
  for (i = first; i < g.m; i += strip) {
    const int64_t end = min(i + strip, g.m);
    int64_t j = 0;
    for (; j + 8 <= g.n; j += 8) add_columns<T, 8>(g, j, i, end);
    for (; j < g.n; ++j) add_columns<T, 1>(g, j, i, end);
  }
}

// ---- the table ------------------------------------------------------------------------------

void pair_up(const uint16_t* even, const uint16_t* odd, BFloatPair* to, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    to[i] = static_cast<BFloatPair>(even[i] | (odd ? uint32_t{odd[i]} << 16 : 0));
}

template <class T>
constexpr cpu::RealKernels<T> real_kernels() {
  cpu::RealKernels<T> k{kTileRows<T>,     2 * kLanes<T>, Block<T>::pack_a,
                        Block<T>::pack_b, Block<T>::few, Block<T>::k,
                        nullptr,          nullptr,       nullptr};
  if constexpr (!kPairs<T> || kVectorBytes == 64) k.gemm = gemm<T>, k.pack_rows = pack_rows<T>;
  if constexpr (!kPairs<T>) k.gemv = gemv<T>;
  return k;
}

}  // namespace

extern const cpu::GemmKernels gemm_kernels = {real_kernels<float>(),      real_kernels<double>(),
                                              real_kernels<BFloatPair>(), real_kernels<uint8_t>(),
                                              real_kernels<uint16_t>(),   real_kernels<uint32_t>(),
                                              real_kernels<uint64_t>(),   pair_up};

}  // namespace rl::RL_ISA
