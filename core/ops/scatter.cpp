// gather and the scatter family: elements moved to and from places that an index of the same number
// of dimensions names along one of them; and repeat_interleave.
#include <algorithm>
#include <atomic>

#include "cpu/dispatch.h"
#include "ops/along.h"
#include "ops/ops.h"
#include "ops/points.h"
#include "ops/product.h"
#include "tensor/layout.h"

namespace rl {
namespace {

/// Raises for the first value outside of [0, n).
void raise_place(const Tensor& at, int dim, int64_t n) {
  const Tensor index = read_index(at);
  const int64_t* v = index.data<int64_t>();
  for (int64_t i = 0; i < index.numel(); ++i)
    RL_CHECK(v[i] >= 0 && v[i] < n, "index ", v[i], " is out of bounds for dimension ", dim,
             " with size ", n);
}

/// The places that an index names along one dimension, looked up one by one. A place out of bounds
/// is not used but remembered, to be told at the end: reading and checking the index is one pass.
class Places {
 public:
  Places(const Tensor& at, int64_t n, std::atomic<bool>* wrong)
      : at_(at.data<int64_t>()), n_(static_cast<uint64_t>(n)), wrong_(wrong) {}
  ~Places() {
    if (outside_) wrong_->store(true, std::memory_order_relaxed);
  }
  template <class F>
  void use(int64_t i, F f) const {
    const int64_t p = at_[i];
    if (static_cast<uint64_t>(p) < n_)
      f(p);
    else
      outside_ = true;
  }

