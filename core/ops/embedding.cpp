// Embedding: rows of a matrix by their number, and the sum of gradients back into the rows.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "cpu/dispatch.h"
#include "cpu/threads.h"
#include "ops/linear_map.h"
#include "ops/ops.h"
#include "ops/reduce.h"
#include "tensor/layout.h"

namespace rl {
namespace {

void check_indices_type(const Tensor& indices, const char* argument, const char* name) {
  const DType t = indices.dtype();
  RL_CHECK(t == DType::I64 || t == DType::I32, "Expected tensor for argument #1 '", argument,
           "' to have one of the following scalar types: Long, Int; but got ",
           t == DType::Bool ? "CPU" : "torch.", info(t).type, t == DType::Bool ? "Type" : "Tensor",
           " instead (while checking arguments for ", name, ")\nfix: ", argument, ".long()");
}

void check_bounds(const Tensor& indices, int64_t rows) {  // contiguous I64
  const int64_t* at = indices.data<int64_t>();
  for (int64_t i = 0; i < indices.numel(); ++i)
    RL_CHECK_INDEX(at[i] >= 0 && at[i] < rows, "index out of range in self\nwhy: the weight has ",
                   rows, " rows, so indices go from 0 to ", rows - 1, "; one is ", at[i],
                   " (number ", i, " of the ", indices.numel(),
                   ").\nfix: a larger num_embeddings, or "
                   "indices that fit.");
}

void copy_rows(const Tensor& weight, const Tensor& indices, const Tensor& out) {
  const int64_t bytes = weight.size(1) * size_of(weight.dtype()), n = indices.numel();
  if (n == 0 || bytes == 0) return;
  const int64_t* at = indices.data<int64_t>();
  const char* from = static_cast<const char*>(weight.raw());
  char* to = static_cast<char*>(out.raw());
  LongKernel off(n * bytes / 4);
  cpu::parallel_for(0, n, 1 + 65536 / bytes, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      std::memcpy(to + i * bytes, from + at[i] * bytes, static_cast<size_t>(bytes));
  });
}

/// The gradient's way: row i of g is scaled by scale(i) and added to row indices[i]. Threads share
/// rows of the sum, so that each is summed in order.
template <class T, class F>
void add_rows(const Tensor& g, const Tensor& indices, const Tensor& sum, F scale) {
  const int64_t width = sum.size(1), n = indices.numel();
  const int64_t* at = indices.data<int64_t>();
  const T* from = g.data<T>();
  T* to = sum.data<T>();
  LongKernel off(n * width);
  const int64_t rows = sum.size(0), grain = n * width < 65536 ? rows : (rows + 15) / 16;
  cpu::parallel_for(0, rows, grain, [=](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < n; ++i) {
      if (at[i] < begin || at[i] >= end) continue;
      const T s = static_cast<T>(scale(i));
      const T* row = from + i * width;
      T* __restrict out = to + at[i] * width;
      if (s == T(1))
        for (int64_t j = 0; j < width; ++j) out[j] += row[j];
      else if (s != T(0))
        for (int64_t j = 0; j < width; ++j) out[j] += s * row[j];
    }
  });
}

/// What gradients flow through: rows by number, without those of padding, divided by how often a
/// row is named if so wished; transposed, their sum.
struct Rows {
  Tensor indices;  // contiguous I64
  Dims weight_sizes, out_sizes;
  int64_t padding_idx;
  std::vector<double> inverse_counts;  // by position, empty if not scaled

  const char* label(bool transposed) const {
    return transposed ? "EmbeddingDenseBackward0" : "EmbeddingDenseBackwardBackward0";
  }
  double scale(int64_t i) const {
    if (indices.data<int64_t>()[i] == padding_idx) return 0;
    return inverse_counts.empty() ? 1 : inverse_counts[static_cast<size_t>(i)];
  }
  Tensor run(const Tensor& x, bool transposed) const {
    if (!transposed) {
      const Tensor out = empty(out_sizes, x.dtype(), x.device()),
                   scales = empty({indices.numel(), 1}, DType::F64);
      copy_rows(as_contiguous(x), indices, out);
      for (int64_t i = 0; i < indices.numel(); ++i) scales.data<double>()[i] = scale(i);
      Dims column = indices.sizes();
      column.push_back(1);
      return call_op<"mul">(out, as_contiguous(view(scales, column), x.dtype()));
    }
    const DType t = x.dtype(), wide = t == DType::F16 || t == DType::BF16 ? DType::F32 : t;
    const Tensor sum = zeros(weight_sizes, wide, x.device()), g = as_contiguous(x, wide);
    const auto by = [this](int64_t i) { return scale(i); };
    switch (wide) {
      case DType::F64:
        add_rows<double>(g, indices, sum, by);
        break;
      case DType::C64:
        add_rows<std::complex<float>>(g, indices, sum, by);
        break;
      case DType::C128:
        add_rows<std::complex<double>>(g, indices, sum, by);
        break;
      default:
        add_rows<float>(g, indices, sum, by);
    }
    return as_contiguous(sum, t);
  }
};

