// Convolution kernels, compiled once per instruction set: register tiles of output channels by
// neighbouring pixels, and dot products along images for the gradient of the weights.
#include "cpu/conv_kernels.h"

#include "cpu/gemm_tile.h"

namespace rl::RL_ISA {

using cpu::ConvBlock;
using cpu::ConvDots;
using cpu::FlatSource;

namespace {

// ---- flat images -----------------------------------------------------------------------------

template <class T>
RL_INLINE void copy_row(const T* from, T* to, int64_t n) {
  int64_t j = 0;
  for (; j + kLanes<T> <= n; j += kLanes<T>) store(to + j, load(from + j));
  if (j < n) store_partial(to + j, load_partial(from + j, n - j), n - j);
}

template <class T>
void flatten_image(const FlatSource<T>& f, const T* from, int64_t a, int64_t b, T* to) {
  // Rows and columns whose source lies inside the image.
  const int64_t top = f.y0 + a, left = f.x0 + b;
  const int64_t i0 = top < 0 ? div_up(-top, f.step_h) : 0;
  const int64_t j0 = left < 0 ? div_up(-left, f.step_w) : 0;
  const int64_t i1 = min(f.rows, div_up(f.h - top, f.step_h));
  const int64_t n = min(f.pitch, div_up(f.w - left, f.step_w)) - j0;
  if (n <= 0) return;
  for (int64_t i = i0; i < i1; ++i) {
    const T* row = from + (top + i * f.step_h) * f.w + left + j0 * f.step_w;
    T* out = to + i * f.pitch + j0;
    if (f.step_w == 1) {
      copy_row(row, out, n);
      continue;
    }
    int64_t j = 0;
    if (f.step_w == 2)
      for (constexpr int w = kLanes<T>; j + w < n; j += w)  // the last element may be the last of x
        store(out + j, even_lanes<T>(load(row + 2 * j), load(row + 2 * j + w)));
    for (; j < n; ++j) out[j] = row[j * f.step_w];
  }
}

template <class T>
void flatten(const FlatSource<T>& f) {
  T* to = f.to;
  for (int64_t c = 0; c < f.channels; ++c)
    for (int64_t a = 0; a < f.step_h; ++a)
      for (int64_t b = 0; b < f.step_w; ++b, to += f.plane) {
        for (int64_t p = 0; p < f.plane; p += kLanes<T>) store(to + p, Vec<T>{});
        for (int64_t i = 0; i < f.images; ++i)
          flatten_image(f, f.data + i * f.image_step + c * f.channel_step, a, b,
                        to + i * f.rows * f.pitch);
      }
}

// ---- forward ---------------------------------------------------------------------------------

/// `more` adds to what `to` holds.
template <class T, int MR, int NV>
void conv_tile(int64_t taps, const T* a, const T* b, const int64_t* offset, T* to, int64_t ld,
               bool more) {
  constexpr int w = kLanes<T>;
  Vec<T> sum[MR][NV] = {};
  if (more) {
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i)
#pragma GCC unroll 16
      for (int j = 0; j < NV; ++j) sum[i][j] = load(to + i * ld + j * w);
  }
  for (int64_t p = 0; p < taps; ++p, a += MR) {
    const T* at = b + offset[p];
    Vec<T> bv[NV];
#pragma GCC unroll 16
    for (int j = 0; j < NV; ++j) {
      bv[j] = load(at + j * w);
      if (MR >= 8) __builtin_prefetch(at + (NV + j) * w);  // of the next tile
    }
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) {
      const Vec<T> av = splat(a[i]);
#pragma GCC unroll 16
      for (int j = 0; j < NV; ++j)
        if (i % 2)  // as tile_kernel's products in gemm_kernels.cpp
          add_product<T>(sum[i][j], a + i, bv[j]);
        else
          sum[i][j] += av * bv[j];
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < NV; ++j) store(to + i * ld + j * w, sum[i][j]);
}

template <class T>
using ConvTileFn = void (*)(int64_t, const T*, const T*, const int64_t*, T*, int64_t, bool);

/// fn[rows - 1][vectors: 1, 2, or tile_vectors(rows)]
template <class T>
struct ConvTileTable {
  ConvTileFn<T> fn[kTileRows<T>][3];
  constexpr ConvTileTable() : fn{} { fill<kTileRows<T>>(); }
  template <int MR>
  constexpr void fill() {
    if constexpr (MR > 0) {
      fn[MR - 1][0] = conv_tile<T, MR, 1>;
      fn[MR - 1][1] = conv_tile<T, MR, 2>;
      fn[MR - 1][2] = conv_tile<T, MR, tile_vectors(MR)>;
      fill<MR - 1>();
    }
  }
};
template <class T>
constexpr ConvTileTable<T> kConvTiles;

template <class T>
int64_t rows_per_tile(int64_t rows) {
  return div_up(rows, div_up(rows, kTileRows<T>));
}

template <class T>
int64_t tiles(int64_t rows) {
  return div_up(rows, rows_per_tile<T>(rows));
}

template <class T>
int64_t packed_size(int64_t rows, int64_t taps) {
  return rows * taps + tiles<T>(rows) * kLanes<T>;
}

template <class T>
void pack_weights(const T* from, int64_t rows, int64_t taps, T* to, int64_t tile, int64_t end) {
  const int64_t mr = rows_per_tile<T>(rows);
  for (int64_t i = tile * mr; i < min(end * mr, rows); i += mr) {
    const int64_t r = min(mr, rows - i);
    pack_panel(from + i * taps, taps, 1, r, taps, to + i * taps + i / mr * kLanes<T>, r);
  }
}

/// The valid positions of one tile row, to their places in the output.
template <class T>
RL_INLINE void write_out(const ConvBlock<T>& g, const T* from, T* out, T bias) {
  constexpr int w = kLanes<T>;
  for (int64_t u = 0; u < g.u; ++u, from += g.pitch, out += g.out_row) {
    if (g.out_col != 1) {
      for (int64_t v = 0; v < g.v; ++v) out[v * g.out_col] = from[v] + bias;
      continue;
    }
    int64_t v = 0;
    for (; v + w <= g.v; v += w) store(out + v, load(from + v) + bias);
    if (v < g.v) store_partial(out + v, load(from + v) + bias, g.v - v);
  }
}

template <class T>
void conv_block(const ConvBlock<T>& g) {
  constexpr int64_t w = kLanes<T>;
  const int64_t mr = rows_per_tile<T>(g.rows);
  const int64_t length = (g.images - 1) * g.image_pitch + (g.u - 1) * g.pitch + g.v;
  const int64_t ld = div_up(length, w) * w + w;
  // So many taps that their weights, and the few rows of input they slide over, stay in the L1.
  const int64_t chunks = g.taps ? div_up(g.taps, 1024 / static_cast<int64_t>(sizeof(T))) : 1;
  const int64_t chunk = div_up(g.taps, chunks);
  for (int64_t i = 0; i < g.rows; i += mr) {
    const int r = static_cast<int>(min(mr, g.rows - i));
    const int full = tile_vectors(r);
    for (int64_t part = 0; part < chunks; ++part) {
      const int64_t p = part * chunk;
      const T* weights = g.weights + i * g.taps + i / mr * w + p * r;
      for (int64_t q = 0; q < length;) {
        const int64_t left = length - q;
        const int nv = left > (full - 1) * w ? full : left > w ? 2 : 1;
        kConvTiles<T>.fn[r - 1][nv == full ? 2 : nv - 1](
            min(chunk, g.taps - p), weights, g.flat + q, g.offset + p, g.tile + q, ld, p > 0);
        q += nv * w;
      }
    }
    for (int64_t n = 0; n < g.images; ++n)
      for (int64_t c = 0; c < r; ++c)
        write_out(g, g.tile + c * ld + n * g.image_pitch,
                  g.out + n * g.out_image + (i + c) * g.out_channel, g.bias ? g.bias[i + c] : T(0));
  }
}

// ---- gradient of the weights -----------------------------------------------------------------

constexpr int kDotRows = kRegisters == 32 ? 4 : 3, kDotCols = kRegisters == 32 ? 6 : 4;

template <class T, int MR, int NC>
void dot_tile(const ConvDots<T>& g, int64_t i0, int64_t j0) {
  constexpr int w = kLanes<T>;
  Vec<T> sum[MR][NC] = {};
  const T* a = g.a + i0 * g.a_row;
  const T* b[NC];
#pragma GCC unroll 16
  for (int j = 0; j < NC; ++j) b[j] = g.b + g.offset[j0 + j];
  for (int64_t p = 0; p < g.length; p += w) {
    Vec<T> av[MR];
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) av[i] = load(a + i * g.a_row + p);
#pragma GCC unroll 16
    for (int j = 0; j < NC; ++j) {
      const Vec<T> bv = load(b[j] + p);
#pragma GCC unroll 16
      for (int i = 0; i < MR; ++i) sum[i][j] += av[i] * bv;
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < NC; ++j) g.out[(i0 + i) * g.out_row + j0 + j] += sum_lanes<T>(sum[i][j]);
}

template <class T>
using DotFn = void (*)(const ConvDots<T>&, int64_t, int64_t);
template <class T>
struct DotTable {
  DotFn<T> fn[kDotRows][kDotCols];
  constexpr DotTable() : fn{} { fill<kDotRows * kDotCols - 1>(); }
  template <int I>
  constexpr void fill() {
    if constexpr (I >= 0) {
      fn[I / kDotCols][I % kDotCols] = dot_tile<T, I / kDotCols + 1, I % kDotCols + 1>;
      fill<I - 1>();
    }
  }
};
template <class T>
constexpr DotTable<T> kDots;

template <class T>
void conv_dots(const ConvDots<T>& g) {
  for (int64_t j = 0; j < g.cols; j += kDotCols)
    for (int64_t i = 0; i < g.rows; i += kDotRows)
      kDots<T>.fn[min(kDotRows, g.rows - i) - 1][min(kDotCols, g.cols - j) - 1](g, i, j);
}

/// to[tap][image][u][v] = flat[offset[tap] + position], the valid positions alone.
template <class T>
void gather_taps(const ConvBlock<T>& g) {
  T* to = g.out;
  for (int64_t p = 0; p < g.taps; ++p)
    for (int64_t n = 0; n < g.images; ++n) {
      const T* from = g.flat + g.offset[p] + n * g.image_pitch;
      for (int64_t u = 0; u < g.u; ++u, from += g.pitch, to += g.v) copy_row(from, to, g.v);
    }
}

/// to[p * width + line] = from[line * step + p], zeros from `lines` to `width` (whole vectors).
template <class T>
void transpose_lines(const T* from, int64_t step, int64_t lines, int64_t k, T* to, int64_t width) {
  pack_panel(from, step, 1, lines, k, to, width);
}

template <class T>
constexpr cpu::ConvKernels<T> conv_kernels_of() {
  return {kLanes<T>,    kTileRows<T>,       8 * kLanes<T>,   kDotRows,   kDotCols,
          tiles<T>,     packed_size<T>,     pack_weights<T>, flatten<T>, conv_block<T>,
          conv_dots<T>, transpose_lines<T>, gather_taps<T>};
}

}  // namespace

extern const cpu::AllConvKernels conv_kernels = {conv_kernels_of<float>(),
                                                 conv_kernels_of<double>()};

}  // namespace rl::RL_ISA
