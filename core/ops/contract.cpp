// What is built on matrix products: the add* forms, inner, tensordot. The products themselves are
// in matmul.cpp; einsum (rushlight/_einsum.py) and chains of matrices are Python.
#include "op/call.h"
#include "ops/ops.h"
#include "ops/points.h"
#include "ops/product.h"
#include "tensor/layout.h"

namespace rl {
namespace {

bool is_one(const Scalar& s) { return s.real() == 1 && s.imag() == 0; }
bool is_zero(const Scalar& s) { return s.real() == 0 && s.imag() == 0; }

/// Integer results take integer factors, real results real ones.
Scalar factor_for(DType t, const Scalar& s) {
  RL_CHECK(is_complex(t) || s.kind != Scalar::Complex, "value cannot be converted to type ",
           c_name_of(t), " without overflow");
  return is_integral(t) ? Scalar(s.integer()) : s;
}

/// g times the conjugate of a factor.
Tensor scaled(const Tensor& g, const Scalar& by) {
  if (is_one(by)) return g;
  return call_op<"mul">(g, by.kind == Scalar::Complex ? Scalar(std::conj(by.complex())) : by);
}

/// A new result that starts as `input` broadcast, for a product to be added to.
Tensor start_from(const Tensor& input, const Dims& sizes, const Scalar& beta) {
  check_expands(input, sizes);
  Tensor out = empty(sizes, input.dtype(), input.device());
  if (!is_zero(beta) && out.device().type != Device::Meta) write(out, input);
  return out;
}

/// beta * input + alpha * a @ b for matrices or batches of them; everything is checked.
Tensor add_product(const Tensor& input, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha,
                   const char* label, bool inplace) {
  beta = factor_for(a.dtype(), beta);
  alpha = factor_for(a.dtype(), alpha);
  Dims sizes = a.sizes();
  sizes.back() = b.size(-1);
  const auto build = [&] {
    return [=, sa = Saved(a), sb = Saved(b)](const Grads& grads, Node& self) -> Grads {
      const Tensor& g = grads[0];
      const Tensor ga = self.needs(1) || self.needs(2) ? scaled(g, alpha) : g;
      Tensor di, da, db;
      if (self.needs(0)) di = scaled(g, beta);
      if (self.needs(1)) da = product(ga, false, conjugate(sb.unpack(&self)), true, label);
      if (self.needs(2)) db = product(conjugate(sa.unpack(&self)), true, ga, false, label);
      return {di, da, db};
    };
  };
  if (!inplace) {
    Tensor out = start_from(input, sizes, beta);
    product_into(out, a, false, b, false, alpha, beta);
    return record(out, label, {&input, &a, &b}, build);
  }
  RL_CHECK(input.sizes() == sizes, "Bad in-place call: input tensor size ", input.sizes(),
           " and output tensor size ", sizes, " should match");
  in_place(
      input, label, {&input, &a, &b},
      [&] {
        const Tensor dense = as_contiguous(input);
        product_into(dense, apart_from(a, input), false, apart_from(b, input), false, alpha, beta);
        if (!dense.same(input)) write(input, dense);
      },
      build);
  return input;
}

template <bool kInPlace>
Tensor addmm(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta,
             const Scalar& alpha) {
  RL_CHECK(a.dim() == 2, "mat1 must be a matrix, got ", a.dim(), "-D tensor");
  RL_CHECK(b.dim() == 2, "mat2 must be a matrix, got ", b.dim(), "-D tensor");
  check_mm(a, b.sizes());
  check_expands(input, {a.size(0), b.size(1)});
  check_same_dtype("self", input, b);
  check_same_dtype("mat1", a, b);
  check_implemented("addmm_impl_cpu_", a.dtype());
  return add_product(input, a, b, beta, alpha, "AddmmBackward0", kInPlace);
}

template <bool kInPlace>
Tensor baddbmm(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta,
               const Scalar& alpha) {
  check_bmm(a, b);
  check_expands(input, {a.size(0), a.size(1), b.size(2)});
  RL_CHECK(input.dtype() == a.dtype(), "Input dtypes must be the same, got: input ",
           c_name_of(input.dtype()), ", batch1: ", c_name_of(a.dtype()),
           ", batch2: ", c_name_of(b.dtype()));
  check_scalar_type(a, b);
  check_implemented("baddbmm", a.dtype());
  return add_product(input, a, b, beta, alpha, "BaddbmmBackward0", kInPlace);
}

/// The sum over batches is one product over batch and inner dimension.
Tensor addbmm(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta,
              const Scalar& alpha) {
  if (a.dim() == 3 && b.dim() == 3) {
    RL_CHECK(a.size(0) == b.size(0), "batch1 and batch2 must have same number of batches, got ",
             a.size(0), " and ", b.size(0));
    RL_CHECK(a.size(2) == b.size(1), "Incompatible matrix sizes for bmm (", a.size(1), "x",
             a.size(2), " and ", b.size(1), "x", b.size(2), ")");
  }
  check_bmm(a, b);
  const int64_t rows = a.size(1), columns = b.size(2), inner = a.size(0) * a.size(2);
  check_expands(input, {rows, columns});
  check_same_dtype("self", input, b);
  check_scalar_type(a, b);
  check_implemented("addbmm", a.dtype());
  const Tensor left = reshape(permute(a, {1, 0, 2}), {rows, inner});
  const Tensor right = reshape(b, {inner, columns});
  return add_product(input, left, right, beta, alpha, "AddbmmBackward0", false);
}

Tensor addmv(const Tensor& input, const Tensor& a, const Tensor& x, const Scalar& beta_in,
             const Scalar& alpha_in) {
  RL_CHECK(a.dim() == 2 && x.dim() == 1 && input.dim() <= 1,
           "vector + matrix @ vector expected, got ", input.dim(), ", ", a.dim(), ", ", x.dim());
  RL_CHECK(a.size(1) == x.size(0) && (input.numel() == a.size(0) || input.numel() == 1),
           "size mismatch, got input (", input.numel(), "), mat (", by_x(a.sizes()), "), vec (",
           x.size(0), ")");
  RL_CHECK(input.dtype() == a.dtype() && a.dtype() == x.dtype(),
           "addmv input tensors must have the same dtype, but got ", info(input.dtype()).type, ", ",
           info(a.dtype()).type, ", and ", info(x.dtype()).type);
  check_implemented("addmv_impl_cpu", a.dtype());
  const Scalar alpha = factor_for(a.dtype(), alpha_in), beta = factor_for(a.dtype(), beta_in);
  Tensor out = start_from(input, {a.size(0)}, beta);
  gemv_into(out, a, x, alpha, beta);
  return record(out, "AddmvBackward0", {&input, &a, &x}, [&] {
    return [=, sa = Saved(a), sx = Saved(x)](const Grads& g, Node& self) -> Grads {
      Tensor di;
      if (self.needs(0)) di = scaled(g[0], beta);
      Grads rest = mv_gradients(scaled(g[0], alpha), sa, sx, self, 1);
      return {di, rest[0], rest[1]};
    };
  });
}

Tensor addr(const Tensor& input, const Tensor& a, const Tensor& b, const Scalar& beta,
            const Scalar& alpha) {
  RL_CHECK(a.dim() == 1, "addr: Expected 1-D argument vec1, but got ", a.dim(), "-D");
  RL_CHECK(b.dim() == 1, "addr: Expected 1-D argument vec2, but got ", b.dim(), "-D");
  check_expands(input, {a.size(0), b.size(0)});
  const bool integral =
      is_integral(input.dtype()) && is_integral(a.dtype()) && is_integral(b.dtype());
  for (const auto& [name, s] : {std::pair{"beta", &beta}, std::pair{"alpha", &alpha}})
    RL_CHECK(!integral || s->is_integral(), "For integral input tensors, argument ", name,
             " must not be a floating point number.");
  Tensor out;
  {
    GradGuard off(false);
    const bool bools = integral && input.dtype() == DType::Bool && a.dtype() == DType::Bool &&
                       b.dtype() == DType::Bool;
    const auto times = [bools](const Tensor& t, const Scalar& s) {
      return is_one(s) ? t : call_op<"mul">(t, bools ? Scalar(!is_zero(s)) : s);
    };
    const Tensor left = unsqueeze(times(a, alpha), 1);
    out = is_zero(beta) ? call_op<"mul">(left, b)
          : bools       ? call_op<"add">(times(input, beta), call_op<"mul">(left, b))
                        : call_op<"addcmul">(times(input, beta), left, b);
  }
  return record(out, "AddrBackward0", {&input, &a, &b}, [&] {
    return [=, sa = Saved(a), sb = Saved(b)](const Grads& grads, Node& self) -> Grads {
      const Tensor ga = scaled(grads[0], alpha);
      Tensor di, da, db;
      if (self.needs(0)) di = scaled(grads[0], beta);
      if (self.needs(1)) da = mv(ga, call_to(conjugate(sb.unpack(&self)), ga.dtype()));
      if (self.needs(2))
        db = mv(transpose(ga, 0, 1), call_to(conjugate(sa.unpack(&self)), ga.dtype()));
      return {di, da, db};
    };
  });
}

Tensor inner(const Tensor& a, const Tensor& b) {
  RL_CHECK(a.dtype() == b.dtype(), "both inputs should have same dtype");
  if (a.dim() == 0 || b.dim() == 0) return call_op<"mul">(a, b);
  RL_CHECK(a.size(-1) == b.size(-1),
           "inner() the last dimension must match on both input tensors but got shapes ", a.sizes(),
           " and ", b.sizes());
  if (a.dim() == 1 && b.dim() == 1) return dot(a, b);
  return tensordot(a, b, {-1}, {-1});
}

}  // namespace

// ---- contraction of any dimensions ----

Tensor tensordot(const Tensor& a_in, const Tensor& b_in, const Dims& dims_a, const Dims& dims_b) {
  RL_CHECK(dims_a.size() == dims_b.size(), "both dimension lists should have same length");
  RL_CHECK(a_in.dtype() == b_in.dtype(), "both inputs should have same dtype");
  RL_CHECK(a_in.dim() <= 64 && b_in.dim() <= 64, "only tensors with up to 64 dims are supported");
  Tensor a = a_in, b = b_in;
  int64_t k = 1;
  bool used_a[64] = {}, used_b[64] = {};
  Dims order_a, order_b, last_a;
  for (int i = 0; i < dims_a.size(); ++i) {
    const int da = wrap_dim(dims_a[i], a.dim()), db = wrap_dim(dims_b[i], b.dim());
    RL_CHECK(!used_a[da], "dim ", da, " appears multiple times in the list of dims");
    RL_CHECK(!used_b[db], "dim ", db, " appears multiple times in the list of dims");
    used_a[da] = used_b[db] = true;
    const int64_t sa = a.size(da), sb = b.size(db);
    if (sb == 1) {  // a dimension of size 1 repeats against any other
      a = call_to(sum_dims(a, {da}, true), a_in.dtype());
    } else if (sa == 1) {
      b = call_to(sum_dims(b, {db}, true), b_in.dtype());
    } else {
      RL_CHECK(sa == sb, "contracted dimensions need to match, but first has size ", sa, " in dim ",
               dims_a[i], " and second has size ", sb, " in dim ", dims_b[i]);
      k *= sa;
    }
    last_a.push_back(da);
    order_b.push_back(db);
  }
  Dims sizes;
  int64_t m = 1, n = 1;
  for (int d = 0; d < a.dim(); ++d)
    if (!used_a[d]) order_a.push_back(d), sizes.push_back(a.size(d)), m *= a.size(d);
  for (int64_t d : last_a) order_a.push_back(d);
  for (int d = 0; d < b.dim(); ++d)
    if (!used_b[d]) order_b.push_back(d), sizes.push_back(b.size(d)), n *= b.size(d);
  return reshape(mm(reshape(permute(a, order_a), {m, k}), reshape(permute(b, order_b), {k, n})),
                 sizes);
}

void define_contract(Registry& r) {
  r.op("addmm(input, mat1, mat2, *, beta=1, alpha=1)", "beta * input + alpha * mat1 @ mat2.",
       &addmm<false>)
      .out_dtype(kOutExact);
  r.op("addmm_(input, mat1, mat2, *, beta=1, alpha=1)", "addmm, in place.", &addmm<true>);
  r.op("addmv(input, mat, vec, *, beta=1, alpha=1)", "beta * input + alpha * mat @ vec.", &addmv)
      .in_place()
      .out_dtype(kOutExact)
      .in_place_function();
  r.op("addbmm(input, batch1, batch2, *, beta=1, alpha=1)",
       "beta * input + alpha * (the sum over the batch of batch1 @ batch2).", &addbmm)
      .in_place()
      .out_dtype({"self and mat2 must have the same dtype, but got %G and %W"});
  r.op("baddbmm(input, batch1, batch2, *, beta=1, alpha=1)",
       "beta * input + alpha * batch1 @ batch2, batch by batch.", &baddbmm<false>)
      .out_dtype(kOutExact);
  r.op("baddbmm_(input, batch1, batch2, *, beta=1, alpha=1)", "baddbmm, in place.", &baddbmm<true>);
  r.op("addr(input, vec1, vec2, *, beta=1, alpha=1)", "beta * input + alpha * outer(vec1, vec2).",
       &addr)
      .in_place();
  r.op("inner(input, other)",
       "Sums products over the last dimension of both: the dot product of vectors.", &inner)
      .out_dtype({.text = nullptr, .by = [](const Arg* args) -> const OutRule& {
                    static constexpr OutRule sums = {
                        "tensordot: Expected the output tensor to have dtype %W, but got an output "
                        "tensor with dtype %G"};
                    return args[0].tensor->dim() && args[1].tensor->dim() ? sums : kOutCast;
                  }});
  r.op("_tensordot(input, other, dims_self, dims_other)", "Sums products over pairs of dimensions.",
       &tensordot)
      .not_method();
}

}  // namespace rl