 private:
  const int64_t* at_;
  uint64_t n_;
  std::atomic<bool>* wrong_;
  mutable bool outside_ = false;
};

/// The index as int64, not made contiguous: it is often a vector expanded over columns.
Tensor places_of(const Tensor& index) {
  const Tensor at = index.dtype() == DType::I64 ? index : call_to(index, DType::I64);
  RL_CHECK_AS(NotImplemented, at.device().type != Device::Meta || at.numel() == 0,
              "Cannot read the values of a meta tensor: this operation needs them");
  return at;
}

/// For what writes in place: a wrong index must leave everything as it was.
void check_places(const Tensor& at, int dim, int64_t n) {
  Dims sizes = at.sizes();
  for (int d = 0; d < at.dim(); ++d)
    if (at.stride(d) == 0 && sizes[d] > 1) sizes[d] = 1;  // repeats: one check is enough
  const Tensor once =
      read_index(make_view(at->storage, DType::I64, sizes, at.strides(), at->offset));
  const int64_t* v = once.data<int64_t>();
  std::atomic<bool> wrong = false;
  cpu::parallel_for(0, once.numel(), 32768, [&](int64_t b, int64_t e) {
    bool out = false;
    for (int64_t i = b; i < e; ++i) out |= static_cast<uint64_t>(v[i]) >= static_cast<uint64_t>(n);
    if (out) wrong = true;
  });
  if (wrong) raise_place(once, dim, n);
}

int64_t size_along(const Tensor& t, int dim) { return t.dim() ? t.size(dim) : 1; }
int rank(const Tensor& t) { return std::max(t.dim(), 1); }
bool is_index(const Tensor& t) { return t.dtype() == DType::I64 || t.dtype() == DType::I32; }

}  // namespace

// ---- gather ----

Tensor gather(const Tensor& self, int64_t dim_in, const Tensor& index) {
  const int dim = wrap_dim(dim_in, self.dim());
  RL_CHECK(index.numel() == 0 || is_index(index), "gather(): Expected dtype int32/int64 for index");
  Tensor out = empty(index.sizes(), self.dtype(), self.device());
  if (index.numel() > 0) {
    RL_CHECK(rank(index) == rank(self),
             "Index tensor must have the same number of dimensions as input tensor");
    for (int d = 0; d < index.dim() && self.dim(); ++d)
      RL_CHECK(d == dim || index.size(d) <= self.size(d), "Size does not match at dimension ", d,
               " expected index ", index.sizes(), " to be no larger than self ", self.sizes(),
               " apart from dimension ", dim);
    const Tensor at = places_of(index);
    const AlongDim lines(index.sizes(), dim, {&out, &at, &self});
    std::atomic<bool> wrong = false;
    const Places places(at, size_along(self, dim), &wrong);
    const int64_t step = lines.step[2];
    dispatch_size(size_of(self.dtype()), [&](auto tag) {
      using T = typename decltype(tag)::type;
      T* to = out.data<T>();
      const T* from = self.data<T>();
      const auto run = [&](auto by) {
        lines.each(1u << 2, [=](int64_t o, int64_t i, int64_t s) {
          places.use(i, [=](int64_t p) { to[o] = from[s + p * by]; });
        });
      };
      step == 1 ? run(std::integral_constant<int, 1>()) : run(step);
    });
    if (wrong) raise_place(at, dim, size_along(self, dim));
  }
  return record(out, "GatherBackward0", {&self}, [&] {
    return [dim, saved = Saved(index), shape = self.sizes()](const Grads& g, Node& n) -> Grads {
      return {scatter_add(zeros(shape, g[0].dtype(), g[0].device()), dim, saved.unpack(&n), g[0])};
    };
  });
}

// ---- scatter ----

namespace {

enum class Reduce { Replace, Sum, Prod, Mean, Max, Min };

void check_scatter(const Tensor& self, int dim, const Tensor& index, const Tensor& src,
                   bool number) {
  RL_CHECK(index.numel() == 0 || is_index(index),
           "scatter(): Expected dtype int32/int64 for index");
  RL_CHECK(number || self.dtype() == src.dtype(),
           "scatter(): Expected self.dtype to be equal to src.dtype");
  if (index.numel() == 0) return;
  RL_CHECK(rank(index) == rank(self),
           "Index tensor must have the same number of dimensions as self tensor");
  RL_CHECK(number || rank(index) == rank(src),
           "Index tensor must have the same number of dimensions as src tensor");
  bool fits = true;
  for (int d = 0; d < index.dim(); ++d) {
    fits &= d == dim || !self.dim() || index.size(d) <= self.size(d);
    fits &= number || !src.dim() || index.size(d) <= src.size(d);
  }
  RL_CHECK(fits, "Expected index ", index.sizes(), " to be no larger than self ", self.sizes(),
           " apart from dimension ", dim,
           number ? std::string() : str(" and to be no larger size than src ", src.sizes()));
}

template <bool kMost, class W>
W greater(W a, W b) {
  return a != a ? a : b != b || (a < b) == kMost ? b : a;
}

DType as_unsigned(DType t) {
  constexpr DType of_size[] = {DType::U8, DType::U16, DType::U32, DType::U64};
  return is_integral(t) && is_signed(t) ? of_size[__builtin_ctzll(size_of(t))] : t;
}

/// self[..., index, ...] = op(self, src) in order, for one of the reductions but the mean. Raises
/// if a place is out of bounds.
void combine(const Tensor& self, int dim, const Tensor& at, const Tensor& src, Reduce op) {
  const AlongDim lines(at.sizes(), dim, {&src, &at, &self});
  std::atomic<bool> wrong = false;
  const Places places(at, size_along(self, dim), &wrong);
  const int64_t step = lines.step[2];
  const auto replace = [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* to = self.data<T>();
    const T* from = src.data<T>();
    lines.each(1u << 2, [=](int64_t s, int64_t i, int64_t o) {
      places.use(i, [=](int64_t p) { to[o + p * step] = from[s]; });
    });
  };
  const auto reduce = [&](auto tag) {
    using T = typename decltype(tag)::type;
    using W = Wide<T>;
    T* to = self.data<T>();
    const T* from = src.data<T>();
    const auto run = [&](auto f) {
      lines.each(1u << 2, [=](int64_t s, int64_t i, int64_t o) {
        places.use(i, [=](int64_t p) {
          T& t = to[o + p * step];
          t = static_cast<T>(f(static_cast<W>(t), static_cast<W>(from[s])));
        });
      });
    };
    if (op == Reduce::Max || op == Reduce::Min) {
      if constexpr (!kComplex<T>)
        op == Reduce::Max ? run([](W a, W b) { return greater<true>(a, b); })
                          : run([](W a, W b) { return greater<false>(a, b); });
    } else if constexpr (!std::is_integral_v<T> || std::is_unsigned_v<T>) {
      op == Reduce::Prod ? run([](W a, W b) { return a * b; })
                         : run([](W a, W b) { return a + b; });
    }
  };
  if (op == Reduce::Replace)
    dispatch_size(size_of(self.dtype()), replace);
  else if (op == Reduce::Max || op == Reduce::Min)
    dispatch_real(self.dtype(), reduce);
  else  // integers' sums and products have the same bits with a sign and without
    dispatch(as_unsigned(self.dtype()), reduce);
  if (wrong) raise_place(at, dim, size_along(self, dim));
}

/// What a reduction starts from where self itself does not count.
Scalar identity(Reduce op, DType t) {
  const double inf = __builtin_inf();
  if (op == Reduce::Prod) return int64_t{1};
  if (op != Reduce::Max && op != Reduce::Min) return int64_t{0};
  const bool lowest = op == Reduce::Max;
  if (!is_integral(t)) return lowest ? -inf : inf;
  if (t == DType::Bool) return !lowest;
  const int bits = static_cast<int>(size_of(t)) * 8;
  if (!is_signed(t)) return lowest ? int64_t{0} : static_cast<int64_t>(~uint64_t{0} >> (64 - bits));
  const int64_t most = static_cast<int64_t>(~uint64_t{0} >> (65 - bits));
  return lowest ? -most - 1 : most;
}

/// One number as a tensor of the index's shape.
Tensor spread(const Scalar& value, DType type, const Dims& sizes) {
  const Tensor one = scalar_tensor(value, type);
  return make_view(one->storage, type, sizes, Dims::filled(sizes.size(), 0), 0);
}

/// How many values each element of the result is made of.
Tensor counts(const Tensor& self, int dim, const Tensor& index, bool include_self, DType type) {
  const Tensor n = full(self.sizes(), Scalar(int64_t{include_self}), type, self.device());
  combine(n, dim, index, spread(1, type, index.sizes()), Reduce::Sum);
  return n;
}

void run_scatter(const Tensor& self, int dim, const Tensor& places, const Tensor& src, Reduce op,
                 bool include_self) {
  if (places.numel() == 0) return;
  GradGuard off(false);
  const Tensor at = apart_from(places, self);
  const Tensor from = apart_from(src, self);
  if (!include_self && op != Reduce::Replace)
    combine(self, dim, at, spread(identity(op, self.dtype()), self.dtype(), at.sizes()),
            Reduce::Replace);
  combine(self, dim, at, from, op);
  if (op != Reduce::Mean) return;
  Tensor n =
      counts(self, dim, at, include_self, self.dtype() == DType::Bool ? DType::I64 : self.dtype());
  n = masked_fill(n, call_op<"eq">(n, 0), Operand(1));
  write(self,
        is_integral(self.dtype()) ? call_op<"floor_divide">(self, n) : call_op<"div">(self, n));
}

/// Where src is larger than the index, the rest of it has no gradient.
Tensor grown(const Tensor& g, const Dims& shape) {
  if (g.sizes() == shape || g.dim() != shape.size()) return g;
  Dims pad;
  for (int d = shape.size() - 1; d >= 0; --d) pad.push_back(0), pad.push_back(shape[d] - g.size(d));
  return constant_pad_nd(g, pad, 0);
}
/// The part of src that the index covers.
Tensor covered(const Tensor& src, const Dims& shape) {
  Tensor t = src;
  for (int d = 0; d < t.dim(); ++d)
    if (t.size(d) != shape[d]) t = narrow(t, d, 0, shape[d]);
  return t;
}

Tensor scatter_reduce(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src,
                      std::string_view reduce, bool include_self);
Tensor scatter_value(const Tensor& self, int64_t dim, const Tensor& index, const Scalar& value,
                     const OptString& reduce);

/// The index as run_scatter takes it, which checks it as it goes.
Tensor ready_places(const Tensor& self, int dim, const Tensor& index, bool inplace) {
  if (index.numel() == 0) return index;
  const Tensor at = places_of(index);
  if (inplace) check_places(at, dim, size_along(self, dim));
  return at;
}

template <bool kInPlace>
Tensor scatter_src(const Tensor& self, int64_t dim_in, const Tensor& index, const Tensor& src) {
  const int dim = wrap_dim(dim_in, self.dim());
  check_scatter(self, dim, index, src, false);
  const Tensor at = ready_places(self, dim, index, kInPlace);
  const auto run = [&](const Tensor& t) { run_scatter(t, dim, at, src, Reduce::Replace, true); };
  return write_over(self, kInPlace, "ScatterBackward0", {&self, &src}, run, [&] {
    return [dim, saved = Saved(index), shape = src.sizes()](const Grads& g, Node& n) -> Grads {
      const Tensor at = saved.unpack(&n);
      Tensor ds, dv;
      if (n.needs(0)) ds = scatter_value(g[0], dim, at, 0, {});
      if (n.needs(1)) dv = grown(gather(g[0], dim, at), shape);
      return {ds, dv};
    };
  });
}

template <bool kInPlace>
Tensor scatter_add_op(const Tensor& self, int64_t dim_in, const Tensor& index, const Tensor& src) {
  const int dim = wrap_dim(dim_in, self.dim());
  check_scatter(self, dim, index, src, false);
  const Tensor at = ready_places(self, dim, index, kInPlace);
  const auto run = [&](const Tensor& t) { run_scatter(t, dim, at, src, Reduce::Sum, true); };
  return write_over(self, kInPlace, "ScatterAddBackward0", {&self, &src}, run, [&] {
    return [dim, saved = Saved(index), shape = src.sizes()](const Grads& g, Node& n) -> Grads {
      return {n.needs(0) ? g[0] : Tensor(),
              n.needs(1) ? grown(gather(g[0], dim, saved.unpack(&n)), shape) : Tensor()};
    };
  });
}

// ---- scatter_reduce ----

/// What the gradients of a reduction are made of; all of it is differentiable again.
struct ReduceGradient {
  int dim;
  Reduce op;
  std::string name;
  bool include_self;
  Saved self, src, index;
  Dims shape;

