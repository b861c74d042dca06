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
// the direct sum is off by as many of the sum of |x g|; on random numbers that is twice the error.
// What is infinite or overflows on the way becomes NaN, so if any result is not finite, the direct
// convolution computes all of them again: infinities and NaNs are where they belong.
//
// Blocks. A transformed tile is four times its part of the input, so what is transformed must not
// leave the second-level cache. With many tiles, a thread takes some 112 of them at a time through
// all steps. With few tiles and many channels the transformed weights are the larger operand: a
// thread takes 32 outputs at a time. The gradient of the weights sums over the tiles: each of at
// most eight slices of them has sums of its own; or, when there are so many weights that these
// would not fit, threads share the outputs. All of this is decided by the shapes, so that the
// number of threads changes nothing.
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

constexpr int64_t kParts = 16;          // numbers of a transformed tile, and products
constexpr int64_t kFewTiles = 256;      // up to here threads share the output channels
constexpr int64_t kSumBytes = 4 << 20;  // of the gradient of the weights, all slices
constexpr int64_t kTiles = 112, kGradTiles = 448, kChannels = 64, kFewChannels = 32;  // of a block

int64_t div_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
/// How long the parts are when `n` is cut evenly into parts of `most` or less.
int64_t even_part(int64_t n, int64_t most) { return div_up(n, div_up(n, most)); }
/// An odd number of cache lines, so that rows so far apart spread over the cache sets.
int64_t odd_lines(int64_t n) { return (div_up(n, 16) | 1) * 16; }

float* scratch_of(Scratch slot, int64_t count) {
  return static_cast<float*>(scratch(slot, count * static_cast<int64_t>(sizeof(float))));
}

/// What a thread reads next lies too far from what it reads now for the hardware to foresee.
void prefetch(const float* from, int64_t count) {
  for (int64_t i = 0; i < count; i += 16) __builtin_prefetch(from + i);
}

/// Sixteen matrices: element (i, j) of number p is data[p * step + i * pitch + j].
struct Parts {
  float* data;
  int64_t pitch, step;
  Parts(Scratch slot, int64_t rows, int64_t cols)
      : pitch(odd_lines(cols)), step(odd_lines(rows * pitch)) {
    data = scratch_of(slot, kParts * step);
  }
};

/// The rows of tiles that cover images of height x width; they are numbered through all images.
struct Tiling {
  int64_t height, width, down, across, rows;
  Tiling(int64_t n, int64_t h, int64_t w)
      : height(h), width(w), down((h + 1) / 2), across((w + 1) / 2), rows(n * down) {}

  int64_t tiles() const { return rows * across; }
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

