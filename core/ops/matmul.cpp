// Products of matrices, vectors and batches of them: mm, bmm, mv, dot, matmul, linear. All of them
// come down to one recorded function, `product`, whose gradients are products again, with
// transposed operands given as flags. Not here: the add* forms and what is composed of products
// (contract.cpp).
#include "ops/product.h"

#include "cpu/gemm.h"
#include "cpu/load_store.h"
#include "cpu/threads.h"
#include "op/call.h"
#include "op/promote.h"
#include "ops/ops.h"
#include "tensor/layout.h"

namespace rl {

void check_implemented(const char* kernel, DType t) {
  const bool unsigned_wide = t == DType::U16 || t == DType::U32 || t == DType::U64;
  RL_CHECK_AS(NotImplemented, t != DType::Bool && !unsigned_wide, '"', kernel,
              "\" not implemented for '", info(t).type, '\'',
              "\nfix: convert the operands first, for example with .float() or .long().");
}

void check_expands(const Tensor& t, const Dims& to) {
  RL_CHECK(t.dim() <= to.size(), "expand(torch.", info(t.dtype()).type, "Tensor{", t.sizes(),
           "}, size=", to, "): the number of sizes provided (", to.size(),
           ") must be greater or equal to the number of dimensions in the tensor (", t.dim(), ")");
  const int shift = to.size() - t.dim();
  for (int i = t.dim() - 1; i >= 0; --i)
    RL_CHECK(t.size(i) == to[i + shift] || t.size(i) == 1, "The expanded size of the tensor (",
             to[i + shift], ") must match the existing size (", t.size(i),
             ") at non-singleton dimension ", i + shift, ".  Target sizes: ", to,
             ".  Tensor sizes: ", t.sizes());
}

Tensor conjugate(const Tensor& t) {
  return is_complex(t.dtype()) ? call_op<"conj_physical">(t) : t;
}

namespace {

/// A stored matrix as the kernels take it.
struct Matrix {
  bool trans;
  int64_t ld;
};

/// False if neither dimension is dense: then a copy is needed.
bool as_matrix(int64_t rows, int64_t cols, int64_t row_step, int64_t col_step, Matrix* m) {
  if ((col_step == 1 || cols <= 1) && (rows <= 1 || row_step >= std::max<int64_t>(cols, 1))) {
    *m = {false, rows <= 1 ? std::max<int64_t>(cols, 1) : row_step};
    return true;
  }
  if ((row_step == 1 || rows <= 1) && (cols <= 1 || col_step >= std::max<int64_t>(rows, 1))) {
    *m = {true, cols <= 1 ? std::max<int64_t>(rows, 1) : col_step};
    return true;
  }
  return false;
}

/// The last two dimensions of t, which is replaced by a copy if need be.
Matrix last_two(Tensor& t) {
  Matrix m;
  if (!as_matrix(t.size(-2), t.size(-1), t.stride(-2), t.stride(-1), &m)) {
    t = contiguous_copy(t);
    m = {false, std::max<int64_t>(t.size(-1), 1)};
  }
  return m;
}

int64_t row_count(const Tensor& t, bool trans) { return t.size(trans ? -1 : -2); }
int64_t col_count(const Tensor& t, bool trans) { return t.size(trans ? -2 : -1); }

bool on_meta(const Tensor& t) { return t.device().type == Device::Meta; }

/// Every batch of a broadcast product. Batch dimensions that lie evenly become one batched call;
/// the others are looped over, threads sharing them.
void run_batches(DType dtype, const Tensor& a, Matrix ma, const Tensor& b, Matrix mb,
                 const Tensor& out, int64_t k, cpu::Factor alpha, cpu::Factor beta) {
  const int batch_dims = out.dim() - 2;
  const int64_t m = out.size(-2), n = out.size(-1);
  const Dims batch(out.sizes().data(), batch_dims);
  const auto steps = [&](const Tensor& t) {
    return expand_strides(Dims(t.sizes().data(), t.dim() - 2),
                          Dims(t.strides().data(), t.dim() - 2), batch);
  };
  const Dims so = steps(out), sa = steps(a), sb = steps(b);
  const Dims* strides[] = {&so, &sa, &sb};
  const LoopNest nest(batch, strides, 3);
  int64_t outer = 1;
  for (int d = 1; d < nest.ndim; ++d) outer *= nest.size[d];
  const int64_t size = size_of(dtype);
  const char *pa = a.data<char>(), *pb = b.data<char>();
  char* pc = out.data<char>();
  const auto body = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t rest = i, at[3] = {};
      for (int d = 1; d < nest.ndim; ++d) {
        const int64_t index = rest % nest.size[d];
        rest /= nest.size[d];
        for (int o = 0; o < 3; ++o) at[o] += index * nest.stride[o][d];
      }
      cpu::gemm_batched(dtype, ma.trans, mb.trans, nest.size[0], m, n, k, alpha, pa + at[1] * size,
                        ma.ld, nest.stride[1][0], pb + at[2] * size, mb.ld, nest.stride[2][0], beta,
                        pc + at[0] * size, n, nest.stride[0][0]);
    }
  };
  const int64_t work = std::max<int64_t>(nest.size[0] * m * n * std::max<int64_t>(k, 1), 1);
  LongKernel off(outer * work);
  if (outer < cpu::num_threads()) return body(0, outer);
  cpu::parallel_for(0, outer, 200'000 / work + 1, body);
}

}  // namespace

