// Sorting and what rests on order: sort, argsort, topk, kthvalue, searchsorted, bucketize.
// Unique values are in unique.cpp, medians in median.cpp.
#include <cstring>

#include "autograd/saved.h"
#include "op/promote.h"
#include "ops/along.h"
#include "ops/lines.h"
#include "ops/ops.h"
#include "ops/points.h"
#include "ops/sort_keys.h"

namespace rl {
namespace {

bool no_memory(const Tensor& t) { return t.numel() == 0 || t.device().type == Device::Meta; }

/// The gradient of a selection along dim: back to where the values came from. `squeezed`: the
/// selection dropped the dimension.
auto selection_gradient(const Tensor& self, int dim, const Tensor& indices, bool squeezed) {
  return [=, at = Saved(alias(indices)), shape = self.sizes()](const Grads& g, Node& n) -> Grads {
    Tensor index = at.unpack(&n), grad = g[0];
    if (!grad.defined()) return {Tensor()};
    if (squeezed && shape.size()) index = unsqueeze(index, dim), grad = unsqueeze(grad, dim);
    return {scatter_add(zeros(shape, grad.dtype(), grad.device()), dim, index, grad)};
  };
}

// ---- sort ----

char* element(const Tensor& t, int64_t i) { return t.data<char>() + i * size_of(t.dtype()); }

struct Strided {
  char* start;
  int64_t step;
  template <class T>
  T& at(int64_t i) const {
    return reinterpret_cast<T*>(start)[i * step];
  }
};
/// The elements that the first n entries name, `size` bytes each, and their places.
template <class Entry>
void put(const std::vector<Entry>& entries, int64_t n, Strided from, Strided to, Strided places,
         int64_t size) {
  dispatch_size(size, [=, &entries](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t i = 0; i < n; ++i) {
      const int64_t p = entries[static_cast<size_t>(i)].position();
      to.at<T>(i) = from.at<T>(p);
      places.at<int64_t>(i) = p;
    }
  });
}

Tensors sort(const Tensor& self, int64_t dim_in, bool descending, OptBool) {
  const int dim = wrap_dim(dim_in, self.dim());
  RL_CHECK(!is_complex(self.dtype()), " Sort does not support complex dtypes on CPU");
  Tensor values = empty(self.sizes(), self.dtype(), self.device());
  Tensor indices = empty(self.sizes(), DType::I64, self.device());
  if (!no_memory(self)) {
    const AlongDim lines(self.sizes(), dim, {&values, &indices, &self});
    const int64_t n = lines.length;
    with_keys(self.dtype(), [&](auto keys) {
      lines.each_line(n * 32, [&](const int64_t* o) {
        with_sorted(keys, element(self, o[2]), lines.step[2], n, descending, [&](auto& entries) {
          put(entries, n, {element(self, o[2]), lines.step[2]},
              {element(values, o[0]), lines.step[0]}, {element(indices, o[1]), lines.step[1]},
              keys.size);
        });
      });
    });
  }
  return record_all({values, indices}, "SortBackward0", {&self},
                    [&] { return selection_gradient(self, dim, indices, false); });
}

Tensor argsort(const Tensor& self, int64_t dim, bool descending, bool stable) {
  GradGuard off(false);
  return sort(self, dim, descending, stable)[1];
}

Tensor msort(const Tensor& self) { return sort(self, 0, false, true)[0]; }

// ---- the first k ----

/// Puts the k entries of the least keys first. Among equals, PyTorch keeps whichever these
/// algorithms leave first: no tie-break.
template <class Entry>
void order_first(std::vector<Entry>& entries, int64_t k, bool few, bool sorted) {
  const auto by_key = [](const Entry& a, const Entry& b) { return a.key() < b.key(); };
  const auto middle = entries.begin() + k;
  if (few) {
    std::partial_sort(entries.begin(), middle, entries.end(), by_key);
  } else {
    std::nth_element(entries.begin(), middle - 1, entries.end(), by_key);
    if (sorted) std::sort(entries.begin(), middle - 1, by_key);
  }
}

Tensors topk(const Tensor& self, int64_t k, int64_t dim_in, bool largest, bool sorted) {
  const int dim = wrap_dim(dim_in, self.dim());
  RL_CHECK(k >= 0 && k <= (self.dim() ? self.size(dim) : 1), "selected index k out of range");
  RL_CHECK(!is_complex(self.dtype()), " topk does not support complex dtypes on CPU");
  RL_CHECK(self.dtype() != DType::Bool, "topk does not support bool dtypes on CPU");
  Dims sizes = self.sizes();
  if (self.dim()) sizes[dim] = k;
  Tensor values = empty(sizes, self.dtype(), self.device());
  Tensor indices = empty(sizes, DType::I64, self.device());
  if (!no_memory(self) && k > 0) {
    const AlongDim lines(self.sizes(), dim, {&self, &values, &indices});
    const int64_t n = lines.length;
    with_keys(self.dtype(), [&](auto keys) {
      lines.each_line(n * 8, [&](const int64_t* o) {
        with_entries<typename decltype(keys)::key>(n, [&](auto& entries) {
          const Strided from = {element(self, o[0]), lines.step[0]};
          const bool few = k * 64 <= n;
          if (!few || !find_least(keys, from.start, from.step, n, largest, k, entries)) {
            fill_entries(keys, from.start, from.step, n, largest, entries);
            order_first(entries, k, few, sorted);
          }
          put(entries, k, from, {element(values, o[1]), lines.step[1]},
              {element(indices, o[2]), lines.step[2]}, keys.size);
        });
      });
    });
  }
  return record_all({values, indices}, "TopkBackward0", {&self},
                    [&] { return selection_gradient(self, dim, indices, false); });
}

template <class K>
struct Placed {
  K key;
  int64_t place;
};

/// Quickselect with the median of three (Hoare, 1961; Sedgewick, 1978): v[k] takes the place it
/// would have sorted. Which of equal elements that is follows from the order of swaps.
template <class K>
void select(Placed<K>* v, int64_t n, int64_t k) {
  const auto greater = [](const Placed<K>& a, const Placed<K>& b) { return a.key > b.key; };
  int64_t low = 0, high = n - 1;
  while (high > low + 1) {
    std::swap(v[low + (high - low) / 2], v[low + 1]);
    if (greater(v[low + 1], v[high])) std::swap(v[low + 1], v[high]);
    if (greater(v[low], v[high])) std::swap(v[low], v[high]);
    if (greater(v[low + 1], v[low])) std::swap(v[low + 1], v[low]);
    const Placed<K> pivot = v[low];
    int64_t i = low + 1, j = high;
    for (;;) {
      do ++i;
      while (greater(pivot, v[i]));
      do --j;
      while (greater(v[j], pivot));
      if (j < i) break;
      std::swap(v[i], v[j]);
    }
    std::swap(v[low], v[j]);
    if (j <= k) low = i;
    if (j >= k) high = j - 1;
  }
  if (high == low + 1 && greater(v[low], v[high])) std::swap(v[low], v[high]);
}

Tensors kthvalue(const Tensor& self, int64_t k, int64_t dim_in, bool keepdim) {
  const int dim = wrap_dim(dim_in, self.dim());
  const int64_t length = self.dim() ? self.size(dim) : 1;
  RL_CHECK_INDEX(length > 0, "kthvalue(): Expected reduction dim ", dim, " to have non-zero size.");
  RL_CHECK(k >= 1 && k <= length, "kthvalue(): selected number k out of range for dimension ", dim);
  RL_CHECK_AS(NotImplemented, self.dtype() != DType::Bool && !is_complex(self.dtype()),
              "\"kthvalue_cpu\" not implemented for '", info(self.dtype()).type, "'");
  Dims kept = self.sizes(), sizes = kept;
  if (self.dim()) kept[dim] = 1, sizes.erase(dim);
  Tensor values = empty(kept, self.dtype(), self.device());
  Tensor indices = empty(kept, DType::I64, self.device());
  if (!no_memory(self)) {
    const AlongDim lines(self.sizes(), dim, {&self, &values, &indices});
    const int64_t n = lines.length;
    with_keys(self.dtype(), [&](auto keys) {
      using K = typename decltype(keys)::key;
      lines.each_line(n * 8, [&](const int64_t* o) {
        std::vector<Placed<K>> line(static_cast<size_t>(n));
        std::vector<K> read(line.size());
        keys.read(element(self, o[0]), lines.step[0], n, K{0}, read.data());
        for (size_t i = 0; i < line.size(); ++i) line[i] = {read[i], static_cast<int64_t>(i)};
        select(line.data(), n, k - 1);
        const int64_t p = line[static_cast<size_t>(k - 1)].place;
        std::memcpy(element(values, o[1]), element(self, o[0] + p * lines.step[0]),
                    static_cast<size_t>(keys.size));
        indices.data<int64_t>()[o[2]] = p;
      });
    });
  }
  if (!keepdim && self.dim()) {
    const Dims strides = contiguous_strides(sizes);
    values = make_view(values->storage, values.dtype(), sizes, strides, 0);
    indices = make_view(indices->storage, DType::I64, sizes, strides, 0);
  }
  return record_all({values, indices}, "KthvalueBackward0", {&self},
                    [&] { return selection_gradient(self, dim, indices, !keepdim); });
}

// ---- places in a sorted sequence ----

/// An operand as a contiguous tensor of that dtype.
Tensor operand_as(const Operand& o, DType t) {
  return o.tensor ? as_contiguous(*o.tensor, t) : scalar_tensor(o.number, t);
}

/// The dtype to compare in: one of the few that hold all values of the common one.
DType comparison_type(const Operand& a, const Operand& b) {
  const Operand both[] = {a, b};
  const DType t = result_type(both, 2);
  return t == DType::U64 || is_complex(t) ? t
         : t == DType::U32                ? DType::I64
                                          : dtype_of(compute_of(t));
}
template <class F>
void dispatch_comparison(DType t, F f) {
  t == DType::U64 ? f(uint64_t{}) : with_compute(compute_of(t), f);
}

template <class T>
int64_t place(const T* line, const int64_t* order, int64_t n, T v, bool right) {
  int64_t lo = 0, hi = n;
  while (lo < hi) {
    const int64_t mid = lo + (hi - lo) / 2;
    const T m = order ? line[order[mid]] : line[mid];
    if (right ? !(m > v) : !(m >= v))
      lo = mid + 1;  // NaN counts as larger than anything
    else
      hi = mid;
  }
  return lo;
}

Tensor find_places(const Tensor& sequence, const Operand& input, bool out_int32, bool right,
                   const Tensor& sorter) {
  const DType type = comparison_type(Operand(sequence), input);
  RL_CHECK(!is_complex(type), "torch.searchsorted(): complex numbers have no order");
  const Tensor lines = as_contiguous(sequence, type), values = operand_as(input, type);
  const Tensor order = sorter.defined() ? as_contiguous(sorter) : Tensor();
  Tensor out = empty(values.sizes(), out_int32 ? DType::I32 : DType::I64, values.device());
  if (no_memory(out) || sequence.device().type == Device::Meta) return out;
  const int64_t n = lines.size(-1);
  // Values of one row search one line; a single line serves them all.
  const int64_t per_line = lines.dim() == 1 ? values.numel() : values.size(-1);
  const int64_t* perm = order.defined() ? order.data<int64_t>() : nullptr;
  dispatch_comparison(type, [&](auto zero) {
    using T = decltype(zero);
    const T *line = lines.data<T>(), *v = values.data<T>();
    cpu::parallel_for(0, values.numel(), 2048, [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) {
        const int64_t start = i / per_line * n;
        const int64_t p = place(line + start, perm ? perm + start : nullptr, n, v[i], right);
        if (out_int32)
          out.data<int32_t>()[i] = static_cast<int32_t>(p);
        else
          out.data<int64_t>()[i] = p;
      }
    });
  });
  return out;
}

