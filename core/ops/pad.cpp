// Padding (constant, reflect, replicate, circular), and pixel_shuffle, which moves channels into
// space. The non-constant modes are a map of positions for each padded dimension.
#include <algorithm>

#include "cpu/load_store.h"
#include "op/call.h"
#include "ops/ops.h"
#include "ops/product.h"
#include "tensor/layout.h"

namespace rl {
namespace {

/// So that no size with padding on both sides wraps around to another size.
void check_amounts(const Dims& pad) {
  constexpr int64_t most = int64_t{1} << 60;
  for (int64_t p : pad)
    RL_CHECK(p >= -most && p <= most, "Padding of ", p, " elements is too large");
}

}  // namespace

Tensor constant_pad_nd(const Tensor& input, const Dims& pad, const Scalar& value) {
  const int ndim = input.dim(), padded = pad.size() / 2;
  RL_CHECK(pad.size() % 2 == 0, "Length of pad must be even but instead it equals ", pad.size());
  RL_CHECK(padded <= ndim,
           "Length of pad should be no more than twice the number of dimensions of the input. Pad "
           "length is ",
           pad.size(), "while the input has ", ndim, "dimensions.");
  check_amounts(pad);
  RL_CHECK(is_complex(input.dtype()) || value.kind != Scalar::Complex,
           "value cannot be converted to type ", c_name_of(input.dtype()), " without overflow");
  Dims sizes = input.sizes(), window = sizes;
  int64_t from = 0;
  Dims start = Dims::filled(ndim, 0);
  for (int i = 0; i < padded; ++i) {
    const int d = ndim - 1 - i;
    const int64_t before = pad[2 * i], after = pad[2 * i + 1];
    window[d] += std::min<int64_t>(before, 0) + std::min<int64_t>(after, 0);
    RL_CHECK(window[d] >= 0 && -before <= input.size(d),
             "narrow(): length must be non-negative."
             "\nwhy: the padding ",
             pad, " takes more than dimension ", d, " of ", input.sizes(), " has.");
    sizes[d] += before + after;
    start[d] = std::max<int64_t>(before, 0);
    from += std::max<int64_t>(-before, 0) * input.stride(d);
  }
  Tensor out = full(sizes, is_integral(input.dtype(), false) ? Scalar(value.integer()) : value,
                    input.dtype(), input.device());
  if (checked_numel(window) && out.device().type != Device::Meta) {
    int64_t to = 0;
    for (int d = 0; d < ndim; ++d) to += start[d] * out.stride(d);
    write(make_view(out->storage, out.dtype(), window, out.strides(), to),
          make_view(input->storage, input.dtype(), window, input.strides(), input->offset + from));
  }
  return record(out, "ConstantPadNdBackward0", {&input}, [&] {
    return [pad](const Grads& g, Node&) -> Grads {
      Dims back = pad;
      for (int64_t& p : back) p = -p;
      return {constant_pad_nd(g[0], back, 0)};
    };
  });
}

namespace {

enum class Mode { Reflect, Replicate, Circular };

/// Which input position each output position shows. A circle goes round what negative padding left.
Tensor position_map(Mode mode, int64_t n, int64_t before, int64_t after) {
  Tensor map = empty({n + before + after}, DType::I64);
  const int64_t cut = std::max<int64_t>(-before, 0), left = n - cut - std::max<int64_t>(-after, 0);
  RL_CHECK(mode != Mode::Circular || map.numel() == 0 || left > 0,
           "Negative padding value is resulting in an empty dimension");
  int64_t* to = map.data<int64_t>();
  for (int64_t i = 0; i < map.numel(); ++i) {
    const int64_t j = i - before;
    if (mode == Mode::Replicate)
      to[i] = std::clamp<int64_t>(j, 0, n - 1);
    else if (mode == Mode::Circular)
      to[i] = cut + (((j - cut) % left) + left) % left;
    else
      to[i] = j < 0 ? -j : j >= n ? 2 * (n - 1) - j : j;
  }
  return map;
}

void check_mapped(const Tensor& input, const Dims& pad, Mode mode) {
  const int spatial = pad.size() / 2, ndim = input.dim();
  RL_CHECK_AS(
      NotImplemented, spatial >= 1 && spatial <= 3 && (ndim == spatial + 1 || ndim == spatial + 2),
      "Padding size ", pad.size(), " is not supported for ", ndim,
      "D input tensor."
      "\nwhy: other modes than 'constant' pad the last 1, 2 or 3 dimensions of a tensor that "
      "has one (channels) or two (batch, channels) more.");
  check_amounts(pad);
  if (mode == Mode::Circular) {
    for (int i = 0; i < spatial; ++i) {
      const int64_t n = input.size(ndim - 1 - i);
      RL_CHECK(pad[2 * i] <= n && pad[2 * i + 1] <= n,
               "Padding value causes wrapping around more than once.");
      RL_CHECK(n + pad[2 * i] + pad[2 * i + 1] >= 0,
               "Negative padding value is resulting in an empty dimension");
    }
    return;
  }
  const bool reflect = mode == Mode::Reflect;
  RL_CHECK_AS(NotImplemented, input.dtype() != DType::Bool, '"',
              reflect ? "reflection" : "replication", "_pad", spatial,
              "d\" not implemented for 'Bool'");
  for (int d = ndim == spatial + 2 ? 1 : 0; d < ndim; ++d)
    RL_CHECK(input.size(d) > 0, "Expected ", spatial + 1, "D or ", spatial + 2,
             "D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for "
             "input, but got: ",
             input.sizes());
  std::string in, out;
  bool small = false;
  for (int i = 0; i < spatial; ++i) {
    const int d = ndim - 1 - i;
    const int64_t n = input.size(d), before = pad[2 * i], after = pad[2 * i + 1];
    RL_CHECK(
        !reflect || (before < n && after < n), "Argument #", 4 + 2 * i,
        ": Padding size should be less than the corresponding input dimension, but got: padding (",
        before, ", ", after, ") at dimension ", d, " of input ", input.sizes());
    small |= n + before + after < 1;
    const char* axis = i == 0 ? "W" : i == 1 ? "H" : "D";
    in = str(axis, ": ", n, i ? ", " : "", in);
    out = str(axis, ": ", n + before + after, i ? " " : "", out);
  }
  RL_CHECK(!small, "input (", in, ") is too small. Calculated output ", out);
}

/// What the map shows of x along d: between its edges all of x as one piece, if nothing is cut off.
Tensor shown(const Tensor& x, int d, const Tensor& map, int64_t before, int64_t after) {
  if (before < 0 || after < 0) return index_select(x, d, map);
  const auto edge = [&](int64_t from, int64_t n) {
    return index_select(x, d, narrow(map, 0, from, n));
  };
  return cat({edge(0, before), x, edge(map.numel() - after, after)}, d);
}

Tensor mapped_pad(const Tensor& input, const Dims& pad, Mode mode) {
  check_mapped(input, pad, mode);
  const int spatial = pad.size() / 2;
  constexpr const char* labels[3][3] = {
      {"ReflectionPad1DBackward0", "ReflectionPad2DBackward0", "ReflectionPad3DBackward0"},
      {"ReplicationPad1DBackward0", "ReplicationPad2DBackward0", "ReplicationPad3DBackward0"},
      {"CopySlices", "CopySlices", "CopySlices"}};
  Tensors maps;
  Tensor out = input;
  {
    GradGuard off(false);
    for (int i = 0; i < spatial; ++i) {
      const int d = input.dim() - 1 - i;
      maps.push_back(position_map(mode, input.size(d), pad[2 * i], pad[2 * i + 1]));
      if (pad[2 * i] || pad[2 * i + 1] || i == 0)
        out = shown(out, d, maps.back(), pad[2 * i], pad[2 * i + 1]);
    }
  }
  return record(out, labels[static_cast<int>(mode)][spatial - 1], {&input}, [&] {
    return [=, shape = input.sizes()](const Grads& grads, Node&) -> Grads {
      Tensor g = grads[0];
      for (int i = 0; i < spatial; ++i) {
        const int d = shape.size() - 1 - i;
        Dims sizes = g.sizes();
        sizes[d] = shape[d];
        g = index_add(zeros(sizes, g.dtype(), g.device()), d, maps[static_cast<size_t>(i)], g, 1);
      }
      return {g};
    };
  });
}

Tensor pad(const Tensor& input, const Dims& pad, std::string_view mode, OptFloat value) {
  RL_CHECK(pad.size() % 2 == 0, "Padding length must be divisible by 2");
  RL_CHECK(pad.size() <= 2 * input.dim(),
           "Padding length should be less than or equal to two times "
           "the input dimension but got padding length ",
           pad.size(), " and input of dimension ", input.dim());
  if (mode == "constant") return constant_pad_nd(input, pad, Scalar(value.value_or(0.0)));
  RL_CHECK(!value || *value == 0, "Padding mode \"", mode, "\" doesn't take in value argument");
  if (mode == "reflect") return mapped_pad(input, pad, Mode::Reflect);
  if (mode == "replicate") return mapped_pad(input, pad, Mode::Replicate);
  if (mode == "circular") return mapped_pad(input, pad, Mode::Circular);
  raise(ErrorKind::NotImplemented, "Unrecognised padding mode ", mode);
}

template <Mode kMode, int kSpatial>
Tensor named_pad(const Tensor& input, const Dims& padding) {
  RL_CHECK(padding.size() == 2 * kSpatial, "padding size is expected to be ", 2 * kSpatial);
  return mapped_pad(input, padding, kMode);
}

// ---- pixels and channels ----

/// Reshapes, permutes and reshapes back, as one recorded step.
template <class Back>
Tensor rearranged(const Tensor& input, const Dims& split, const Dims& order, const Dims& sizes,
                  const char* label, Back back) {
  Tensor out;
  {
    GradGuard off(false);
    out = reshape(permute(reshape(input, split), order), sizes);
    if (out->base || out.same(input)) out = copy_of(out);
  }
  return record(out, label, {&input},
                [&] { return [back](const Grads& g, Node&) -> Grads { return {back(g[0])}; }; });
}

Tensor pixel_unshuffle(const Tensor& input, int64_t factor);

/// The order of split dimensions: the leading ones stay, the last five or so are given.
Dims order_with(int lead, std::initializer_list<int64_t> rest) {
  Dims order;
  for (int d = 0; d < lead; ++d) order.push_back(d);
  for (int64_t d : rest) order.push_back(lead + d);
  return order;
}

Tensor pixel_shuffle(const Tensor& input, int64_t factor) {
  RL_CHECK(input.dim() >= 3,
           "pixel_shuffle expects input to have at least 3 dimensions, but got "
           "input with ",
           input.dim(), " dimension(s)");
  RL_CHECK(factor > 0, "pixel_shuffle expects a positive upscale_factor, but got ", factor);
  const int64_t c = input.size(-3), h = input.size(-2), w = input.size(-1);
  int64_t square;
  const bool overflow = __builtin_mul_overflow(factor, factor, &square);
  RL_CHECK(!overflow && c % square == 0,
           "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of "
           "upscale_factor, but input.size(-3)=",
           c, " is not divisible by ", square);
  const int lead = input.dim() - 3;
  Dims split(input.sizes().data(), lead), sizes = split;
  for (int64_t s : {c / square, factor, factor, h, w}) split.push_back(s);
  for (int64_t s : {c / square, h * factor, w * factor}) sizes.push_back(s);
  return rearranged(input, split, order_with(lead, {0, 3, 1, 4, 2}), sizes, "PixelShuffleBackward0",
                    [factor](const Tensor& g) { return pixel_unshuffle(g, factor); });
}

Tensor pixel_unshuffle(const Tensor& input, int64_t factor) {
  RL_CHECK(input.dim() >= 3,
           "pixel_unshuffle expects input to have at least 3 dimensions, but got "
           "input with ",
           input.dim(), " dimension(s)");
  RL_CHECK(factor > 0, "pixel_unshuffle expects a positive downscale_factor, but got ", factor);
  const int64_t c = input.size(-3), h = input.size(-2), w = input.size(-1);
  RL_CHECK(h % factor == 0,
           "pixel_unshuffle expects height to be divisible by downscale_factor, but "
           "input.size(-2)=",
           h, " is not divisible by ", factor);
  RL_CHECK(w % factor == 0,
           "pixel_unshuffle expects width to be divisible by downscale_factor, but "
           "input.size(-1)=",
           w, " is not divisible by ", factor);
  const int lead = input.dim() - 3;
  Dims split(input.sizes().data(), lead), sizes = split;
  for (int64_t s : {c, h / factor, factor, w / factor, factor}) split.push_back(s);
  for (int64_t s : {c * factor * factor, h / factor, w / factor}) sizes.push_back(s);
  return rearranged(input, split, order_with(lead, {0, 2, 4, 1, 3}), sizes,
                    "PixelUnshuffleBackward0",
                    [factor](const Tensor& g) { return pixel_shuffle(g, factor); });
}

}  // namespace

void define_pad(Registry& r) {
  r.op("constant_pad_nd(input, pad, value=0)",
       "Pads the last dimensions with a number: pad is [left, right] of the last one, then of the "
       "one before it. Negative padding cuts.",
       &constant_pad_nd)
      .not_method()
      .no_out();
  r.op("pad(input, pad, mode='constant', value=None)",
       "Pads the last dimensions with a number ('constant'), the mirrored ('reflect'), nearest "
       "('replicate') or opposite ('circular') elements.",
       &pad)
      .nn();
  const char* doc = "Pads the last dimensions by the mode it is named after.";
  r.op("reflection_pad1d(input, padding)", doc, &named_pad<Mode::Reflect, 1>).nn();
  r.op("reflection_pad2d(input, padding)", doc, &named_pad<Mode::Reflect, 2>).nn();
  r.op("reflection_pad3d(input, padding)", doc, &named_pad<Mode::Reflect, 3>).nn();
  r.op("replication_pad1d(input, padding)", doc, &named_pad<Mode::Replicate, 1>).nn();
  r.op("replication_pad2d(input, padding)", doc, &named_pad<Mode::Replicate, 2>).nn();
  r.op("replication_pad3d(input, padding)", doc, &named_pad<Mode::Replicate, 3>).nn();
  r.op("pixel_shuffle(input, upscale_factor)",
       "[..., C * r^2, H, W] to [..., C, H * r, W * r] (Shi et al., 2016).", &pixel_shuffle)
      .not_method()
      .no_out();
  r.op("pixel_unshuffle(input, downscale_factor)", "The inverse of pixel_shuffle.",
       &pixel_unshuffle)
      .not_method()
      .no_out();
}

}  // namespace rl