void product_into(const Tensor& out, Tensor a, bool ta, Tensor b, bool tb, const Scalar& alpha,
                  const Scalar& beta) {
  if (out.numel() == 0 || on_meta(out)) return;
  const int64_t m = out.size(-2), n = out.size(-1), k = col_count(a, ta);
  Matrix ma = last_two(a), mb = last_two(b);
  ma.trans ^= ta;
  mb.trans ^= tb;
  const cpu::Factor fa(alpha.real(), alpha.imag()), fb(beta.real(), beta.imag());
  if (out.dim() > 2) return run_batches(out.dtype(), a, ma, b, mb, out, k, fa, fb);
  LongKernel off(m * n * k / 4);
  cpu::gemm(out.dtype(), ma.trans, mb.trans, m, n, k, fa, a.raw(), ma.ld, b.raw(), mb.ld, fb,
            out.raw(), n);
}

Tensor product(const Tensor& a, bool ta, const Tensor& b, bool tb, const char* label) {
  const int64_t m = row_count(a, ta), n = col_count(b, tb);
  Dims sizes;
  if (a.dim() > 2 || b.dim() > 2)
    sizes = broadcast(Dims(a.sizes().data(), a.dim() - 2), Dims(b.sizes().data(), b.dim() - 2));
  sizes.push_back(m);
  sizes.push_back(n);
  Tensor out = empty(sizes, a.dtype(), a.device());
  product_into(out, a, ta, b, tb, 1, 0);
  return record(out, label, {&a, &b}, [&] {
    return [=, sa = Saved(a), sb = Saved(b)](const Grads& grads, Node& self) -> Grads {
      const Tensor& g = grads[0];
      Tensor da, db;
      if (self.needs(0)) {
        const Tensor other = conjugate(sb.unpack(&self));
        da = ta ? product(other, tb, g, true, label) : product(g, false, other, !tb, label);
      }
      if (self.needs(1)) {
        const Tensor other = conjugate(sa.unpack(&self));
        db = tb ? product(g, true, other, ta, label) : product(other, !ta, g, false, label);
      }
      return {da, db};
    };
  });
}

// ---- the products of PyTorch's names ----

void check_mm(const Tensor& a, const Dims& b) {
  RL_CHECK(a.size(-1) == b[0], "mat1 and mat2 shapes cannot be multiplied (", by_x(a.sizes()),
           " and ", by_x(b), ")\nwhy: the columns of the first (", a.size(-1),
           ") must be as many as the rows of the second (", b[0], ").");
}
constexpr const char* kOneDtype =
    "\nfix: bring both to one dtype with .float() or .double(); numbers from NumPy are float64.";
void check_same_dtype(const char* name, const Tensor& t, const Tensor& mat2) {
  RL_CHECK(t.dtype() == mat2.dtype(), name, " and mat2 must have the same dtype, but got ",
           info(t.dtype()).type, " and ", info(mat2.dtype()).type, kOneDtype);
}
void check_same_type(const Tensor& a, const Tensor& b) {
  RL_CHECK(a.dtype() == b.dtype(),
           "expected m1 and m2 to have the same dtype, but got: ", c_name_of(a.dtype()),
           " != ", c_name_of(b.dtype()), kOneDtype);
}

