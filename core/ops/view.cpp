// Views: operations that give another look at the same memory. Each is a geometry and its inverse.
#include "cpu/load_store.h"
#include "op/call.h"
#include "ops/ops.h"
#include "tensor/layout.h"

namespace rl {

namespace {

/// A view of `of` with a new geometry, registered and recorded.
template <class Builder>
Tensor make(const Tensor& of, Dims sizes, Dims strides, int64_t offset, const char* label,
            Builder build, ViewInfo::Origin origin = ViewInfo::Normal) {
  Tensor v = make_view(of->storage, of.dtype(), std::move(sizes), std::move(strides), offset);
  if (recording({&of}) && is_differentiable(of.dtype())) {
    set_history(v, make_node(label, {&of}, build()));
  }
  mark_view(v, of, origin);
  return v;
}

using Closure = Grads (*)(const Grads&, Node&);

}  // namespace

Tensor view(const Tensor& input, const Dims& size) {
  const Dims shape = infer_size(size, input.numel());
  Dims strides;
  RL_CHECK(
      view_strides(input.sizes(), input.strides(), shape, &strides),
      "view size is not compatible with input tensor's size and stride (at least one dimension "
      "spans across two contiguous subspaces). Use .reshape(...) instead."
      "\nwhy: the tensor of size ",
      input.sizes(), " has strides ", input.strides(),
      ", so its elements are not in memory in the order of the new shape ", shape,
      "\nfix: use .reshape(", shape, "), which copies, or .contiguous() first.");
  return make(input, shape, strides, input->offset, "ViewBackward0", [&] {
    return [from = input.sizes()](const Grads& g, Node&) -> Grads { return {reshape(g[0], from)}; };
  });
}

Tensor reshape(const Tensor& input, const Dims& shape) {
  const Dims to = infer_size(shape, input.numel());
  Dims strides;
  if (view_strides(input.sizes(), input.strides(), to, &strides)) {
    return make(input, to, strides, input->offset,
                input.is_contiguous() ? "ViewBackward0" : "ReshapeAliasBackward0", [&] {
                  return [from = input.sizes()](const Grads& g, Node&) -> Grads {
                    return {reshape(g[0], from)};
                  };
                });
  }
  Tensor copy = contiguous_copy(input);
  copy = record(copy, "CloneBackward0", {&input},
                [] { return [](const Grads& g, Node&) -> Grads { return {g[0]}; }; });
  Tensor v = make_view(copy->storage, copy.dtype(), to, contiguous_strides(to), 0);
  return record(v, "UnsafeViewBackward0", {&copy}, [&] {
    return [from = input.sizes()](const Grads& g, Node&) -> Grads { return {reshape(g[0], from)}; };
  });
}

Tensor transpose(const Tensor& input, int64_t dim0, int64_t dim1) {
  const int a = wrap_dim(dim0, input.dim()), b = wrap_dim(dim1, input.dim());
  Dims sizes = input.sizes(), strides = input.strides();
  if (input.dim()) {
    std::swap(sizes[a], sizes[b]);
    std::swap(strides[a], strides[b]);
  }
  return make(input, sizes, strides, input->offset, "TransposeBackward0", [&] {
    return [a, b](const Grads& g, Node&) -> Grads { return {transpose(g[0], a, b)}; };
  });
}

Tensor permute(const Tensor& input, const Dims& dims) {
  RL_CHECK(dims.size() == input.dim(),
           "permute(sparse_coo): number of dimensions in the tensor input "
           "does not match the length of the desired ordering of dimensions i.e. input.dim() = ",
           input.dim(), " is not equal to len(dims) = ", dims.size());
  Dims sizes = input.sizes(), strides = input.strides(), inverse = dims;
  uint64_t seen = 0;
  for (int i = 0; i < dims.size(); ++i) {
    const int d = wrap_dim(dims[i], input.dim());
    RL_CHECK(!(seen >> d & 1), "permute(): duplicate dims are not allowed.");
    seen |= uint64_t{1} << d;
    sizes[i] = input.size(d);
    strides[i] = input.stride(d);
    inverse[d] = i;
  }
  return make(input, sizes, strides, input->offset, "PermuteBackward0", [&] {
    return [inverse](const Grads& g, Node&) -> Grads { return {permute(g[0], inverse)}; };
  });
}

namespace {
/// "torch.FloatTensor", or for dtypes without a legacy class "CPUBoolType".
std::string type_text(const Tensor& t) {
  const DType d = t.dtype();
  const bool legacy = d != DType::Bool && d != DType::BF16 && !is_complex(d);
  return legacy ? str("torch.", info(d).type, "Tensor") : str("CPU", info(d).type, "Type");
}
}  // namespace

Tensor expand(const Tensor& input, const Dims& size) {
  RL_CHECK(size.size() >= input.dim(), "expand(", type_text(input), "{", input.sizes(),
           "}, size=", size, "): the number of sizes provided (", size.size(),
           ") must be greater or equal to the number of dimensions in the tensor (", input.dim(),
           ")");
  Dims to = size;
  const int shift = size.size() - input.dim();
  for (int i = 0; i < size.size(); ++i) {
    const int64_t have = i < shift ? 1 : input.size(i - shift);
    if (to[i] == -1) {
      RL_CHECK(i >= shift, "expand(", type_text(input), "{", input.sizes(), "}, size=", size,
               "): the expanded size of the tensor (-1) isn't allowed in a leading, non-existing "
               "dimension ",
               i);
      to[i] = have;
    }
    RL_CHECK(to[i] >= 0, "The expanded size of the tensor (", to[i],
             ") isn't allowed in a leading, non-existing dimension ", i);
    RL_CHECK(have == to[i] || have == 1, "The expanded size of the tensor (", to[i],
             ") must match the existing size (", have, ") at non-singleton dimension ", i,
             ".  Target sizes: ", size, ".  Tensor sizes: ", input.sizes());
  }
  return make(input, to, expand_strides(input.sizes(), input.strides(), to), input->offset,
              "ExpandBackward0", [&] {
                return [from = input.sizes()](const Grads& g, Node&) -> Grads {
                  return {sum_to(g[0], from)};
                };
              });
}

Tensor unsqueeze(const Tensor& input, int64_t dim) {
  const int d = wrap_dim(dim, input.dim() + 1);
  Dims sizes = input.sizes(), strides = input.strides();
  const int64_t step = d < input.dim() ? sizes[d] * strides[d] : 1;
  sizes.insert(d, 1);
  strides.insert(d, step);
  return make(input, sizes, strides, input->offset, "UnsqueezeBackward0", [&] {
    return [d](const Grads& g, Node&) -> Grads { return {squeeze_dim(g[0], d)}; };
  });
}

namespace {
Tensor squeeze_mask(const Tensor& input, uint64_t mask, const char* label) {
  Dims sizes, strides;
  for (int i = 0; i < input.dim(); ++i) {
    if ((mask >> i & 1) && input.size(i) == 1) continue;
    sizes.push_back(input.size(i));
    strides.push_back(input.stride(i));
  }
  return make(input, sizes, strides, input->offset, label, [&] {
    return [from = input.sizes()](const Grads& g, Node&) -> Grads { return {reshape(g[0], from)}; };
  });
}
Tensor squeeze(const Tensor& input) {
  return squeeze_mask(input, ~uint64_t{0}, "SqueezeBackward0");
}
Tensor squeeze_list(const Tensor& input, const Dims& dims) {
  return squeeze_mask(input, dims.empty() ? 0 : dim_mask(dims, input.dim()), "SqueezeBackward2");
}
}  // namespace

Tensor squeeze_dims(const Tensor& input, const OptDims& dims) {
  return dims ? squeeze_list(input, *dims) : squeeze(input);
}
Tensor squeeze_dim(const Tensor& input, int64_t dim) {
  const int d = wrap_dim(dim, input.dim());
  return squeeze_mask(input, uint64_t{1} << d, "SqueezeBackward1");
}

Tensor select(const Tensor& input, int64_t dim, int64_t index) {
  RL_CHECK_INDEX(input.dim() > 0, "select() cannot be applied to a 0-dim tensor.");
  const int d = wrap_dim(dim, input.dim());
  const int64_t n = input.size(d);
  RL_CHECK_INDEX(index >= -n && index < n, "select(): index ", index,
                 " out of range for tensor of size ", input.sizes(), " at dimension ", d);
  const int64_t i = index < 0 ? index + n : index;
  Dims sizes = input.sizes(), strides = input.strides();
  const int64_t offset = input->offset + i * strides[d];
  sizes.erase(d);
  strides.erase(d);
  return make(input, sizes, strides, offset, "SelectBackward0", [&] {
    return [from = input.sizes(), d, i](const Grads& g, Node&) -> Grads {
      return {call_op<"select_backward">(g[0], from, int64_t{d}, i)};
    };
  });
}

Tensor slice(const Tensor& input, int64_t dim, OptInt start, OptInt end, int64_t step) {
  RL_CHECK(input.dim() > 0, "slice() cannot be applied to a 0-dim tensor.");
  const int d = wrap_dim(dim, input.dim());
  RL_CHECK_VALUE(step > 0, "slice step must be positive");
  const int64_t n = input.size(d);
  const auto clip = [n](int64_t v) { return v < 0 ? (v + n < 0 ? 0 : v + n) : v > n ? n : v; };
  const int64_t b = clip(start.value_or(0)), e0 = clip(end.value_or(n)), e = e0 < b ? b : e0;
  Dims sizes = input.sizes(), strides = input.strides();
  const int64_t offset = input->offset + b * strides[d];
  sizes[d] = (e - b + step - 1) / step;
  strides[d] = strides[d] > INT64_MAX / step ? strides[d] : strides[d] * step;
  return make(input, sizes, strides, offset, "SliceBackward0", [&] {
    return [from = input.sizes(), d, b, e, step](const Grads& g, Node&) -> Grads {
      return {call_op<"slice_backward">(g[0], from, int64_t{d}, b, e, step)};
    };
  });
}

Tensor narrow(const Tensor& input, int64_t dim, int64_t start, int64_t length) {
  RL_CHECK(input.dim() > 0, "narrow() cannot be applied to a 0-dim tensor.");
  RL_CHECK(length >= 0, "narrow(): length must be non-negative.");
  const int d = wrap_dim(dim, input.dim());
  const int64_t n = input.size(d);
  RL_CHECK_INDEX(start >= -n && start <= n, "start out of range (expected to be in range of [", -n,
                 ", ", n, "], but got ", start, ")");
  const int64_t b = start < 0 ? start + n : start;
  RL_CHECK(b <= n - length, "start (", b, ") + length (", length, ") exceeds dimension size (", n,
           ").");
  return slice(input, d, b, b + length, 1);
}
Tensor narrow_from(const Tensor& input, int64_t dim, const Tensor& start, int64_t length) {
  RL_CHECK(start.dim() == 0 && is_integral(start.dtype()) && start.dtype() != DType::Bool,
           "start must be an 0-dim integral Tensor.");
  return narrow(input, dim, cpu::get(start.dtype(), start.raw()).integer(), length);
}

Tensor as_strided(const Tensor& input, const Dims& size, const Dims& stride, OptInt offset) {
  RL_CHECK(size.size() == stride.size(), "mismatch in length of strides and shape");
  for (int64_t s : stride)
    RL_CHECK(s >= 0,
             "as_strided: Negative strides are not supported at the moment, got strides: ", stride);
  checked_numel(size);
  const int64_t at = offset.value_or(input->offset);
  RL_CHECK(at >= 0, "Tensor: invalid storage offset ", at);
  int64_t low, high;
  bounds(size, stride, &low, &high);
  int64_t last, bytes;
  const int64_t item = size_of(input.dtype());
  RL_CHECK(
      high < 0 || (!__builtin_add_overflow(at, high + 1, &last) &&
                   !__builtin_mul_overflow(last, item, &bytes) && bytes <= input->storage->nbytes),
      "setStorage: sizes ", size, ", strides ", stride, ", storage offset ", at, ", and itemsize ",
      item, " requiring a storage size of ", (at + high + 1) * item,
      " are out of bounds for storage of size ", input->storage->nbytes);
  return make(input, size, stride, at, "AsStridedBackward0", [&] {
    return [from = input.sizes(), fs = input.strides(), fo = input->offset, size, stride, at](
               const Grads& g, Node&) -> Grads {
      return {as_strided_backward(g[0], from, fs, fo, size, stride, at)};
    };
  });
}
Tensor call_as_strided(const Tensor& t, const Dims& sizes, const Dims& strides, int64_t offset) {
  return as_strided(t, sizes, strides, offset);
}

Tensor as_strided_backward(const Tensor& g, const Dims& base_sizes, const Dims& base_strides,
                           int64_t base_offset, const Dims& sizes, const Dims& strides,
                           int64_t offset) {
  // Scatter-add into a flat copy of the base's memory, then look at it with the base's geometry.
  int64_t low, high, vlow, vhigh;
  bounds(base_sizes, base_strides, &low, &high);
  bounds(sizes, strides, &vlow, &vhigh);
  const int64_t start = offset < base_offset ? offset : base_offset;
  const int64_t end_base = base_offset + high, end_view = offset + vhigh;
  const int64_t n = (end_base > end_view ? end_base : end_view) - start + 1;
  Tensor flat = zeros({n < 0 ? 0 : n}, g.dtype(), g.device());
  if (g.numel() > 0) {
    if (!may_overlap_itself(sizes, strides)) {
      call_copy_(as_strided(flat, sizes, strides, offset - start), g);
    } else {
      Tensor positions = empty({n}, DType::I64);
      for (int64_t i = 0; i < n; ++i) positions.data<int64_t>()[i] = i;
      const Tensor index = contiguous(as_strided(positions, sizes, strides, offset - start));
      flat = call_op<"index_add">(flat, int64_t{0}, reshape(index, {-1}), reshape(g, {-1}));
    }
  }
  Tensor out = as_strided(flat, base_sizes, base_strides, base_offset - start);
  if (may_overlap_itself(base_sizes,
                         base_strides)) {  // each element of memory shared among its names
    Tensor count = zeros({n}, g.dtype());
    Tensor seen = as_strided(count, base_sizes, base_strides, base_offset - start);
    const Tensor index = [&] {
      Tensor positions = empty({n}, DType::I64);
      for (int64_t i = 0; i < n; ++i) positions.data<int64_t>()[i] = i;
      return reshape(
          contiguous(as_strided(positions, base_sizes, base_strides, base_offset - start)), {-1});
    }();
    count =
        call_op<"index_add">(count, int64_t{0}, index, full({index.numel()}, Scalar(1), g.dtype()));
    out = call_op<"div">(out, as_strided(count, base_sizes, base_strides, base_offset - start));
  }
  return out;
}

Tensor detach(const Tensor& input) {
  Tensor v = alias(input);
  v->inference = input->inference;
  return v;
}

namespace {

// ---- gradients of pieces: zeros with the piece written in ----

Tensor select_backward(const Tensor& g, const Dims& sizes, int64_t dim, int64_t index) {
  Tensor out = zeros(sizes, g.dtype(), g.device());
  {
    GradGuard off(false);
    copy_(select(out, dim, index), g);
  }
  return record(out, "SelectBackwardBackward0", {&g}, [&] {
    return [dim, index](const Grads& gg, Node&) -> Grads { return {select(gg[0], dim, index)}; };
  });
}
Tensor slice_backward(const Tensor& g, const Dims& sizes, int64_t dim, int64_t start, int64_t end,
                      int64_t step) {
  Tensor out = zeros(sizes, g.dtype(), g.device());
  {
    GradGuard off(false);
    copy_(slice(out, dim, start, end, step), g);
  }
  return record(out, "SliceBackwardBackward0", {&g}, [&] {
    return [=](const Grads& gg, Node&) -> Grads { return {slice(gg[0], dim, start, end, step)}; };
  });
}

// ---- named forms ----

Tensor transposed(const Tensor& input) {
  RL_CHECK(input.dim() <= 2, "t() expects a tensor with <= 2 dimensions, but self is ", input.dim(),
           "D");
  if (input.dim() < 2) return transpose(input, 0, 0);
  return make(input, {input.size(1), input.size(0)}, {input.stride(1), input.stride(0)},
              input->offset, "TBackward0", [] {
                return [](const Grads& g, Node&) -> Grads { return {transpose(g[0], 0, 1)}; };
              });
}
Tensor diagonal(const Tensor& input, int64_t offset, int64_t dim1, int64_t dim2) {
  const int a = wrap_dim(dim1, input.dim()), b = wrap_dim(dim2, input.dim());
  RL_CHECK(a != b, "diagonal dimensions cannot be identical ", dim1, ", ", dim2);
  const int64_t na = input.size(a), nb = input.size(b);
  int64_t length =
      offset >= 0 ? (nb - offset < na ? nb - offset : na) : (na + offset < nb ? na + offset : nb);
  if (length < 0) length = 0;
  int64_t at = input->offset;
  if (length > 0) at += offset >= 0 ? offset * input.stride(b) : -offset * input.stride(a);
  Dims sizes, strides;
  for (int i = 0; i < input.dim(); ++i) {
    if (i == a || i == b) continue;
    sizes.push_back(input.size(i));
    strides.push_back(input.stride(i));
  }
  sizes.push_back(length);
  strides.push_back(input.stride(a) + input.stride(b));
  return make(input, sizes, strides, at, "DiagonalBackward0", [&] {
    return [from = input.sizes(), offset, a, b](const Grads& g, Node&) -> Grads {
      return {call_op<"diagonal_backward">(g[0], from, offset, int64_t{a}, int64_t{b})};
    };
  });
}
Tensor diagonal_backward(const Tensor& g, const Dims& sizes, int64_t offset, int64_t dim1,
                         int64_t dim2) {
  Tensor out = zeros(sizes, g.dtype(), g.device());
  {
    GradGuard off(false);
    copy_(diagonal(out, offset, dim1, dim2), g);
  }
  return record(out, "DiagonalBackwardBackward0", {&g}, [&] {
    return [=](const Grads& gg, Node&) -> Grads { return {diagonal(gg[0], offset, dim1, dim2)}; };
  });
}

Tensor unfold(const Tensor& input, int64_t dimension, int64_t size, int64_t step) {
  const int d = wrap_dim(dimension, input.dim());
  const int64_t n = input.dim() ? input.size(d) : 1;
  RL_CHECK(size >= 0, "size is ", size, " but must be >= 0");
  RL_CHECK(size <= n, "maximum size for tensor at dimension ", d, " is ", n, " but size is ", size);
  RL_CHECK(step > 0, "step is ", step, " but must be > 0");
  Dims sizes = input.sizes(), strides = input.strides();
  const int64_t s = input.dim() ? strides[d] : 1;
  if (input.dim()) {
    sizes[d] = (n - size) / step + 1;
    strides[d] = s * step;
  }
  sizes.push_back(size);
  strides.push_back(s);
  return make(input, sizes, strides, input->offset, "UnfoldBackward0", [&] {
    const Dims cs = contiguous_strides(input.sizes());
    Dims vs = cs;
    if (input.dim()) vs[d] = cs[d] * step;
    vs.push_back(input.dim() ? cs[d] : 1);
    return [from = input.sizes(), cs, sizes, vs](const Grads& g, Node&) -> Grads {
      return {as_strided_backward(g[0], from, cs, 0, sizes, vs, 0)};
    };
  });
}

// ---- other dtypes on the same memory ----

Tensor view_dtype(const Tensor& input, DType dtype) {
  const int64_t from = size_of(input.dtype()), to = size_of(dtype);
  if (dtype == input.dtype()) return view(input, input.sizes());
  Dims sizes = input.sizes(), strides = input.strides();
  int64_t offset = input->offset;
  if (from != to) {
    RL_CHECK(input.dim() > 0, "self.dim() cannot be 0 to view ",
             input.dtype() == DType::F32 ? "Float" : info(input.dtype()).type, " as ",
             info(dtype).type, " (different element sizes)");
    const int64_t a = from > to ? from / to : 1, b = to > from ? to / from : 1;
    RL_CHECK(sizes.back() % b == 0 && offset % b == 0, "self.size(-1) must be divisible by ", b,
             " to view ", info(input.dtype()).type, " as ", info(dtype).type,
             " (different element sizes), but got ", sizes.back());
    RL_CHECK(strides.back() == 1, "self.stride(-1) must be 1 to view ", info(input.dtype()).type,
             " as ", info(dtype).type, " (different element sizes), but got ", strides.back());
    for (int i = 0; i + 1 < strides.size(); ++i) {
      RL_CHECK(strides[i] % b == 0, "self.stride(", i, ") must be divisible by ", b, " to view ",
               info(input.dtype()).type, " as ", info(dtype).type,
               " (different element sizes), but got ", strides[i]);
      strides[i] = strides[i] * a / b;
    }
    sizes.back() = sizes.back() * a / b;
    offset = offset * a / b;
  }
  Tensor v = make_view(input->storage, dtype, sizes, strides, offset);
  mark_view(v, input);
  v->view_no_grad = true;
  return v;
}

Tensor view_as_real(const Tensor& input) {
  RL_CHECK(is_complex(input.dtype()), "view_as_real is only supported for complex tensors");
  Dims sizes = input.sizes(), strides = input.strides();
  for (int64_t& s : strides) s *= 2;
  sizes.push_back(2);
  strides.push_back(1);
  Tensor v = make_view(input->storage, real_of(input.dtype()), sizes, strides, input->offset * 2);
  if (recording({&input}))
    set_history(v, make_node("ViewAsRealBackward0", {&input}, [](const Grads& g, Node&) -> Grads {
                  return {call_op<"view_as_complex">(contiguous(g[0]))};
                }));
  mark_view(v, input);
  return v;
}
Tensor view_as_complex(const Tensor& input) {
  RL_CHECK(input.dtype() == DType::F32 || input.dtype() == DType::F64,
           "view_as_complex is only supported for half, float and double tensors, but got a tensor "
           "of scalar type: ",
           info(input.dtype()).type);
  RL_CHECK(input.dim() > 0, "Input tensor must have one or more dimensions");
  RL_CHECK(input.sizes().back() == 2, "Tensor must have a last dimension of size 2");
  RL_CHECK(input.strides().back() == 1, "Tensor must have a last dimension with stride 1");
  Dims sizes = input.sizes(), strides = input.strides();
  sizes.erase(sizes.size() - 1);
  strides.erase(strides.size() - 1);
  for (int64_t& s : strides) {
    RL_CHECK(s % 2 == 0, "Tensor must have a stride divisible by 2 for all but last dimension");
    s /= 2;
  }
  RL_CHECK(input->offset % 2 == 0, "Tensor must have a storage_offset divisible by 2");
  Tensor v =
      make_view(input->storage, complex_of(input.dtype()), sizes, strides, input->offset / 2);
  if (recording({&input}))
    set_history(v,
                make_node("ViewAsComplexBackward0", {&input}, [](const Grads& g, Node&) -> Grads {
                  return {call_op<"view_as_real">(contiguous(g[0]))};
                }));
  mark_view(v, input);
  return v;
}
Tensor real_part(const Tensor& input) {
  return is_complex(input.dtype()) ? select(view_as_real(input), -1, 0) : input;
}
Tensor imag_part(const Tensor& input) {
  RL_CHECK(is_complex(input.dtype()),
           "imag is not implemented for tensors with non-complex dtypes.");
  return select(view_as_real(input), -1, 1);
}
Tensor conjugate(const Tensor& input) {
  return is_complex(input.dtype()) ? call_op<"conj_physical">(input) : input;
}
Tensor resolve(const Tensor& input) { return input; }

Tensor slice_op(const Tensor& input, int64_t dim, OptInt start, OptInt end, int64_t step) {
  return slice(input, dim, start, end, step);
}
Tensor as_strided_op(const Tensor& input, const Dims& size, const Dims& stride, OptInt offset) {
  return as_strided(input, size, stride, offset);
}

}  // namespace

void define_view(Registry& r) {
  r.op("view(input, dtype)", "The same memory with another shape, or read as another dtype.",
       &view_dtype)
      .not_function();
  r.op("view(input, *size)", "", &view);
  r.op("reshape(input, *shape)", "A view with another shape if possible, else a copy.", &reshape)
      .no_out();
  r.op("transpose(input, dim0, dim1)", "A view with two dimensions swapped.", &transpose)
      .alias("swapaxes")
      .alias("swapdims")
      .no_out();
  r.op("permute(input, *dims)", "A view with the dimensions in another order.", &permute).no_out();
  r.op(
       "expand(input, *size, implicit=False)", "A view in which dimensions of size 1 repeat.",
       +[](const Tensor& t, const Dims& size, Any) { return expand(t, size); })
      .not_function();
  r.op("unsqueeze(input, dim)", "A view with a dimension of size 1 put in.", &unsqueeze).no_out();
  r.op("squeeze(input)", "A view without dimensions of size 1.", &squeeze).no_out();
  r.op("squeeze(input, dim)", "", &squeeze_dim);
  r.op("squeeze(input, *dim)", "", &squeeze_list);
  r.op("select(input, dim, index)", "A view of one index of a dimension.",
       static_cast<Tensor (*)(const Tensor&, int64_t, int64_t)>(&select))
      .no_out();
  r.op("slice(input, dim=0, start=None, end=None, step=1)", "A view of a range of a dimension.",
       &slice_op)
      .hidden();
  r.op("narrow(input, dim, start, length)", "A view of a range of a dimension.", &narrow_from)
      .no_out();
  r.op("narrow(input, dim, start, length)", "", &narrow);
  r.op("as_strided(input, size, stride, storage_offset=None)", "A view with the given geometry.",
       &as_strided_op)
      .no_out()
      .on_meta(OnMeta::Itself);
  r.op("select_backward(input, sizes, dim, index)", "The gradient of select.", &select_backward)
      .hidden();
  r.op("slice_backward(input, sizes, dim, start, end, step)", "The gradient of slice.",
       &slice_backward)
      .hidden();
  r.op("diagonal_backward(input, sizes, offset, dim1, dim2)", "The gradient of diagonal.",
       &diagonal_backward)
      .hidden();
  r.op("detach(input)", "The same memory without history.", &detach).no_out();
  r.op("t(input)", "The transpose of a matrix.", &transposed).no_out();
  r.op("diagonal(input, offset=0, dim1=0, dim2=1)", "A view of a diagonal.", &diagonal).no_out();
  r.op("unfold(input, dimension, size, step)", "A view of windows that slide along a dimension.",
       &unfold)
      .not_function();
  r.op("view_as_real(input)", "A complex tensor as pairs of real numbers.", &view_as_real)
      .not_method()
      .no_out();
  r.op("view_as_complex(input)", "Pairs of real numbers as a complex tensor.", &view_as_complex)
      .not_method()
      .on_meta(OnMeta::Itself)
      .no_out();
  r.op("real(input)", "A view of the real parts.", &real_part).not_method().no_out();
  r.op("imag(input)", "A view of the imaginary parts.", &imag_part).not_method().no_out();
  r.op("conj(input)", "The complex conjugate; real tensors themselves.", &conjugate).no_out();
  r.op("resolve_conj(input)", "input: conjugation is never lazy here.", &resolve).no_out();
  r.op("resolve_neg(input)", "input: negation is never lazy here.", &resolve).no_out();
}

}  // namespace rl
