// Resizing of images (upsample_*): nearest, linear and cubic interpolation over the last one to
// three dimensions. A resize is one linear map an axis, given by the taps of each output position.
#include <algorithm>
#include <cmath>
#include <vector>

#include "cpu/threads.h"
#include "ops/format.h"
#include "ops/linear_map.h"
#include "ops/ops.h"
#include "ops/reduce.h"
#include "tensor/layout.h"

namespace rl {

using OptFloats = std::optional<Floats>;
template <>
struct Read<OptFloats> {
  static constexpr Kind kind = Kind::OptFloats;
  static constexpr int width = 1;
  static OptFloats from(const Arg* a) { return a->present ? OptFloats(*a->floats) : OptFloats(); }
};

namespace {

enum class Mode { Nearest, NearestExact, Linear, Cubic, SmoothLinear, SmoothCubic, SmoothLanczos };

/// Output i of an axis is the sum over t < taps of weight * input[index].
template <class T>
struct Taps {
  int64_t in, out, taps;
  std::vector<int64_t> index;
  std::vector<T> weight;
};

struct AxisSize {
  int64_t in, out;
  double scale;  // what the caller gave, 0 if nothing
};

template <class T>
T step_of(const AxisSize& a, bool align_corners) {
  if (align_corners) return a.out > 1 ? static_cast<T>(a.in - 1) / static_cast<T>(a.out - 1) : T(0);
  return a.scale > 0 ? static_cast<T>(1.0 / a.scale) : static_cast<T>(a.in) / static_cast<T>(a.out);
}

template <class T>
void cubic_weights(T t, T* w) {  // Keys' kernel with a = -0.75
  const T a = T(-0.75), u = 1 - t;
  const auto near = [a](T x) { return ((a + 2) * x - (a + 3)) * x * x + 1; };
  const auto far = [a](T x) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; };
  w[0] = far(t + 1), w[1] = near(t), w[2] = near(u), w[3] = far(u + 1);
}

/// A filter of a window around x = 0, `reach` wide to each side.
template <class T>
struct Filter {
  T reach;
  T (*at)(T x);
};
template <class T>
T triangle(T x) {
  return std::max(T(1) - std::abs(x), T(0));
}
template <class T>
T cubic(T x) {  // Keys' kernel with a = -0.5
  const T a = T(-0.5), u = std::abs(x);
  if (u < 1) return ((a + 2) * u - (a + 3)) * u * u + 1;
  return u < 2 ? ((u - 5) * u + 8) * u * a - 4 * a : T(0);
}
template <class T>
T lanczos(T x) {
  const auto sinc = [](T v) { return v == 0 ? T(1) : std::sin(T(M_PI) * v) / (T(M_PI) * v); };
  return std::abs(x) < 3 ? sinc(x) * sinc(x / 3) : T(0);
}

/// Taps of a filter that widens as the image shrinks (antialiasing).
template <class T>
Taps<T> smooth_taps(Mode mode, const AxisSize& a, bool align_corners) {
  const Filter<T> filter = mode == Mode::SmoothLinear  ? Filter<T>{1, triangle<T>}
                           : mode == Mode::SmoothCubic ? Filter<T>{2, cubic<T>}
                                                       : Filter<T>{3, lanczos<T>};
  const T step = step_of<T>(a, align_corners), widen = std::max(step, T(1));
  const T support = filter.reach * widen;
  const int64_t most = std::min<int64_t>(a.in, 2 * static_cast<int64_t>(std::ceil(support)) + 1);
  Taps<T> r{a.in, a.out, most, {}, {}};
  for (int64_t i = 0; i < a.out; ++i) {
    const T center = step * (static_cast<T>(i) + T(0.5));
    const int64_t begin = std::max<int64_t>(static_cast<int64_t>(center - support + T(0.5)), 0);
    const int64_t end = std::min<int64_t>(static_cast<int64_t>(center + support + T(0.5)), a.in);
    const size_t first = r.weight.size();
    T total = 0;
    for (int64_t k = 0; k < most; ++k) {
      const int64_t at = begin + k;
      const T w = at < end ? filter.at((static_cast<T>(at) - center + T(0.5)) / widen) : T(0);
      r.index.push_back(std::clamp<int64_t>(at, 0, a.in - 1));
      r.weight.push_back(w);
      total += w;
    }
    for (size_t k = first; k < r.weight.size() && total != 0; ++k) r.weight[k] /= total;
  }
  return r;
}

template <class T>
Taps<T> make_taps(Mode mode, const AxisSize& a, bool align_corners) {
  if (mode >= Mode::SmoothLinear) return smooth_taps<T>(mode, a, align_corners);
  Taps<T> r{a.in, a.out, mode == Mode::Cubic ? 4 : mode == Mode::Linear ? 2 : 1, {}, {}};
  const T step = step_of<T>(a, align_corners);
  const float nearest_step = step_of<float>(a, false);
  const auto add = [&](int64_t index, T weight) {
    r.index.push_back(std::clamp<int64_t>(index, 0, a.in - 1));
    r.weight.push_back(weight);
  };
  for (int64_t i = 0; i < a.out; ++i) {
    if (mode == Mode::Nearest || mode == Mode::NearestExact) {
      const float at =
          (static_cast<float>(i) + (mode == Mode::Nearest ? 0.f : 0.5f)) * nearest_step;
      const bool exact = mode == Mode::Nearest && (a.in == a.out || 2 * a.in == a.out);
      add(exact ? i * a.in / a.out : static_cast<int64_t>(std::floor(at)), T(1));
      continue;
    }
    T at = align_corners ? step * static_cast<T>(i) : step * (static_cast<T>(i) + T(0.5)) - T(0.5);
    if (mode == Mode::Linear && at < 0) at = 0;
    const T low = std::min(std::floor(at), static_cast<T>(a.in - 1));
    const T t = std::clamp<T>(at - low, 0, 1);
    const int64_t first = static_cast<int64_t>(low);
    if (mode == Mode::Linear) {
      const bool same = a.in == a.out;
      add(same ? i : first, same ? T(1) : 1 - t);
      add(same ? i : first + 1, same ? T(0) : t);
    } else {
      T w[4];
      cubic_weights(t, w);
      for (int64_t k = 0; k < 4; ++k) add(first - 1 + k, w[k]);
    }
  }
  return r;
}

/// Rows of the last axis: [outer, in] -> [outer, out]. kTaps 0: any number.
template <int kTaps, class T>
void resize_rows(const Taps<T>& m, int64_t outer, const T* x, T* y) {
  const int64_t taps = kTaps ? kTaps : m.taps;
  cpu::parallel_for(0, outer, 1 + 16384 / (m.out * taps + 1), [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      const int64_t* at = m.index.data();
      const T *w = m.weight.data(), *from = x + o * m.in;
      T* __restrict to = y + o * m.out;
      for (int64_t i = 0; i < m.out; ++i, at += taps, w += taps) {
        T sum = kTaps == 1 ? from[at[0]] : w[0] * from[at[0]];
        for (int64_t t = 1; t < taps; ++t) sum += w[t] * from[at[t]];
        to[i] = sum;
      }
    }
  });
}
template <int kTaps, class T>
void resize_rows_back(const Taps<T>& m, int64_t outer, const T* y, T* x) {
  const int64_t taps = kTaps ? kTaps : m.taps;
  cpu::parallel_for(0, outer, 1 + 16384 / (m.out * taps + 1), [&](int64_t begin, int64_t end) {
    std::fill(x + begin * m.in, x + end * m.in, T(0));
    for (int64_t o = begin; o < end; ++o) {
      const int64_t* at = m.index.data();
      const T *w = m.weight.data(), *from = y + o * m.out;
      T* to = x + o * m.in;
      for (int64_t i = 0; i < m.out; ++i, at += taps, w += taps)
        for (int64_t t = 0; t < taps; ++t) to[at[t]] += w[t] * from[i];
    }
  });
}