  /// Channels [c0, c1) of the rows [r0, r1): one row of `to` a channel.
  void transform(const Tiling& t, int64_t r0, int64_t r1, int64_t c0, int64_t c1,
                 const Parts& to) const {
    const ConvKernels<float>& kn = conv_kernels().f32;
    const int64_t pitch = 2 * t.across + 2, most = 2 * std::min(r1 - r0, t.down) + 2;
    float* flat = scratch_of(Scratch::ConvY, most * pitch + 4 * kn.lanes);
    for (int64_t c = c0; c < c1; ++c)
      t.each_image(r0, r1, [&](int64_t image, int64_t row, int64_t count, int64_t tile) {
        const float* plane = data + (image * channels + c) * h * w;
        const int64_t rows = 2 * count + 2;
        prefetch(plane + (h + 2 * row - pad_h) * w, rows * w);
        kn.flatten({plane, 1, 0, 1, 0, h, w, 2 * row - pad_h, -pad_w, 1, 1, rows, pitch,
                    rows * pitch, flat});
        winograd_kernels().input(
            {count, t.across, flat, rows, pitch, to.data + c * to.pitch + tile, to.step});
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

  int64_t in() const { return x.channels; }

  /// Room for the transformed filters of blocks of so many outputs; `lines` rows hold a block.
  Parts room(int64_t blocks, int64_t outs) const {
    return {Scratch::ConvW, blocks * lines(outs), turned ? outs : in()};
  }
  int64_t lines(int64_t outs) const { return turned ? in() : outs; }

  /// Transforms the filters of outputs [o0, o1), in parallel, to the rows of u from `row` on.
  void weights(int64_t o0, int64_t o1, const Parts& u, int64_t row) const {
    const int64_t count = lines(o1 - o0), line = turned ? o1 - o0 : in();
    parallel_for(0, count, 1 + 16384 / line, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const float* from = weight + 9 * (turned ? i * out + o0 : (o0 + i) * line);
        if (turned) prefetch(from + 9 * out, 9 * line);
        winograd_kernels().weights(from, line, u.data + (row + i) * u.pitch, u.step);
      }
    });
  }

  /// Outputs [o0, o1) of the rows [r0, r1), with the filters that lie in u from `first` on.
  void multiply(const Parts& u, int64_t first, int64_t o0, int64_t o1, const Parts& v, int64_t r0,
                int64_t r1) {
    const int64_t m = o1 - o0, tiles = (r1 - r0) * t.across;
    const Parts product(Scratch::ConvTile, m, tiles);
    for (int64_t p = 0; p < kParts; ++p) {
      // To turn a filter is to exchange the outer two of each four numbers.
      const int64_t row = p / 4, col = p % 4;
      const int64_t from = turned ? 4 * (row % 3 ? row : 3 - row) + (col % 3 ? col : 3 - col) : p;
      gemm(DType::F32, turned, false, m, tiles, in(), 1.0, u.data + from * u.step + first * u.pitch,
           u.pitch, v.data + p * v.step, v.pitch, 0.0, product.data + p * product.step,
           product.pitch);
    }
    bool good = true;
    for (int64_t o = o0; o < o1; ++o)
      t.each_image(r0, r1, [&](int64_t image, int64_t row, int64_t count, int64_t tile) {
        good &= winograd_kernels().output(
            {count, t.across, product.data + (o - o0) * product.pitch + tile, product.step,
             y + ((image * out + o) * t.height + 2 * row) * t.width, t.height - 2 * row, t.width,
             bias ? bias[o] : 0.0f});
      });
    if (!good) finite = false;
  }

  /// Many tiles: a thread takes some of them at a time, through all channels.
  void by_tiles() {
    const int64_t outs = even_part(out, kChannels), blocks = div_up(out, outs);
    const Parts u = room(blocks, outs);
    for (int64_t b = 0; b < blocks; ++b)
      weights(b * outs, std::min((b + 1) * outs, out), u, b * lines(outs));
    const int64_t parts = div_up(t.rows, std::max<int64_t>(1, kTiles / t.across));
    const int64_t rows = div_up(t.rows, div_up(parts, 4) * 4);
    parallel_each(div_up(t.rows, rows), [&](int64_t begin, int64_t end) {
      for (int64_t r0 = begin * rows; r0 < std::min(end * rows, t.rows); r0 += rows) {
        const int64_t r1 = std::min(r0 + rows, t.rows);
        const Parts v(Scratch::ConvX, in(), rows * t.across);
        x.transform(t, r0, r1, 0, in(), v);
        for (int64_t b = 0; b < blocks; ++b)
          multiply(u, b * lines(outs), b * outs, std::min((b + 1) * outs, out), v, r0, r1);
      }
    });
  }

  /// Few tiles, many channels: a thread takes some outputs at a time, over all tiles.
  void by_channels() {
    const Parts v(Scratch::ConvX, in(), t.tiles());
    parallel_for(0, in(), 1 + 4096 / t.tiles(),
                 [&](int64_t begin, int64_t end) { x.transform(t, 0, t.rows, begin, end, v); });
    const int64_t outs = even_part(out, kFewChannels);
    parallel_each(div_up(out, outs), [&](int64_t begin, int64_t end) {
      for (int64_t o = begin * outs; o < std::min(end * outs, out); o += outs) {
        const Parts u = room(1, outs);
        weights(o, std::min(o + outs, out), u, 0);
        multiply(u, 0, o, std::min(o + outs, out), v, 0, t.rows);
      }
    });
  }

  bool run() {
    if (t.tiles() <= kFewTiles)
      by_channels();
    else
      by_tiles();
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

/// The gradient of the weights: for each of the sixteen, the product of the transformed gradient of
/// the output and the transformed input over all tiles.
struct WeightGradient {
  Source x;
  const float* dy;
  int64_t k;
  float* dw;
  Tiling t;
  std::atomic<bool> finite{true};

  /// The gradient of output o, transformed.
  void grad(int64_t r0, int64_t r1, int64_t o, const Parts& to) const {
    t.each_image(r0, r1, [&](int64_t image, int64_t row, int64_t count, int64_t tile) {
      const float* from = dy + ((image * k + o) * t.height + 2 * row) * t.width;
      prefetch(from + t.height * t.width, 2 * count * t.width);
      winograd_kernels().grad({count, t.across, from, t.height - 2 * row, t.width,
                               to.data + o * to.pitch + tile, to.step});
    });
  }

  /// The rows [r0, r1), transformed; of the input [tile][channel].
  struct Block {
    Parts input, turned, grad;
    int64_t tiles = 0;
    Block(const WeightGradient& g, int64_t most)
        : input(Scratch::ConvX, g.x.channels, most),
          turned(Scratch::ConvZ, most, g.x.channels),
          grad(Scratch::ConvTile, g.k, most) {}

    void transform(const WeightGradient& g, int64_t r0, int64_t r1) {
      const int64_t c = g.x.channels;
      tiles = (r1 - r0) * g.t.across;
      parallel_for(0, c + g.k, 1 + 4096 / tiles, [&](int64_t begin, int64_t end) {
        g.x.transform(g.t, r0, r1, begin, std::min(end, c), input);
        for (int64_t o = std::max<int64_t>(begin - c, 0); o < end - c; ++o) g.grad(r0, r1, o, grad);
      });
      parallel_for(0, kParts, 1 + 65536 / (tiles * c), [&](int64_t begin, int64_t end) {
        for (int64_t p = begin; p < end; ++p)
          winograd_kernels().transpose(input.data + p * input.step, input.pitch, c, tiles,
                                       turned.data + p * turned.step, turned.pitch);
      });
    }

    /// Product p, the sums of outputs [o0, o1), to the rows of u from `row` on.
    void multiply(const WeightGradient& g, int64_t p, int64_t o0, int64_t o1, const Parts& u,
                  int64_t row, bool more) const {
      gemm(DType::F32, false, false, o1 - o0, g.x.channels, tiles, 1.0,
           grad.data + p * grad.step + o0 * grad.pitch, grad.pitch, turned.data + p * turned.step,
           turned.pitch, more ? 1.0 : 0.0, u.data + p * u.step + row * u.pitch, u.pitch);
    }
  };

  /// Turns the sums of outputs [o0, o1) back; u holds them `slices` times, `apart` rows apart.
  void finish(int64_t o0, int64_t o1, const Parts& u, int64_t first, int64_t slices,
              int64_t apart) {
    for (int64_t o = o0; o < o1; ++o)
      if (!winograd_kernels().weights_grad({x.channels, slices, apart * u.pitch,
                                            u.data + (o - first) * u.pitch, u.step,
                                            dw + o * x.channels * 9}))
        finite = false;
  }

  /// Few channels: a thread takes a slice of the tiles at a time and keeps sums of its own.
  void by_tiles() {
    const int64_t room = kSumBytes / (kParts * k * x.channels * 4);
    const int64_t slice = div_up(t.rows, std::clamp<int64_t>(room, 1, 8));
    const int64_t slices = div_up(t.rows, slice);
    const int64_t rows = even_part(slice, std::max<int64_t>(1, kTiles / t.across));
    const Parts u(Scratch::ConvW, slices * k, x.channels);
    parallel_each(slices, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        Block block(*this, rows * t.across);
        const int64_t last = std::min((i + 1) * slice, t.rows);
        for (int64_t r = i * slice; r < last; r += rows) {
          block.transform(*this, r, std::min(r + rows, last));
          for (int64_t p = 0; p < kParts; ++p)
            block.multiply(*this, p, 0, k, u, i * k, r > i * slice);
        }
      }
    });
    parallel_for(0, k, 1 + 16384 / x.channels,
                 [&](int64_t begin, int64_t end) { finish(begin, end, u, 0, slices, k); });
  }

  /// Many channels, few tiles: a thread takes some outputs at a time; their sums stay in the cache.
  void by_channels() {
    Block block(*this, t.tiles());
    block.transform(*this, 0, t.rows);
    const int64_t channels = even_part(k, kFewChannels);
    parallel_each(div_up(k, channels), [&](int64_t begin, int64_t end) {
      for (int64_t o = begin * channels; o < std::min(end * channels, k); o += channels) {
        const int64_t o1 = std::min(o + channels, k);
        const Parts u(Scratch::ConvW, channels, x.channels);
        for (int64_t p = 0; p < kParts; ++p) block.multiply(*this, p, o, o1, u, 0, false);
        finish(o, o1, u, o, 1, 0);
      }
    });
  }

  /// Many of both: a thread takes one of the sixteen products at a time.
  void by_parts() {
    const int64_t rows = even_part(t.rows, std::max<int64_t>(1, kGradTiles / t.across));
    const Parts u(Scratch::ConvW, k, x.channels);
    Block block(*this, rows * t.across);
    for (int64_t r = 0; r < t.rows; r += rows) {
      block.transform(*this, r, std::min(r + rows, t.rows));
      parallel_each(kParts, [&](int64_t begin, int64_t end) {
        for (int64_t p = begin; p < end; ++p) block.multiply(*this, p, 0, k, u, 0, r > 0);
      });
    }
    parallel_for(0, k, 1 + 16384 / x.channels,
                 [&](int64_t begin, int64_t end) { finish(begin, end, u, 0, 1, 0); });
  }

  bool run() {
    const bool sums_fit = kParts * k * x.channels * 4 <= kSumBytes / 4;
    if (sums_fit && t.tiles() > kFewTiles)
      by_tiles();
    else if (t.tiles() <= kGradTiles)
      by_channels();
    else
      by_parts();
    return finite;
  }
};

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
