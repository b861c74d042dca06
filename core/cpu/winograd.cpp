// Convolutions by Winograd's algorithm F(2x2, 3x3) (Lavin & Gray 2015, arXiv:1509.09308).
//
// The four outputs of a 3 x 3 filter g over a 4 x 4 tile d of the input are A^T [U * V] A with
// U = G g G^T, V = B^T d B and * number by number: 16 multiplications in place of 36. Summed over
// channels, each of the sixteen numbers is a matrix product [out, in] @ [in, tiles], which is where
// the time goes; the transforms only add and halve. The way back is the same with turned filters.
// The gradient of the weights is the transposed map: G^T (sum over tiles of (A dy A^T) * V) G.
//
// Error. A result mixes the terms of its window more than the direct sum does, and of its window
// only: it is off by a few roundings of (sum of |x|) * (sum of |g|), summed over channels, where
// the direct sum is off by those of the sum of |x g|. But the sums are nine times shorter: on
// random numbers the error is 0.6 to 0.8 times the direct one, of the weights' gradient 1.3 times.
// What is infinite or overflows on the way becomes NaN, so if any result is not finite, the direct
// convolution computes all of them again: infinities and NaNs are where they belong.
//
// Blocks. A transformed tile is four times its part of the input, so what is transformed must not
// leave the second-level cache. With many tiles, a thread takes some 112 of them at a time through
// all steps. With few tiles and many channels the transformed weights are the larger operand: a
// thread takes 32 outputs at a time. The gradient of the weights sums over the tiles: up to eight
// slices of them have sums of their own; where there are few tiles, or so many weights that these
// sums would not fit, threads share the sixteen products. All of this is decided by the shapes, so
// that the number of threads changes nothing.
#include "cpu/winograd.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>

#include "cpu/conv_kernels.h"
#include "cpu/gemm.h"
#include "cpu/pick.h"
#include "cpu/threads.h"
#include "cpu/winograd_kernels.h"

RL_PICK(cpu::AllConvKernels, conv_kernels)
RL_PICK(cpu::WinogradKernels, winograd_kernels)

namespace rl::cpu {
namespace {

constexpr int64_t kParts = 16;  // numbers of a transformed tile, and products

/// How long the parts are when `n` is cut evenly into parts of `most` or less.
int64_t even_part(int64_t n, int64_t most) { return div_up(n, div_up(n, most)); }
/// An odd number of cache lines, so that rows so far apart spread over the cache sets.
int64_t odd_lines(int64_t n) { return (div_up(n, 16) | 1) * 16; }

/// What a thread reads next lies too far from what it reads now for the hardware to foresee.
void prefetch(const float* from, int64_t count) {
  for (int64_t i = 0; i < count; i += 16) __builtin_prefetch(from + i);
}

/// Calls f(begin, end) for parts of [0, n), which the threads take one at a time.
template <class F>
void each_part(int64_t n, int64_t part, F f) {
  parallel_each(div_up(n, part), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) f(i * part, std::min((i + 1) * part, n));
  });
}

/// Sixteen matrices: element (i, j) of number p is at(i, p)[j].
struct Parts {
  int64_t pitch, step;
  float* data;
  Parts(Scratch slot, int64_t rows, int64_t cols)
      : pitch(odd_lines(cols)),
        step(odd_lines(rows * pitch)),
        data(static_cast<float*>(scratch(slot, kParts * step * 4))) {}
  float* at(int64_t row, int64_t p = 0) const { return data + p * step + row * pitch; }
};

/// The rows of tiles that cover images of height x width; they are numbered through all images.
struct Tiling {
  int64_t height, width, down, across, rows;
  Tiling(int64_t n, int64_t h, int64_t w)
      : height(h), width(w), down((h + 1) / 2), across((w + 1) / 2), rows(n * down) {}

  int64_t tiles() const { return rows * across; }
  /// As many rows as make `tiles` tiles or less, but one at least.
  int64_t rows_of(int64_t tiles) const { return std::max<int64_t>(1, tiles / across); }
  /// Calls f(image, row within it, count, tiles before) for the rows [r0, r1), image by image.
  template <class F>
  void each_image(int64_t r0, int64_t r1, F f) const {
    for (int64_t r = r0, count; r < r1; r += count) {
      count = std::min(r1 - r, down - r % down);
      f(r / down, r % down, count, (r - r0) * across);
    }
  }
};

/// Planes that are cut into tiles of 4 x 4, two to two, behind a border of zeros.
struct Source {
  const float* data;
  int64_t channels, h, w, pad_h, pad_w;

