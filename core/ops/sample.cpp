// grid_sampler: values of images and volumes between their elements, at points that are given.
// Gradients of first order are kernels here; those of higher order are the same sums as operations.
#include <algorithm>
#include <cmath>
#include <vector>

#include "cpu/dispatch.h"
#include "cpu/threads.h"
#include "ops/ops.h"
#include "ops/reduce.h"
#include "tensor/layout.h"

namespace rl {
namespace {

enum class Mode { Linear, Nearest, Cubic };
enum class Padding { Zeros, Border, Reflection };

/// The elements along one axis that a point needs, with their weights; -1 is outside.
template <class T>
struct AxisTaps {
  int64_t index[4];
  T weight[4], slope[4];  // slope: of the weight, by the grid's number
  T fraction, scale;      // of the point: its way past the first tap, and that by the grid's number
};

struct Sampler {
  Mode mode;
  Padding padding;
  bool align_corners;
  int n;  // spatial dimensions
  int64_t batch, channels, points;
  int64_t size[3];
  Dims in_sizes, grid_sizes, out_sizes;

  int64_t volume() const { return n == 2 ? size[0] * size[1] : size[0] * size[1] * size[2]; }
  int axis_taps() const { return mode == Mode::Linear ? 2 : mode == Mode::Nearest ? 1 : 4; }
  int taps() const {
    const int k = axis_taps();
    return n == 2 ? k * k : k * k * k;
  }
};

/// Folds x back into [low, high], given as their doubles; `sign` turns with each fold.
template <class T>
T reflect(T x, int64_t twice_low, int64_t twice_high, T& sign) {
  if (twice_low == twice_high) return sign = 0;
  const T low = static_cast<T>(twice_low) / 2, span = static_cast<T>(twice_high - twice_low) / 2;
  x -= low;
  if (x < 0) x = -x, sign = -sign;
  if (!(x < T(1e15))) return sign = 0;
  const T folds = std::floor(x / span), rest = std::fmod(x, span);
  if (std::fmod(folds, T(2)) == 0) return rest + low;
  sign = -sign;
  return span - rest + low;
}

/// x brought into the image as the padding says; `sign` becomes its derivative.
template <class T>
T bounded(const Sampler& s, int64_t size, T x, T& sign) {
  if (s.padding == Padding::Zeros) return x;
  if (s.padding == Padding::Reflection)
    x = s.align_corners ? reflect(x, 0, 2 * (size - 1), sign) : reflect(x, -1, 2 * size - 1, sign);
  const T last = static_cast<T>(size - 1);
  if (!(x > 0)) return sign = 0;
  if (x >= last) sign = 0, x = last;
  return x;
}

/// std::floor without a call; what is far out, or no number, stays as it is.
template <class T>
T round_down(T x) {
  if (!(x > T(-1e9) && x < T(1e9))) return x;
  const T low = static_cast<T>(static_cast<int64_t>(x));
  return low > x ? low - 1 : low;
}

template <class T>
int64_t element(T x, int64_t size) {
  return x >= 0 && x < static_cast<T>(size) ? static_cast<int64_t>(x) : -1;
}

/// Keys' kernel with a = -0.75 for the four taps around a fraction, and its derivative.
template <class T>
void cubic(T f, T* w, T* dw) {
  const T a = T(-0.75), at[4] = {f + 1, f, 1 - f, 2 - f};
  for (int k = 0; k < 4; ++k) {
    const T x = at[k], sign = k < 2 ? T(1) : T(-1);
    const bool near = k == 1 || k == 2;
    w[k] = near ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
    dw[k] = sign * (near ? (3 * (a + 2) * x - 2 * (a + 3)) * x : (3 * a * x - 10 * a) * x + 8 * a);
  }
}

template <class T>
AxisTaps<T> axis_taps(const Sampler& s, int64_t size, T g) {
  AxisTaps<T> r{};
  T sign = 1, none = 1;
  const T scale = static_cast<T>(s.align_corners ? size - 1 : size) / 2;
  const T x = s.align_corners ? (g + 1) / 2 * static_cast<T>(size - 1)
                              : ((g + 1) * static_cast<T>(size) - 1) / 2;
  if (s.mode == Mode::Cubic) {
    const T low = round_down(x);
    r.fraction = x - low, r.scale = scale;
    cubic(r.fraction, r.weight, r.slope);
    for (int k = 0; k < 4; ++k) {
      r.slope[k] *= scale;
      r.index[k] = element(bounded(s, size, low + static_cast<T>(k - 1), none), size);
    }
    return r;
  }
  const T at = bounded(s, size, x, sign);
  if (s.mode == Mode::Nearest) {
    r.index[0] = element(std::nearbyint(at), size);
    r.weight[0] = 1;
    return r;
  }
  const T low = round_down(at);
  r.fraction = at - low, r.scale = sign * scale;
  for (int k = 0; k < 2; ++k) {
    r.index[k] = element(low + static_cast<T>(k), size);
    r.weight[k] = k ? r.fraction : low + 1 - at;
    r.slope[k] = k ? r.scale : -r.scale;
  }
  return r;
}

/// The taps of all points of one image: [taps, points].
template <class T>
struct Taps {
  std::vector<int32_t> offset;  // 0 where outside
  std::vector<T> weight, slope[3];

