// embedding_bag: sums, means or maxima of rows of a matrix over bags of indices, without the rows
// in between.
#include <algorithm>
#include <limits>
#include <vector>

#include "cpu/dispatch.h"
#include "cpu/threads.h"
#include "ops/ops.h"
#include "ops/reduce.h"
#include "tensor/layout.h"

namespace rl {
namespace {

enum class Mode : int64_t { Sum, Mean, Max };

/// Which indices belong to which bag: bag b has those from bounds[b] to bounds[b + 1].
struct Bags {
  Mode mode;
  int64_t rows, width, padding;
  Tensor indices;  // contiguous I64, checked
  std::vector<int64_t> bounds;
  bool by_frequency;

  int64_t count() const { return static_cast<int64_t>(bounds.size()) - 1; }
  int64_t used() const { return bounds.back(); }
};

template <class T>
void forward(const Bags& b, const T* weight, const T* scale, T* out, int64_t* sizes,
             int64_t* maxima) {
  const int64_t *at = b.indices.data<int64_t>(), width = b.width;
  cpu::parallel_for(0, b.count(), 1 + 4096 / (width + 1), [&](int64_t begin, int64_t end) {
    std::vector<Wide<T>> sum(static_cast<size_t>(width));
    Wide<T>* __restrict s = sum.data();
    for (int64_t bag = begin; bag < end; ++bag) {
      int64_t n = 0;
      std::fill(sum.begin(), sum.end(), Wide<T>(0));
      for (int64_t i = b.bounds[static_cast<size_t>(bag)];
           i < b.bounds[static_cast<size_t>(bag) + 1]; ++i) {
        if (at[i] == b.padding) continue;
        const T* row = weight + at[i] * width;
        if (i + 8 < b.used())
          for (int64_t j = 0; j < width; j += 64 / static_cast<int64_t>(sizeof(T)))
            __builtin_prefetch(weight + at[i + 8] * width + j);
        if (b.mode == Mode::Max) {
          int64_t* __restrict best = maxima + bag * width;
          for (int64_t j = 0; j < width; ++j) {
            const Wide<T> v = row[j];
            const bool take = n == 0 || v > s[j];
            s[j] = take ? v : s[j];
            best[j] = take ? at[i] : best[j];
          }
        } else if (scale) {
          const Wide<T> c = scale[i];
          for (int64_t j = 0; j < width; ++j) s[j] += c * Wide<T>(row[j]);
        } else {
          for (int64_t j = 0; j < width; ++j) s[j] += Wide<T>(row[j]);
        }
        ++n;
      }
      const Wide<T> divisor = b.mode == Mode::Mean && n > 0 ? static_cast<Wide<T>>(n) : Wide<T>(1);
      for (int64_t j = 0; j < width; ++j) out[bag * width + j] = T(s[j] / divisor);
      sizes[bag] = n;
    }
  });
}

/// How a row's gradient is weighted at each index: 0 for padding.
template <class T>
std::vector<T> factors(const Bags& b, const T* scale, const int64_t* sizes) {
  const int64_t *at = b.indices.data<int64_t>(), n = b.used();
  std::vector<T> f(static_cast<size_t>(n), T(0));
  std::vector<int64_t> frequency(static_cast<size_t>(b.by_frequency ? b.rows : 0));
  if (b.by_frequency)
    for (int64_t i = 0; i < n; ++i) ++frequency[static_cast<size_t>(at[i])];
  for (int64_t bag = 0; bag < b.count(); ++bag)
    for (int64_t i = b.bounds[static_cast<size_t>(bag)]; i < b.bounds[static_cast<size_t>(bag) + 1];
         ++i) {
      if (at[i] == b.padding) continue;
      T v = scale ? scale[i] : T(1);
      if (b.mode == Mode::Mean) v /= static_cast<T>(sizes[bag]);
      if (b.by_frequency) v /= static_cast<T>(frequency[static_cast<size_t>(at[i])]);
      f[static_cast<size_t>(i)] = v;
    }
  return f;
}

/// The weight's gradient, summed in the order of the indices. Threads share its rows.
template <class T>
void backward(const Bags& b, const T* g, const T* scale, const int64_t* sizes,
              const int64_t* maxima, T* grad) {
  const int64_t *at = b.indices.data<int64_t>(), width = b.width;
  if (b.mode == Mode::Max) {
    for (int64_t bag = 0; bag < b.count(); ++bag)
      for (int64_t j = 0; j < width && sizes[bag] > 0; ++j)
        grad[maxima[bag * width + j] * width + j] += g[bag * width + j];
    return;
  }
  const std::vector<T> factor = factors(b, scale, sizes);
  const int64_t work = b.used() * width, grain = work < 65536 ? b.rows : (b.rows + 15) / 16;
  cpu::parallel_for(0, b.rows, grain, [&](int64_t begin, int64_t end) {
    for (int64_t bag = 0; bag < b.count(); ++bag)
      for (int64_t i = b.bounds[static_cast<size_t>(bag)];
           i < b.bounds[static_cast<size_t>(bag) + 1]; ++i) {
        const T c = factor[static_cast<size_t>(i)];
        if (at[i] < begin || at[i] >= end || at[i] == b.padding) continue;
        const T* from = g + bag * width;
        T* __restrict to = grad + at[i] * width;
        for (int64_t j = 0; j < width; ++j) to[j] += c * from[j];
      }
  });
}

/// The gradient of each index's scale: its row times the gradient of its bag.
template <class T>
void backward_scale(const Bags& b, const T* g, const T* weight, T* grad) {
  const int64_t *at = b.indices.data<int64_t>(), width = b.width;
  for (int64_t bag = 0; bag < b.count(); ++bag)
    for (int64_t i = b.bounds[static_cast<size_t>(bag)]; i < b.bounds[static_cast<size_t>(bag) + 1];
         ++i) {
      T sum = 0;
      for (int64_t j = 0; j < width && at[i] != b.padding; ++j)
        sum += g[bag * width + j] * weight[at[i] * width + j];
      grad[i] = sum;
    }
}

// ---- the arguments ----

void check_type(const Tensor& t, const char* name) {
  RL_CHECK(t.dtype() == DType::I64 || t.dtype() == DType::I32, "Expected tensor for argument #1 '",
           name, "' to have one of the following scalar types: Long, Int; but got ",
           t.dtype() == DType::Bool ? "CPU" : "torch.", info(t.dtype()).type,
           t.dtype() == DType::Bool ? "Type" : "Tensor",
           " instead (while checking arguments for embedding_bag)");
}

std::vector<int64_t> read_bounds(const Tensor& offsets, int64_t count, bool include_last) {
  const Tensor c = as_contiguous(offsets, DType::I64);
  const int64_t* v = c.data<int64_t>();
  const int64_t n = c.numel();
  RL_CHECK(!include_last || n >= 1, "include_last_offset: number of offset should be at least 1");
  if (n == 0) return {0};
  RL_CHECK(v[0] == 0,
           "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from "
           "position 0. However, got ",
           v[0]);
  RL_CHECK(v[n - 1] <= count, "offsets[-1] can not be greater than input's length ", count,
           " but got offsets[-1] of ", v[n - 1]);
  std::vector<int64_t> bounds(v, v + n);
  if (!include_last) bounds.push_back(count);
  for (size_t i = 1; i < bounds.size(); ++i) {
    RL_CHECK_INDEX(bounds[i] >= 0, "index out of range in self");
    RL_CHECK(bounds[i] >= bounds[i - 1], "offsets should not decrease, but got ", bounds[i],
             " after ", bounds[i - 1]);
  }
  return bounds;
}

Bags read_bags(const Tensor& weight, const Tensor& indices, const Tensor& offsets,
               bool by_frequency, int64_t mode, const OptTensor& scale, bool include_last,
               OptInt padding_idx) {
  check_cpu(weight);
  RL_CHECK(weight.dim() == 2, "weight has to be a 2D Tensor, but got Tensor of dimension ",
           weight.dim());
  RL_CHECK(indices.dim() == 1, "input has to be a 1D Tensor, but got Tensor of dimension ",
           indices.dim());
  RL_CHECK(offsets.dim() == 1, "offsets has to be a 1D Tensor, but got Tensor of dimension ",
           offsets.dim());
  check_type(indices, "indices");
  check_type(offsets, "offsets");
  RL_CHECK(mode >= 0 && mode <= 2, "`mode` must be sum, mean, or max.");
  RL_CHECK(is_floating(weight.dtype()),
           "Expected tensor for argument #1 'weight' to have one of the following scalar types: "
           "Half, BFloat16, Float, Double; but got ",
           is_complex(weight.dtype()) ? "CPU" : "torch.", info(weight.dtype()).type,
           is_complex(weight.dtype()) ? "Type" : "Tensor",
           " instead (while checking arguments for embedding_bag)");
  const int64_t rows = weight.size(0), padding = padding_idx.value_or(-1);
  RL_CHECK(!padding_idx || (padding >= -rows && padding < rows),
           "padding_idx must be within the number of embeddings, ", -rows, " through ", rows - 1,
           ", but got ", padding);
  if (scale.defined()) {
    RL_CHECK(mode == 0, "embedding_bag: per_sample_weights only supported with mode='sum'");
    RL_CHECK(
        scale.dtype() == weight.dtype(),
        "Expected tensor for argument #1 'weight' to have the same type as tensor for argument "
        "#1 'per_sample_weights'; but type torch.",
        info(weight.dtype()).type, "Tensor does not equal torch.", info(scale.dtype()).type,
        "Tensor (while checking arguments for embedding_bag)");
    RL_CHECK(scale.sizes() == indices.sizes(),
             "embedding_bag: per_sample_weights should have the shape of the indices, ",
             indices.sizes(), ", but got ", scale.sizes());
  }
  const Tensor at = as_contiguous(indices, DType::I64);
  for (int64_t i = 0; i < at.numel(); ++i)
    RL_CHECK(at.data<int64_t>()[i] >= 0 && at.data<int64_t>()[i] < rows, "Index ", i,
             " of input takes value ", at.data<int64_t>()[i],
             " which is not in the valid range [0, ", rows, ")");
  return {static_cast<Mode>(mode),
          rows,
          weight.size(1),
          padding_idx ? (padding + rows) % rows : -1,
          at.same(indices) && recording({&weight, &scale}) ? contiguous_copy(at) : at,
          read_bounds(offsets, at.numel(), include_last),
          by_frequency};
}

template <class F>
void dispatch_floating(DType t, F f) {
  switch (t) {
    case DType::F64:
      return f(Tag<double>());
    case DType::F16:
      return f(Tag<Half>());
    case DType::BF16:
      return f(Tag<BFloat16>());
    default:
      return f(Tag<float>());
  }
}

// ---- the operation ----

/// Gradients of the weight and of the scales, computed in float or double.
Grads run_backward(const Bags& b, const Tensor& weight, const Tensor& scale, const Tensor& g,
                   const Tensor& sizes, const Tensor& maxima, bool by_weight, bool by_scale) {
  const DType t = weight.dtype() == DType::F64 ? DType::F64 : DType::F32;
  const Tensor from = as_contiguous(g, t), c = scale.defined() ? as_contiguous(scale, t) : Tensor();
  Grads r(2);
  const auto run = [&](auto tag) {
    using T = decltype(tag);
    if (by_weight) {
      const Tensor grad = zeros({b.rows, b.width}, t);
      backward(b, from.data<T>(), c.defined() ? c.data<T>() : nullptr, sizes.data<int64_t>(),
               maxima.data<int64_t>(), grad.data<T>());
      r[0] = as_contiguous(grad, weight.dtype());
    }
    if (by_scale) {
      const Tensor grad = zeros({b.indices.numel()}, t), w = as_contiguous(weight, t);
      backward_scale(b, from.data<T>(), w.data<T>(), grad.data<T>());
      r[1] = as_contiguous(grad, weight.dtype());
    }
  };
  if (t == DType::F64)
    run(double{});
  else
    run(float{});
  return r;
}

/// The way back is not itself differentiable, as in torch.
Tensor last_gradient(const Tensor& grad, const Tensor& g) {
  if (!grad.defined()) return grad;
  return record(grad, "EmbeddingBagBackwardBackward0", {&g}, [] {
    return [](const Grads&, Node&) -> Grads {
      raise(ErrorKind::NotImplemented,
            "the derivative for '_embedding_bag_backward' is not implemented.");
    };
  });
}

Tensor bag_numbers(const Bags& b) {
  const Tensor t = zeros({b.indices.numel()}, DType::I64);
  for (int64_t bag = 0; bag < b.count(); ++bag)
    std::fill(t.data<int64_t>() + b.bounds[static_cast<size_t>(bag)],
              t.data<int64_t>() + b.bounds[static_cast<size_t>(bag) + 1], bag);
  return t;
}

std::tuple<Tensor, Tensor, Tensor, Tensor> embedding_bag(
    const Tensor& weight, const Tensor& indices, const Tensor& offsets, bool scale_grad_by_freq,
    int64_t mode, bool, const OptTensor& per_sample_weights, bool include_last_offset,
    OptInt padding_idx) {
  const Tensor& scale = per_sample_weights;
  const Bags b = read_bags(weight, indices, offsets, scale_grad_by_freq, mode, per_sample_weights,
                           include_last_offset, padding_idx);
  const Tensor out = empty({b.count(), b.width}, weight.dtype(), weight.device()),
               sizes = zeros({b.count()}, DType::I64),
               maxima = mode == 2 ? zeros({b.count(), b.width}, DType::I64) : sizes,
               w = as_contiguous(weight), c = scale.defined() ? as_contiguous(scale) : Tensor();
  {
    const void *pw = w.raw(), *pc = c.defined() ? c.raw() : nullptr;
    void* to = out.raw();
    int64_t *ps = sizes.data<int64_t>(), *pm = maxima.data<int64_t>();
    LongKernel off(b.used() * b.width);
    dispatch_floating(weight.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      forward(b, static_cast<const T*>(pw), static_cast<const T*>(pc), static_cast<T*>(to), ps, pm);
    });
  }
  const Tensor recorded = record(out, "EmbeddingBagBackward0", {&weight, &scale}, [&] {
    return [b, sizes, maxima, weight = Saved(weight), scale = Saved(scale)](const Grads& g,
                                                                            Node& n) -> Grads {
      Grads r;
      const Tensor w = weight.unpack(&n), c = scale.unpack(&n);
      {
        GradGuard off(false);
        r = run_backward(b, w, c, g[0], sizes, maxima, n.needs(0), n.needs(1));
      }
      return {last_gradient(r[0], g[0]), last_gradient(r[1], g[0])};
    };
  });
  return {recorded, bag_numbers(b), sizes, maxima};
}

}  // namespace

void define_embedding_bag(Registry& r) {
  const char* doc =
      "Sums (mode 0), means (1) or maxima (2) of the rows of weight over bags of the vector "
      "indices, which begin at offsets; per_sample_weights scales each row of a sum, rows "
      "padding_idx do not count. Also gives each index's bag, the sizes of the bags and the rows "
      "of the maxima.";
  r.op("embedding_bag(weight, indices, offsets, scale_grad_by_freq=False, mode=0, sparse=False, "
       "per_sample_weights=None, include_last_offset=False, padding_idx=None)",
       doc, &embedding_bag)
      .not_method()
      .no_out();
}

}  // namespace rl
