// Triangles and diagonals: tril, triu, their indices, diag, diag_embed, diagflat, trace. The view
// `diagonal` is in view.cpp.
#include <algorithm>
#include <cstring>

#include "cpu/dispatch.h"
#include "cpu/threads.h"
#include "ops/ops.h"
#include "ops/points.h"
#include "tensor/layout.h"

namespace rl {
namespace {

/// Copies `from` (contiguous) to `to` (contiguous) with one triangle zero. May be one memory.
void keep_triangle(const Tensor& from, const Tensor& to, int64_t k, bool upper) {
  const int64_t rows = from.size(-2), cols = from.size(-1);
  if (from.numel() == 0 || from.device().type == Device::Meta) return;
  const int64_t size = size_of(from.dtype());
  const char* src = from.data<char>();
  char* dst = to.data<char>();
  // A diagonal beyond the matrix means the same however far it is; this also keeps sums in range.
  k = std::clamp(k, -rows - 1, cols + 1);
  cpu::parallel_for(0, from.numel() / cols, 16384 / cols + 1, [=](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) {
      // Row r keeps columns up to r + k (lower) or from r + k on (upper).
      const int64_t edge = std::clamp<int64_t>(i % rows + k + (upper ? 0 : 1), 0, cols);
      const int64_t first = upper ? edge : 0, last = upper ? cols : edge;
      const char* s = src + i * cols * size;
      char* d = dst + i * cols * size;
      const auto bytes = [size](int64_t n) { return static_cast<size_t>(n * size); };
      if (s != d) std::memcpy(d + first * size, s + first * size, bytes(last - first));
      std::memset(d, 0, bytes(first));
      std::memset(d + last * size, 0, bytes(cols - last));
    }
  });
}

template <bool kUpper, bool kInPlace>
Tensor triangle(const Tensor& self, int64_t diagonal) {
  RL_CHECK(self.dim() >= 2, kUpper ? "triu" : "tril",
           ": input tensor must have at least 2 dimensions");
  const char* label = kUpper ? "TriuBackward0" : "TrilBackward0";
  const auto build = [&] {
    return [diagonal](const Grads& g, Node&) -> Grads {
      return {triangle<kUpper, false>(g[0], diagonal)};
    };
  };
  if constexpr (kInPlace) {
    in_place(
        self, label, {&self},
        [&] {
          const Tensor dense = as_contiguous(self);
          if (dense.same(self)) return keep_triangle(self, self, diagonal, kUpper);
          keep_triangle(dense, dense, diagonal, kUpper);
          write(self, dense);
        },
        build);
    return self;
  } else {
    Tensor out = empty_like(self);
    keep_triangle(as_contiguous(self), out, diagonal, kUpper);
    return record(out, label, {&self}, build);
  }
}

template <bool kUpper>
Tensor triangle_indices(int64_t rows, int64_t cols, int64_t offset, const Factory& f) {
  RL_CHECK(rows >= 0, "row must be non-negative, got", rows);
  RL_CHECK(cols >= 0, "col must be non-negative, got", cols);
  const DType type = f.dtype.value_or(DType::I64);
  const char* name = kUpper ? "triu_indices" : "tril_indices";
  RL_CHECK_AS(NotImplemented, is_integral(type, false), '"', name, "\" not implemented for '",
              info(type).type, "'");
  const int64_t k = std::clamp(offset, -rows - 1, cols + 1);
  const auto edge = [&](int64_t r) {
    return std::clamp<int64_t>(r + k + (kUpper ? 0 : 1), 0, cols);
  };
  int64_t count = 0;
  for (int64_t r = 0; r < rows; ++r) count += kUpper ? cols - edge(r) : edge(r);
  Tensor out = empty({2, count}, DType::I64);
  int64_t *i = out.data<int64_t>(), *j = i + count;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = kUpper ? edge(r) : 0, last = kUpper ? cols : edge(r); c < last; ++c)
      *i++ = r, *j++ = c;
  return type == DType::I64 ? out : call_to(out, type);
}

// ---- diagonals ----

