// Convolution: how one is cut into blocks that fit the second-level cache, and into threads.
// Every direction is a correlation at stride 1 over flat zero-padded planes (conv_kernels.h): a
// stride splits the input into one plane per phase; the gradient of the input is such a correlation
// of dy with the turned weights, once per phase of the stride.
#include "cpu/conv.h"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "cpu/conv_kernels.h"
#include "cpu/gemm.h"
#include "cpu/pick.h"
#include "cpu/threads.h"
#include "cpu/winograd.h"

RL_PICK(cpu::AllConvKernels, conv_kernels)

namespace rl::cpu {
namespace {

template <class T>
const ConvKernels<T>& kernels() {
  return real_kernels<T>(conv_kernels());
}

template <class T>
T* scratch_of(Scratch slot, int64_t count) {
  return static_cast<T*>(scratch(slot, count * static_cast<int64_t>(sizeof(T))));
}

constexpr int64_t kGrainFlops = 400'000;
constexpr int64_t kCacheBytes = 768 * 1024;  // what a block of flat planes may take

/// One filter tap in space: which phase plane it reads, and how far down and right.
struct Tap {
  int64_t phase, down, right;
};

/// Flat planes and the output grid over them, for any number of images or any band of rows.
struct Grid {
  int64_t h, w, y0, x0, step_h, step_w;  ///< source image; see FlatSource
  int64_t u, v;                          ///< output rows and columns
  std::vector<Tap> taps;
  int64_t reach_down = 0, reach_right = 0;
  int64_t pitch = 0, shared_rows = 0;