/// [outer, in, inner] -> [outer, out, inner].
template <class T>
void resize_axis(const Taps<T>& m, int64_t outer, int64_t inner, const T* x, T* y) {
  if (inner == 1)
    return m.taps == 1   ? resize_rows<1>(m, outer, x, y)
           : m.taps == 2 ? resize_rows<2>(m, outer, x, y)
           : m.taps == 4 ? resize_rows<4>(m, outer, x, y)
                         : resize_rows<0>(m, outer, x, y);
  cpu::parallel_for(0, outer, 1 + 16384 / (m.out * inner * m.taps + 1),
                    [&](int64_t begin, int64_t end) {
                      for (int64_t o = begin; o < end; ++o)
                        for (int64_t i = 0; i < m.out; ++i) {
                          const int64_t* at = m.index.data() + i * m.taps;
                          const T *w = m.weight.data() + i * m.taps, *from = x + o * m.in * inner;
                          T* __restrict to = y + (o * m.out + i) * inner;
                          const auto row = [&](int64_t t) { return from + at[t] * inner; };
                          if (m.taps == 1) {
                            std::copy(row(0), row(0) + inner, to);
                          } else if (m.taps == 2) {
                            const T *a = row(0), *b = row(1), wa = w[0], wb = w[1];
                            for (int64_t j = 0; j < inner; ++j) to[j] = wa * a[j] + wb * b[j];
                          } else if (m.taps != 4) {
                            std::fill(to, to + inner, T(0));
                            for (int64_t t = 0; t < m.taps; ++t)
                              for (int64_t j = 0; j < inner; ++j) to[j] += w[t] * row(t)[j];
                          } else {
                            const T *a = row(0), *b = row(1), *c = row(2), *d = row(3);
                            const T wa = w[0], wb = w[1], wc = w[2], wd = w[3];
                            for (int64_t j = 0; j < inner; ++j)
                              to[j] = wa * a[j] + wb * b[j] + wc * c[j] + wd * d[j];
                          }
                        }
                    });
}

