// Indexing by tensors: the engine of x[...] with tensors, and the index_* operations along one
// dimension. Not here: masks (mask.cpp), gather and scatter (scatter.cpp), basic slicing
// (view.cpp).
#include <algorithm>

#include "cpu/dispatch.h"
#include "cpu/load_store.h"
#include "ops/ops.h"
#include "ops/points.h"
#include "tensor/layout.h"

namespace rl {

// ---- x[indices] ----

namespace {

/// One tensor among the indices: its shape, and the offset that each of its values adds.
struct Part {
  Dims shape;
  std::vector<int64_t> offset;
};

void check_index_types(const OptTensors& indices) {
  for (const Tensor& t : indices) {
    if (!t.defined()) continue;
    const DType d = t.dtype();
    RL_CHECK_INDEX(d == DType::I64 || d == DType::I32 || d == DType::U8 || d == DType::Bool,
                   "tensors used as indices must be long, int, byte or bool tensors"
                   "\nfix: convert the index, for example with .long().");
  }
}

bool is_mask(const Tensor& t) { return t.dtype() == DType::Bool || t.dtype() == DType::U8; }

Part mask_part(const Tensor& self, const Tensor& mask, int dim) {
  for (int i = 0; i < mask.dim(); ++i)
    RL_CHECK_INDEX(dim + i < self.dim() && mask.size(i) == self.size(dim + i),
                   "The shape of the mask ", mask.sizes(), " at index ", i,
                   " does not match the shape of the indexed tensor ", self.sizes(), " at index ",
                   dim + i);
  const Dims strides(self.strides().data() + dim, mask.dim());
  Part part;
  part.offset = true_offsets(truth_of(mask), strides);
  part.shape = {static_cast<int64_t>(part.offset.size())};
  return part;
}

Part integer_part(const Tensor& self, const Tensor& index, int dim, int position) {
  Part part;
  part.shape = index.sizes();
  const Tensor values = read_index(index);
  const int64_t* v = values.data<int64_t>();
  const int64_t n = self.size(dim), step = self.stride(dim);
  RL_CHECK_INDEX(n > 0 || values.numel() == 0, "index is out of bounds for dimension with size 0");
  part.offset.resize(static_cast<size_t>(values.numel()));
  for (int64_t i = 0; i < values.numel(); ++i) {
    RL_CHECK_INDEX(v[i] >= -n && v[i] < n, "index ", v[i], " is out of bounds for dimension ",
                   position, " with size ", n);
    part.offset[static_cast<size_t>(i)] = (v[i] < 0 ? v[i] + n : v[i]) * step;
  }
  return part;
}

/// Offsets of all parts added up over their broadcast shape.
void join_parts(std::vector<Part>& parts, Points* p) {
  p->shape = parts[0].shape;
  for (size_t i = 1; i < parts.size(); ++i) {
    bool fits = true;
    const Dims &a = p->shape, &b = parts[i].shape;
    for (int d = 1; d <= std::min(a.size(), b.size()); ++d) {
      const int64_t sa = a[a.size() - d], sb = b[b.size() - d];
      fits &= sa == sb || sa == 1 || sb == 1;
    }
    if (!fits) {
      std::string shapes;
      for (const Part& part : parts) {
        if (!shapes.empty()) shapes += ", ";
        append(shapes, part.shape);
      }
      raise(ErrorKind::Index,
            "shape mismatch: indexing tensors could not be broadcast together with shapes ",
            shapes);
    }
    p->shape = broadcast(a, b);
  }
  if (parts.size() == 1) {
    p->offset = std::move(parts[0].offset);
    return;
  }
  p->offset.assign(static_cast<size_t>(checked_numel(p->shape)), 0);
  for (const Part& part : parts) {
    const std::vector<int64_t> from =
        all_offsets(p->shape, expand_strides(part.shape, contiguous_strides(part.shape), p->shape));
    for (size_t i = 0; i < from.size(); ++i)
      p->offset[i] += part.offset[static_cast<size_t>(from[i])];
  }
}

/// What the indices mean for `self`. Where they are not adjacent, their dimensions come first.
Points plan(const Tensor& self, const OptTensors& indices) {
  RL_CHECK(self.dim() <= 64, "only tensors with up to 64 dims are supported");
  check_index_types(indices);
  int consumed = 0;
  for (const Tensor& t : indices) consumed += t.defined() && is_mask(t) ? t.dim() : 1;
  std::vector<Part> parts;
  Points p;
  int dim = 0, position = 0;
  bool indexed[64] = {}, apart = false, ended = false;
  for (const Tensor& t : indices) {
    if (!t.defined()) {
      RL_CHECK_INDEX(dim < self.dim(), "too many indices for tensor of dimension ", self.dim());
      ended |= !parts.empty();
      ++dim;
      continue;
    }
    apart |= ended;
    const int takes = is_mask(t) ? t.dim() : 1;
    if (!is_mask(t) || dim + takes > self.dim())
      RL_CHECK_INDEX(consumed <= self.dim(), "too many indices for tensor of dimension ",
                     self.dim());
    parts.push_back(is_mask(t) ? mask_part(self, t, dim) : integer_part(self, t, dim, position));
    if (parts.size() == 1) {
      p.before = Dims(self.sizes().data(), dim);
      p.before_strides = Dims(self.strides().data(), dim);
    }
    for (int i = 0; i < takes; ++i) indexed[dim + i] = true;
    dim += takes;
    position += takes;
  }
  RL_CHECK(!parts.empty(), "index: at least one index must be a tensor");
  join_parts(parts, &p);
  Dims rest, rest_strides;
  for (int d = apart ? 0 : p.before.size(); d < self.dim(); ++d)
    if (!indexed[d]) rest.push_back(self.size(d)), rest_strides.push_back(self.stride(d));
  if (apart) p.before = p.before_strides = Dims();
  p.after = rest;
  p.after_strides = rest_strides;
  return p;
}

/// The mask as it lies over self, if it is the only index and fits; the rest is for `plan`.
Tensor only_mask(const Tensor& self, const OptTensors& indices) {
  Tensor mask;
  int before = 0, dims = 0;
  for (const Tensor& t : indices) {
    if (t.defined() && (mask.defined() || !is_mask(t) || t.dim() == 0)) return Tensor();
    if (t.defined()) mask = t, before = dims;
    dims += t.defined() ? t.dim() : 1;
  }
  const bool here = self.device().type == Device::Cpu;
  if (!here || !mask.defined() || dims > self.dim()) return Tensor();
  Dims sizes = mask.sizes();
  for (int i = 0; i < mask.dim(); ++i)
    if (sizes[i] != self.size(before + i)) return Tensor();
  while (before + sizes.size() < self.dim()) sizes.push_back(1);
  return reshape(truth_of(mask), sizes);
}

/// Indices kept for backward.
struct SavedIndices {
  std::vector<Saved> saved;
  explicit SavedIndices(const OptTensors& indices) {
    for (const Tensor& t : indices) saved.push_back(t.defined() ? Saved(t) : Saved());
  }
  OptTensors unpack(Node* n) const {
    OptTensors out;
    for (const Saved& s : saved) out.push_back(s.unpack(n));
    return out;
  }
};

Tensor put_at(const Tensor& self, const OptTensors& indices, const Tensor& values, bool accumulate,
              bool inplace) {
  const bool one = values.numel() == 1 && values.dtype() == self.dtype() && !accumulate &&
                   values.device().type == Device::Cpu;
  const Tensor mask = one && values.dim() <= 1 ? only_mask(self, indices) : Tensor();
  const Points p = mask.defined() ? Points() : plan(self, indices);
  RL_CHECK(self.dtype() == values.dtype(),
           "Index put requires the source and destination dtypes match, got ",
           info(self.dtype()).type, " for the destination and ", info(values.dtype()).type,
           " for the source.");
  const Dims sizes = p.sizes();
  RL_CHECK(mask.defined() || can_expand(values.sizes(), sizes),
           "shape mismatch: value tensor of shape ", values.sizes(),
           " cannot be broadcast to indexing result of shape ", sizes);
  const auto run = [&](const Tensor& target) {
    if (mask.defined())
      return fill_where(apart_from(mask, target), cpu::get(values.dtype(), values.raw()), target,
                        target);
    // The plan is by self's strides: a copy of self may lie differently.
    const bool replan = !(target.strides() == self.strides());
    const Points fresh = replan ? plan(target, indices) : Points();
    const Points& q = replan ? fresh : p;
    if (one) return fill_points(q, target, cpu::get(values.dtype(), values.raw()));
    const Tensor apart = apart_from(values, target);
    if (apart.sizes() == sizes && apart.is_contiguous())
      return put_points(q, target, apart, accumulate);
    const Tensor full = empty(sizes, values.dtype());
    write(full, apart);
    put_points(q, target, full, accumulate);
  };
  return write_over(self, inplace, "IndexPutBackward0", {&self, &values}, run, [&] {
    return [=, kept = SavedIndices(indices), shape = values.sizes()](const Grads& g,
                                                                     Node& n) -> Grads {
      Tensor ds, dv;
      const OptTensors at = kept.unpack(&n);
      if (n.needs(0))
        ds = accumulate ? g[0]
                        : index_put(g[0], at, zeros(Dims(), g[0].dtype(), g[0].device()), false);
      if (n.needs(1)) dv = index(g[0], at);
      return {ds, dv};
    };
  });
}

}  // namespace

Tensor index(const Tensor& self, const OptTensors& indices) {
  const Points p = plan(self, indices);
  Tensor out = empty(p.sizes(), self.dtype(), self.device());
  take_points(p, self, out);
  return record(out, "IndexBackward0", {&self}, [&] {
    return [kept = SavedIndices(indices), sizes = self.sizes()](const Grads& g, Node& n) -> Grads {
      const Tensor z = zeros(sizes, g[0].dtype(), g[0].device());
      return {index_put_(z, kept.unpack(&n), g[0], true)};
    };
  });
}

Tensor index_put(const Tensor& self, const OptTensors& indices, const Tensor& values,
                 bool accumulate) {
  return put_at(self, indices, values, accumulate, false);
}
Tensor index_put_(const Tensor& self, const OptTensors& indices, const Tensor& values,
                  bool accumulate) {
  return put_at(self, indices, values, accumulate, true);
}

// ---- along one dimension ----

namespace {

/// Wraps negative values where the operation allows them, and checks the others.
Tensor checked_index(const Tensor& index, int64_t n, bool negative, ErrorKind kind,
                     const char* prefix, const char* message = nullptr) {
  Tensor values = read_index(index);
  const int64_t* v = values.data<int64_t>();
  bool wrap = false;
  for (int64_t i = 0; i < values.numel(); ++i) {
    const bool good = v[i] < n && v[i] >= (negative ? -n : 0);
    if (!good && message) raise(kind, message);
    if (!good)
      raise(kind, prefix, "index ", v[i], " is out of bounds for dimension 0 with size ", n);
    wrap |= v[i] < 0;
  }
  if (!wrap) return values;
  values = contiguous_copy(values);
  int64_t* w = values.data<int64_t>();
  for (int64_t i = 0; i < values.numel(); ++i)
    if (w[i] < 0) w[i] += n;
  return values;
}

int64_t size_along(const Tensor& t, int dim) { return t.dim() ? t.size(dim) : 1; }

Points points_of(const Tensor& t, int dim, const Tensor& index) {
  return points_along(t, dim, index.data<int64_t>(), index.numel());
}

}  // namespace

Tensor index_select(const Tensor& input, int64_t dim_in, const Tensor& index) {
  const int dim = wrap_dim(dim_in, input.dim());
  RL_CHECK_INDEX(index.dim() <= 1, "index_select(): Index is supposed to be a vector");
  RL_CHECK(index.dtype() == DType::I64 || index.dtype() == DType::I32,
           "index_select(): Expected dtype int32 or int64 for index");
  RL_CHECK(input.dim() > 0 || index.numel() == 1,
           "index_select(): Index to scalar can have only 1 value, got ", index.numel(),
           " value(s)");
  const Tensor at = checked_index(index, size_along(input, dim), false, ErrorKind::Index, "",
                                  "index out of range in self");
  Dims sizes = input.sizes();
  if (input.dim()) sizes[dim] = index.numel();
  Tensor out = empty(sizes, input.dtype(), input.device());
  take_points(points_of(input, dim, at), input, out);
  return record(out, "IndexSelectBackward0", {&input}, [&] {
    return [=, saved = Saved(index), shape = input.sizes()](const Grads& g, Node& n) -> Grads {
      return {index_add(zeros(shape, g[0].dtype(), g[0].device()), dim, saved.unpack(&n), g[0], 1)};
    };
  });
}

namespace {

void check_add_source(const Tensor& self, int dim, const Tensor& index, const Tensor& source) {
  RL_CHECK_INDEX(index.dim() <= 1,
                 "index_add_(): Index is supposed to be a vector, but got dim: ", index.dim(),
                 " with type: ", info(index.dtype()).type, " and size: ", index.sizes());
  RL_CHECK(
      index.dtype() == DType::I64 || index.dtype() == DType::I32,
      "index_add_(): Expected dtype int32/int64 for index but got: ", info(index.dtype()).type);
  RL_CHECK(self.dtype() == source.dtype(), "index_add_(): self (", info(self.dtype()).type,
           ") and source (", info(source.dtype()).type, ") must have the same scalar type");
  Dims a = self.sizes(), b = source.sizes();
  const bool matches = a.size() == b.size();
  if (matches && a.size()) a[dim] = b[dim] = 0;
  RL_CHECK(matches && a == b,
           "source tensor shape must match self tensor shape, excluding the specified dimension. "
           "Got self.shape = ",
           self.sizes(), " source.shape = ", source.sizes());
  const int64_t count = source.dim() ? source.size(dim) : 1;
  RL_CHECK(index.numel() == count, "index_add_(): Number of indices (", index.numel(),
           ") should be equal to source.size(dim): (", count, "), for dim: ", dim);
}

template <bool kInPlace>
Tensor index_add_op(const Tensor& self, int64_t dim_in, const Tensor& index, const Tensor& source,
                    const Scalar& alpha) {
  const int dim = wrap_dim(dim_in, self.dim());
  check_add_source(self, dim, index, source);
  const Tensor at = checked_index(index, size_along(self, dim), false, ErrorKind::Runtime, "");
  const Scalar by = is_integral(self.dtype()) ? Scalar(alpha.integer()) : alpha;
  const bool plain = by.real() == 1 && by.imag() == 0;
  const auto run = [&](const Tensor& target) {
    GradGuard off(false);
    const Tensor values = as_contiguous(
        plain ? apart_from(source, target) : call_op<"mul">(source, by), self.dtype());
    put_points(points_of(target, dim, at), target, values, true);
  };
  return write_over(self, kInPlace, "IndexAddBackward0", {&self, &source}, run, [&] {
    return [=, saved = Saved(index), shape = source.sizes()](const Grads& g, Node& n) -> Grads {
      Tensor ds;
      if (n.needs(1)) {
        ds = index_select(g[0], dim, saved.unpack(&n));
        if (!(ds.sizes() == shape)) ds = reshape(ds, shape);
        if (!plain) ds = call_op<"mul">(ds, by);
      }
      return {n.needs(0) ? g[0] : Tensor(), ds};
    };
  });
}

void check_copy_source(const Tensor& self, int dim, const Tensor& index, const Tensor& source) {
  RL_CHECK_INDEX(index.dim() <= 1, "index_copy_(): Index should have dimension 1 or 0 (got ",
                 index.dim(), ")");
  RL_CHECK_INDEX(source.dim() > 0 || index.numel() == 1,
                 "index_copy_(): When source is scalar, index should have one element (got ",
                 index.numel(), ")");
  RL_CHECK_INDEX(source.dim() == 0 || self.dim() == 0 || source.dim() == self.dim(),
                 "index_copy_(): When source and destination are not scalars, their dimensionality "
                 "must match. Source dimensionality (",
                 source.dim(), "), destination dimensionality (", self.dim(), ")");
  RL_CHECK(index.dtype() == DType::I64, "index_copy_(): Expected a long tensor for index, but got ",
           info(index.dtype()).type);
  RL_CHECK(self.dtype() == source.dtype(),
           "index_copy_(): self and source expected to have the same dtype, but got (self) ",
           info(self.dtype()).type, " and (source) ", info(source.dtype()).type);
  Dims a = self.sizes(), b = source.sizes();
  const auto text = [](const Dims& d) {  // "2, 3": torch prints the bare list
    std::string s = str(d);
    return s.substr(1, s.size() - 2);
  };
  if (a.size()) a.erase(dim);
  if (b.size()) b.erase(dim);
  RL_CHECK(a == b,
           "index_copy_(): Source/destination tensor must have same slice shapes. "
           "Destination slice shape: ",
           text(a), " at dimension ", dim, " and source slice shape: ", text(b),
           " at dimension 0.");
  RL_CHECK_INDEX(source.dim() == 0 || index.numel() == source.size(dim),
                 "index_copy_(): Number of indices (", index.numel(),
                 ") should be equal to source.size(dim) (", source.size(dim), ")");
}

Tensor index_fill(const Tensor& input, int64_t dim, const Tensor& index, const Scalar& value);

template <bool kInPlace>
Tensor index_copy_op(const Tensor& self, int64_t dim_in, const Tensor& index,
                     const Tensor& source) {
  const int dim = wrap_dim(dim_in, self.dim());
  check_copy_source(self, dim, index, source);
  const Tensor at =
      checked_index(index, size_along(self, dim), false, ErrorKind::Index, "index_copy_(): ");
  const auto run = [&](const Tensor& target) {
    put_points(points_of(target, dim, at), target, as_contiguous(apart_from(source, target)),
               false);
  };
  return write_over(self, kInPlace, "IndexCopyBackward0", {&self, &source}, run, [&] {
    return [=, saved = Saved(index), shape = source.sizes()](const Grads& g, Node& n) -> Grads {
      Tensor ds, dv;
      const Tensor where = saved.unpack(&n);
      if (n.needs(0)) ds = index_fill(g[0], dim, where, 0);
      if (n.needs(1)) dv = reshape(index_select(g[0], dim, where), shape);
      return {ds, dv};
    };
  });
}

template <bool kInPlace>
Tensor index_fill_op(const Tensor& self, int64_t dim_in, const Tensor& index, const Scalar& value) {
  const int dim = wrap_dim(dim_in, self.dim());
  RL_CHECK_INDEX(index.dtype() == DType::I64, "index_fill_(): Expected dtype int64 for index.");
  RL_CHECK(index.dim() <= 1, "Index has to be a vector/scalar");
  RL_CHECK(is_complex(self.dtype()) || value.kind != Scalar::Complex,
           "index_fill_(): Converting complex Scalar to non-complex type is not supported");
  const Tensor at = checked_index(index, size_along(self, dim), true, ErrorKind::Index, "");
  const auto run = [&](const Tensor& target) {
    fill_points(points_of(target, dim, at), target, value);
  };
  return write_over(self, kInPlace, "IndexFillBackward0", {&self}, run, [&] {
    return [=, saved = Saved(index)](const Grads& g, Node& n) -> Grads {
      return {index_fill(g[0], dim, saved.unpack(&n), 0)};
    };
  });
}
Tensor index_fill(const Tensor& input, int64_t dim, const Tensor& index, const Scalar& value) {
  return index_fill_op<false>(input, dim, index, value);
}

template <bool kInPlace>
Tensor index_fill_tensor(const Tensor& self, int64_t dim_in, const Tensor& index,
                         const Tensor& value) {
  const int dim = wrap_dim(dim_in, self.dim());
  RL_CHECK(value.dim() == 0,
           "index_fill_ only supports a 0-dimensional value tensor, but got tensor with ",
           value.dim(), " dimension(s).");
  RL_CHECK_AS(NotImplemented, value.device().type == Device::Cpu,
              "index_fill_: value on no device");
  const Scalar number = cpu::get(value.dtype(), value.raw());
  if (!recording({&value})) return index_fill_op<kInPlace>(self, dim, index, number);
  RL_CHECK_INDEX(index.dtype() == DType::I64, "index_fill_(): Expected dtype int64 for index.");
  RL_CHECK(index.dim() <= 1, "Index has to be a vector/scalar");
  const Tensor at = checked_index(index, size_along(self, dim), true, ErrorKind::Index, "");
  const auto run = [&](const Tensor& target) {
    fill_points(points_of(target, dim, at), target, number);
  };
  return write_over(self, kInPlace, "IndexFillBackward1", {&self, &value}, run, [&] {
    return [=, saved = Saved(index)](const Grads& g, Node& n) -> Grads {
      const Tensor where = saved.unpack(&n);
      Tensor ds, dv;
      ds = index_fill(g[0], dim, where, 0);
      if (n.needs(1)) dv = sum_all(call_op<"sub">(g[0], ds));  // a place named twice counts once
      return {ds, dv};
    };
  });
}

// ---- places of the flattened tensor ----

Points flat_points(const Tensor& self, const Tensor& index, const char* name) {
  RL_CHECK(index.dtype() == DType::I64, name, "(): Expected a long tensor for index, but got ",
           info(index.dtype()).type);
  const int64_t n = self.numel();
  const Tensor values = read_index(index);
  const int64_t* v = values.data<int64_t>();
  Points p;
  p.shape = index.sizes();
  p.offset.resize(static_cast<size_t>(values.numel()));
  for (int64_t i = 0; i < values.numel(); ++i) {
    RL_CHECK_INDEX(v[i] >= -n && v[i] < n, "out of range: tried to access index ", v[i],
                   " on a tensor of ", n, " elements.");
    int64_t rest = v[i] < 0 ? v[i] + n : v[i], at = rest;
    if (!self.is_contiguous()) {
      at = 0;
      for (int d = self.dim() - 1; d >= 0; --d) {
        at += rest % self.size(d) * self.stride(d);
        rest /= self.size(d);
      }
    }
    p.offset[static_cast<size_t>(i)] = at;
  }
  return p;
}

template <bool kInPlace>
Tensor put_op(const Tensor& self, const Tensor& index, const Tensor& source, bool accumulate);

Tensor take(const Tensor& self, const Tensor& index) {
  RL_CHECK_INDEX(self.numel() > 0 || index.numel() == 0 || index.dtype() != DType::I64,
                 "take(): tried to take from an empty tensor");
  const Points p = flat_points(self, index, "take");
  Tensor out = empty(index.sizes(), self.dtype(), self.device());
  take_points(p, self, out);
  return record(out, "TakeBackward0", {&self}, [&] {
    return [saved = Saved(index), shape = self.sizes()](const Grads& g, Node& n) -> Grads {
      return {
          put_op<true>(zeros(shape, g[0].dtype(), g[0].device()), saved.unpack(&n), g[0], true)};
    };
  });
}

template <bool kInPlace>
Tensor put_op(const Tensor& self, const Tensor& index, const Tensor& source, bool accumulate) {
  RL_CHECK(self.dtype() == source.dtype(),
           "put_(): self and source expected to have the same dtype, but got self.dtype = ",
           info(self.dtype()).type, " and source.dtype = ", info(source.dtype()).type);
  RL_CHECK(index.dtype() == DType::I64, "put_(): Expected a long tensor for index, but got ",
           info(index.dtype()).type);
  RL_CHECK_INDEX(index.numel() == source.numel(),
                 "put_(): Expected source and index to have the same number of elements, but got "
                 "source.numel() = ",
                 source.numel(), ", index.numel() = ", index.numel());
  RL_CHECK_INDEX(self.numel() > 0 || index.numel() == 0, "put_(): Expected a non-empty tensor");
  flat_points(self, index, "put_");
  const auto run = [&](const Tensor& target) {
    put_points(flat_points(target, index, "put_"), target,
               as_contiguous(apart_from(source, target)), accumulate);
  };
  return write_over(self, kInPlace, "PutBackward0", {&self, &source}, run, [&] {
    return [=, saved = Saved(index), shape = source.sizes()](const Grads& g, Node& n) -> Grads {
      const Tensor at = saved.unpack(&n);
      Tensor ds, dv;
      if (n.needs(0))
        ds = accumulate
                 ? g[0]
                 : put_op<false>(g[0], at, zeros(at.sizes(), g[0].dtype(), g[0].device()), false);
      if (n.needs(1)) dv = reshape(take(g[0], at), shape);
      return {ds, dv};
    };
  });
}

Tensor take_along_dim(const Tensor& input, const Tensor& indices, OptInt dim_in) {
  RL_CHECK(indices.dtype() == DType::I64,
           "torch.take_along_dim(): dtype of indices should be Long but got ",
           info(indices.dtype()).type);
  if (!dim_in) return gather(reshape(input, {-1}), 0, reshape(indices, {-1}));
  RL_CHECK(input.dim() == indices.dim(),
           "torch.take_along_dim(): input and indices should have the same number of dimensions, "
           "but got ",
           input.dim(), " dimensions for input, and ", indices.dim(), " dimensions for indices");
  const int dim = wrap_dim(*dim_in, input.dim());
  Dims a = input.sizes(), b = indices.sizes();
  if (input.dim()) a[dim] = b[dim] = 1;
  Dims sizes = broadcast(a, b), index_sizes = sizes;
  if (input.dim()) sizes[dim] = input.size(dim), index_sizes[dim] = indices.size(dim);
  Tensor at = indices;
  if (const int64_t n = input.dim() ? input.size(dim) : 1) {
    GradGuard off(false);
    at = call_op<"remainder">(indices, n);  // any index has a place, counted round and round
  }
  return gather(expand(input, sizes), dim, expand(at, index_sizes));
}

}  // namespace

Tensor index_add(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& source,
                 const Scalar& alpha) {
  return index_add_op<false>(input, dim, index, source, alpha);
}

void define_index(Registry& r) {
  r.op("_index_tensors(input, indices)",
       "input[indices] for a list of index tensors and None, by NumPy's rules.", &index)
      .on_meta(OnMeta::WithIndices);
  r.op("index_put(input, indices, values, accumulate=False)",
       "A copy of input with input[indices] = values, or += if accumulate.", &index_put)
      .no_out();
  r.op("index_put_(input, indices, values, accumulate=False)", "The same, in place.", &index_put_)
      .in_place_function();
  r.op("_index_put_impl_(input, indices, values, accumulate=False)", "index_put_.", &index_put_);
  r.op("index_select(input, dim, index)",
       "The slices of input along dim that a vector of indices names.", &index_select)
      .out_dtype({"index_select(): self and result must have the same scalar type"})
      .out_apart();
  r.op("index_add(input, dim, index, source, *, alpha=1)",
       "Adds slices of alpha * source to the slices of input that index names.",
       &index_add_op<false>)
      .out_dtype(kOutExact);
  r.op("index_add_(input, dim, index, source, *, alpha=1)", "The same, in place.",
       &index_add_op<true>);
  r.op("index_copy(input, dim, index, source)",
       "Replaces the slices of input that index names by those of source.", &index_copy_op<false>)
      .out_dtype(kOutExact);
  r.op("index_copy_(input, dim, index, source)", "The same, in place.", &index_copy_op<true>);
  r.op("index_fill(input, dim, index, value)", "Fills the slices that index names with a value.",
       &index_fill_op<false>)
      .no_out();
  r.op("index_fill(input, dim, index, value)", "", &index_fill_tensor<false>);
  r.op("index_fill_(input, dim, index, value)", "The same, in place.", &index_fill_op<true>);
  r.op("index_fill_(input, dim, index, value)", "", &index_fill_tensor<true>);
  r.op("take(input, index)", "The elements at places of the flattened input.", &take)
      .out_dtype({"take(): self and out expected to have the same dtype, but got self.dtype = %W "
                  "and out.dtype = %G"})
      .out_apart();
  r.op("put(input, index, source, accumulate=False)",
       "A copy of input with the places of index, counted flat, replaced by source.",
       &put_op<false>)
      .no_out();
  r.op("put_(input, index, source, accumulate=False)", "The same, in place.", &put_op<true>);
  r.op("take_along_dim(input, indices, dim=None)",
       "input at indices along dim, the other dimensions broadcast: the partner of argsort.",
       &take_along_dim)
      .out_dtype(kOutExact);
}

}  // namespace rl