Tensor mm(const Tensor& a, const Tensor& b) {
  RL_CHECK(a.dim() == 2, "self must be a matrix");
  RL_CHECK(b.dim() == 2, "mat2 must be a matrix");
  check_mm(a, b.sizes());
  check_same_type(a, b);
  check_implemented("addmm_impl_cpu_", a.dtype());
  return product(a, false, b, false, "MmBackward0");
}

void check_bmm(const Tensor& a, const Tensor& b) {
  RL_CHECK(a.dim() == 3, "batch1 must be a 3D tensor");
  RL_CHECK(b.dim() == 3, "batch2 must be a 3D tensor");
  RL_CHECK(a.size(0) == b.size(0) && a.size(2) == b.size(1),
           "Expected size for first two dimensions of batch2 tensor to be: [", a.size(0), ", ",
           a.size(2), "] but got: [", b.size(0), ", ", b.size(1), "].");
}
void check_scalar_type(const Tensor& a, const Tensor& b) {
  RL_CHECK(a.dtype() == b.dtype(), "expected scalar type ", info(a.dtype()).type, " but found ",
           info(b.dtype()).type);
}

Tensor bmm(const Tensor& a, const Tensor& b) {
  check_bmm(a, b);
  check_scalar_type(a, b);
  check_implemented("bmm", a.dtype());
  return product(a, false, b, false, "BmmBackward0");
}

void check_mv(const Tensor& self, int64_t self_size, const Tensor& a, const Tensor& x) {
  RL_CHECK(a.dim() == 2 && x.dim() == 1 && self.dim() <= 1,
           "vector + matrix @ vector expected, got ", std::min(self.dim(), 1), ", ", a.dim(), ", ",
           x.dim());
  RL_CHECK(a.size(1) == x.size(0) && (self_size == a.size(0) || self_size == 1),
           "size mismatch, got input (", self_size, "), mat (", by_x(a.sizes()), "), vec (",
           x.size(0), ")");
  RL_CHECK(self.dtype() == a.dtype() && a.dtype() == x.dtype(),
           "addmv input tensors must have the same dtype, but got ", info(self.dtype()).type, ", ",
           info(a.dtype()).type, ", and ", info(x.dtype()).type);
  check_implemented("addmv_impl_cpu", a.dtype());
}

void gemv_into(const Tensor& out, Tensor a, const Tensor& x, const Scalar& alpha,
               const Scalar& beta) {
  if (out.numel() == 0 || on_meta(out)) return;
  const int64_t m = a.size(0), n = a.size(1);
  const Matrix ma = last_two(a);
  const Tensor dense = n <= 1 || x.stride(0) >= 1 ? x : contiguous_copy(x);
  LongKernel off(m * n / 4);
  cpu::gemv(a.dtype(), ma.trans, m, n, {alpha.real(), alpha.imag()}, a.raw(), ma.ld, dense.raw(),
            n <= 1 ? 1 : dense.stride(0), {beta.real(), beta.imag()}, out.raw(), 1);
}

/// The gradients of a @ x.
Grads mv_gradients(const Tensor& g, const Saved& a, const Saved& x, Node& self, size_t first) {
  Tensor da, dx;
  if (self.needs(first)) da = outer(g, conjugate(x.unpack(&self)));
  if (self.needs(first + 1)) dx = mv(transpose(conjugate(a.unpack(&self)), 0, 1), g);
  return {da, dx};
}