  void finish() {
    for (const Tap& t : taps) {
      reach_down = std::max(reach_down, t.down);
      reach_right = std::max(reach_right, t.right);
    }
    // The zeros left of a row serve as those right of the row above, and likewise between images.
    const int64_t right = v + reach_right + x0 - w, below = u + reach_down + y0 - h;
    pitch = v + reach_right;
    if (step_w == 1) pitch -= std::clamp<int64_t>(right, 0, std::max<int64_t>(-x0, 0));
    if (step_h == 1) shared_rows = std::clamp<int64_t>(below, 0, std::max<int64_t>(-y0, 0));
    if (pitch < v) shared_rows = 0, pitch = v + reach_right;
  }
  int64_t phases() const { return step_h * step_w; }
  /// Rows of one flat image when only `band` output rows are made.
  int64_t rows(int64_t band) const { return band + reach_down - (band == u ? shared_rows : 0); }
  /// Elements of a plane: an odd number of cache lines, so that planes spread over the cache sets.
  int64_t plane(int64_t images, int64_t band, int64_t lanes, int64_t slack) const {
    const int64_t used = (images * rows(band) + shared_rows + 1) * pitch + reach_right + slack;
    return (div_up(used, lanes) | 1) * lanes;
  }
  std::vector<int64_t> offsets(int64_t channels, int64_t plane) const {
    std::vector<int64_t> o;
    o.reserve(static_cast<size_t>(channels) * taps.size());
    for (int64_t c = 0; c < channels; ++c)
      for (const Tap& t : taps)
        o.push_back((c * phases() + t.phase) * plane + t.down * pitch + t.right);
    return o;
  }
};

/// The grid of the forward direction; its taps are in the order of the weights.
Grid forward_grid(const Conv2d& v) {
  Grid g{v.h, v.w, -v.pad_h, -v.pad_w, v.stride_h, v.stride_w, v.out_h(), v.out_w(), {}};
  for (int64_t r = 0; r < v.r; ++r)
    for (int64_t s = 0; s < v.s; ++s) {
      const int64_t y = r * v.dilation_h, x = s * v.dilation_w;
      g.taps.push_back(
          {y % v.stride_h * v.stride_w + x % v.stride_w, y / v.stride_h, x / v.stride_w});
    }
  g.finish();
  return g;
}

/// A whole correlation: images, channels, memory.
template <class T>
struct Correlation {
  Grid grid;
  int64_t images, groups, in, out;  ///< channels per group
  const T* source;                  ///< [images, groups * in, grid.h, grid.w]
  const T *weights, *bias;          ///< [groups][out][in * taps], to be packed
  T* to;
  int64_t out_image, out_channel, out_row, out_col;
};

/// How many images, or which band of one, make a block.
struct Blocking {
  int64_t images, band, image_blocks, bands;
};

Blocking choose_blocks(const Grid& g, int64_t images, int64_t groups, int64_t channels,
                       int64_t tile_rows, int64_t element) {
  const int64_t threads = in_parallel() ? 1 : num_threads();
  const int64_t row_bytes = (channels * g.phases() + tile_rows) * g.pitch * element;
  Blocking b{1, g.u, images, 1};
  const int64_t image_bytes = row_bytes * g.rows(g.u);
  if (image_bytes > kCacheBytes) {
    b.band = std::clamp<int64_t>(kCacheBytes / row_bytes - g.reach_down, 1, g.u);
    b.band = div_up(g.u, div_up(g.u, b.band));  // no short last band
  }
  if (images * groups < threads) b.band = std::min(b.band, div_up(g.u, threads));
  if (b.band == g.u) {
    const int64_t flat = g.rows(g.u) * g.pitch;
    b.images = std::clamp<int64_t>(
        std::min({div_up(images * groups, threads), div_up(1024, flat), kCacheBytes / image_bytes}),
        1, images);
  }
  b.image_blocks = div_up(images, b.images);
  b.bands = div_up(g.u, b.band);
  return b;
}

template <class T>
constexpr DType kTypeOf = sizeof(T) == 4 ? DType::F32 : DType::F64;

/// One tap that covers the images as they lie: a plain product per image.
template <class T>
bool is_pointwise(const Correlation<T>& c) {
  const Grid& g = c.grid;
  return c.groups == 1 && g.taps.size() == 1 && g.phases() == 1 && g.y0 == 0 && g.x0 == 0 &&
         g.reach_down == 0 && g.reach_right == 0 && g.u == g.h && g.v == g.w && c.out_col == 1 &&
         c.out_row == g.v;
}
template <class T>
void pointwise(const Correlation<T>& c) {
  const int64_t pixels = c.grid.u * c.grid.v;
  if (c.bias)
    parallel_for(0, c.images, 1 + 65536 / (c.out * pixels + 1), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin * c.out; i < end * c.out; ++i)
        std::fill_n(c.to + i * pixels, pixels, c.bias[i % c.out]);
    });
  gemm_batched(kTypeOf<T>, false, false, c.images, c.out, pixels, c.in, 1.0, c.weights, c.in, 0,
               c.source, pixels, c.in * pixels, c.bias ? 1.0 : 0.0, c.to, pixels, c.out_image);
}