  Taps(const Sampler& s, const T* grid, bool slopes) {
    const size_t count = static_cast<size_t>(s.taps() * s.points);
    offset.resize(count);
    weight.resize(count);
    for (int d = 0; d < s.n && slopes; ++d) slope[d].resize(count);
    cpu::parallel_for(0, s.points, 2048, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) point(s, grid + p * s.n, p, slopes);
    });
  }

 private:
  void point(const Sampler& s, const T* grid, int64_t p, bool slopes) {
    AxisTaps<T> axis[3];
    for (int d = 0; d < s.n; ++d) axis[d] = axis_taps(s, s.size[d], grid[s.n - 1 - d]);
    const int per = s.axis_taps(), all = s.taps();
    for (int t = 0; t < all; ++t) {
      int k[3];
      for (int d = s.n - 1, rest = t; d >= 0; --d, rest /= per) k[d] = rest % per;
      int64_t at = 0;
      bool inside = true;
      T w = 1;
      for (int d = 0; d < s.n; ++d) {
        at = at * s.size[d] + axis[d].index[k[d]];
        inside &= axis[d].index[k[d]] >= 0;
        w *= axis[d].weight[k[d]];
      }
      const size_t i = static_cast<size_t>(t * s.points + p);
      offset[i] = inside ? static_cast<int32_t>(at) : 0;
      weight[i] = inside ? w : w - w;  // zero, but a point that is no number stays so
      for (int d = 0; d < s.n && slopes; ++d) {
        T v = inside ? axis[d].slope[k[d]] : T(0);
        for (int e = 0; e < s.n; ++e)
          if (e != d) v *= axis[e].weight[k[e]];
        slope[d][i] = v;
      }
    }
  }
};

/// Taps t to t + 3 of every point: the first ones write, the others add.
template <class T>
void four_taps(const Sampler& s, const Taps<T>& taps, int t, const T* from, T* __restrict to) {
  const int64_t n = s.points;
  const int32_t *a = taps.offset.data() + t * n, *b = a + n, *c = b + n, *d = c + n;
  const T *wa = taps.weight.data() + t * n, *wb = wa + n, *wc = wb + n, *wd = wc + n;
  for (int64_t p = 0; p < n; ++p) {
    const T sum =
        (wa[p] * from[a[p]] + wb[p] * from[b[p]]) + (wc[p] * from[c[p]] + wd[p] * from[d[p]]);
    to[p] = t == 0 ? sum : to[p] + sum;
  }
}