Tensor mv(const Tensor& a, const Tensor& x) {
  // torch's message says whose sizes disagree through the result that it would write.
  RL_CHECK(a.dim() == 2 && x.dim() == 1, "vector + matrix @ vector expected, got 1, ", a.dim(),
           ", ", x.dim());
  RL_CHECK(a.size(1) == x.size(0), "size mismatch, got input (", a.size(0), "), mat (",
           by_x(a.sizes()), "), vec (", x.size(0), ")");
  RL_CHECK(a.dtype() == x.dtype(), "addmv input tensors must have the same dtype, but got ",
           info(x.dtype()).type, ", ", info(a.dtype()).type, ", and ", info(x.dtype()).type);
  check_implemented("addmv_impl_cpu", a.dtype());
  Tensor out = empty({a.size(0)}, a.dtype(), a.device());
  gemv_into(out, a, x, 1, 0);
  return record(out, "MvBackward0", {&a, &x}, [&] {
    return [sa = Saved(a), sx = Saved(x)](const Grads& g, Node& self) -> Grads {
      return mv_gradients(g[0], sa, sx, self, 0);
    };
  });
}

namespace {

void check_dot(const Tensor& a, const Tensor& b) {
  RL_CHECK(a.dim() == 1 && b.dim() == 1, "1D tensors expected, but got ", a.dim(), "D and ",
           b.dim(), "D tensors");
  RL_CHECK(a.dtype() == b.dtype(), "dot : expected both vectors to have same dtype, but found ",
           info(a.dtype()).type, " and ", info(b.dtype()).type);
  RL_CHECK(a.numel() == b.numel(), "inconsistent tensor size, expected tensor ", a.sizes(),
           " and src ", b.sizes(), " to have the same number of elements, but got ", a.numel(),
           " and ", b.numel(), " elements respectively");
}

Tensor run_dot(const Tensor& a, const Tensor& b) {
  check_implemented("dot", a.dtype());
  Tensor out = empty({}, a.dtype(), a.device());
  if (on_meta(out)) return out;
  const auto dense = [](const Tensor& t) {
    return t.numel() <= 1 || t.stride(0) >= 1 ? t : contiguous_copy(t);
  };
  const Tensor x = dense(a), y = dense(b);
  const auto step = [](const Tensor& t) { return t.numel() <= 1 ? int64_t{1} : t.stride(0); };
  cpu::dot(a.dtype(), x.numel(), x.raw(), step(x), y.raw(), step(y), out.raw());
  return out;
}

}  // namespace

Tensor dot(const Tensor& a, const Tensor& b) {
  check_dot(a, b);
  return record(run_dot(a, b), "DotBackward0", {&a, &b}, [&] {
    return [sa = Saved(a), sb = Saved(b)](const Grads& g, Node& self) -> Grads {
      Tensor da, db;
      if (self.needs(0)) da = call_op<"mul">(g[0], conjugate(sb.unpack(&self)));
      if (self.needs(1)) db = call_op<"mul">(g[0], conjugate(sa.unpack(&self)));
      return {da, db};
    };
  });
}

Tensor vdot(const Tensor& a, const Tensor& b) {
  check_dot(a, b);
  Tensor left = a;
  if (is_complex(a.dtype())) {
    GradGuard off(false);
    left = call_op<"conj_physical">(a);
  }
  return record(run_dot(left, b), "VdotBackward0", {&a, &b}, [&] {
    return [sa = Saved(a), sb = Saved(b)](const Grads& g, Node& self) -> Grads {
      Tensor da, db;
      if (self.needs(0)) da = call_op<"mul">(conjugate(g[0]), sb.unpack(&self));
      if (self.needs(1)) db = call_op<"mul">(g[0], sa.unpack(&self));
      return {da, db};
    };
  });
}

Tensor outer(const Tensor& a, const Tensor& b) {
  RL_CHECK(a.dim() == 1, "outer: Expected 1-D argument self, but got ", a.dim(), "-D");
  RL_CHECK(b.dim() == 1, "outer: Expected 1-D argument vec2, but got ", b.dim(), "-D");
  return call_op<"mul">(unsqueeze(a, 1), b);
}

// ---- many rows times one matrix: linear, and matmul of n-d by 2-d ----