/// Small images under large filters: the inputs of all taps are gathered (im2col), several images
/// side by side, and the rest is one product.
template <class T>
bool prefers_gather(const Correlation<T>& c) {
  const Grid& g = c.grid;
  const double used = static_cast<double>(g.u * g.v),
               all = static_cast<double>(g.rows(g.u) * g.pitch);
  const int64_t taps = c.in * static_cast<int64_t>(g.taps.size());
  if (taps == 0 || c.out < 16 || g.u * g.v > 256) return false;
  return used < 0.5 * all || (used < 0.8 * all && c.out * taps > 256 * 1024);
}
template <class T>
void correlate_gathered(const Correlation<T>& c) {
  const ConvKernels<T>& kn = kernels<T>();
  const Grid& g = c.grid;
  const int64_t in_space = static_cast<int64_t>(g.taps.size()), taps = c.in * in_space;
  const int64_t pixels = g.u * g.v, in_plane = g.h * g.w;
  const int64_t most = std::clamp<int64_t>((4 << 20) / (taps * pixels), 1, c.images);
  const int64_t plane = g.plane(most, g.u, kn.lanes, kn.vector_slack), rows = g.rows(g.u);
  const std::vector<int64_t> offsets = g.offsets(1, plane);
  T* columns = scratch_of<T>(Scratch::ConvTile, taps * most * pixels);
  T* product = scratch_of<T>(Scratch::ConvW, c.out * most * pixels);
  for (int64_t image = 0; image < c.images; image += most)
    for (int64_t group = 0; group < c.groups; ++group) {
      const int64_t n = std::min(most, c.images - image), width = n * pixels;
      parallel_for(0, c.in, 1 + 32768 / (in_space * width), [&](int64_t begin, int64_t end) {
        T* flat = scratch_of<T>(Scratch::ConvX, g.phases() * plane + kn.vector_slack);
        for (int64_t i = begin; i < end; ++i) {
          kn.flatten({c.source + ((image * c.groups + group) * c.in + i) * in_plane, n,
                      c.groups * c.in * in_plane, 1, in_plane, g.h, g.w, g.y0, g.x0, g.step_h,
                      g.step_w, rows, g.pitch, plane, flat});
          kn.gather({0, in_space, nullptr, nullptr, flat, offsets.data(), n, rows * g.pitch,
                     g.pitch, g.u, g.v, columns + i * in_space * width, 0, 0, 0, 0, nullptr});
        }
      });
      gemm(kTypeOf<T>, false, false, c.out, width, taps, 1.0, c.weights + group * c.out * taps,
           taps, columns, width, 0.0, product, width);
      parallel_for(0, c.out, 1 + 32768 / width, [&](int64_t begin, int64_t end) {
        for (int64_t o = begin; o < end; ++o) {
          const T bias = c.bias ? c.bias[group * c.out + o] : T(0);
          const T* from = product + o * width;
          for (int64_t i = image; i < image + n; ++i) {
            T* to = c.to + i * c.out_image + (group * c.out + o) * c.out_channel;
            for (int64_t u = 0; u < g.u; ++u, from += g.v)
              for (int64_t w = 0; w < g.v; ++w) to[u * c.out_row + w * c.out_col] = from[w] + bias;
          }
        }
      });
    }
}

template <class T>
void correlate(const Correlation<T>& c) {
  const ConvKernels<T>& kn = kernels<T>();
  const Grid& g = c.grid;
  if (g.u <= 0 || g.v <= 0 || c.images <= 0 || c.out <= 0) return;
  if (is_pointwise(c)) return pointwise(c);
  if (prefers_gather(c)) return correlate_gathered(c);
  const int64_t taps = c.in * static_cast<int64_t>(g.taps.size());
  const int64_t packed = kn.packed_size(c.out, taps);
  T* weights = scratch_of<T>(Scratch::ConvW, c.groups * packed);
  const int64_t tiles = kn.tiles(c.out);
  parallel_for(0, c.groups * tiles, 1 + 65536 / (kn.tile_rows * taps + 1),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i)
                   kn.pack_weights(c.weights + i / tiles * c.out * taps, c.out, taps,
                                   weights + i / tiles * packed, i % tiles, i % tiles + 1);
               });

  const Blocking b = choose_blocks(g, c.images, c.groups, c.in, kn.tile_rows, sizeof(T));
  const int64_t plane = g.plane(b.images, b.band, kn.lanes, kn.vector_slack);
  const std::vector<int64_t> offsets = g.offsets(c.in, plane);
  const int64_t tasks = b.image_blocks * b.bands * c.groups;
  const double flops = 2.0 * static_cast<double>(c.images * c.groups * c.out * taps) *
                       static_cast<double>(g.u * g.v);
  const int64_t grain = std::max<int64_t>(
      1, static_cast<int64_t>(kGrainFlops * static_cast<double>(tasks) / (flops + 1)));
  parallel_for(0, tasks, grain, [&](int64_t begin, int64_t end) {
    T* flat = scratch_of<T>(Scratch::ConvX, c.in * g.phases() * plane + kn.vector_slack);
    T* tile = scratch_of<T>(Scratch::ConvTile, kn.tile_rows * (plane + 2 * kn.vector_slack));
    for (int64_t task = begin; task < end; ++task) {
      const int64_t group = task % c.groups, band = task / c.groups % b.bands;
      const int64_t image = task / c.groups / b.bands * b.images;
      const int64_t images = std::min(b.images, c.images - image);
      const int64_t u0 = band * b.band, u = std::min(b.band, g.u - u0);
      const int64_t in_plane = g.h * g.w;
      FlatSource<T> f{c.source + (image * c.groups + group) * c.in * in_plane,
                      images,
                      c.groups * c.in * in_plane,
                      c.in,
                      in_plane,
                      g.h,
                      g.w,
                      g.y0 + u0 * g.step_h,
                      g.x0,
                      g.step_h,
                      g.step_w,
                      g.rows(u),
                      g.pitch,
                      plane,
                      flat};
      if (b.band == g.u) f.rows = g.rows(g.u);
      kn.flatten(f);
      ConvBlock<T> k{c.out,
                     taps,
                     weights + group * packed,
                     c.bias ? c.bias + group * c.out : nullptr,
                     flat,
                     offsets.data(),
                     images,
                     f.rows * g.pitch,
                     g.pitch,
                     u,
                     g.v,
                     c.to + image * c.out_image + group * c.out * c.out_channel + u0 * c.out_row,
                     c.out_image,
                     c.out_channel,
                     c.out_row,
                     c.out_col,
                     tile};
      kn.block(k);
    }
  });
}