std::vector<double> inverse_counts(const Tensor& indices, int64_t rows) {
  std::vector<int64_t> count(static_cast<size_t>(rows));
  std::vector<double> v;
  const int64_t *begin = indices.data<int64_t>(), *end = begin + indices.numel();
  for (const int64_t* i = begin; i < end; ++i) ++count[static_cast<size_t>(*i)];
  for (const int64_t* i = begin; i < end; ++i)
    v.push_back(1.0 / static_cast<double>(count[static_cast<size_t>(*i)]));
  return v;
}

Tensor embedding(const Tensor& weight, const Tensor& indices, int64_t padding_idx,
                 bool scale_grad_by_freq, bool) {
  check_cpu(weight);
  RL_CHECK(weight.dim() == 2, "'weight' must be 2-D");
  check_indices_type(indices, "indices", "embedding");
  const Tensor at = as_contiguous(indices, DType::I64);
  check_bounds(at, weight.size(0));
  Dims sizes = indices.sizes();
  sizes.push_back(weight.size(1));
  const Tensor out = empty(sizes, weight.dtype(), weight.device());
  copy_rows(as_contiguous(weight), at, out);
  return record(out, "EmbeddingBackward0", {&weight}, [&] {
    // The caller may write to his indices; then the saved ones would no longer be in bounds.
    const Tensor own = at.same(indices) ? contiguous_copy(at) : at;
    Rows rows{own, weight.sizes(), sizes, padding_idx, {}};
    if (scale_grad_by_freq) rows.inverse_counts = inverse_counts(own, weight.size(0));
    return [rows](const Grads& g, Node&) -> Grads { return {linear_map(rows, g[0], true)}; };
  });
}

/// Rows longer than max_norm are shortened to it. Not differentiable, as in torch.
template <class T>
void renorm_rows(const Tensor& weight, const std::vector<int64_t>& rows, double max_norm,
                 double p) {
  const int64_t width = weight.size(1), step = weight.stride(1);
  for (int64_t r : rows) {
    T* row = weight.data<T>() + r * weight.stride(0);
    double sum = 0, largest = 0;
    for (int64_t j = 0; j < width; ++j) {
      const double v = std::abs(static_cast<double>(Wide<T>(row[j * step])));
      largest = std::max(largest, v);
      sum += p == 2 ? v * v : p == 1 ? v : p == 0 ? v != 0 : std::pow(v, p);
    }
    const double norm = std::isinf(p)      ? largest
                        : p == 2           ? std::sqrt(sum)
                        : p == 0 || p == 1 ? sum
                                           : std::pow(sum, 1 / p);
    const double rounded = static_cast<double>(Wide<T>(T(norm)));
    if (!(rounded > max_norm)) continue;
    const auto scale = static_cast<Wide<T>>(max_norm / (rounded + 1e-7));
    for (int64_t j = 0; j < width; ++j) row[j * step] = T(Wide<T>(row[j * step]) * scale);
  }
}

Tensor embedding_renorm_(const Tensor& weight, const Tensor& indices, double max_norm,
                         double norm_type) {
  check_cpu(weight);
  RL_CHECK(weight.dim() == 2, "'weight' must be 2-D");
  check_indices_type(indices, "indices", "embedding_renorm_");
  if (!is_floating(weight.dtype())) not_implemented("norm_cpu", weight.dtype());
  const Tensor at = as_contiguous(indices, DType::I64);
  std::vector<int64_t> rows(at.data<int64_t>(), at.data<int64_t>() + at.numel());
  for (int64_t r : rows)
    RL_CHECK_INDEX(r >= 0 && r < weight.size(0), "select(): index ", r,
                   " out of range for tensor of size ", weight.sizes(), " at dimension 0");
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  check_inplace(weight, recording({&weight}));
  switch (weight.dtype()) {
    case DType::F64:
      renorm_rows<double>(weight, rows, max_norm, norm_type);
      break;
    case DType::F16:
      renorm_rows<Half>(weight, rows, max_norm, norm_type);
      break;
    case DType::BF16:
      renorm_rows<BFloat16>(weight, rows, max_norm, norm_type);
      break;
    default:
      renorm_rows<float>(weight, rows, max_norm, norm_type);
  }
  bump_version(weight);
  return weight;
}

}  // namespace

void define_embedding(Registry& r) {
  r.op("embedding(weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False)",
       "The rows of weight [rows, width] by number: [..., width]. Row padding_idx gets no "
       "gradient, "
       "and each gradient is divided by how often its row is named if scale_grad_by_freq. "
       "Gradients "
       "are dense even if sparse.",
       &embedding)
      .not_method()
      .no_out();
  r.op("embedding_renorm_(weight, indices, max_norm, norm_type)",
       "Shortens the named rows to the norm max_norm, in place.", &embedding_renorm_)
      .not_method()
      .in_place_function();
}

}  // namespace rl