Tensor diag_embed(const Tensor& self, int64_t offset, int64_t dim1, int64_t dim2) {
  const int ndim = self.dim() + 1;
  const int d1 = wrap_dim(dim1, ndim), d2 = wrap_dim(dim2, ndim);
  RL_CHECK(d1 != d2, "diagonal dimensions cannot be identical ", dim1, ", ", dim2);
  RL_CHECK(std::abs(offset / 2) < int64_t{1} << 40, "diag_embed: the offset ", offset,
           " is too large");
  const int64_t n = (self.dim() ? self.size(-1) : 1) + std::abs(offset);
  Dims sizes;  // the new matrix dimensions among self's others
  for (int d = 0, from = 0; d < ndim; ++d)
    sizes.push_back(d == d1 || d == d2 ? n : self.size(from++));
  Tensor out = zeros(sizes, self.dtype(), self.device());
  Dims inner, strides;
  for (int d = 0; d < ndim; ++d)
    if (d != d1 && d != d2) inner.push_back(sizes[d]), strides.push_back(out.stride(d));
  inner.push_back(self.size(-1));
  strides.push_back(out.stride(d1) + out.stride(d2));
  const int64_t start = offset >= 0 ? offset * out.stride(d2) : -offset * out.stride(d1);
  if (self.numel() && self.device().type != Device::Meta)
    write(make_view(out->storage, out.dtype(), inner, strides, start), self);
  return record(out, "DiagEmbedBackward0", {&self}, [&] {
    return [=](const Grads& g, Node&) -> Grads {
      return {call_op<"diagonal">(g[0], offset, int64_t{d1}, int64_t{d2})};
    };
  });
}

Tensor diag(const Tensor& self, int64_t diagonal) {
  RL_CHECK(self.dim() == 1 || self.dim() == 2, "diag(): Supports 1D or 2D tensors. Got ",
           self.dim(), "D");
  if (self.dim() == 1) return diag_embed(self, diagonal, 0, 1);
  return op_clone(call_op<"diagonal">(self, diagonal, 0, 1));
}

Tensor diagflat(const Tensor& self, int64_t offset) {
  return diag_embed(reshape(self, {-1}), offset, 0, 1);
}

Tensor trace(const Tensor& self) {
  RL_CHECK(self.dim() == 2, "trace: expected a matrix, but got tensor with dim ", self.dim());
  RL_CHECK_AS(NotImplemented, self.dtype() != DType::Bool, "\"trace\" not implemented for 'Bool'");
  Tensor out;
  {
    GradGuard off(false);
    out = sum_all(call_op<"diagonal">(self, 0, 0, 1));
  }
  return record(out, "TraceBackward0", {&self}, [&] {
    return [rows = self.size(0), cols = self.size(1)](const Grads& g, Node&) -> Grads {
      const Tensor eye = zeros({rows, cols}, g[0].dtype(), g[0].device());
      const int64_t n = std::min(rows, cols);
      write(make_view(eye->storage, eye.dtype(), {n}, {cols + 1}, 0),
            scalar_tensor(1, eye.dtype()));
      return {call_op<"mul">(eye, g[0])};
    };
  });
}

}  // namespace

void define_triangle(Registry& r) {
  r.op("tril(input, diagonal=0)",
       "The lower triangle of the last two dimensions: columns up to row + diagonal; zeros beside.",
       &triangle<false, false>)
      .out_dtype(kOutExact);
  r.op("tril_(input, diagonal=0)", "The same, in place.", &triangle<false, true>);
  r.op("triu(input, diagonal=0)",
       "The upper triangle of the last two dimensions: columns from row + diagonal on; zeros "
       "beside.",
       &triangle<true, false>)
      .out_dtype(kOutExact);
  r.op("triu_(input, diagonal=0)", "The same, in place.", &triangle<true, true>);
  r.op("tril_indices(row, col, offset=0, **factory)",
       "Coordinates of a lower triangle, [2, count].", &triangle_indices<false>)
      .not_method()
      .no_out();
  r.op("triu_indices(row, col, offset=0, **factory)",
       "Coordinates of an upper triangle, [2, count].", &triangle_indices<true>)
      .not_method()
      .no_out();
  r.op("diag(input, diagonal=0)",
       "A vector as the diagonal of a matrix, or a matrix's diagonal as a vector.", &diag)
      .out_dtype(kOutExact);
  r.op("diag_embed(input, offset=0, dim1=-2, dim2=-1)",
       "The last dimension of input as the diagonals of new matrices.", &diag_embed)
      .no_out();
  r.op("diagflat(input, offset=0)", "The flattened input as the diagonal of a matrix.", &diagflat)
      .no_out();
  r.op("trace(input)", "The sum of a matrix's diagonal.", &trace).no_out();
}

}  // namespace rl