template <class T>
void forward(const Sampler& s, const T* x, const T* grid, T* y) {
  const int64_t volume = s.volume(), per = s.points * s.n;
  for (int64_t b = 0; b < s.batch; ++b) {
    const Taps<T> taps(s, grid + b * per, false);
    const int count = s.taps();
    cpu::parallel_for(
        0, s.channels, 1 + 16384 / (s.points * count + 1), [&](int64_t begin, int64_t end) {
          for (int64_t c = begin; c < end; ++c) {
            const T* from = x + (b * s.channels + c) * volume;
            T* __restrict to = y + (b * s.channels + c) * s.points;
            if (count % 4) {
              for (int64_t p = 0; p < s.points; ++p)
                to[p] =
                    taps.weight[static_cast<size_t>(p)] * from[taps.offset[static_cast<size_t>(p)]];
              continue;
            }
            for (int t = 0; t < count; t += 4) four_taps(s, taps, t, from, to);
          }
        });
  }
}

/// dx or dgrid may be null.
template <class T>
void backward(const Sampler& s, const T* x, const T* grid, const T* g, T* dx, T* dgrid) {
  const int64_t volume = s.volume(), per = s.points * s.n;
  const int count = s.taps();
  for (int64_t b = 0; b < s.batch; ++b) {
    const Taps<T> taps(s, grid + b * per, dgrid != nullptr);
    const T *image = x + b * s.channels * volume, *gb = g + b * s.channels * s.points;
    if (dx)
      cpu::parallel_for(0, s.channels, 1 + 16384 / (s.points * count + volume + 1),
                        [&](int64_t begin, int64_t end) {
                          for (int64_t c = begin; c < end; ++c) {
                            T* to = dx + (b * s.channels + c) * volume;
                            const T* from = gb + c * s.points;
                            std::fill(to, to + volume, T(0));
                            for (int t = 0; t < count; ++t) {
                              const int32_t* at = taps.offset.data() + t * s.points;
                              const T* w = taps.weight.data() + t * s.points;
                              for (int64_t p = 0; p < s.points; ++p) to[at[p]] += w[p] * from[p];
                            }
                          }
                        });
    if (!dgrid) continue;
    cpu::parallel_for(0, s.points, 1 + 16384 / (s.channels * count + 1),
                      [&](int64_t begin, int64_t end) {
                        T* to = dgrid + b * per;
                        std::fill(to + begin * s.n, to + end * s.n, T(0));
                        for (int64_t c = 0; c < s.channels; ++c)
                          for (int t = 0; t < count; ++t)
                            for (int64_t p = begin; p < end; ++p) {
                              const size_t i = static_cast<size_t>(t * s.points + p);
                              const T v = gb[c * s.points + p] * image[c * volume + taps.offset[i]];
                              for (int d = 0; d < s.n; ++d)
                                to[p * s.n + s.n - 1 - d] += v * taps.slope[d][i];
                            }
                      });
  }
}

DType wide(DType t) { return t == DType::F64 ? DType::F64 : DType::F32; }

Tensor run_forward(const Sampler& s, const Tensor& input, const Tensor& grid) {
  const DType t = wide(input.dtype());
  const Tensor x = as_contiguous(input, t), at = as_contiguous(grid, t),
               y = empty(s.out_sizes, t, input.device());
  if (y.numel() == 0) return as_contiguous(y, input.dtype());
  const void *px = x.raw(), *pg = at.raw();
  void* py = y.raw();
  {
    LongKernel off(y.numel() * s.taps());
    typed(t, [&](auto tag) {
      using T = decltype(tag);
      forward(s, static_cast<const T*>(px), static_cast<const T*>(pg), static_cast<T*>(py));
    });
  }
  return as_contiguous(y, input.dtype());
}