/// [outer, out, inner] -> [outer, in, inner].
template <class T>
void resize_axis_back(const Taps<T>& m, int64_t outer, int64_t inner, const T* y, T* x) {
  if (inner == 1)
    return m.taps == 1   ? resize_rows_back<1>(m, outer, y, x)
           : m.taps == 2 ? resize_rows_back<2>(m, outer, y, x)
           : m.taps == 4 ? resize_rows_back<4>(m, outer, y, x)
                         : resize_rows_back<0>(m, outer, y, x);
  cpu::parallel_for(
      0, outer, 1 + 16384 / (m.out * inner * m.taps + 1), [&](int64_t begin, int64_t end) {
        std::fill(x + begin * m.in * inner, x + end * m.in * inner, T(0));
        for (int64_t o = begin; o < end; ++o)
          for (int64_t i = 0; i < m.out * m.taps; ++i) {
            const T *from = y + (o * m.out + i / m.taps) * inner,
                    w = m.weight[static_cast<size_t>(i)];
            T* __restrict to = x + (o * m.in + m.index[static_cast<size_t>(i)]) * inner;
            for (int64_t j = 0; j < inner; ++j) to[j] += w * from[j];
          }
      });
}

// ---- bytes: weights as 16-bit integers, the result of each axis rounded to a byte ----

struct ByteTaps {
  Taps<int64_t> taps;
  int shift;
};

/// As many bits for the weights as fit, those of taps at the border added up first.
ByteTaps byte_taps(const Taps<double>& m) {
  ByteTaps r{{m.in, m.out, m.taps, m.index, {}}, 0};
  std::vector<double> weight = m.weight;
  double largest = 0;
  for (size_t first = 0; first < weight.size(); first += static_cast<size_t>(m.taps))
    for (size_t i = first; i < first + static_cast<size_t>(m.taps); ++i) {
      for (size_t j = first; j < i; ++j)
        if (m.index[j] == m.index[i]) {
          weight[j] += weight[i];
          weight[i] = 0;
          break;
        }
    }
  for (double w : weight) largest = std::max(largest, w);
  while (r.shift < 22 && static_cast<int64_t>(0.5 + largest * (int64_t{2} << r.shift)) < 1 << 15)
    ++r.shift;
  for (double w : weight)
    r.taps.weight.push_back(
        static_cast<int64_t>(w * (int64_t{1} << r.shift) + (w < 0 ? -0.5 : 0.5)));
  return r;
}

/// [outer, in, inner] -> [outer, out, inner].
void resize_bytes(const ByteTaps& b, int64_t outer, int64_t inner, const uint8_t* x, uint8_t* y) {
  const Taps<int64_t>& m = b.taps;
  const int64_t half = b.shift > 0 ? int64_t{1} << (b.shift - 1) : 0;
  cpu::parallel_for(0, outer, 1 + 16384 / (m.out * inner * m.taps + 1),
                    [&](int64_t begin, int64_t end) {
                      for (int64_t o = begin; o < end; ++o)
                        for (int64_t i = 0; i < m.out; ++i) {
                          const int64_t* at = m.index.data() + i * m.taps;
                          const int64_t* w = m.weight.data() + i * m.taps;
                          const uint8_t* from = x + o * m.in * inner;
                          for (int64_t j = 0; j < inner; ++j) {
                            int64_t sum = half;
                            for (int64_t t = 0; t < m.taps; ++t)
                              sum += w[t] * from[at[t] * inner + j];
                            y[(o * m.out + i) * inner + j] =
                                static_cast<uint8_t>(std::clamp<int64_t>(sum >> b.shift, 0, 255));
                          }
                        }
                    });
}