Tensor searchsorted(const Tensor& sequence, const Operand& input, bool out_int32, bool right,
                    const OptString& side, const OptTensor& sorter) {
  const int dims = input.tensor ? input.tensor->dim() : 0;
  const int64_t numel = input.tensor ? input.tensor->numel() : 1;
  RL_CHECK(!side || *side == "left" || *side == "right",
           "torch.searchsorted(): side can only be 'left' or 'right' but got ", *side);
  RL_CHECK(!(side && *side == "left" && right),
           "torch.searchsorted(): side and right can't be set to opposites, got side of left while "
           "right was True");
  if (sorter.defined()) {
    RL_CHECK(sequence.sizes() == sorter.sizes(),
             "torch.searchsorted(): boundary and sorter must have the same size, but got boundary "
             "tensor ",
             sequence.sizes(), "and got sorter tensor ", sorter.sizes());
    RL_CHECK(sorter.dtype() == DType::I64,
             "torch.searchsorted(): sorter must be a tensor of long dtype but got dtype ",
             info(sorter.dtype()).type);
    const Tensor order = read_index(sorter);
    for (int64_t i = 0; i < order.numel(); ++i)
      RL_CHECK(order.data<int64_t>()[i] >= 0 && order.data<int64_t>()[i] < sequence.size(-1),
               "torch.searchsorted(): sorter index out of range");
  }
  RL_CHECK(
      dims > 0 || sequence.dim() == 1,
      "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension "
      "is 1, but we got boundaries tensor dim(",
      sequence.dim(), ") and input value's dim(", dims, ") numel(", numel, ")");
  bool fits = sequence.dim() == 1 || sequence.dim() == dims;
  RL_CHECK(sequence.dim() > 0,
           "torch.searchsorted(): boundaries tensor should have positive dimension, "
           "but got 0 dimension");
  for (int d = 0; sequence.dim() > 1 && fits && d + 1 < dims; ++d)
    fits &= sequence.size(d) == input.tensor->size(d);
  RL_CHECK(
      fits,
      "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 "
      "dimensions of boundaries tensor and input value tensor must match, but we got boundaries "
      "tensor ",
      sequence.sizes(), " and input value tensor ", input.tensor ? input.tensor->sizes() : Dims());
  return find_places(sequence, input, out_int32, right || (side && *side == "right"), sorter);
}

