// Scaled dot-product attention in blocks of query rows, so that the full matrix of scores never
// exists: softmax(q k^T * scale + mask) v, forward and backward. What a causal mask hides is not
// computed. The weights are computed again in backward (Dao et al. 2022, FlashAttention; Rabe and
// Staats 2021). Not here: dropout, half precision, grouped heads, which nn.functional composes.
#include <algorithm>
#include <limits>
#include <vector>

#include "cpu/gemm.h"
#include "cpu/pick.h"
#include "cpu/softmax_kernels.h"
#include "cpu/threads.h"
#include "ops/ops.h"
#include "ops/reduce.h"
#include "tensor/layout.h"

RL_PICK(cpu::SoftmaxTable, softmax_table)

namespace rl {
namespace {

/// A stack of matrices whose rows are dense; where matrix i begins.
struct Matrices {
  Tensor owner;
  Dims sizes, strides;  // of the stack
  int64_t row = 0;      // from row to row
  char* base = nullptr;

  Matrices() = default;
  explicit Matrices(const Tensor& t)
      : owner(t), sizes(t.sizes()), strides(t.strides()), base(t.data<char>()) {
    row = t.stride(-2);
    for (int k = 0; k < 2; ++k) sizes.erase(sizes.size() - 1), strides.erase(strides.size() - 1);
  }
  template <class T>
  T* at(int64_t i) const {
    int64_t offset = 0;
    for (int d = sizes.size() - 1; d >= 0; --d) {
      offset += i % sizes[d] * strides[d];
      i /= sizes[d];
    }
    return reinterpret_cast<T*>(base) + offset;
  }
};

Tensor dense_rows(const Tensor& t) {
  const bool fits = t.stride(-1) == 1 && t.stride(-2) >= t.size(-1);
  return fits ? t : as_contiguous(t);
}

/// (..., H, L, E) laid out as (..., L, H, E), in which heads are joined without a copy.
Tensor joined_heads(const Tensor& like, int64_t width) {
  Dims sizes = like.sizes();
  const int n = sizes.size();
  sizes[n - 1] = width;
  if (n < 4) return empty(sizes, like.dtype(), like.device());
  std::swap(sizes[n - 3], sizes[n - 2]);
  return transpose(empty(sizes, like.dtype(), like.device()), n - 3, n - 2);
}

struct Attention {
  int64_t count = 1, L, S, E, V;
  double scale;
  bool causal;
  Matrices q, k, v, mask;
  int64_t mask_step = 0;
  bool has_mask, mask_is_bool = false;

  Attention(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& m,
            bool is_causal, double factor)
      : L(query.size(-2)),
        S(key.size(-2)),
        E(query.size(-1)),
        V(value.size(-1)),
        scale(factor),
        causal(is_causal),
        q(dense_rows(query)),
        k(dense_rows(key)),
        v(dense_rows(value)),
        has_mask(m.defined()) {
    for (int64_t s : q.sizes) count *= s;
    if (!has_mask) return;
    mask = Matrices(m);
    mask_step = m.stride(-1);
    mask_is_bool = m.dtype() == DType::Bool;
  }
  /// Rows of a block: its scores stay in the second-level cache.
  int64_t rows() const { return std::clamp<int64_t>(65536 / S, 8, 64); }
  int64_t work() const { return count * L * S * (E + V); }
  /// How many keys the rows before `end` see.
  int64_t seen(int64_t end) const { return causal ? std::min(S, end) : S; }

  /// The weights of rows [first, first + n) of matrix i: w is (n, keys).
  template <class T>
  void weights(int64_t i, int64_t first, int64_t n, int64_t keys, T* w) const {
    cpu::gemm(dtype<T>(), false, true, n, keys, E, scale, q.at<T>(i) + first * q.row, q.row,
              k.at<T>(i), k.row, 0, w, keys);
    const auto& softmax = kernels<T>();
    if (!causal && !has_mask) return softmax.rows(false, n, keys, w, w);
    for (int64_t r = 0; r < n; ++r) {
      T* line = w + r * keys;
      const int64_t visible = causal ? std::min(keys, first + r + 1) : keys;
      if (has_mask && !add_mask(i, first + r, line)) {
        std::fill_n(line, keys, T(0));  // it may attend to nothing
        continue;
      }
      softmax.rows(false, 1, visible, line, line);
      std::fill(line + visible, line + keys, T(0));
    }
  }

