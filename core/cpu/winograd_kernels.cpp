// The transforms of winograd.cpp, compiled once per instruction set. Lanes are neighbouring tiles
// of a row, or neighbouring filters. Not here: the products between the transforms.
#include "cpu/winograd_kernels.h"

#include "cpu/gemm_tile.h"

namespace rl::RL_ISA {

using cpu::WinogradFilters;
using cpu::WinogradTiles;

namespace {

using V = Vec<float>;
constexpr int w = kLanes<float>;

template <int... I>
RL_INLINE V odd_lanes(V a, V b, Seq<I...>) {
  return __builtin_shufflevector(a, b, (2 * I + 1)...);
}
/// a0 b0 a1 b1 ..., from the lane `kFrom` on.
template <int kFrom, int... I>
RL_INLINE V alternate(V a, V b, Seq<I...>) {
  return __builtin_shufflevector(a, b, (kFrom + I / 2 + (I & 1) * w)...);
}
using Lanes = MakeSeq<w>::type;

RL_INLINE V get(const float* from, int64_t n) {
  return n >= w ? load(from) : load_partial(from, n);
}
RL_INLINE void put(float* to, V v, int64_t n) { n >= w ? store(to, v) : store_partial(to, v, n); }
RL_INLINE bool all_zero(V v) { return sum_lanes<float>(v) == 0; }  // false for NaN

/// One row of 4 x 4 tiles, times B.
RL_INLINE void input_row(const float* from, V* to) {
  const V a = load(from), b = load(from + w), c = load(from + 2), d = load(from + 2 + w);
  const V d0 = even_lanes<float>(a, b), d1 = odd_lanes(a, b, Lanes{});
  const V d2 = even_lanes<float>(c, d), d3 = odd_lanes(c, d, Lanes{});
  to[0] = d0 - d2, to[1] = d1 + d2, to[2] = d2 - d1, to[3] = d1 - d3;
}

void input(const WinogradTiles& g) {
  const int64_t step = g.step;
  for (int64_t j = 0; j < g.cols; j += w) {
    const int64_t n = g.cols - j;
    const float* from = g.from + 2 * j;
    float* to = g.to + j;
    V r0[4], r1[4], r2[4], r3[4];
    input_row(from, r0);
    input_row(from + g.width, r1);
    for (int64_t i = 0; i < g.rows; ++i, to += g.cols) {
      from += 2 * g.width;
      input_row(from, r2);
      input_row(from + g.width, r3);
#pragma GCC unroll 4
      for (int q = 0; q < 4; ++q) {
        put(to + q * step, r0[q] - r2[q], n);
        put(to + (4 + q) * step, r1[q] + r2[q], n);
        put(to + (8 + q) * step, r2[q] - r1[q], n);
        put(to + (12 + q) * step, r1[q] - r3[q], n);
        r0[q] = r2[q], r1[q] = r3[q];
      }
    }
  }
}

/// One row of 2 x 2 tiles, of which n elements are there, times A^T.
RL_INLINE void grad_row(const float* from, int64_t n, V* to) {
  const V a = n > 0 ? get(from, n) : V{}, b = n > w ? get(from + w, n - w) : V{};
  to[0] = even_lanes<float>(a, b), to[3] = -odd_lanes(a, b, Lanes{});
  to[1] = to[0] - to[3], to[2] = to[0] + to[3];
}

void grad(const WinogradTiles& g) {
  const int64_t step = g.step;
  for (int64_t i = 0; i < g.rows; ++i)
    for (int64_t j = 0; j < g.cols; j += w) {
      const int64_t n = g.cols - j, there = g.width - 2 * j;
      const float* from = g.from + 2 * (i * g.width + j);
      float* to = g.to + i * g.cols + j;
      V r0[4], r1[4];
      grad_row(from, there, r0);
      grad_row(from + g.width, 2 * i + 1 < g.height ? there : 0, r1);
#pragma GCC unroll 4
      for (int q = 0; q < 4; ++q) {
        put(to + q * step, r0[q], n);
        put(to + (4 + q) * step, r0[q] + r1[q], n);
        put(to + (8 + q) * step, r0[q] - r1[q], n);
        put(to + (12 + q) * step, -r1[q], n);
      }
    }
}

/// a[0..3] times A: the two outputs of a row, side by side.
RL_INLINE void output_row(const V* a, V bias, float* to, int64_t n, V& check) {
  const V left = a[0] + a[1] + a[2], right = a[1] - a[2] - a[3];
  check += (left + right) * 0.0f;
  put(to, alternate<0>(left, right, Lanes{}) + bias, n);
  if (n > w) put(to + w, alternate<w / 2>(left, right, Lanes{}) + bias, n - w);
}

bool output(const WinogradTiles& g) {
  V check = {};
  const V bias = splat(g.bias);
  for (int64_t i = 0; i < g.rows; ++i)
    for (int64_t j = 0; j < g.cols; j += w) {
      const float* from = g.from + i * g.cols + j;
      V top[4], bottom[4];
#pragma GCC unroll 4
      for (int q = 0; q < 4; ++q) {
        V m[4];
#pragma GCC unroll 4
        for (int p = 0; p < 4; ++p) m[p] = get(from + (4 * p + q) * g.step, g.cols - j);
        top[q] = m[0] + m[1] + m[2], bottom[q] = m[1] - m[2] - m[3];
      }
      float* to = g.to + 2 * (i * g.width + j);
      output_row(top, bias, to, g.width - 2 * j, check);
      if (2 * i + 1 < g.height) output_row(bottom, bias, to + g.width, g.width - 2 * j, check);
    }
  return all_zero(check);
}

/// G times three numbers.
RL_INLINE void expand(V g0, V g1, V g2, V* to) {
  const V sum = (g0 + g2) * 0.5f, half = g1 * 0.5f;
  to[0] = g0, to[1] = sum + half, to[2] = sum - half, to[3] = g2;
}

void weights(const WinogradFilters& g) {
  for (int64_t i = 0; i < g.count; i += w) {
    float nine[10 * w];
    pack_panel(g.from + 9 * i, 9, 1, min(w, g.count - i), 9, nine, w);
    V cols[3][4];
#pragma GCC unroll 3
    for (int s = 0; s < 3; ++s)
      expand(load(nine + s * w), load(nine + (3 + s) * w), load(nine + (6 + s) * w), cols[s]);
#pragma GCC unroll 4
    for (int p = 0; p < 4; ++p) {
      V u[4];
      expand(cols[0][p], cols[1][p], cols[2][p], u);
#pragma GCC unroll 4
      for (int q = 0; q < 4; ++q) put(g.to + (4 * p + q) * g.step + i, u[q], g.count - i);
    }
  }
}

/// G^T times four numbers.
RL_INLINE void contract(V u0, V u1, V u2, V u3, V* to) {
  const V half = (u1 + u2) * 0.5f;
  to[0] = u0 + half, to[1] = (u1 - u2) * 0.5f, to[2] = half + u3;
}

bool weights_grad(const WinogradFilters& g) {
  V check = {};
  for (int64_t i = 0; i < g.count; i += w) {
    const int64_t n = min(w, g.count - i);
    V cols[4][3];
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      V u[4];
#pragma GCC unroll 4
      for (int p = 0; p < 4; ++p) {
        const float* from = g.from + (4 * p + q) * g.step + i;
        u[p] = get(from, n);
        for (int64_t s = 1; s < g.slices; ++s) u[p] += get(from + s * g.apart, n);
      }
      contract(u[0], u[1], u[2], u[3], cols[q]);
    }
    float nine[(w + 9) * w], filters[10 * w];  // pack_panel prefetches beyond the nine
#pragma GCC unroll 3
    for (int r = 0; r < 3; ++r) {
      V row[3];
      contract(cols[0][r], cols[1][r], cols[2][r], cols[3][r], row);
#pragma GCC unroll 3
      for (int s = 0; s < 3; ++s) {
        store(nine + (3 * r + s) * w, row[s]);
        check += row[s] * 0.0f;
      }
    }
    pack_panel(nine, w, 1, 9, w, filters, 9);
    for (int64_t p = 0; p < 9 * n; p += w) put(g.to + 9 * i + p, load(filters + p), 9 * n - p);
  }
  return all_zero(check);
}

}  // namespace

extern const cpu::WinogradKernels winograd_kernels = {input, grad, output, weights, weights_grad};

}  // namespace rl::RL_ISA
