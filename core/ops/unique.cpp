// Unique values and unique slices, of all elements or of consecutive ones. Results are always
// sorted (unless consecutive); inverse and counts are empty where they are not asked for.
#include <numeric>

#include "ops/along.h"
#include "ops/ops.h"
#include "ops/sort_keys.h"

namespace rl {
namespace {

/// Groups of equal neighbours among n items: the first of each, and what belongs to it.
struct Groups {
  std::vector<int64_t> first, count, inverse;

  /// place(i): where the i-th item stands; same(i): whether it equals the one before.
  template <class Place, class Same>
  Groups(int64_t n, bool with_inverse, Place place, Same same)
      : inverse(static_cast<size_t>(with_inverse ? n : 0)) {
    for (int64_t i = 0, start = 0; i < n; ++i) {
      if (i == 0 || !same(i)) {
        if (i) count.push_back(i - start);
        first.push_back(place(i)), start = i;
      }
      if (with_inverse)
        inverse[static_cast<size_t>(place(i))] = static_cast<int64_t>(first.size()) - 1;
      if (i == n - 1) count.push_back(n - start);
    }
  }
};

Tensor as_tensor(const std::vector<int64_t>& v) {
  Tensor t = empty({static_cast<int64_t>(v.size())}, DType::I64);
  std::copy(v.begin(), v.end(), t.data<int64_t>());
  return t;
}

Tensors results(const Tensor& values, const Groups& g, const Dims& inverse_sizes, bool inverse,
                bool counts) {
  return {values, inverse ? view(as_tensor(g.inverse), inverse_sizes) : empty({0}, DType::I64),
          counts ? as_tensor(g.count) : empty({0}, DType::I64)};
}

std::vector<int64_t> natural_order(int64_t n) {
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

template <class K>
std::vector<K> read_all(const KeyReader<K>& keys, const Tensor& dense, int64_t n) {
  std::vector<K> key(static_cast<size_t>(n));
  keys.read(dense.raw(), 1, n, K{0}, key.data());
  return key;
}

/// Whether n numbers are equal, as NaN is to nothing.
template <class K>
bool same(const KeyReader<K>& keys, const K* a, const K* b, int64_t n) {
  for (int64_t i = 0; i < n; ++i)
    if (a[i] != b[i] || keys.is_nan(a[i])) return false;
  return true;
}

void check_type(const Tensor& self, const char* name) {
  RL_CHECK_AS(NotImplemented, !is_complex(self.dtype()), '"', name, "\" not implemented for '",
              info(self.dtype()).type, "'");
  RL_CHECK_AS(NotImplemented, self.device().type == Device::Cpu || self.numel() == 0,
              "unique: a meta tensor has no values");
}

Tensors unique_flat(const Tensor& self, bool consecutive, bool inverse, bool counts) {
  GradGuard off(false);
  const Tensor dense = as_contiguous(self);
  const int64_t n = dense.numel();
  return with_keys(self.dtype(), [&](auto keys) -> Tensors {
    using K = typename decltype(keys)::key;
    Tensors out;
    const auto group = [&](auto place, auto same) {
      const Groups g(n, inverse, place, same);
      const Tensor values = index_select(view(dense, {n}), 0, as_tensor(g.first));
      out = results(values, g, self.sizes(), inverse, counts);
    };
    if (consecutive) {
      const std::vector<K> key = read_all(keys, dense, n);
      group([](int64_t i) { return i; },
            [&](int64_t i) { return same(keys, &key[i], &key[i - 1], 1); });
    } else {
      with_sorted(keys, dense.raw(), 1, n, false, [&](auto& entries) {
        group([&](int64_t i) { return entries[i].position(); },
              [&](int64_t i) {
                const K key = static_cast<K>(entries[i].key());
                return entries[i - 1].key() == entries[i].key() && !keys.is_nan(key);
              });
      });
    }
    return out;
  });
}

Tensors unique_slices(const Tensor& self, int64_t dim_in, bool consecutive, bool inverse,
                      bool counts) {
  RL_CHECK_INDEX(self.dim() > 0, "Dimension specified as ", dim_in,
                 " but tensor has no dimensions");
  const int dim = wrap_dim(dim_in, self.dim());
  const int64_t n = self.size(dim), m = n ? self.numel() / n : 0;
  bool zero = false;
  for (int d = 0; d < self.dim(); ++d) zero |= d != dim && self.size(d) == 0;
  RL_CHECK(n == 0 || !zero,
           "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied");
  RL_CHECK(n > 0 || !zero,
           "There are 0 sized dimensions, and they aren't selected, so unique cannot "
           "be applied");
  GradGuard off(false);
  const Tensor rows = contiguous_copy(
      call_op<"movedim">(self, Dims{dim}, Dims{0}));  // each slice one run of memory
  return with_keys(self.dtype(), [&](auto keys) -> Tensors {
    using K = typename decltype(keys)::key;
    const std::vector<K> key = read_all(keys, rows, n * m);
    const auto row = [&](int64_t i) { return key.data() + i * m; };
    std::vector<int64_t> order = natural_order(n);
    if (!consecutive)
      std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
        return std::lexicographical_compare(row(a), row(a) + m, row(b), row(b) + m);
      });
    const auto place = [&](int64_t i) { return order[static_cast<size_t>(i)]; };
    const Groups g(n, inverse, place,
                   [&](int64_t i) { return same(keys, row(place(i - 1)), row(place(i)), m); });
    return results(index_select(self, dim, as_tensor(g.first)), g, {n}, inverse, counts);
  });
}

/// The values carry a node, as PyTorch's do, whose backward says that there is no derivative.
Tensors not_differentiable(Tensors results, const Tensor& self, const char* label) {
  results[0] = record(results[0], label, {&self}, [] {
    return [](const Grads&, Node& n) -> Grads {
      const std::string name = n.name();
      raise(ErrorKind::NotImplemented, "the derivative for '",
            name == "Unique2Backward0"     ? "_unique2"
            : name == "UniqueDimBackward0" ? "unique_dim"
                                           : "unique_consecutive",
            "' is not implemented.");
    };
  });
  return results;
}
Tensors unique2(const Tensor& self, bool, bool inverse, bool counts) {
  check_type(self, "unique");
  return not_differentiable(unique_flat(self, false, inverse, counts), self, "Unique2Backward0");
}
Tensors unique_dim(const Tensor& self, int64_t dim, bool, bool inverse, bool counts) {
  check_type(self, "unique_dim");
  return not_differentiable(unique_slices(self, dim, false, inverse, counts), self,
                            "UniqueDimBackward0");
}
Tensors unique_consecutive(const Tensor& self, bool inverse, bool counts, OptInt dim) {
  check_type(self, "unique_consecutive");
  return not_differentiable(dim ? unique_slices(self, *dim, true, inverse, counts)
                                : unique_flat(self, true, inverse, counts),
                            self, "UniqueConsecutiveBackward0");
}

}  // namespace

void define_unique(Registry& r) {
  r.op("_unique2(input, sorted=True, return_inverse=False, return_counts=False)",
       "The sorted unique elements, each element's place among them, and how often each occurs.",
       &unique2)
      .on_meta(OnMeta::NeedsElements);
  r.op("_unique_dim(input, dim, sorted=True, return_inverse=False, return_counts=False)",
       "The same for slices along a dimension.", &unique_dim)
      .on_meta(OnMeta::NeedsElements);
  r.op("_unique_consecutive(input, return_inverse=False, return_counts=False, dim=None)",
       "The same for runs of equal neighbours.", &unique_consecutive)
      .on_meta(OnMeta::NeedsElements);
}

}  // namespace rl
