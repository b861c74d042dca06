// Putting tensors together and moving elements around: cat, stack and their kin, repeat, flip,
// roll, rot90. Not here: views (view.cpp) and padding (pad.cpp).
#include <algorithm>
#include <cstring>

#include "cpu/load_store.h"
#include "cpu/threads.h"
#include "op/promote.h"
#include "ops/ops.h"
#include "ops/record_list.h"
#include "tensor/layout.h"

namespace rl {
namespace {

bool no_memory(const Tensor& t) { return t.numel() == 0 || t.device().type == Device::Meta; }

/// Copies the parts side by side along `dim` of out; length[i] is part i's size there. A part may
/// lack the dimension (stack) or be a row of one.
void fill_joined(const Tensor& out, const Tensors& parts, int dim,
                 const std::vector<int64_t>& length) {
  if (no_memory(out)) return;
  int64_t outer = 1, inner = size_of(out.dtype());
  for (int d = 0; d < dim; ++d) outer *= out.size(d);
  for (int d = dim + 1; d < out.dim(); ++d) inner *= out.size(d);
  const int64_t row = out.size(dim) * inner;
  struct Piece {
    const char* from;
    int64_t at, bytes;
  };
  std::vector<Piece> pieces;
  int64_t at = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const Tensor& t = parts[i];
    if (t.numel() > 0 && t.dtype() == out.dtype() && t.is_contiguous()) {
      pieces.push_back({t.data<char>(), at * inner, length[i] * inner});
    } else if (t.numel() > 0) {
      Dims sizes = out.sizes();
      sizes[dim] = length[i];
      Dims part = t.sizes(), steps = t.strides();
      if (part.size() < sizes.size()) part.insert(dim, 1), steps.insert(dim, 0);
      write(make_view(out->storage, out.dtype(), sizes, out.strides(),
                      out->offset + at * out.stride(dim)),
            make_view(t->storage, t.dtype(), part, steps, t->offset));
    }
    at += length[i];
  }
  char* to = out.data<char>();
  const int64_t count = static_cast<int64_t>(pieces.size());
  if (count == 0) return;
  LongKernel off(outer * row / 16);
  cpu::parallel_for(
      0, outer * count, std::max<int64_t>(1, (1 << 17) * count / row), [&](int64_t b, int64_t e) {
        for (int64_t i = b; i < e; ++i) {
          const int64_t o = i / count;
          const Piece& p = pieces[static_cast<size_t>(i % count)];
          std::memcpy(to + o * row + p.at, p.from + o * p.bytes, static_cast<size_t>(p.bytes));
        }
      });
}

DType common_type(const Tensors& tensors) {
  DType t = tensors[0].dtype();
  bool mixed = false;
  for (const Tensor& x : tensors) mixed |= x.dtype() != t;
  if (!mixed) return t;
  std::vector<Operand> operands(tensors.begin(), tensors.end());
  return result_type(operands.data(), static_cast<int>(operands.size()));
}

/// A 1-d empty tensor: cat skips it whatever the others' shape, as it always did.
bool is_skipped(const Tensor& t) { return t.dim() == 1 && t.numel() == 0; }

}  // namespace

Tensor cat(const Tensors& tensors, int64_t dim_in) {
  RL_CHECK_VALUE(!tensors.empty(), "torch.cat(): expected a non-empty list of Tensors");
  const Tensor* first = nullptr;
  for (size_t i = 0; i < tensors.size(); ++i) {
    RL_CHECK(tensors[i].dim() > 0, "zero-dimensional tensor (at position ", i,
             ") cannot be concatenated\nfix: use torch.stack, which makes a new dimension.");
    if (!first && !is_skipped(tensors[i])) first = &tensors[i];
  }
  const Tensor& like = first ? *first : tensors[0];
  const int dim = wrap_dim(dim_in, like.dim());
  Dims sizes = like.sizes();
  sizes[dim] = 0;
  std::vector<int64_t> length(tensors.size(), 0);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& t = tensors[i];
    if (is_skipped(t)) continue;
    RL_CHECK(t.dim() == like.dim(), "Tensors must have same number of dimensions: got ", like.dim(),
             " and ", t.dim());
    for (int d = 0; d < t.dim(); ++d)
      RL_CHECK(d == dim || t.size(d) == like.size(d),
               "Sizes of tensors must match except in dimension ", dim, ". Expected size ",
               like.size(d), " but got size ", t.size(d), " for tensor number ", i,
               " in the list."
               "\nwhy: shapes ",
               like.sizes(), " and ", t.sizes(), " differ in dimension ", d, ".");
    length[i] = t.size(dim);
    sizes[dim] += length[i];
  }
  Tensor out = empty(sizes, common_type(tensors), like.device());
  fill_joined(out, tensors, dim, length);
  return record_list(out, "CatBackward0", tensors, [&] {
    std::vector<bool> skipped;
    for (const Tensor& t : tensors) skipped.push_back(is_skipped(t));
    return [=](const Grads& g, Node& n) -> Grads {
      Grads out(length.size());
      int64_t at = 0;
      for (size_t i = 0; i < length.size(); at += length[i++])
        if (n.needs(i))
          out[i] = skipped[i] ? zeros({0}, g[0].dtype(), g[0].device())
                              : narrow(g[0], dim, at, length[i]);
      return out;
    };
  });
}