template <class T>
void forward(const Conv2d& v, const void* x, const void* weight, const void* bias, void* y) {
  if constexpr (sizeof(T) == sizeof(float))
    if (winograd_forward(v, static_cast<const T*>(x), static_cast<const T*>(weight),
                         static_cast<const T*>(bias), static_cast<T*>(y)))
      return;
  const int64_t plane = v.out_h() * v.out_w();
  correlate<T>({forward_grid(v), v.n, v.groups, v.c / v.groups, v.k / v.groups,
                static_cast<const T*>(x), static_cast<const T*>(weight),
                static_cast<const T*>(bias), static_cast<T*>(y), v.k * plane, plane, v.out_w(), 1});
}

// ---- gradient of the input -------------------------------------------------------------------

/// The outputs of one phase along one axis: positions first, first + stride, ... of the input.
struct Phase {
  int64_t first, count;            ///< in the input
  int64_t start;                   ///< of dy, for a tap at distance 0
  std::vector<int64_t> tap, back;  ///< filter indices that reach it, and how far back in dy
};
Phase phase_of(int64_t a, int64_t size, int64_t stride, int64_t pad, int64_t dilation, int64_t r) {
  Phase p;
  p.first = ((a - pad) % stride + stride) % stride;  // first i >= 0 with (i + pad) % stride == a
  p.count = p.first < size ? div_up(size - p.first, stride) : 0;
  p.start = (p.first + pad - a) / stride;
  for (int64_t i = 0; i < r; ++i)
    if ((i * dilation - a) % stride == 0) {
      p.tap.push_back(i);
      p.back.push_back((i * dilation - a) / stride);
    }
  return p;
}

/// The weights of one phase as those of the way back: [groups][c][k][taps].
template <class T>
void turn_weights(const Conv2d& v, const T* from, const std::vector<int64_t>& rows,
                  const std::vector<int64_t>& cols, T* to) {
  const int64_t c = v.c / v.groups, k = v.k / v.groups;
  std::vector<int64_t> at;
  for (int64_t r : rows)
    for (int64_t s : cols) at.push_back(r * v.s + s);
  const int64_t taps = static_cast<int64_t>(at.size());
  parallel_for(0, v.groups * c, 1 + 16384 / (k * taps + 1), [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o)
      for (int64_t i = 0; i < k; ++i) {
        const T* w = from + ((o / c * k + i) * c + o % c) * v.r * v.s;
        for (int64_t t = 0; t < taps; ++t)
          to[(o * k + i) * taps + t] = w[at[static_cast<size_t>(t)]];
      }
  });
}