  /// Channel c of the rows [r0, r1), to a row of sixteen matrices.
  void transform(const Tiling& t, int64_t r0, int64_t r1, int64_t c, const Parts& to) const {
    const ConvKernels<float>& kn = conv_kernels().f32;
    const int64_t pitch = 2 * t.across + 2, most = 2 * std::min(r1 - r0, t.down) + 2;
    float* flat = static_cast<float*>(scratch(Scratch::ConvY, (most * pitch + 4 * kn.lanes) * 4));
    t.each_image(r0, r1, [&](int64_t image, int64_t row, int64_t count, int64_t tile) {
      const float* plane = data + (image * channels + c) * h * w;
      const int64_t rows = 2 * count + 2, y0 = 2 * row - pad_h;
      prefetch(plane + (h + y0) * w, rows * w);  // of the next channel
      kn.flatten({plane, 1, 0, 1, 0, h, w, y0, -pad_w, 1, 1, rows, pitch, rows * pitch, flat});
      winograd_kernels().input({count, t.across, rows, pitch, flat, to.at(c) + tile, to.step});
    });
  }
};

/// [n, in, h, w] with filters [out, in, 3, 3] gives [n, out, tiling].
struct Correlation {
  Source x;
  int64_t out;
  const float *weight, *bias;
  float* y;
  Tiling t;
  bool turned;  ///< the filters are [in, out, 3, 3], each turned by half a circle: the way back
  std::atomic<bool> finite{true};

  /// Rows of transformed filters that belong to so many outputs.
  int64_t lines(int64_t outs) const { return turned ? x.channels : outs; }

  /// Transforms the filters of outputs [o0, o1), in parallel, to the rows of u from `row` on.
  void transform(int64_t o0, int64_t o1, const Parts& u, int64_t row) const {
    const int64_t count = turned ? o1 - o0 : x.channels;
    parallel_for(0, lines(o1 - o0), 1 + 16384 / count, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const float* from = weight + 9 * (turned ? i * out + o0 : (o0 + i) * count);
        if (turned) prefetch(from + 9 * out, 9 * count);
        winograd_kernels().weights({count, from, u.at(row + i), u.step});
      }
    });
  }

  /// Outputs [o0, o1) of the rows [r0, r1), with the filters that lie in u from `row` on.
  void multiply(const Parts& u, int64_t row, int64_t o0, int64_t o1, const Parts& v, int64_t r0,
                int64_t r1) {
    const int64_t tiles = (r1 - r0) * t.across;
    const Parts m(Scratch::ConvTile, o1 - o0, tiles);
    // To turn a filter is to exchange the outer two of each four numbers.
    constexpr int64_t turn[] = {3, 1, 2, 0};
    for (int64_t p = 0; p < kParts; ++p)
      gemm(DType::F32, turned, false, o1 - o0, tiles, x.channels, 1.0,
           u.at(row, turned ? 4 * turn[p / 4] + turn[p % 4] : p), u.pitch, v.at(0, p), v.pitch, 0.0,
           m.at(0, p), m.pitch);
    for (int64_t o = o0; o < o1; ++o)
      t.each_image(r0, r1, [&](int64_t image, int64_t r, int64_t count, int64_t tile) {
        float* to = y + ((image * out + o) * t.height + 2 * r) * t.width;
        if (!winograd_kernels().output({count, t.across, t.height - 2 * r, t.width,
                                        m.at(o - o0) + tile, to, m.step, bias ? bias[o] : 0}))
          finite = false;
      });
  }

  /// A loop within one that has a single turn is shared by all threads.
  bool run() {
    const bool few = t.tiles() <= 256;
    const int64_t blocks = div_up(t.rows, t.rows_of(112)), outs = even_part(out, few ? 32 : 64);
    const int64_t rows = few ? t.rows : div_up(t.rows, div_up(blocks, 4) * 4);
    const auto room = [&](int64_t blocks) {
      return Parts(Scratch::ConvW, blocks * lines(outs), turned ? outs : x.channels);
    };
    const Parts all = room(few ? 0 : div_up(out, outs));
    for (int64_t o = 0; o < out && !few; o += outs)
      transform(o, std::min(o + outs, out), all, o / outs * lines(outs));
    each_part(t.rows, rows, [&](int64_t r0, int64_t r1) {
      const Parts v(Scratch::ConvX, x.channels, rows * t.across);
      parallel_for(0, x.channels, 1 + 4096 / t.tiles(), [&](int64_t begin, int64_t end) {
        for (int64_t c = begin; c < end; ++c) x.transform(t, r0, r1, c, v);
      });
      each_part(out, outs, [&](int64_t o0, int64_t o1) {
        if (!few) return multiply(all, o0 / outs * lines(outs), o0, o1, v, r0, r1);
        const Parts own = room(1);
        transform(o0, o1, own, 0);
        multiply(own, 0, o0, o1, v, r0, r1);
      });
    });
    return finite;
  }
};