struct Resize {
  Mode mode;
  bool align_corners;
  int spatial;
  AxisSize axis[3];
  Dims in_sizes, out_sizes;

  const char* label(bool transposed) const {
    static const char* const names[7][3] = {
        {"UpsampleNearest1DBackward0", "UpsampleNearest2DBackward0", "UpsampleNearest3DBackward0"},
        {"UpsampleNearestExact1DBackward0", "UpsampleNearestExact2DBackward0",
         "UpsampleNearestExact3DBackward0"},
        {"UpsampleLinear1DBackward0", "UpsampleBilinear2DBackward0",
         "UpsampleTrilinear3DBackward0"},
        {"", "UpsampleBicubic2DBackward0", ""},
        {"", "UpsampleBilinear2DAaBackward0", ""},
        {"", "UpsampleBicubic2DAaBackward0", ""},
        {"", "UpsampleLanczos2DAaBackward0", ""}};
    return transposed ? "UpsampleBackwardBackward0" : names[static_cast<int>(mode)][spatial - 1];
  }

  Tensor run(const Tensor& x, bool transposed) const {
    const DType t = x.dtype() == DType::F64 ? DType::F64 : DType::F32;
    if (x.numel() == 0) return zeros(transposed ? in_sizes : out_sizes, x.dtype(), x.device());
    const bool picks = mode == Mode::Nearest || mode == Mode::NearestExact;
    if (x.dtype() == DType::U8 && spatial == 2 && !picks)
      return in_format_of(along_bytes(along_bytes(as_contiguous(x), 1), 0), x);
    Tensor y = as_contiguous(x, t);
    // The last axis first, as in torch; the other way round on the way back.
    for (int i = 0; i < spatial; ++i) {
      const int d = transposed ? i : spatial - 1 - i;
      y = t == DType::F64 ? along<double>(y, d, transposed) : along<float>(y, d, transposed);
    }
    if (x.dtype() == DType::U8) y = call_op<"clamp">(call_op<"round">(y), Scalar(0), Scalar(255));
    return in_format_of(as_contiguous(y, x.dtype()), x);
  }

 private:
  Tensor along_bytes(const Tensor& x, int d) const {
    if (axis[d].in == axis[d].out) return x;
    const ByteTaps taps = byte_taps(make_taps<double>(mode, axis[d], align_corners));
    Dims sizes = x.sizes();
    const int64_t inner = d == 0 ? x.size(3) : 1;
    sizes[2 + d] = axis[d].out;
    const Tensor y = empty(sizes, x.dtype(), x.device());
    const uint8_t* from = x.data<uint8_t>();
    uint8_t* to = y.data<uint8_t>();
    LongKernel off(x.numel() + y.numel());
    resize_bytes(taps, sizes[0] * sizes[1] * (d == 1 ? sizes[2] : 1), inner, from, to);
    return y;
  }
  template <class T>
  Tensor along(const Tensor& x, int d, bool transposed) const {
    const Taps<T> taps = make_taps<T>(mode, axis[d], align_corners);
    const int at = x.dim() - spatial + d;
    Dims sizes = x.sizes();
    int64_t outer = 1, inner = 1;
    for (int k = 0; k < at; ++k) outer *= sizes[k];
    for (int k = at + 1; k < sizes.size(); ++k) inner *= sizes[k];
    sizes[at] = transposed ? taps.in : taps.out;
    const Tensor y = empty(sizes, x.dtype(), x.device());
    const T* from = x.data<T>();
    T* to = y.data<T>();
    {
      LongKernel off(x.numel() + y.numel());
      if (transposed)
        resize_axis_back(taps, outer, inner, from, to);
      else
        resize_axis(taps, outer, inner, from, to);
    }
    return y;
  }
};

std::string axes_text(const Resize& r, bool out) {
  static const char* const names[] = {"D", "H", "W"};
  if (r.spatial == 1)
    return str(out ? "output (W: " : "input (W: ", out ? r.axis[0].out : r.axis[0].in, ")");
  std::string s = out ? "output (" : "input (";
  for (int i = 0; i < r.spatial; ++i)
    s += str(i ? ", " : "", names[3 - r.spatial + i], ": ", out ? r.axis[i].out : r.axis[i].in);
  return s + ")";
}