Tensor stack(const Tensors& tensors, int64_t dim_in) {
  RL_CHECK(!tensors.empty(), "stack expects a non-empty TensorList");
  const Tensor& like = tensors[0];
  const int dim = wrap_dim(dim_in, like.dim() + 1);
  for (size_t i = 1; i < tensors.size(); ++i)
    RL_CHECK(tensors[i].sizes() == like.sizes(),
             "stack expects each tensor to be equal size, but got ", like.sizes(),
             " at entry 0 and ", tensors[i].sizes(), " at entry ", i);
  Dims sizes = like.sizes();
  sizes.insert(dim, static_cast<int64_t>(tensors.size()));
  Tensor out = empty(sizes, common_type(tensors), like.device());
  fill_joined(out, tensors, dim, std::vector<int64_t>(tensors.size(), 1));
  return record_list(out, "StackBackward0", tensors, [&] {
    return [dim, count = tensors.size()](const Grads& g, Node& n) -> Grads {
      Grads out(count);
      for (size_t i = 0; i < count; ++i)
        if (n.needs(i)) out[i] = select(g[0], dim, static_cast<int64_t>(i));
      return out;
    };
  });
}

// ---- repetition ----

Tensor repeat(const Tensor& input, const Dims& repeats) {
  RL_CHECK(
      repeats.size() >= input.dim(),
      "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor");
  const int shift = repeats.size() - input.dim();
  Dims sizes, split, from;  // split: [r0, s0, r1, s1, ...] of the output; from: [1, s0, 1, s1, ...]
  for (int d = 0; d < repeats.size(); ++d) {
    const int64_t s = d < shift ? 1 : input.size(d - shift);
    int64_t n;
    RL_CHECK(!__builtin_mul_overflow(s, repeats[d], &n), "repeat: ", repeats, " of ", input.sizes(),
             " has more elements than a 64-bit integer counts");
    sizes.push_back(n);
    split.push_back(repeats[d]), split.push_back(s);
    from.push_back(1), from.push_back(s);
  }
  Tensor out = empty(sizes, input.dtype(), input.device());
  if (!no_memory(out)) {
    Dims strides;
    for (int d = 0; d < repeats.size(); ++d) {
      strides.push_back(0);
      strides.push_back(d < shift ? 0 : input.stride(d - shift));
    }
    cpu::copy(split, out.dtype(), out.raw(), contiguous_strides(split), input.dtype(), input.raw(),
              strides);
  }
  return record(out, "RepeatBackward0", {&input}, [&] {
    return [split, shape = input.sizes()](const Grads& g, Node&) -> Grads {
      Dims summed;
      for (int d = 0; d < split.size(); d += 2) summed.push_back(d);
      if (summed.empty()) return {g[0]};
      return {reshape(sum_dims(reshape(g[0], split), summed, false), shape)};
    };
  });
}

namespace {

Tensor tile(const Tensor& input, const Dims& dims) {
  Dims repeats = dims;
  while (repeats.size() < input.dim()) repeats.insert(0, 1);
  return repeat(input, repeats);
}

}  // namespace

// ---- reversal and rotation ----

Tensor flip(const Tensor& input, const Dims& dims) {
  RL_CHECK(input.dim() <= 64, "only tensors with up to 64 dims are supported");
  const uint64_t mask = dims.empty() ? 0 : dim_mask(dims, input.dim() ? input.dim() : 1);
  Tensor out = empty_preserving(input, input.dtype());
  if (!no_memory(out)) {
    Dims strides = input.strides();
    int64_t start = 0;
    for (int d = 0; d < input.dim(); ++d)
      if (mask >> d & 1) {
        start += (input.size(d) - 1) * strides[d];
        strides[d] = -strides[d];
      }
    cpu::copy(input.sizes(), out.dtype(), out.raw(), out.strides(), input.dtype(),
              input.data<char>() + start * size_of(input.dtype()), strides);
  }
  return record(out, "FlipBackward0", {&input}, [&] {
    return [dims](const Grads& g, Node&) -> Grads { return {flip(g[0], dims)}; };
  });
}