/// The gradient of the weights: for each of the sixteen, the product of the transformed gradient of
/// the output and the transformed input over all tiles.
struct WeightGradient {
  Source x;
  const float* dy;
  int64_t k;
  float* dw;
  Tiling t;

  /// The gradient of output o in the rows [r0, r1), transformed.
  void transform(int64_t r0, int64_t r1, int64_t o, const Parts& to) const {
    t.each_image(r0, r1, [&](int64_t image, int64_t row, int64_t count, int64_t tile) {
      const float* from = dy + ((image * k + o) * t.height + 2 * row) * t.width;
      prefetch(from + t.height * t.width, 2 * count * t.width);
      winograd_kernels().grad(
          {count, t.across, t.height - 2 * row, t.width, from, to.at(o) + tile, to.step});
    });
  }

  /// Adds what the rows [r0, r1) give to the rows of u from `row` on.
  void add(int64_t r0, int64_t r1, const Parts& u, int64_t row, bool more) const {
    const int64_t c = x.channels, tiles = (r1 - r0) * t.across;
    const Parts v(Scratch::ConvX, c, tiles), m(Scratch::ConvTile, k, tiles);
    parallel_for(0, c + k, 1 + 4096 / tiles, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        i < c ? x.transform(t, r0, r1, i, v) : transform(r0, r1, i - c, m);
    });
    each_part(kParts, 1, [&](int64_t p, int64_t) {
      gemm(DType::F32, false, true, k, c, tiles, 1.0, m.at(0, p), m.pitch, v.at(0, p), v.pitch,
           more ? 1.0 : 0.0, u.at(row, p), u.pitch);
    });
  }

  bool run() {
    const int64_t c = x.channels, room = (4 << 20) / (kParts * k * c * 4);
    const int64_t slice = div_up(t.rows, t.tiles() > 256 ? std::clamp<int64_t>(room, 1, 8) : 1);
    const int64_t slices = div_up(t.rows, slice);
    const int64_t rows = even_part(slice, t.rows_of(slices > 1 ? 112 : 448));
    const Parts u(Scratch::ConvW, slices * k, c);
    each_part(t.rows, slice, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; r += rows)
        add(r, std::min(r + rows, end), u, begin / slice * k, r > begin);
    });
    std::atomic<bool> finite{true};
    parallel_for(0, k, 1 + 16384 / c, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o)
        if (!winograd_kernels().weights_grad(
                {c, u.at(o), dw + o * c * 9, u.step, slices, k * u.pitch}))
          finite = false;
    });
    return finite;
  }
};

/// RUSHLIGHT_CONV=winograd uses it wherever it is possible, any other value nowhere.
bool applies(const Conv2d& v) {
  const int64_t across = (v.out_w() + 1) / 2, tiles = v.n * ((v.out_h() + 1) / 2) * across;
  if (v.r != 3 || v.s != 3 || v.stride_h != 1 || v.stride_w != 1 || v.dilation_h != 1 ||
      v.dilation_w != 1 || v.groups != 1 || v.pad_h > 2 || v.pad_w > 2 || tiles <= 0 ||
      std::min(v.c, v.k) <= 0)
    return false;
  if (const char* forced = std::getenv("RUSHLIGHT_CONV"))
    return std::strcmp(forced, "winograd") == 0;
  // Measured: the fewer the channels, the more tiles it takes to pay, and in longer rows.
  const int64_t channels = std::min(v.c, v.k);
  return channels >= 32 ? tiles >= 16
                        : channels >= 16 && across >= 8 && tiles * v.c * v.k >= 1 << 18;
}

}  // namespace

bool winograd_forward(const Conv2d& v, const float* x, const float* weight, const float* bias,
                      float* y) {
  if (!applies(v)) return false;
  const Source from{x, v.c, v.h, v.w, v.pad_h, v.pad_w};
  return Correlation{from, v.k, weight, bias, y, {v.n, v.out_h(), v.out_w()}, false}.run();
}

bool winograd_backward_input(const Conv2d& v, const float* dy, const float* weight, float* dx) {
  if (!applies(v)) return false;
  const Source from{dy, v.k, v.out_h(), v.out_w(), 2 - v.pad_h, 2 - v.pad_w};
  return Correlation{from, v.c, weight, nullptr, dx, {v.n, v.h, v.w}, true}.run();
}

bool winograd_backward_weight(const Conv2d& v, const float* dy, const float* x, float* dweight) {
  if (!applies(v)) return false;
  const Source from{x, v.c, v.h, v.w, v.pad_h, v.pad_w};
  return WeightGradient{from, dy, v.k, dweight, {v.n, v.out_h(), v.out_w()}}.run();
}

}  // namespace rl::cpu