const char* kernel_name(Mode mode, int n) {
  static const char* const names[7][3] = {
      {"upsample_nearest1d", "upsample_nearest2d_channels_last",
       "upsample_nearest3d_channels_last"},
      {"_upsample_nearest_exact1d", "_upsample_nearest_exact2d_channels_last",
       "_upsample_nearest_exact3d_channels_last"},
      {"upsample_linear1d", "upsample_bilinear2d_channels_last",
       "upsample_trilinear3d_channels_last"},
      {"", "upsample_bicubic2d", ""},
      {"", "upsample_bilinear2d_channels_last", ""},
      {"", "upsample_bicubic2d_channels_last", ""},
      {"", "upsample_lanczos2d_channels_last", ""}};
  return names[static_cast<int>(mode)][n - 1];
}

Tensor resize(Mode mode, int n, const Tensor& input, const Dims& output_size, bool align_corners,
              const double* scales) {
  check_cpu(input);
  RL_CHECK(output_size.size() == n, "It is expected output_size equals to ", n, ", but got size ",
           output_size.size());
  RL_CHECK(input.dim() == n + 2, "It is expected input_size equals to ", n + 2, ", but got size ",
           input.dim());
  Resize r{mode, align_corners, n, {}, input.sizes(), input.sizes()};
  bool positive = true;
  for (int i = 0; i < n; ++i) {
    r.axis[i] = {input.size(i + 2), output_size[i], scales[i]};
    r.out_sizes[i + 2] = output_size[i];
    positive &= r.axis[i].in > 0 && r.axis[i].out > 0;
  }
  RL_CHECK(positive, "Input and output sizes should be greater than 0, but got ",
           axes_text(r, false), n == 1 ? " and " : " ", axes_text(r, true));
  RL_CHECK(input.size(1) > 0 || input.size(0) == 0, "Non-empty ", n + 2,
           "D data tensor expected but got a tensor with sizes ", input.sizes());
  checked_numel(r.out_sizes);
  if (!is_floating(input.dtype()) && input.dtype() != DType::U8)
    not_implemented(kernel_name(mode, n), input.dtype());
  return linear_map(r, input);
}

/// With sizes or with scale factors, exactly one of which is given.
Tensor resize_either(Mode mode, int n, const Tensor& input, const OptDims& output_size,
                     bool align_corners, const OptFloats& scale_factors) {
  RL_CHECK(output_size.has_value() != scale_factors.has_value(),
           "Must specify exactly one of output_size and scale_factors");
  double scales[3] = {};
  if (output_size) return resize(mode, n, input, *output_size, align_corners, scales);
  RL_CHECK(static_cast<int>(scale_factors->size()) == n, "It is expected scale_factors equals to ",
           n, ", but got size ", static_cast<int64_t>(scale_factors->size()));
  RL_CHECK(input.dim() == n + 2, "It is expected input_size equals to ", n + 2, ", but got size ",
           input.dim());
  Dims size;
  for (int i = 0; i < n; ++i) {
    scales[i] = (*scale_factors)[static_cast<size_t>(i)];
    const double out = static_cast<double>(static_cast<float>(input.size(i + 2))) * scales[i];
    RL_CHECK(out < 9e18 && out > -9e18, "scale factor ", scales[i], " is out of range");
    size.push_back(static_cast<int64_t>(out));
  }
  return resize(mode, n, input, size, align_corners, scales);
}

// The forms of torch._C._nn: (size, scales...) and (size or None, scale_factors or None).