Grads run_backward(const Sampler& s, const Tensor& input, const Tensor& grid, const Tensor& g,
                   bool by_input, bool by_grid) {
  const DType t = wide(input.dtype());
  const Tensor x = as_contiguous(input, t), at = as_contiguous(grid, t), gc = as_contiguous(g, t);
  const bool nothing = gc.numel() == 0 || s.volume() == 0;
  const auto result = [&](bool wanted, const Dims& sizes) {
    if (!wanted) return Tensor();
    return nothing ? zeros(sizes, t, x.device()) : empty(sizes, t, x.device());
  };
  const Tensor dx = result(by_input, s.in_sizes), dgrid = result(by_grid, s.grid_sizes);
  if (!nothing) {
    const void *px = x.raw(), *pg = at.raw(), *pgc = gc.raw();
    void *pdx = by_input ? dx.raw() : nullptr, *pdgrid = by_grid ? dgrid.raw() : nullptr;
    LongKernel off(gc.numel() * s.taps());
    typed(t, [&](auto tag) {
      using T = decltype(tag);
      backward(s, static_cast<const T*>(px), static_cast<const T*>(pg), static_cast<const T*>(pgc),
               static_cast<T*>(pdx), static_cast<T*>(pdgrid));
    });
  }
  return {by_input ? as_contiguous(dx, input.dtype()) : Tensor(),
          by_grid ? as_contiguous(dgrid, input.dtype()) : Tensor()};
}

// ---- the same as operations, for derivatives of the gradient ----

/// What the taps of all points are, as tensors: constants of the derivative.
struct Constants {
  std::vector<Tensor> offset, inside;  // by tap: [batch, 1, points]
  Tensor fraction[3], scale[3];        // by axis: [batch, points]
};

template <class T>
Constants constants(const Sampler& s, const Tensor& grid) {
  Constants c;
  const DType t = grid.dtype();
  const int per = s.axis_taps(), all = s.taps();
  for (int k = 0; k < all; ++k) {
    c.offset.push_back(empty({s.batch, 1, s.points}, DType::I64));
    c.inside.push_back(empty({s.batch, 1, s.points}, t));
  }
  for (int d = 0; d < s.n; ++d) {
    c.fraction[d] = empty({s.batch, s.points}, t);
    c.scale[d] = empty({s.batch, s.points}, t);
  }
  for (int64_t p = 0; p < s.batch * s.points; ++p) {
    AxisTaps<T> axis[3];
    for (int d = 0; d < s.n; ++d) {
      axis[d] = axis_taps(s, s.size[d], grid.data<T>()[p * s.n + s.n - 1 - d]);
      c.fraction[d].data<T>()[p] = axis[d].fraction;
      c.scale[d].data<T>()[p] = axis[d].scale;
    }
    for (int k = 0; k < all; ++k) {
      int64_t at = 0;
      bool inside = true;
      for (int d = 0, power = all / per; d < s.n; ++d, power /= per) {
        const int64_t i = axis[d].index[k / std::max(power, 1) % per];
        at = at * s.size[d] + i;
        inside &= i >= 0;
      }
      c.offset[static_cast<size_t>(k)].data<int64_t>()[p] = inside ? at : 0;
      c.inside[static_cast<size_t>(k)].data<T>()[p] = inside ? T(1) : T(0);
    }
  }
  return c;
}

Tensor times(const Tensor& a, const Operand& b) {
  return b.tensor ? call_op<"mul">(a, *b.tensor) : call_op<"mul">(a, b.number);
}
Tensor plus(const Tensor& a, double b) { return call_op<"add">(a, b); }

/// Weights of one axis and their derivatives by the fraction, recorded.
void axis_weights(Mode mode, const Tensor& f, Tensor* w, Tensor* dw) {
  if (mode == Mode::Linear) {
    w[0] = call_op<"sub">(1.0, f), w[1] = f;
    dw[0] = call_op<"full_like">(f, -1.0), dw[1] = call_op<"full_like">(f, 1.0);
    return;
  }
  const double a = -0.75;
  const Tensor at[4] = {plus(f, 1), f, call_op<"sub">(1.0, f), call_op<"sub">(2.0, f)};
  for (int k = 0; k < 4; ++k) {
    const Tensor& x = at[k];
    const bool near = k == 1 || k == 2;
    const double c3 = near ? a + 2 : a, c2 = near ? -(a + 3) : -5 * a, c1 = near ? 0 : 8 * a,
                 c0 = near ? 1 : -4 * a, sign = k < 2 ? 1 : -1;
    w[k] = plus(times(plus(times(plus(times(x, c3), c2), x), c1), x), c0);
    dw[k] = plus(times(plus(times(x, 3 * sign * c3), 2 * sign * c2), x), sign * c1);
  }
}

