// Operations by mask and by truth: masked_fill, masked_select, masked_scatter, nonzero; and
// counting by index: bincount, one_hot. x[mask] itself is in index.cpp, the formula `where` in
// comparison.cpp.
#include <algorithm>
#include <cstring>

#include "cpu/dispatch.h"
#include "cpu/load_store.h"
#include "cpu/threads.h"
#include "ops/ops.h"
#include "ops/points.h"
#include "ops/product.h"
#include "tensor/layout.h"

namespace rl {
namespace {

/// The fill value in self's dtype, so that `where` does not promote.
Scalar fill_value(const Tensor& self, const Operand& value) {
  Scalar v = value.number;
  if (value.tensor) {
    RL_CHECK(value.tensor->dim() == 0,
             "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with ",
             value.tensor->dim(), " dimension(s).");
    RL_CHECK_AS(NotImplemented, value.tensor->device().type == Device::Cpu,
                "masked_fill: the value has no data to read");
    v = cpu::get(value.tensor->dtype(), value.tensor->raw());
  }
  const DType t = self.dtype();
  RL_CHECK(is_complex(t) || v.kind != Scalar::Complex, "value cannot be converted to type ",
           t == DType::I64 ? "int64_t" : c_name_of(t), " without overflow");
  if (t == DType::Bool) return v.boolean();
  if (is_integral(t)) return v.integer();
  return v;
}

template <bool kInPlace>
Tensor masked_fill_op(const Tensor& self, const Tensor& mask, const Operand& value) {
  RL_CHECK(mask.dtype() == DType::Bool,
           "masked_fill_ only supports boolean masks, but got mask with dtype ",
           c_name_of(mask.dtype()));
  const Scalar number = fill_value(self, value);
  // The mask comes first in torch's message about sizes.
  const Dims sizes =
      kInPlace ? broadcast(self.sizes(), mask.sizes()) : broadcast(mask.sizes(), self.sizes());
  const Tensor no_value;
  const Tensor& v = value.tensor ? *value.tensor : no_value;
  const char* label = value.tensor ? "MaskedFillBackward1" : "MaskedFillBackward0";
  const auto build = [&] {
    return [saved = Saved(mask)](const Grads& g, Node& n) -> Grads {
      const Tensor m = saved.unpack(&n);
      Tensor ds, dv;
      if (n.needs(0)) ds = masked_fill(g[0], m, Operand(0));
      if (n.needs(1)) dv = sum_all(call_op<"where">(m, g[0], 0));
      return {ds, dv};
    };
  };
  if constexpr (kInPlace) {
    RL_CHECK(sizes == self.sizes(), "output with shape ", self.sizes(),
             " doesn't match the broadcast shape ", sizes);
    in_place(
        self, label, {&self, &v}, [&] { fill_where(apart_from(mask, self), number, self, self); },
        build);
    return self;
  } else {
    Tensor out = sizes == self.sizes() ? empty_preserving(self, self.dtype())
                                       : empty(sizes, self.dtype(), self.device());
    fill_where(mask, number, self, out);
    return record(out, label, {&self, &v}, build);
  }
}

Tensor masked_scatter(const Tensor& self, const Tensor& mask, const Tensor& source);

Tensor masked_select(const Tensor& self, const Tensor& mask) {
  RL_CHECK(mask.dtype() == DType::Bool, "masked_select: expected BoolTensor for mask");
  const Dims sizes = broadcast(mask.sizes(), self.sizes());
  const Tensor m = make_view(mask->storage, mask.dtype(), sizes,
                             expand_strides(mask.sizes(), mask.strides(), sizes), mask->offset);
  Points p;
  p.offset = true_offsets(truth_of(m), expand_strides(self.sizes(), self.strides(), sizes));
  p.shape = {static_cast<int64_t>(p.offset.size())};
  Tensor out = empty(p.shape, self.dtype(), self.device());
  take_points(p, self, out);
  return record(out, "MaskedSelectBackward0", {&self}, [&] {
    return [sizes, saved = Saved(mask)](const Grads& g, Node& n) -> Grads {
      return {masked_scatter(zeros(sizes, g[0].dtype(), g[0].device()), saved.unpack(&n), g[0])};
    };
  });
}

void check_scatter(const Tensor& self, const Tensor& mask, const Tensor& source) {
  RL_CHECK(mask.dtype() == DType::Bool,
           "masked_scatter_ only supports boolean masks, but got mask with dtype ",
           info(mask.dtype()).type);
  RL_CHECK(self.dtype() == source.dtype(),
           "masked_scatter: expected self and source to have same dtypes but got",
           info(self.dtype()).type, " and ", info(source.dtype()).type);
}

/// Writes source's elements, in order, where the mask is true. The mask expands to target's shape.
void scatter_by_mask(const Tensor& target, const Tensor& mask, const Tensor& source) {
  const Tensor m =
      make_view(mask->storage, mask.dtype(), target.sizes(),
                expand_strides(mask.sizes(), mask.strides(), target.sizes()), mask->offset);
  Points p;
  p.offset = true_offsets(truth_of(m), target.strides());
  p.shape = {static_cast<int64_t>(p.offset.size())};
  RL_CHECK(p.shape[0] <= source.numel(), "Number of elements of source < number of ones in mask");
  put_points(p, target, as_contiguous(apart_from(source, target)), false);
}

auto masked_scatter_gradient(const Tensor& mask, const Tensor& source) {
  return [saved = Saved(mask), shape = source.sizes(), count = source.numel()](const Grads& g,
                                                                               Node& n) -> Grads {
    const Tensor m = saved.unpack(&n);
    Tensor ds, dv;
    if (n.needs(0)) ds = masked_fill(g[0], m, Operand(0));
    if (n.needs(1)) {
      dv = masked_select(g[0], m);
      if (dv.numel() < count)
        dv = cat({dv, zeros({count - dv.numel()}, dv.dtype(), dv.device())}, 0);
      dv = reshape(dv, shape);
    }
    return {ds, dv};
  };
}

Tensor masked_scatter(const Tensor& self, const Tensor& mask, const Tensor& source) {
  check_scatter(self, mask, source);
  const Dims sizes = broadcast(mask.sizes(), self.sizes());
  Tensor out = empty(sizes, self.dtype(), self.device());
  write(out, self);
  scatter_by_mask(out, mask, source);
  return record(out, "MaskedScatterBackward0", {&self, &source},
                [&] { return masked_scatter_gradient(mask, source); });
}

Tensor masked_scatter_(const Tensor& self, const Tensor& mask, const Tensor& source) {
  check_scatter(self, mask, source);
  const Dims sizes = broadcast(self.sizes(), mask.sizes());
  RL_CHECK(sizes == self.sizes(), "output with shape ", self.sizes(),
           " doesn't match the broadcast shape ", sizes);
  in_place(
      self, "MaskedScatterBackward0", {&self, &source},
      [&] { scatter_by_mask(self, mask, source); },
      [&] { return masked_scatter_gradient(mask, source); });
  return self;
}

// ---- where something is true ----

/// The coordinates of every true element, in order.
void write_coordinates(const Tensor& mask, int64_t* out, int64_t row_step, int64_t col_step) {
  const int last = mask.dim() - 1;
  if (last < 0) return;
  const std::vector<int64_t> flat = true_offsets(mask, contiguous_strides(mask.sizes()));
  const int64_t inner = mask.size(last);
  Dims index = Dims::filled(mask.dim(), 0);
  int64_t start = 0;  // of the row that `index` names
  for (size_t i = 0; i < flat.size(); ++i) {
    if (flat[i] - start >= inner) {
      int64_t row = flat[i] / inner;
      start = row * inner;
      for (int d = last - 1; d >= 0; --d) {
        index[d] = row % mask.size(d);
        row /= mask.size(d);
      }
    }
    int64_t* to = out + static_cast<int64_t>(i) * row_step;
    for (int d = 0; d < last; ++d) to[d * col_step] = index[d];
    to[last * col_step] = flat[i] - start;
  }
}

int64_t count_true(const Tensor& mask) {
  const uint8_t* m = mask.data<uint8_t>();
  int64_t count = 0;
  for (int64_t i = 0; i < mask.numel(); ++i) count += m[i] != 0;
  return count;
}

}  // namespace

void fill_where(const Tensor& mask, const Scalar& value, const Tensor& self, const Tensor& out) {
  static const Formula& where = *registry().find("where")->formula;
  const Operand operands[] = {mask, value, self};
  pointwise_out(where, operands, nullptr, out);
}

Tensor masked_fill(const Tensor& input, const Tensor& mask, const Operand& value) {
  return masked_fill_op<false>(input, mask, value);
}

Tensor nonzero(const Tensor& input) {
  const Tensor mask = truth_of(input);
  Tensor out = empty({count_true(mask), input.dim()}, DType::I64);
  write_coordinates(mask, out.data<int64_t>(), input.dim(), 1);
  return out;
}

namespace {

Tensors where_true(const Tensor& condition) {
  const Tensor& t = condition;
  const Tensor mask = truth_of(t.dim() ? t : make_view(t->storage, t.dtype(), {1}, {1}, t->offset));
  const int64_t n = count_true(mask);
  const Tensor all = empty({mask.dim(), n}, DType::I64);
  write_coordinates(mask, all.data<int64_t>(), 1, n);
  Tensors out;
  for (int d = 0; d < mask.dim(); ++d)
    out.push_back(make_view(all->storage, DType::I64, {n}, {1}, d * n));
  return out;
}

Result nonzero_op(const Tensor& input, bool as_tuple) {
  return as_tuple ? Result(where_true(input)) : Result(nonzero(input));
}

// ---- counting ----

/// How often each of 0 to bins - 1 occurs; long lists of few bins in parts.
Tensor count_values(const int64_t* v, int64_t n, int64_t bins) {
  const int64_t parts = n >= 8 * bins ? std::clamp<int64_t>(n / 16384, 1, cpu::num_threads()) : 1;
  const Tensor counts = zeros({parts, bins}, DType::I64);
  int64_t* count = counts.data<int64_t>();
  cpu::parallel_for(0, parts, 1, [=](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      int64_t* mine = count + p * bins;
      const int64_t* const last = v + n * (p + 1) / parts;
      for (const int64_t* i = v + n * p / parts; i < last; ++i) ++mine[*i];
    }
  });
  return parts > 1 ? sum_dims(counts, {0}, false) : reshape(counts, {bins});
}

Tensor bincount(const Tensor& input, const OptTensor& weights, int64_t minlength) {
  RL_CHECK_AS(NotImplemented, is_integral(input.dtype(), false),
              "\"bincount_cpu\" not implemented for '", info(input.dtype()).type, "'");
  RL_CHECK(minlength >= 0, "minlength should be >= 0");
  RL_CHECK(input.dim() == 1, "bincount only supports 1-d non-negative integral inputs.");
  const Tensor values = read_index(input);
  const int64_t* v = values.data<int64_t>();
  const int64_t n = values.numel();
  uint64_t high[4] = {};  // of every fourth: no maximum waits for the last; negative ones are large
  for (int64_t i = 0; i < n; i += 4)
#pragma GCC unroll 4
    for (int64_t k = 0; k < 4; ++k)
      high[k] = std::max(high[k], static_cast<uint64_t>(v[std::min(i + k, n - 1)]));
  const uint64_t most = *std::max_element(high, high + 4);
  RL_CHECK(most <= INT64_MAX, "bincount only supports 1-d non-negative integral inputs.");
  RL_CHECK(most < INT64_MAX, "maximum value of input overflowed, it should be < ", INT64_MAX,
           " but got ", most);
  const int64_t bins = std::max(minlength, n ? static_cast<int64_t>(most) + 1 : 0);
  if (!weights.defined()) return count_values(v, n, bins);
  RL_CHECK(weights.dim() == 1 && weights.numel() == input.numel(),
           "weights should be 1-d and have the same length as input");
  const DType type = weights.dtype() == DType::F32 ? DType::F32 : DType::F64;
  Tensor out = zeros({bins}, type);
  const Tensor w = as_contiguous(weights, type);
  dispatch_real(type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* sum = out.data<T>();
    for (int64_t i = 0; i < n; ++i)
      sum[v[i]] =
          static_cast<T>(static_cast<Wide<T>>(sum[v[i]]) + static_cast<Wide<T>>(w.data<T>()[i]));
  });
  return out;
}