template <Mode mode, int n>
struct Forms {
  static Tensor nearest1(const Tensor& x, const Dims& size, OptFloat s) {
    const double scales[] = {s.value_or(0), 0, 0};
    return resize(mode, n, x, size, false, scales);
  }
  static Tensor nearest2(const Tensor& x, const Dims& size, OptFloat h, OptFloat w) {
    const double scales[] = {h.value_or(0), w.value_or(0), 0};
    return resize(mode, n, x, size, false, scales);
  }
  static Tensor nearest3(const Tensor& x, const Dims& size, OptFloat d, OptFloat h, OptFloat w) {
    const double scales[] = {d.value_or(0), h.value_or(0), w.value_or(0)};
    return resize(mode, n, x, size, false, scales);
  }
  static Tensor nearest_either(const Tensor& x, const OptDims& size, const OptFloats& factors) {
    return resize_either(mode, n, x, size, false, factors);
  }
  static Tensor aligned1(const Tensor& x, const Dims& size, bool align, OptFloat s) {
    const double scales[] = {s.value_or(0), 0, 0};
    return resize(mode, n, x, size, align, scales);
  }
  static Tensor aligned2(const Tensor& x, const Dims& size, bool align, OptFloat h, OptFloat w) {
    const double scales[] = {h.value_or(0), w.value_or(0), 0};
    return resize(mode, n, x, size, align, scales);
  }
  static Tensor aligned3(const Tensor& x, const Dims& size, bool align, OptFloat d, OptFloat h,
                         OptFloat w) {
    const double scales[] = {d.value_or(0), h.value_or(0), w.value_or(0)};
    return resize(mode, n, x, size, align, scales);
  }
  static Tensor aligned_either(const Tensor& x, const OptDims& size, bool align,
                               const OptFloats& factors) {
    return resize_either(mode, n, x, size, align, factors);
  }
};

constexpr const char* kScales[] = {"", "scales=None", "scales_h=None, scales_w=None",
                                   "scales_d=None, scales_h=None, scales_w=None"};

template <Mode mode, int n>
void define_nearest(Registry& r, const char* prefix, const char* doc) {
  using F = Forms<mode, n>;
  const std::string name = str(prefix, n, "d");
  r.op((name + "(input, output_size, scale_factors)").c_str(), doc, &F::nearest_either).nn();
  const std::string sized = str(name, "(input, output_size, ", kScales[n], ")");
  if constexpr (n == 1)
    r.op(sized.c_str(), doc, &F::nearest1).nn();
  else if constexpr (n == 2)
    r.op(sized.c_str(), doc, &F::nearest2).nn();
  else
    r.op(sized.c_str(), doc, &F::nearest3).nn();
}

template <Mode mode, int n>
void define_aligned(Registry& r, const char* name, const char* doc) {
  using F = Forms<mode, n>;
  r.op(str(name, "(input, output_size, align_corners, scale_factors)").c_str(), doc,
       &F::aligned_either)
      .nn();
  const std::string sized = str(name, "(input, output_size, align_corners, ", kScales[n], ")");
  if constexpr (n == 1)
    r.op(sized.c_str(), doc, &F::aligned1).nn();
  else if constexpr (n == 2)
    r.op(sized.c_str(), doc, &F::aligned2).nn();
  else
    r.op(sized.c_str(), doc, &F::aligned3).nn();
}

}  // namespace

void define_resample(Registry& r) {
  const char* nearest =
      "Resizes [n, channels, ...]: each element is that at i * in / out, rounded down.";
  define_nearest<Mode::Nearest, 1>(r, "upsample_nearest", nearest);
  define_nearest<Mode::Nearest, 2>(r, "upsample_nearest", nearest);
  define_nearest<Mode::Nearest, 3>(r, "upsample_nearest", nearest);
  const char* exact = "Resizes [n, channels, ...]: each element is the one nearest to its centre.";
  define_nearest<Mode::NearestExact, 1>(r, "_upsample_nearest_exact", exact);
  define_nearest<Mode::NearestExact, 2>(r, "_upsample_nearest_exact", exact);
  define_nearest<Mode::NearestExact, 3>(r, "_upsample_nearest_exact", exact);
  const char* linear = "Resizes [n, channels, ...] by linear interpolation along each axis.";
  define_aligned<Mode::Linear, 1>(r, "upsample_linear1d", linear);
  define_aligned<Mode::Linear, 2>(r, "upsample_bilinear2d", linear);
  define_aligned<Mode::Linear, 3>(r, "upsample_trilinear3d", linear);
  define_aligned<Mode::Cubic, 2>(
      r, "upsample_bicubic2d",
      "Resizes [n, channels, h, w] by cubic convolution (Keys, 1981; a = -0.75).");
  const char* smooth =
      "Resizes [n, channels, h, w] by a filter that widens as the image shrinks, without aliasing.";
  define_aligned<Mode::SmoothLinear, 2>(r, "_upsample_bilinear2d_aa", smooth);
  define_aligned<Mode::SmoothCubic, 2>(r, "_upsample_bicubic2d_aa", smooth);
  define_aligned<Mode::SmoothLanczos, 2>(r, "_upsample_lanczos2d_aa", smooth);
}

}  // namespace rl