/// Both gradients in operations that record.
Grads backward_recorded(const Sampler& s, const Tensor& input, const Tensor& grid,
                        const Tensor& g) {
  const DType t = wide(input.dtype());
  const Tensor x = reshape(call_to(input, t), {s.batch, s.channels, s.volume()}),
               at = reshape(call_to(grid, t), {s.batch, s.points, s.n}),
               gp = reshape(call_to(g, t), {s.batch, s.channels, s.points});
  Constants c;
  {
    GradGuard off(false);
    const Tensor points = as_contiguous(at);
    c = t == DType::F64 ? constants<double>(s, points) : constants<float>(s, points);
  }
  const int per = s.axis_taps(), all = s.taps();
  Tensor w[3][4], dw[3][4], dx, daxis[3];
  for (int d = 0; d < s.n && s.mode != Mode::Nearest; ++d) {
    const Tensor mine = select(at, -1, s.n - 1 - d);
    // The fraction's value, with its derivative by the grid.
    const Tensor f = call_op<"add">(c.fraction[d],
                                    call_op<"mul">(c.scale[d], call_op<"sub">(mine, detach(mine))));
    axis_weights(s.mode, f, w[d], dw[d]);
  }
  const auto sum = [](Tensor& total, const Tensor& term) {
    total = total.defined() ? call_op<"add">(total, term) : term;
  };
  for (int k = 0; k < all; ++k) {
    const Tensor where = expand(c.offset[static_cast<size_t>(k)], {s.batch, s.channels, s.points});
    const Tensor inside = c.inside[static_cast<size_t>(k)], one = squeeze_dim(inside, 1);
    int tap[3] = {};
    for (int d = s.n - 1, rest = k; d >= 0; --d, rest /= per) tap[d] = rest % per;
    const auto product = [&](int skip) {
      Tensor r = one;
      for (int d = 0; d < s.n && s.mode != Mode::Nearest; ++d)
        r = call_op<"mul">(r, d == skip ? dw[d][tap[d]] : w[d][tap[d]]);
      return r;
    };
    const Tensor zero = zeros(x.sizes(), t, x.device());
    sum(dx, scatter_add(zero, 2, where, call_op<"mul">(gp, unsqueeze(product(s.n), 1))));
    if (s.mode == Mode::Nearest) continue;
    const Tensor v = sum_dims(call_op<"mul">(gp, gather(x, 2, where)), {1}, false);
    for (int d = 0; d < s.n; ++d) sum(daxis[d], call_op<"mul">(v, product(d)));
  }
  Tensors columns;
  for (int d = s.n - 1; d >= 0; --d)
    columns.push_back(daxis[d].defined() ? call_op<"mul">(daxis[d], c.scale[d])
                                         : zeros({s.batch, s.points}, t, x.device()));
  return {call_to(reshape(dx, s.in_sizes), input.dtype()),
          call_to(reshape(stack(columns, -1), s.grid_sizes), input.dtype())};
}

// ---- the operation ----

void check(const Tensor& input, const Tensor& grid, int64_t mode) {
  constexpr const char* name = "grid_sampler(): expected ";
  check_cpu(input);
  RL_CHECK(input.dim() > 0 && grid.dim() > 0, name, "4D or 5D input and grid");
  RL_CHECK(input.size(0) == grid.size(0), name,
           "grid and input to have same batch size, but got input with sizes ", input.sizes(),
           " and grid with sizes ", grid.sizes());
  RL_CHECK(grid.size(-1) == input.dim() - 2, name, "grid to have size ", input.dim() - 2,
           " in last dimension, but got grid with sizes ", grid.sizes());
  for (int d = 2; d < input.dim(); ++d)
    RL_CHECK(input.size(d) > 0, name, "input to have non-empty spatial dimensions, but input has ",
             "sizes ", input.sizes(), " with dimension ", d, " being empty");
  RL_CHECK((input.dim() == 4 || input.dim() == 5) && input.dim() == grid.dim(), name,
           "4D or 5D input and grid with same number of dimensions, but got input with sizes ",
           input.sizes(), " and grid with sizes ", grid.sizes());
  RL_CHECK(mode != 2 || input.dim() == 4,
           "grid_sampler(): bicubic interpolation only supports 4D input");
  if (!is_floating(input.dtype()))
    not_implemented(input.dim() == 4 ? "grid_sampler_2d_cpu_kernel_impl" : "grid_sampler3d_cpu",
                    input.dtype());
  RL_CHECK(grid.dtype() == input.dtype(), "expected scalar type ", info(input.dtype()).type,
           " but found ", info(grid.dtype()).type);
}