Tensor one_hot(const Tensor& self, int64_t num_classes) {
  RL_CHECK(self.dtype() == DType::I64,
           "one_hot is only applicable to index tensor of type LongTensor.");
  Dims sizes = self.sizes();
  RL_CHECK(self.numel() > 0 || num_classes > 0,
           "Can not infer total number of classes from empty tensor.");
  const Tensor values = read_index(self);
  const int64_t* v = values.data<int64_t>();
  int64_t most = -1;
  for (int64_t i = 0; i < values.numel(); ++i) {
    RL_CHECK(v[i] >= 0, "Class values must be non-negative.");
    most = std::max(most, v[i]);
  }
  if (num_classes == -1) num_classes = most + 1;
  RL_CHECK(num_classes > most, "Class values must be smaller than num_classes.");
  sizes.push_back(num_classes);
  Tensor out = zeros(sizes, DType::I64);
  int64_t* o = out.data<int64_t>();
  for (int64_t i = 0; i < values.numel(); ++i) o[i * num_classes + v[i]] = 1;
  return out;
}

}  // namespace

void define_mask(Registry& r) {
  r.op("masked_fill(input, mask, value)",
       "A copy of input with value where the bool mask is true; the mask broadcasts.",
       &masked_fill_op<false>)
      .no_out();
  r.op("masked_fill_(input, mask, value)", "The same, in place.", &masked_fill_op<true>);
  r.op("masked_select(input, mask)", "The elements where the bool mask is true, as a vector.",
       &masked_select)
      .out_dtype({"masked_select(): self and result must have the same scalar type"})
      .out_apart()
      .on_meta(OnMeta::NeedsElements);
  r.op("masked_scatter(input, mask, source)",
       "A copy of input whose elements under the mask come from source, in order.", &masked_scatter)
      .no_out();
  r.op("masked_scatter_(input, mask, source)", "The same, in place.", &masked_scatter_);
  r.op("nonzero(input, *, as_tuple=False)",
       "The coordinates of the nonzero elements, [count, dim] int64, or one vector a dimension.",
       &nonzero_op)
      .on_meta(OnMeta::NeedsElements);
  r.op("argwhere(input)", "The coordinates of the nonzero elements, [count, dim] int64.", &nonzero)
      .on_meta(OnMeta::NeedsElements)
      .no_out();
  r.op("where(condition)", "The coordinates of the nonzero elements, one vector a dimension.",
       &where_true)
      .out_dtype({"Expected out type to be %W but got %G"});
  r.op("bincount(input, weights=None, minlength=0)",
       "How often each non-negative integer occurs, or the sum of its weights.", &bincount)
      .on_meta(OnMeta::NeedsElements)
      .no_out();
  r.op("one_hot(tensor, num_classes=-1)",
       "int64 zeros with a one at each value's place along a new last dimension.", &one_hot)
      .nn();
}

}  // namespace rl