namespace {

/// x as [rows, k]; copies only if its leading dimensions do not lie evenly.
Tensor rows_of(const Tensor& x) {
  const int64_t k = x.size(-1);
  if (x.dim() == 2) return x;
  int64_t rows = 1;
  for (int d = 0; d + 1 < x.dim(); ++d) rows *= x.size(d);
  const Dims shape{rows, k};
  Dims strides;
  if (view_strides(x.sizes(), x.strides(), shape, &strides))
    return make_view(x->storage, x.dtype(), shape, strides, x->offset);
  const Tensor dense = contiguous_copy(x);
  return make_view(dense->storage, x.dtype(), shape, {k, 1}, dense->offset);
}

void fill_rows(const Tensor& out, const Tensor& bias) {
  const int64_t n = out.size(-1), row = n * size_of(out.dtype());
  if (n == 0 || on_meta(out)) return;
  if (bias.dim() != 1 || bias.size(0) != n || !bias.is_contiguous()) return write(out, bias);
  char* to = out.data<char>();
  const char* from = bias.data<char>();
  cpu::parallel_for(0, out.numel() / n, 32768 / n + 1, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      __builtin_memcpy(to + i * row, from, static_cast<size_t>(row));
  });
}

Dims folded_sizes(const Tensor& x) {
  int64_t rows = 1;
  for (int d = 0; d + 1 < x.dim(); ++d) rows *= x.size(d);
  return {rows, x.size(-1)};
}

/// x[..., k] @ op(w) + bias, where w is [k, n], or [n, k] if tw. Shapes and types are checked.
Tensor rows_product(const Tensor& x, const Tensor& w, bool tw, const Tensor& bias,
                    const char* label) {
  Dims sizes = x.sizes();
  sizes.back() = col_count(w, tw);
  Tensor out = empty(sizes, x.dtype(), x.device());
  if (bias.defined()) fill_rows(out, bias);
  product_into(out.dim() == 2 ? out : rows_of(out), rows_of(x), false, w, tw, 1,
               bias.defined() ? 1 : 0);
  return record(out, label, {&x, &w, &bias}, [&] {
    return [=, sx = Saved(x), sw = Saved(w)](const Grads& grads, Node& self) -> Grads {
      const Tensor& g = grads[0];
      Tensor dx, dw;
      if (self.needs(0)) dx = rows_product(g, conjugate(sw.unpack(&self)), !tw, Tensor(), label);
      if (self.needs(1)) {
        const auto flat = [](const Tensor& t) {
          return t.dim() == 2 ? t : reshape(t, folded_sizes(t));
        };
        const Tensor x2 = flat(conjugate(sx.unpack(&self))), g2 = flat(g);
        dw = tw ? product(g2, true, x2, false, label) : product(x2, true, g2, false, label);
      }
      return {dx, dw, self.needs(2) ? g : Tensor()};
    };
  });
}

/// The shape that torch's messages speak of: leading dimensions folded.
void check_rows(const Tensor& x, const Tensor& w, bool tw) {
  const Dims second{row_count(w, tw), col_count(w, tw)};
  RL_CHECK(
      x.size(-1) == second[0], "mat1 and mat2 shapes cannot be multiplied (", by_x(folded_sizes(x)),
      " and ", by_x(second), ")",
      tw ? str("\nwhy: a linear layer with weight ", w.sizes(), " takes inputs whose last size is ",
               w.size(1), ", and this one's shape is ", x.sizes(), ".")
         : str("\nwhy: shapes ", x.sizes(), " and ", w.sizes(),
               " disagree in the dimension that is summed over."));
}

