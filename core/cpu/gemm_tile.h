// What the product and the convolution kernels share: the shape of register tiles, and packing into
// the panels that tiles read. Not here: the tiles' inner loops.
#pragma once
#include "cpu/simd.h"

namespace rl::RL_ISA {

constexpr int64_t div_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }

template <class T>
constexpr bool kIsFloat = T(0.5) != T(0) || T(-1) < T(0);  // signed integers are pairs of floats
/// Rows of the largest tile: as many as leave registers for a row of B and one element of A.
template <class T>
constexpr int kTileRows = !kIsFloat<T>       ? 4
                          : kRegisters == 32 ? 14
                                             : 6;

/// Vectors across a tile of that many rows: few rows take wider tiles, to keep both adders busy.
constexpr int tile_vectors(int rows) {
  constexpr int sums = kRegisters == 32 ? 28 : 12;
  const int v = sums / rows;
  return v > 8 ? 8 : v < 2 ? 2 : v;
}

/// to[p * width + line] = from[line * line_step + p] for a square of as many as a vector has lanes.
/// A function of its own, for the sake of the registers.
template <class T>
__attribute__((noinline)) void pack_square(const T* from, int64_t line_step, T* to, int64_t width) {
  constexpr int w = kLanes<T>;
  Vec<T> rows[w];
#pragma GCC unroll 16
  for (int i = 0; i < w; ++i, from += line_step) {
    __builtin_prefetch(from + 2 * w);
    rows[i] = load(from);
  }
  transpose<T>(rows);
#pragma GCC unroll 16
  for (int i = 0; i < w; ++i, to += width) store(to, rows[i]);
}

/// Packs `lines` lines of k elements into to[p * width + line], lines past the last as zeros.
/// May write up to a vector past the panel: panels are packed in rising order.
template <class T>
void pack_panel(const T* from, int64_t line_step, int64_t k_step, int64_t lines, int64_t k, T* to,
                int64_t width) {
  constexpr int w = kLanes<T>;
  if (line_step == 1) {
    for (int64_t p = 0; p < k; ++p, from += k_step, to += width)
      for (int64_t l = 0; l < width; l += w) {
        const int64_t n = lines - l;
        store(to + l, n >= w ? load(from + l) : n > 0 ? load_partial(from + l, n) : Vec<T>{});
      }
    return;
  }
  if constexpr (w <= 16) {
    if (k_step == 1) {
      for (int64_t p = 0; p < k; p += w) {
        const int64_t steps = k - p < w ? k - p : w;
        // The last lines first: a store that runs over the width is mended by the next one.
        for (int64_t l = (width - 1) / w * w; l >= 0; l -= w) {
          if (steps == w && l + w <= lines) {
            pack_square(from + l * line_step + p, line_step, to + p * width + l, width);
            continue;
          }
          Vec<T> rows[w];
          const T* f = from + l * line_step + p;
#pragma GCC unroll 16
          for (int i = 0; i < w; ++i) __builtin_prefetch(f + i * line_step + 2 * w);
#pragma GCC unroll 16
          for (int i = 0; i < w; ++i)
            rows[i] = l + i >= lines ? Vec<T>{}
                      : steps == w   ? load(f + i * line_step)
                                     : load_partial(f + i * line_step, steps);
          transpose<T>(rows);
          if (steps == w) {
#pragma GCC unroll 16
            for (int i = 0; i < w; ++i) store(to + (p + i) * width + l, rows[i]);
          } else {
#pragma GCC unroll 16
            for (int i = 0; i < w; ++i)
              if (i < steps) store(to + (p + i) * width + l, rows[i]);
          }
        }
      }
      return;
    }
  }
  for (int64_t p = 0; p < k; ++p)
    for (int64_t l = 0; l < width; ++l)
      to[p * width + l] = l < lines ? from[l * line_step + p * k_step] : T(0);
}

}  // namespace rl::RL_ISA