template <class T>
void backward_input(const Conv2d& v, const void* dy, const void* weight, void* dx) {
  if constexpr (sizeof(T) == sizeof(float))
    if (winograd_backward_input(v, static_cast<const T*>(dy), static_cast<const T*>(weight),
                                static_cast<T*>(dx)))
      return;
  const int64_t c = v.c / v.groups, k = v.k / v.groups;
  for (int64_t a = 0; a < v.stride_h; ++a)
    for (int64_t b = 0; b < v.stride_w; ++b) {
      const Phase y = phase_of(a, v.h, v.stride_h, v.pad_h, v.dilation_h, v.r);
      const Phase x = phase_of(b, v.w, v.stride_w, v.pad_w, v.dilation_w, v.s);
      const int64_t far_y = y.back.empty() ? 0 : *std::max_element(y.back.begin(), y.back.end());
      const int64_t far_x = x.back.empty() ? 0 : *std::max_element(x.back.begin(), x.back.end());
      Grid g{v.out_h(), v.out_w(), y.start - far_y, x.start - far_x, 1, 1, y.count, x.count, {}};
      for (int64_t i : y.back)
        for (int64_t j : x.back) g.taps.push_back({0, far_y - i, far_x - j});
      g.finish();
      T* turned = scratch_of<T>(Scratch::ConvY, v.k * c * static_cast<int64_t>(g.taps.size()));
      turn_weights(v, static_cast<const T*>(weight), y.tap, x.tap, turned);
      correlate<T>({g, v.n, v.groups, k, c, static_cast<const T*>(dy), turned, nullptr,
                    static_cast<T*>(dx) + y.first * v.w + x.first, v.c * v.h * v.w, v.h * v.w,
                    v.stride_h * v.w, v.stride_w});
    }
}

// ---- gradient of the weights -----------------------------------------------------------------

/// The work of backward_weight. Block by block, x and dy are laid out flat, and what the block adds
/// to each weight is added. Threads share the weights, never the sum over pixels, so their number
/// changes nothing; for the same reason the blocks depend on the shapes alone.
template <class T>
struct WeightGradient {
  const Conv2d& v;
  const ConvKernels<T>& kn = kernels<T>();
  const Grid g;
  const int64_t c, k, taps;                ///< channels per group, in space
  int64_t band, images, plane, width = 0;  ///< of a block; `width` of a transposed pixel
  T *flat = nullptr, *grad = nullptr;

  explicit WeightGradient(const Conv2d& conv)
      : v(conv),
        g(forward_grid(conv)),
        c(conv.c / conv.groups),
        k(conv.k / conv.groups),
        taps(conv.r * conv.s) {
    const int64_t pixel_bytes = (v.c * g.phases() + v.k) * static_cast<int64_t>(sizeof(T));
    const int64_t pixels = std::clamp<int64_t>(2 * kCacheBytes / pixel_bytes, 256, 4096);
    const int64_t image = g.rows(g.u) * g.pitch;
    band = image <= pixels ? g.u : std::clamp<int64_t>(pixels / g.pitch - g.reach_down, 1, g.u);
    images = band < g.u ? 1 : std::clamp<int64_t>(pixels / image, 1, v.n);
    plane = g.plane(images, band, kn.lanes, kn.vector_slack);
    flat = scratch_of<T>(Scratch::ConvX, v.c * g.phases() * plane + kn.vector_slack);
    grad = scratch_of<T>(Scratch::ConvY, v.k * plane + kn.vector_slack);
  }