  Grads operator()(const Grads& grads, Node& n) const {
    const Tensor &g = grads[0], at = index.unpack(&n);
    Tensor ds, dv;
    if (op == Reduce::Sum) {
      ds = g;
      dv = gather(g, dim, at);
    } else if (op == Reduce::Mean) {
      Tensor count = counts(g, dim, at, include_self, g.dtype());
      const Tensor part = call_op<"div">(g, call_op<"clamp_min">(count, Scalar(1)));
      ds = part;
      dv = gather(part, dim, at);
    } else {
      const Tensor x = self.unpack(&n), y = covered(src.unpack(&n), at.sizes());
      if (op == Reduce::Prod)
        product(g, at, x, y, &ds, &dv);
      else
        extremes(g, at, x, y, &ds, &dv);
    }
    if (!include_self) ds = scatter_value(ds, dim, at, 0, {});
    return {n.needs(0) ? ds : Tensor(), n.needs(1) ? grown(dv, shape) : Tensor()};
  }

  Tensor again(const Tensor& x, const Tensor& at, const Tensor& y) const {
    return scatter_reduce(x, dim, at, y, name, include_self);
  }
  static Tensor is_zero(const Tensor& t) { return call_op<"eq">(t, 0); }

  // The product of the others is the result over x, unless x is zero: then zeros are left out.
  void product(const Tensor& g, const Tensor& at, const Tensor& x, const Tensor& y, Tensor* ds,
               Tensor* dv) const {
    const Tensor safe = masked_fill(x, is_zero(x), Operand(1));
    *ds = call_op<"div">(call_op<"mul">(g, again(safe, at, y)), safe);
    const Tensor zero = is_zero(y);
    const Tensor zeros_there = gather(
        scatter_add(zeros(x.sizes(), g.dtype(), g.device()), dim, at, call_to(zero, g.dtype())),
        dim, at);
    const Tensor only = call_op<"logical_and">(zero, call_op<"eq">(zeros_there, 1));
    const Tensor without = again(x, at, masked_fill(y, only, Operand(1)));
    *dv = call_op<"where">(only, gather(call_op<"mul">(g, without), dim, at),
                           call_op<"div">(gather(call_op<"mul">(g, again(x, at, y)), dim, at),
                                          masked_fill(y, zero, Operand(1))));
  }