namespace {

template <int dim>
Tensor flip_along(const Tensor& input) {
  RL_CHECK(input.dim() > dim, "Input must be >= ", dim + 1, "-d.");
  return flip(input, {dim});
}

/// out[(i + shift) mod n] = in[i] along one dimension: two copies. Does not record.
Tensor roll_one(const Tensor& t, int64_t shift, int dim) {
  Tensor out = empty(t.sizes(), t.dtype(), t.device());
  if (no_memory(out)) return out;
  const int64_t n = t.size(dim), split = ((shift % n) + n) % n, size = size_of(t.dtype());
  const auto part = [&](int64_t from, int64_t to, int64_t count) {
    if (count == 0) return;
    Dims sizes = t.sizes();
    sizes[dim] = count;
    cpu::copy(sizes, t.dtype(), out.data<char>() + to * out.stride(dim) * size, out.strides(),
              t.dtype(), t.data<char>() + from * t.stride(dim) * size, t.strides());
  };
  part(0, split, n - split);
  part(n - split, 0, split);
  return out;
}

Tensor roll(const Tensor& input, const Dims& shifts, const Dims& dims) {
  RL_CHECK(!shifts.empty(), "`shifts` required");
  const bool flat = dims.empty() && shifts.size() == 1;
  RL_CHECK(flat || shifts.size() == dims.size(),
           "shifts and dimensions must align. shifts: ", shifts.size(), ", dims:", dims.size());
  Tensor out = input;
  if (flat) {
    GradGuard off(false);
    out = reshape(roll_one(reshape(input, {input.numel()}), shifts[0], 0), input.sizes());
  } else {
    for (int i = 0; i < dims.size(); ++i) wrap_dim(dims[i], input.dim(), false);
    for (int i = 0; i < dims.size(); ++i)
      out = roll_one(out, shifts[i], wrap_dim(dims[i], input.dim()));
  }
  return record(out, "RollBackward0", {&input}, [&] {
    return [=](const Grads& g, Node&) -> Grads {
      Dims back = shifts;
      for (int64_t& s : back) s = -s;
      return {roll(g[0], back, dims)};
    };
  });
}

Tensor rot90(const Tensor& input, int64_t k_in, const Dims& dims) {
  RL_CHECK(dims.size() == 2, "expected total rotation dims == 2, but got dims = ", dims.size());
  RL_CHECK(input.dim() >= 2, "expected total dims >= 2, but got total dims = ", input.dim());
  RL_CHECK(dims[0] != dims[1] && std::abs(dims[0] - dims[1]) != input.dim(),
           "expected rotation dims to be different, but got dim0 = ", dims[0],
           " and dim1 = ", dims[1]);
  const int a = wrap_dim(dims[0], input.dim()), b = wrap_dim(dims[1], input.dim());
  const int64_t k = ((k_in % 4) + 4) % 4;
  Tensor out;
  {
    GradGuard off(false);
    out = k == 1   ? transpose(flip(input, {b}), a, b)
          : k == 2 ? flip(input, {a, b})
          : k == 3 ? transpose(flip(input, {a}), a, b)
                   : copy_of(input);
    if (out->base) out = alias(out);
  }
  return record(out, "Rot90Backward0", {&input}, [&] {
    return [k, dims](const Grads& g, Node&) -> Grads { return {rot90(g[0], -k, dims)}; };
  });
}

}  // namespace

void define_join(Registry& r) {
  r.op("cat(tensors, dim=0)", "Joins tensors along a dimension; the others must agree.", &cat)
      .not_method()
      .alias("concat")
      .alias("concatenate")
      .out_dtype(kOutCat)
      .out_apart();
  r.op("stack(tensors, dim=0)", "Joins equal tensors along a new dimension.", &stack)
      .not_method()
      .out_dtype(kOutCat);
  r.op("repeat(input, *repeats)", "input repeated along each dimension.", &repeat).not_function();
  r.op("tile(input, *dims)", "repeat, with ones in front where fewer numbers are given.", &tile)
      .no_out();
  r.op("flip(input, *dims)", "Reverses dimensions, as a copy.", &flip).no_out();
  r.op("fliplr(input)", "Reverses the second dimension.", &flip_along<1>).no_out();
  r.op("flipud(input)", "Reverses the first dimension.", &flip_along<0>).no_out();
  r.op("roll(input, shifts, dims=[])",
       "Shifts elements along dims, those pushed out coming in at the other end.", &roll)
      .no_out();
  r.op("rot90(input, k=1, dims=[0, 1])", "Rotates by k quarters in the plane of two dimensions.",
       &rot90)
      .no_out();
}

}  // namespace rl