  /// Calls add(length) for every block once `flat` and `grad` hold it.
  template <class Add>
  void each_block(const T* dy, const T* x, Add add) {
    for (int64_t image = 0; image < v.n; image += images)
      for (int64_t u0 = 0; u0 < g.u; u0 += band) {
        const int64_t n = std::min(images, v.n - image), u = std::min(band, g.u - u0);
        const int64_t rows = g.rows(band == g.u ? g.u : u);
        parallel_for(0, v.c + v.k, 1 + 32768 / plane, [&](int64_t begin, int64_t end) {
          const int64_t x1 = std::min(end, v.c), y0 = std::max(begin - v.c, int64_t{0});
          if (begin < x1)
            kn.flatten({x + (image * v.c + begin) * v.h * v.w, n, v.c * v.h * v.w, x1 - begin,
                        v.h * v.w, v.h, v.w, g.y0 + u0 * g.step_h, g.x0, g.step_h, g.step_w, rows,
                        g.pitch, plane, flat + begin * g.phases() * plane});
          if (y0 < end - v.c)
            kn.flatten({dy + ((image * v.k + y0) * g.u + u0) * g.v, n, v.k * g.u * g.v,
                        end - v.c - y0, g.u * g.v, u, g.v, 0, 0, 1, 1, rows, g.pitch, plane,
                        grad + y0 * plane});
        });
        add(((n - 1) * rows + u) * g.pitch);
      }
  }

  /// A parallel_for over tasks that do `multiplies` together.
  template <class Body>
  static void share(int64_t tasks, double multiplies, Body body) {
    const double grain = kGrainFlops / 2 * static_cast<double>(tasks) / (multiplies + 1);
    parallel_for(0, tasks, std::max<int64_t>(1, static_cast<int64_t>(grain)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t task = begin; task < end; ++task) body(task);
                 });
  }

  /// Fewer input channels than two vectors hold: every weight is a dot product of two flat images,
  /// added to dw.
  void by_dots(const T* dy, const T* x, T* dw) {
    const int64_t cols = c * taps;
    const std::vector<int64_t> offsets = g.offsets(c, plane);
    const int64_t row_chunk = 4 * kn.dot_rows, col_chunk = 9 * kn.dot_cols;
    const int64_t row_chunks = div_up(k, row_chunk), col_chunks = div_up(cols, col_chunk);
    each_block(dy, x, [&](int64_t length) {
      const int64_t tasks = v.groups * row_chunks * col_chunks;
      share(tasks, static_cast<double>(v.k * cols * length), [&](int64_t task) {
        const int64_t j = task % col_chunks * col_chunk;
        const int64_t i = task / col_chunks % row_chunks * row_chunk;
        const int64_t group = task / col_chunks / row_chunks;
        kn.dots({std::min(row_chunk, k - i), std::min(col_chunk, cols - j),
                 div_up(length, kn.lanes) * kn.lanes, grad + (group * k + i) * plane, plane,
                 flat + group * c * g.phases() * plane, offsets.data() + j,
                 dw + (group * k + i) * cols + j, cols});
      });
    });
  }

  /// Many: with x turned to [pixel][channel], every tap is a product dy[k, pixel] @ x[pixel, c],
  /// the pixels of x shifted by the tap.
  void by_products(const T* dy, const T* x, T* dw) {
    width = div_up(v.c, kn.lanes) * kn.lanes;
    T* turned = scratch_of<T>(Scratch::ConvTile, g.phases() * plane * width + kn.lanes);
    T* sums = scratch_of<T>(Scratch::ConvW, taps * v.k * c);  // [tap][k][c]
    std::fill(sums, sums + taps * v.k * c, T(0));
    constexpr int64_t turn_chunk = 64;
    const int64_t row_chunks = div_up(k, 64), row_chunk = div_up(k, row_chunks);
    const int64_t turns = div_up(plane, turn_chunk);
    each_block(dy, x, [&](int64_t length) {
      share(g.phases() * turns, static_cast<double>(g.phases() * plane * width * 4),
            [&](int64_t task) {
              const int64_t phase = task / turns, p = task % turns * turn_chunk;
              kn.transpose(flat + phase * plane + p, g.phases() * plane, v.c,
                           std::min(turn_chunk, plane - p), turned + (phase * plane + p) * width,
                           width);
            });
      share(taps * v.groups * row_chunks, static_cast<double>(v.k * c * taps * length),
            [&](int64_t task) {
              const int64_t i = task % row_chunks * row_chunk;
              const int64_t group = task / row_chunks % v.groups;
              const int64_t tap = task / row_chunks / v.groups;
              const Tap& at = g.taps[static_cast<size_t>(tap)];
              const int64_t pixel = at.phase * plane + at.down * g.pitch + at.right;
              gemm(kTypeOf<T>, false, false, std::min(row_chunk, k - i), c, length, 1.0,
                   grad + (group * k + i) * plane, plane, turned + pixel * width + group * c, width,
                   1.0, sums + (tap * v.k + group * k + i) * c, c);
            });
    });
    const int64_t weights = v.k * c;
    parallel_for(0, weights, 1 + 32768 / taps, [=, taps = taps](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        for (int64_t tap = 0; tap < taps; ++tap) dw[i * taps + tap] = sums[tap * weights + i];
    });
  }
};