Tensor grid_sampler(const Tensor& input, const Tensor& grid, int64_t interpolation_mode,
                    int64_t padding_mode, bool align_corners) {
  RL_CHECK(interpolation_mode >= 0 && interpolation_mode <= 2,
           "grid_sampler(): interpolation_mode should be 0, 1 or 2, but got ", interpolation_mode);
  RL_CHECK(padding_mode >= 0 && padding_mode <= 2,
           "grid_sampler(): padding_mode should be 0, 1 or 2, but got ", padding_mode);
  check(input, grid, interpolation_mode);
  Sampler s{static_cast<Mode>(interpolation_mode),
            static_cast<Padding>(padding_mode),
            align_corners,
            input.dim() - 2,
            input.size(0),
            input.size(1),
            1,
            {1, 1, 1},
            input.sizes(),
            grid.sizes(),
            {input.size(0), input.size(1)}};
  for (int d = 0; d < s.n; ++d) {
    s.size[d] = input.size(d + 2);
    s.points *= grid.size(d + 1);
    s.out_sizes.push_back(grid.size(d + 1));
  }
  checked_numel(s.out_sizes);
  RL_CHECK(s.volume() < int64_t{1} << 31, "grid_sampler(): too many elements: ", s.volume());
  RL_CHECK(s.points < int64_t{1} << 40, "grid_sampler(): too many points: ", s.points);
  const char* label = s.n == 2 ? "GridSampler2DBackward0" : "GridSampler3DBackward0";
  return record(run_forward(s, input, grid), label, {&input, &grid}, [&] {
    return [s, input = Saved(input), grid = Saved(grid)](const Grads& g, Node& n) -> Grads {
      const Tensor x = input.unpack(&n), at = grid.unpack(&n);
      if (GradMode::enabled) return backward_recorded(s, x, at, g[0]);
      return run_backward(s, x, at, g[0], n.needs(0), n.needs(1));
    };
  });
}

Tensor grid_sampler_2d(const Tensor& input, const Tensor& grid, int64_t interpolation_mode,
                       int64_t padding_mode, bool align_corners) {
  RL_CHECK(input.dim() == 4, "grid_sampler_2d(): expected 4D input, but got input with sizes ",
           input.sizes());
  return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners);
}

Tensor grid_sampler_3d(const Tensor& input, const Tensor& grid, int64_t interpolation_mode,
                       int64_t padding_mode, bool align_corners) {
  RL_CHECK(input.dim() == 5, "grid_sampler_3d(): expected 5D input, but got input with sizes ",
           input.sizes());
  return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners);
}

}  // namespace

void define_sample(Registry& r) {
  const char* doc =
      "Values of [n, channels, h, w] or [n, channels, d, h, w] at the points grid [n, ..., 2 or "
      "3], "
      "x first, from -1 to 1. interpolation_mode: 0 linear, 1 nearest, 2 cubic; padding_mode: 0 "
      "zeros, 1 border, 2 reflection.";
#define RL_SAMPLER "(input, grid, interpolation_mode, padding_mode, align_corners)"
  r.op("grid_sampler" RL_SAMPLER, doc, &grid_sampler).not_method();
  r.op("grid_sampler_2d" RL_SAMPLER, doc, &grid_sampler_2d).not_method();
  r.op("grid_sampler_3d" RL_SAMPLER, doc, &grid_sampler_3d).not_method();
#undef RL_SAMPLER
}

}  // namespace rl