Tensor bucketize(const Operand& input, const Tensor& boundaries, bool out_int32, bool right) {
  RL_CHECK(boundaries.dim() == 1, "boundaries tensor must be 1 dimension, but got dim(",
           boundaries.dim(), ")");
  return find_places(boundaries, input, out_int32, right, Tensor());
}

}  // namespace

/// PyTorch's words go on to say what the flag is.
#define RL_PLACES                                                                        \
  "torch.searchsorted(): output tensor's dtype is wrong, it can only be Int(int32) or "  \
  "Long(int64) depending on whether out_int32 flag is True, but we got output tensor's " \
  "dtype %G and out_int32 flag is "
constexpr OutRule kOutPlaces = {.text = nullptr, .by = [](const Arg* args) -> const OutRule& {
                                  static constexpr OutRule ints = {RL_PLACES "True"},
                                                           longs = {RL_PLACES "False"};
                                  return args[2].i ? ints : longs;
                                }};

void define_sort(Registry& r) {
  r.op("sort(input, dim=-1, descending=False, *, stable=None) -> (values, indices)",
       "Sorts along a dimension, always stably; NaN counts as the largest value.", &sort)
      .out_dtype(kOutExact);
  r.op("argsort(input, dim=-1, descending=False, *, stable=False)", "The indices that sort input.",
       &argsort);
  r.op("msort(input)", "Sorts along the first dimension.", &msort).out_dtype(kOutExact);
  r.op("topk(input, k, dim=-1, largest=True, sorted=True) -> (values, indices)",
       "The k largest (or smallest) elements along a dimension.", &topk)
      .out_dtype(kOutExact);
  r.op("kthvalue(input, k, dim=-1, keepdim=False) -> (values, indices)",
       "The k-th smallest element along a dimension, from 1 on.", &kthvalue)
      .out_dtype({"output values must be of same type as input"})
      .out_apart();
  r.op("searchsorted(sorted_sequence, input, *, out_int32=False, right=False, side=None, "
       "sorter=None)",
       "Where values would be inserted into sorted lines to keep them sorted: before equal ones, "
       "or "
       "behind them if right.",
       &searchsorted)
      .not_method()
      .out_dtype(kOutPlaces);
  r.op("bucketize(input, boundaries, *, out_int32=False, right=False)",
       "The bucket of each value among sorted boundaries.", &bucketize)
      .not_method()
      .out_dtype(kOutPlaces);
}

}  // namespace rl