constexpr int64_t kManyGroups = 16;  // enough for threads to share: what each flattens it keeps

template <class T>
void backward_weight(const Conv2d& v, const void* dy, const void* x, void* dweight) {
  T* dw = static_cast<T*>(dweight);
  if constexpr (sizeof(T) == sizeof(float))
    if (winograd_backward_weight(v, static_cast<const T*>(dy), static_cast<const T*>(x), dw))
      return;
  if (v.n <= 0 || v.out_h() <= 0 || v.out_w() <= 0)
    return std::fill(dw, dw + v.k * (v.c / v.groups) * v.r * v.s, T(0));
  if (v.r * v.s * v.groups * v.stride_h * v.stride_w == 1 && v.pad_h == 0 && v.pad_w == 0) {
    const int64_t pixels = v.h * v.w;
    for (int64_t n = 0; n < v.n; ++n)
      gemm(kTypeOf<T>, false, true, v.k, v.c, pixels, 1.0,
           static_cast<const T*>(dy) + n * v.k * pixels, pixels,
           static_cast<const T*>(x) + n * v.c * pixels, pixels, n ? 1.0 : 0.0, dw, v.c);
    return;
  }
  const T *from = static_cast<const T*>(dy), *input = static_cast<const T*>(x);
  const int64_t c = v.c / v.groups, k = v.k / v.groups, weights = k * c * v.r * v.s;
  if (c >= 2 * kernels<T>().lanes) return WeightGradient<T>(v).by_products(from, input, dw);
  std::fill(dw, dw + v.groups * weights, T(0));
  if (v.groups < kManyGroups) return WeightGradient<T>(v).by_dots(from, input, dw);
  parallel_for(0, v.groups, 1, [&](int64_t begin, int64_t end) {
    Conv2d one = v;  // image and group
    one.n = one.groups = 1, one.c = c, one.k = k;
    WeightGradient<T> grad(one);
    for (int64_t group = begin; group < end; ++group)
      for (int64_t i = group; i < v.n * v.groups; i += v.groups)
        grad.by_dots(from + i * k * v.out_h() * v.out_w(), input + i * c * v.h * v.w,
                     dw + group * weights);
  });
}

}  // namespace

void conv2d_forward(const Conv2d& v, DType t, const void* x, const void* weight, const void* bias,
                    void* y) {
  t == DType::F64 ? forward<double>(v, x, weight, bias, y) : forward<float>(v, x, weight, bias, y);
}
void conv2d_backward_input(const Conv2d& v, DType t, const void* dy, const void* weight, void* dx) {
  t == DType::F64 ? backward_input<double>(v, dy, weight, dx)
                  : backward_input<float>(v, dy, weight, dx);
}
void conv2d_backward_weight(const Conv2d& v, DType t, const void* dy, const void* x,
                            void* dweight) {
  t == DType::F64 ? backward_weight<double>(v, dy, x, dweight)
                  : backward_weight<float>(v, dy, x, dweight);
}

}  // namespace rl::cpu