  // Shared evenly among all that equal the result.
  void extremes(const Tensor& g, const Tensor& at, const Tensor& x, const Tensor& y, Tensor* ds,
                Tensor* dv) const {
    Tensor result;
    {
      GradGuard off(false);
      result = again(x, at, y);
    }
    const Tensor mine = call_to(call_op<"eq">(x, result), g.dtype());
    const Tensor theirs = call_to(call_op<"eq">(y, gather(result, dim, at)), g.dtype());
    const Tensor part = call_op<"div">(g, scatter_add(mine, dim, at, theirs));
    *ds = call_op<"mul">(mine, part);
    *dv = call_op<"mul">(theirs, gather(part, dim, at));
  }
};

Reduce reduction_of(std::string_view name) {
  if (name == "sum") return Reduce::Sum;
  if (name == "prod") return Reduce::Prod;
  if (name == "mean") return Reduce::Mean;
  if (name == "amax") return Reduce::Max;
  if (name == "amin") return Reduce::Min;
  raise(ErrorKind::Runtime, "reduce argument must be either sum, prod, mean, amax or amin, got ",
        name);
}

template <bool kInPlace>
Tensor reduce_at(const Tensor& self, int64_t dim_in, const Tensor& index, const Tensor& src,
                 std::string_view reduce, bool include_self, const char* label) {
  const int dim = wrap_dim(dim_in, self.dim());
  const Reduce op = reduction_of(reduce);
  check_scatter(self, dim, index, src, false);
  const Tensor at = ready_places(self, dim, index, kInPlace);
  RL_CHECK(!is_complex(self.dtype()) || (op != Reduce::Max && op != Reduce::Min),
           "scatter_reduce(): amax and amin do not support complex inputs");
  const auto run = [&](const Tensor& t) { run_scatter(t, dim, at, src, op, include_self); };
  return write_over(self, kInPlace, label, {&self, &src}, run, [&] {
    const bool values = op == Reduce::Prod || op == Reduce::Max || op == Reduce::Min;
    return ReduceGradient{dim,
                          op,
                          std::string(reduce),
                          include_self,
                          values ? Saved(kInPlace ? op_clone(self) : self) : Saved(),
                          values ? Saved(src) : Saved(),
                          Saved(index),
                          src.sizes()};
  });
}

template <bool kInPlace>
Tensor scatter_reduce_op(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src,
                         std::string_view reduce, bool include_self) {
  return reduce_at<kInPlace>(self, dim, index, src, reduce, include_self, "ScatterReduceBackward0");
}

/// The same for whole slices: the index is a vector, spread over the other dimensions.
template <bool kInPlace>
Tensor index_reduce(const Tensor& self, int64_t dim_in, const Tensor& index, const Tensor& source,
                    std::string_view reduce, bool include_self) {
  const int dim = wrap_dim(dim_in, self.dim());
  RL_CHECK(reduce == "prod" || reduce == "mean" || reduce == "amax" || reduce == "amin",
           "index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got ", reduce,
           ".");
  RL_CHECK_INDEX(index.dim() <= 1,
                 "index_reduce_(): Index is supposed to be a vector, but got dim: ", index.dim(),
                 " with type: ", info(index.dtype()).type, " and size: ", index.sizes());
  RL_CHECK(is_index(index), "index_reduce_(): Expected dtype int32/int64 for index but got: ",
           info(index.dtype()).type);
  RL_CHECK(self.dtype() == source.dtype(), "index_reduce_(): self (", info(self.dtype()).type,
           ") and source (", info(source.dtype()).type, ") must have the same scalar type");
  Dims a = self.sizes(), b = source.sizes(), shape = Dims::filled(source.dim(), 1);
  const bool matches = a.size() == b.size();
  if (matches && a.size()) a[dim] = b[dim] = 0;
  RL_CHECK(matches && a == b,
           "source tensor shape must match self tensor shape, excluding the specified dimension. "
           "Got self.shape = ",
           self.sizes(), " source.shape = ", source.sizes());
  RL_CHECK(index.numel() == size_along(source, dim), "index_reduce_(): Number of indices (",
           index.numel(), ") should be equal to source.size(dim): (", size_along(source, dim),
           "), for dim: ", dim);
  const Tensor places = as_contiguous(index, DType::I64);
  for (int64_t i = 0; i < places.numel(); ++i) {
    const int64_t v = places.data<int64_t>()[i];
    RL_CHECK_INDEX(v >= 0 && v < size_along(self, dim), "index out of range in self");
  }
  if (source.dim()) shape[dim] = index.numel();
  const Tensor at = expand(reshape(index, shape), source.sizes());
  return reduce_at<kInPlace>(self, dim, at, source, reduce, include_self, "IndexReduceBackward0");
}

Tensor scatter_reduce(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src,
                      std::string_view reduce, bool include_self) {
  return scatter_reduce_op<false>(self, dim, index, src, reduce, include_self);
}

const char* old_reduction(std::string_view reduce) {
  RL_CHECK(reduce == "add" || reduce == "multiply",
           "reduce argument must be either add or multiply.");
  return reduce == "add" ? "sum" : "prod";
}

template <bool kInPlace>
Tensor scatter_src_reduce(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src,
                          const OptString& reduce) {
  if (!reduce) return scatter_src<kInPlace>(self, dim, index, src);
  return scatter_reduce_op<kInPlace>(self, dim, index, src, old_reduction(*reduce), true);
}

template <bool kInPlace>
Tensor scatter_value_op(const Tensor& self, int64_t dim_in, const Tensor& index,
                        const Scalar& value, const OptString& reduce) {
  const int dim = wrap_dim(dim_in, self.dim());
  RL_CHECK(is_complex(self.dtype()) || value.kind != Scalar::Complex,
           "value cannot be converted to type ", c_name_of(self.dtype()), " without overflow");
  check_scatter(self, dim, index, self, true);
  const Tensor at = ready_places(self, dim, index, kInPlace);
  const Tensor src = spread(value, self.dtype(), index.sizes());
  if (reduce)
    return scatter_reduce_op<kInPlace>(self, dim, index, src, old_reduction(*reduce), true);
  const auto run = [&](const Tensor& t) { run_scatter(t, dim, at, src, Reduce::Replace, true); };
  return write_over(self, kInPlace, "ScatterBackward1", {&self}, run, [&] {
    return [dim, saved = Saved(index)](const Grads& g, Node& n) -> Grads {
      return {scatter_value(g[0], dim, saved.unpack(&n), 0, {})};
    };
  });
}

Tensor scatter_value(const Tensor& self, int64_t dim, const Tensor& index, const Scalar& value,
                     const OptString& reduce) {
  return scatter_value_op<false>(self, dim, index, value, reduce);
}

// ---- repeat_interleave ----

/// [0, 0, 1, 2, 2, 2] for repeats [2, 1, 3].
Tensor interleaved(const Tensor& repeats, OptInt output_size) {
  RL_CHECK_AS(NotImplemented, is_index(repeats), "\"repeat_interleave_cpu\" not implemented for '",
              info(repeats.dtype()).type, "'");
  const Tensor counts = read_index(repeats);
  const int64_t* v = counts.data<int64_t>();
  int64_t total = 0;
  for (int64_t i = 0; i < counts.numel(); ++i) {
    RL_CHECK(v[i] >= 0, "repeats can not be negative");
    RL_CHECK(!__builtin_add_overflow(total, v[i], &total), "repeat_interleave: too many elements");
  }
  RL_CHECK(!output_size || *output_size == total, "allocated size does not match required size");
  Tensor out = empty({total}, DType::I64);
  int64_t* to = out.data<int64_t>();
  for (int64_t i = 0; i < counts.numel(); ++i) to = std::fill_n(to, v[i], i);
  return out;
}

Tensor repeat_interleave_counts(const Tensor& repeats, OptInt output_size) {
  RL_CHECK(repeats.dim() == 1, "repeat_interleave only accept 1D vector as repeat");
  const Tensor out = interleaved(repeats, output_size);
  return repeats.dtype() == DType::I64 ? out : call_to(out, repeats.dtype());
}

Tensor repeat_interleave_tensor(const Tensor& self, const Tensor& repeats, OptInt dim_in,
                                OptInt output_size) {
  const Tensor x = dim_in ? self : reshape(self, {self.numel()});
  const int dim = wrap_dim(dim_in.value_or(0), x.dim());
  RL_CHECK(repeats.dim() <= 1, "repeats must be 0-dim or 1-dim tensor");
  const int64_t n = size_along(x, dim);
  RL_CHECK(repeats.numel() == 1 || repeats.numel() == n,
           "repeats must have the same size as input along dim, but got repeats.size(0) = ",
           repeats.numel(), " and input.size(", dim, ") = ", n);
  Tensor each = repeats;
  if (repeats.numel() == 1)
    each = make_view(repeats->storage, repeats.dtype(), {n}, {0}, repeats->offset);
  return index_select(x.dim() ? x : reshape(x, {1}), dim, interleaved(each, output_size));
}

Tensor repeat_interleave_int(const Tensor& self, int64_t repeats, OptInt dim_in,
                             OptInt output_size) {
  RL_CHECK(repeats >= 0, "Repeats must be non-negative");
  Tensor x = dim_in ? self : reshape(self, {self.numel()});
  const int dim = wrap_dim(dim_in.value_or(0), x.dim());
  if (x.dim() == 0) x = reshape(x, {1});
  Dims sizes = x.sizes(), wide = sizes;
  wide.insert(dim + 1, repeats);
  RL_CHECK(!__builtin_mul_overflow(sizes[dim], repeats, &sizes[dim]),
           "repeat_interleave: too many elements");
  RL_CHECK(!output_size || *output_size == sizes[dim],
           "repeat_interleave: Invalid output_size, expected ", sizes[dim], " but got ",
           *output_size);
  return reshape(clone(expand(unsqueeze(x, dim + 1), wide)), sizes);
}

}  // namespace

Tensor scatter_add(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& src) {
  return scatter_add_op<false>(input, dim, index, src);
}

void define_scatter(Registry& r) {
  r.op(
       "gather(input, dim, index, *, sparse_grad=False)",
       "out[i][j] = input[index[i][j]][j] for dim 0, and so on: out has the index's shape.",
       +[](const Tensor& t, int64_t dim, const Tensor& index, Any) {
         return gather(t, dim, index);
       })
      .out_dtype(kOutExact)
      .out_apart();
  r.op("scatter(input, dim, index, src, *, reduce=None)",
       "A copy of input where out[index[i][j]][j] = src[i][j] for dim 0, and so on. src may be a "
       "number; reduce is 'add' or 'multiply'.",
       &scatter_src_reduce<false>)
      .out_dtype(kOutExact)
      .out_apart();
  r.op("scatter(input, dim, index, value, *, reduce=None)", "", &scatter_value_op<false>)
      .out_dtype(kOutExact);
  r.op("scatter_(input, dim, index, src, *, reduce=None)", "scatter, in place.",
       &scatter_src_reduce<true>);
  r.op("scatter_(input, dim, index, value, *, reduce=None)", "", &scatter_value_op<true>);
  r.op("scatter_add(input, dim, index, src)", "scatter that adds to what is there.",
       &scatter_add_op<false>)
      .out_dtype(kOutExact);
  r.op("scatter_add_(input, dim, index, src)", "The same, in place.", &scatter_add_op<true>);
  r.op("scatter_reduce(input, dim, index, src, reduce, *, include_self=True)",
       "scatter that combines all values of one place by 'sum', 'prod', 'mean', 'amax' or 'amin'.",
       &scatter_reduce_op<false>)
      .out_dtype(kOutExact);
  r.op("scatter_reduce_(input, dim, index, src, reduce, *, include_self=True)",
       "The same, in place.", &scatter_reduce_op<true>);
  r.op("index_reduce(input, dim, index, source, reduce, *, include_self=True)",
       "Combines slices of source with the slices of input that index names.", &index_reduce<false>)
      .out_dtype(kOutExact);
  r.op("index_reduce_(input, dim, index, source, reduce, *, include_self=True)",
       "The same, in place.", &index_reduce<true>);
  r.op("repeat_interleave(input, repeats, dim=None, *, output_size=None)",
       "Each element, or slice along dim, repeated as often as repeats says.",
       &repeat_interleave_tensor)
      .on_meta(OnMeta::NeedsElements)
      .no_out();
  r.op("repeat_interleave(input, repeats, dim=None, *, output_size=None)", "",
       &repeat_interleave_int);
  r.op("repeat_interleave(repeats, *, output_size=None)", "", &repeat_interleave_counts);
}

}  // namespace rl