Tensor linear(const Tensor& x, const Tensor& w, const OptTensor& bias) {
  RL_CHECK(x.dim() >= 1 && w.dim() >= 1,
           "both arguments to linear need to be at least 1D, but they are ", x.dim(), "D and ",
           w.dim(), "D");
  RL_CHECK(w.dim() <= 2, "t() expects a tensor with <= 2 dimensions, but self is ", w.dim(), "D");
  if (w.dim() == 1) {
    RL_CHECK(!bias.defined(), "mat2 must be a matrix, got 1-D tensor");
    return matmul(x, w);
  }
  check_rows(x, w, true);
  if (!bias.defined()) {
    check_same_type(x, w);
  } else {
    Dims sizes = x.dim() == 2 ? x.sizes() : folded_sizes(x);
    sizes.back() = w.size(0);
    if (x.dim() == 1 && bias.dim() > 1)
      RL_CHECK(false, "output with shape [", w.size(0), "] doesn't match the broadcast shape ",
               broadcast({w.size(0)}, bias.sizes()));
    check_expands(bias, sizes);
    check_same_dtype("self", bias, w);
    check_same_dtype("mat1", x, w);
  }
  check_implemented("addmm_impl_cpu_", x.dtype());
  const char* label = bias.defined() ? (x.dim() == 2 ? "AddmmBackward0" : "ViewBackward0")
                      : x.dim() == 2 ? "MmBackward0"
                      : x.dim() == 1 ? "SqueezeBackward4"
                                     : "UnsafeViewBackward0";
  if (bias.defined() && bias.dim() > 1 && x.dim() != 2)  // a bias over folded rows
    return reshape(linear(reshape(x, folded_sizes(x)), w, bias), [&] {
      Dims sizes = x.sizes();
      sizes.back() = w.size(0);
      return sizes;
    }());
  return rows_product(x, w, true, bias, label);
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  const int na = a.dim(), nb = b.dim();
  RL_CHECK(na > 0 && nb > 0, "both arguments to matmul need to be at least 1D, but they are ", na,
           "D and ", nb, "D");
  if (na == 2 && nb == 2) return mm(a, b);
  if (na == 1 && nb == 1) return dot(a, b);
  if (na == 2 && nb == 1) return mv(a, b);
  if (na == 1 && nb == 2) return squeeze_dim(mm(unsqueeze(a, 0), b), 0);
  if (nb == 1) {
    Dims sizes(a.sizes().data(), na - 1);
    return reshape(mv(reshape(a, folded_sizes(a)), b), sizes);
  }
  if (nb == 2) {
    check_rows(a, b, false);
    check_same_type(a, b);
    check_implemented("addmm_impl_cpu_", a.dtype());
    return rows_product(a, b, false, Tensor(), "UnsafeViewBackward0");
  }
  if (na == 1) return squeeze_dim(matmul(unsqueeze(a, 0), b), -2);
  const Dims batch_a(a.sizes().data(), na - 2), batch_b(b.sizes().data(), nb - 2);
  const Dims batch = broadcast(batch_a, batch_b);
  int64_t count = 1;
  for (int64_t s : batch) count *= s;
  RL_CHECK(a.size(-1) == b.size(-2),
           "Expected size for first two dimensions of batch2 tensor to be: [", count, ", ",
           a.size(-1), "] but got: [", count, ", ", b.size(-2), "].\nwhy: shapes ", a.sizes(),
           " and ", b.sizes(), " disagree in the dimension that is summed over.");
  check_scalar_type(a, b);
  check_implemented("bmm", a.dtype());
  const bool same = na == 3 && nb == 3 && batch_a == batch_b;
  return product(a, false, b, false, same ? "BmmBackward0" : "UnsafeViewBackward0");
}

void define_matmul(Registry& r) {
  r.op("mm(input, mat2)", "The product of two matrices, [n, m] and [m, p].", &mm)
      .out_dtype(kOutExact);
  r.op("bmm(input, mat2)", "Products of two batches of matrices, [b, n, m] and [b, m, p].", &bmm)
      .out_dtype(kOutExact);
  r.op("mv(input, vec)", "The product of a matrix [n, m] and a vector [m].", &mv)
      .out_dtype(kOutVector);
  r.op("dot(input, tensor)", "The sum of products of two vectors of one size, without conjugation.",
       &dot)
      .out_dtype(kOutProduct);
  r.op("vdot(input, other)", "The dot product with the first vector conjugated.", &vdot)
      .out_dtype(kOutProduct);
  r.op("outer(input, vec2)", "The matrix input[i] * vec2[j] of two vectors.", &outer).alias("ger");
  r.op("matmul(input, other)",
       "The product of vectors, matrices or batches of matrices. Leading dimensions broadcast; a "
       "1-d operand is a row on the left, a column on the right, and its dimension is dropped.",
       &matmul)
      .alias("__matmul__")
      .out_dtype(
          {.text = nullptr, .by = [](const Arg* args) -> const OutRule& {
             const int a = args[0].tensor->dim(), b = args[1].tensor->dim();
             return a == 1 && b == 1 ? kOutProduct : a > 1 && b == 1 ? kOutVector : kOutExact;
           }});
  r.op("linear(input, weight, bias=None)",
       "input @ weight.T + bias over the last dimension; weight is [out, in].", &linear)
      .nn()
      .out_dtype(kOutExact);
}

}  // namespace rl