  template <class T>
  static constexpr DType dtype() {
    return std::is_same_v<T, float> ? DType::F32 : DType::F64;
  }
  template <class T>
  static const cpu::SoftmaxKernels<T>& kernels() {
    return cpu::real_kernels<T>(cpu::softmax_table());
  }

 private:
  /// False if nothing is left.
  template <class T>
  bool add_mask(int64_t i, int64_t row, T* line) const {
    constexpr T hidden = -std::numeric_limits<T>::infinity();
    bool left = false;
    if (mask_is_bool) {
      const bool* m = mask.at<bool>(i) + row * mask.row;
      for (int64_t j = 0; j < S; ++j) {
        line[j] = m[j * mask_step] ? line[j] : hidden;
        left |= line[j] != hidden;
      }
    } else {
      const T* m = mask.at<T>(i) + row * mask.row;
      for (int64_t j = 0; j < S; ++j) {
        line[j] += m[j * mask_step];
        left |= line[j] != hidden;
      }
    }
    return left;
  }
};

template <class T>
void forward(const Attention& a, const Matrices& out) {
  const int64_t rows = a.rows(), blocks = (a.L + rows - 1) / rows;
  cpu::parallel_for(0, a.count * blocks, 1, [&](int64_t b, int64_t e) {
    std::vector<T> w(static_cast<size_t>(rows * a.S));
    for (int64_t unit = b; unit < e; ++unit) {
      const int64_t i = unit / blocks, first = unit % blocks * rows;
      const int64_t n = std::min(rows, a.L - first), keys = a.seen(first + n);
      a.weights(i, first, n, keys, w.data());
      cpu::gemm(a.dtype<T>(), false, false, n, a.V, keys, 1, w.data(), keys, a.v.at<T>(i), a.v.row,
                0, out.at<T>(i) + first * out.row, out.row);
    }
  });
}

/// dk and dv begin as zeros.
template <class T>
void backward(const Attention& a, const Matrices& g, const Matrices& dq, const Matrices& dk,
              const Matrices& dv) {
  const int64_t rows = a.rows();
  constexpr DType t = a.dtype<T>();
  cpu::parallel_for(0, a.count, 1, [&](int64_t b, int64_t e) {
    std::vector<T> weights(static_cast<size_t>(rows * a.S)), scores(weights.size());
    T *w = weights.data(), *ds = scores.data();
    for (int64_t i = b; i < e; ++i) {
      for (int64_t first = 0; first < a.L; first += rows) {
        const int64_t n = std::min(rows, a.L - first), keys = a.seen(first + n);
        const T *q = a.q.at<T>(i) + first * a.q.row, *dy = g.at<T>(i) + first * g.row;
        a.weights(i, first, n, keys, w);
        cpu::gemm(t, true, false, keys, a.V, n, 1, w, keys, dy, g.row, 1, dv.at<T>(i), dv.row);
        cpu::gemm(t, false, true, n, keys, a.V, 1, dy, g.row, a.v.at<T>(i), a.v.row, 0, ds, keys);
        a.kernels<T>().rows_backward(false, n, keys, ds, w, ds);
        cpu::gemm(t, false, false, n, a.E, keys, a.scale, ds, keys, a.k.at<T>(i), a.k.row, 0,
                  dq.at<T>(i) + first * dq.row, dq.row);
        cpu::gemm(t, true, false, keys, a.E, n, a.scale, ds, keys, q, a.q.row, 1, dk.at<T>(i),
                  dk.row);
      }
    }
  });
}

/// The same gradients by operations that record.
Grads recorded_gradients(const Tensor& g, const Tensor& q, const Tensor& k, const Tensor& v,
                         const Tensor& mask, bool causal, double scale) {
  Tensor scores = call_op<"mul">(call_op<"matmul">(q, transpose(k, -2, -1)), Scalar(scale));
  Tensor hidden;
  if (causal)
    hidden = call_op<"logical_not">(
        call_op<"tril">(full({q.size(-2), k.size(-2)}, Scalar(true), DType::Bool, q.device())));
  else if (mask.defined() && mask.dtype() == DType::Bool)
    hidden = call_op<"logical_not">(mask);
  else if (mask.defined())
    scores = call_op<"add">(scores, mask);
  const Scalar low(-std::numeric_limits<double>::infinity());
  if (hidden.defined()) scores = masked_fill(scores, hidden, Operand(low));
  const Tensor none = call_op<"all">(call_op<"eq">(scores, low), Dims{-1}, true);
  const Tensor w = masked_fill(softmax(scores, -1), none, Operand(0));
  const Tensor dw = call_op<"matmul">(g, transpose(v, -2, -1));
  const Tensor inner = sum_dims(call_op<"mul">(w, dw), {-1}, true);
  const Tensor ds = call_op<"mul">(call_op<"mul">(w, call_op<"sub">(dw, inner)), Scalar(scale));
  return {call_op<"matmul">(ds, k), call_op<"matmul">(transpose(ds, -2, -1), q),
          call_op<"matmul">(transpose(w, -2, -1), g)};
}

Grads gradients(const Tensor& grad, const Tensor& q, const Tensor& k, const Tensor& v,
                const Tensor& mask, bool causal, double scale) {
  if (GradMode::enabled) return recorded_gradients(grad, q, k, v, mask, causal, scale);
  const Attention a(q, k, v, mask, causal, scale);
  const Tensor g = dense_rows(grad), dq = joined_heads(q, a.E), dk = joined_heads(k, a.E),
               dv = joined_heads(v, a.V);
  for (const Tensor* t : {&dk, &dv}) call_op<"zero_">(*t);
  LongKernel off(a.work());
  if (q.dtype() == DType::F32)
    backward<float>(a, Matrices(g), Matrices(dq), Matrices(dk), Matrices(dv));
  else
    backward<double>(a, Matrices(g), Matrices(dq), Matrices(dk), Matrices(dv));
  return {dq, dk, dv};
}

void check(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask) {
  const int n = q.dim();
  RL_CHECK(n >= 2 && k.dim() == n && v.dim() == n && q.numel() && k.numel() && v.numel(),
           "attention: expected tensors of as many dimensions, none of them empty");
  RL_CHECK((q.dtype() == DType::F32 || q.dtype() == DType::F64) && k.dtype() == q.dtype() &&
               v.dtype() == q.dtype(),
           "attention: expected tensors of one dtype, float32 or float64");
  for (int d = 0; d < n - 2; ++d)
    RL_CHECK(k.size(d) == q.size(d) && v.size(d) == q.size(d), "attention: stacks differ");
  RL_CHECK(q.size(-1) == k.size(-1) && k.size(-2) == v.size(-2), "attention: sizes differ");
  if (!mask.defined()) return;
  RL_CHECK(mask.dtype() == DType::Bool || mask.dtype() == q.dtype(),
           "attention: the mask must be of booleans or of the dtype of the query");
  Dims sizes = q.sizes();
  sizes[n - 1] = k.size(-2);
  RL_CHECK(mask.sizes() == sizes, "attention: the mask must be expanded to ", sizes);
}

Tensor block_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                       const OptTensor& attn_mask, bool is_causal, double scale) {
  for (const Tensor* t : {&query, &key, &value}) check_cpu(*t);
  const Tensor& mask = attn_mask;
  check(query, key, value, mask);
  const Attention a(query, key, value, mask, is_causal, scale);
  const Tensor out = joined_heads(query, a.V);
  {
    const Matrices rows(out);
    LongKernel off(a.work());
    query.dtype() == DType::F32 ? forward<float>(a, rows) : forward<double>(a, rows);
  }
  return record(out, "ScaledDotProductFlashAttentionForCpuBackward0", {&query, &key, &value}, [&] {
    return [q = Saved(query), k = Saved(key), v = Saved(value), m = Saved(mask), is_causal, scale](
               const Grads& g, Node& n) -> Grads {
      return gradients(g[0], q.unpack(&n), k.unpack(&n), v.unpack(&n), m.unpack(&n), is_causal,
                       scale);
    };
  });
}

}  // namespace

void define_attention(Registry& r) {
  r.op("_block_attention(query, key, value, attn_mask=None, is_causal=False, scale=1.0)",
       "softmax(query key^T * scale + mask) value, by blocks of rows. The mask, of booleans or "
       "numbers, has no gradient.",
       &block_attention)
      .hidden();
}

}  // namespace rl
