// Norms and what is computed like them: vector_norm, norm, dist, logsumexp.
#include <cmath>
#include <limits>

#include "cpu/threads.h"
#include "op/promote.h"
#include "ops/ops.h"
#include "ops/reduce.h"
#include "tensor/layout.h"

namespace rl {
namespace {

using cpu::Reduce;

constexpr double kInf = std::numeric_limits<double>::infinity();

// ---- vector norms ----

void check_identity(const Tensor& input, double p, const OptDims& dim, const Axes& axes) {
  if (input.numel() > 0 || (p >= 0 && p < kInf)) return;
  const char* sign = p == kInf ? "inf" : nullptr;
  const std::string name = sign ? sign : p == -kInf ? "-inf" : str(p);
  RL_CHECK(dim && !dim->empty(), "linalg.vector_norm cannot compute the ", name,
           " norm on an empty tensor because the operation does not have an identity");
  for (int d = 0; d < axes.sizes.size(); ++d)
    RL_CHECK(!axes.has(d) || axes.sizes[d] != 0, "linalg.vector_norm cannot compute the ", name,
             " norm on the dimension ", d,
             "because this dimension is empty and the operation does not have an identity");
}

/// The norm of real numbers, without recording.
Tensor norm_of(const Tensor& x, double p, const Axes& axes, DType out) {
  GradGuard off(false);
  if (p == 2) return run_reduce(Reduce::SumSquares, x, axes, out, {1, true});
  if (p == 1) return run_reduce(Reduce::SumAbs, x, axes, out);
  if (p == 0) return run_reduce(Reduce::Count, x, axes, out);
  const Tensor a = call_op<"abs">(x);
  if (p == kInf) return run_reduce(Reduce::Max, a, axes, out);
  if (p == -kInf) return run_reduce(Reduce::Min, a, axes, out);
  const Tensor sum = run_reduce(Reduce::Sum, call_op<"_pow">(a, p), axes, a.dtype());
  return as_contiguous(call_op<"_pow">(sum, 1 / p), out);
}

/// t, with 0 where the norm is 0: there the subgradient 0 is taken.
Tensor unless_zero(const Tensor& norm, const Tensor& t) {
  return call_op<"where">(call_op<"eq">(norm, 0), 0, t);
}

Tensor norm_backward(const Tensor& grad, const Tensor& x, const Tensor& value, double p,
                     const Axes& axes) {
  const Tensor g = restore(grad, axes), norm = restore(value, axes);
  if (p == 0) return {};
  if (p == 1) return call_op<"mul">(call_op<"sgn">(x), g);
  if (p == 2) return call_op<"mul">(x, unless_zero(norm, call_op<"div">(g, norm)));
  if (std::isinf(p)) {
    const Tensor mask = call_op<"eq">(call_op<"abs">(x), norm);
    const Tensor count = restore(run_reduce(Reduce::Count, mask, axes, norm.dtype()), axes);
    return call_op<"mul">(call_op<"mul">(call_op<"sgn">(x), mask), call_op<"div">(g, count));
  }
  const Tensor scale = unless_zero(norm, call_op<"mul">(g, call_op<"_pow">(norm, 1 - p)));
  const Tensor a = call_op<"abs">(x);
  if (p < 2) {
    Tensor power = call_op<"_pow">(a, p - 1);
    if (p < 1) power = call_op<"where">(call_op<"eq">(a, 0), 0, power);
    return call_op<"mul">(call_op<"mul">(call_op<"sgn">(x), power), scale);
  }
  return call_op<"mul">(call_op<"mul">(x, call_op<"_pow">(a, p - 2)), scale);
}

Tensor vector_norm(const Tensor& input, Scalar ord, const OptDims& dim, bool keepdim,
                   OptDType dtype) {
  RL_CHECK(!is_integral(input.dtype()),
           "linalg.vector_norm: Expected a floating point or complex tensor as input. Got ",
           info(input.dtype()).type);
  RL_CHECK(!dtype || !is_integral(*dtype),
           "linalg.vector_norm: dtype should be floating point or complex, but got ",
           dtype ? info(*dtype).type : "");
  RL_CHECK(!dtype || is_complex(*dtype) || !is_complex(input.dtype()),
           "linalg.vector_norm: dtype should be complex for complex inputs, but got ",
           dtype ? info(*dtype).type : "");
  const double p = ord.real();
  RL_CHECK(!dtype || promote(input.dtype(), *dtype) == *dtype,
           "linalg.vector_norm: the dtype of the input (", info(input.dtype()).type,
           ") should be convertible without narrowing to the specified dtype (",
           dtype ? info(*dtype).type : "", ")");
  const Tensor x = dtype && *dtype != input.dtype() ? call_to(input, *dtype) : input;
  const Axes axes(x, dim, keepdim);
  check_identity(x, p, dim, axes);
  const DType real = real_of(x.dtype());
  Tensor flat = x;
  {
    GradGuard off(false);
    if (is_complex(x.dtype())) flat = call_op<"abs">(x);
    if (size_of(x.dtype()) == 2) flat = as_contiguous(x, DType::F32);  // powers overflow in half
  }
  const Tensor out = norm_of(flat, p, axes, real);
  return record(out, "LinalgVectorNormBackward0", {&x}, [&] {
    return [axes, p, x = Saved(x), y = Saved(out, true)](const Grads& g, Node& n) -> Grads {
      return {norm_backward(g[0], x.unpack(&n), y.unpack(&n), p, axes)};
    };
  });
}

Tensor norm(const Tensor& input, OptNumber p, const OptDims& dim, bool keepdim, OptDType dtype) {
  return vector_norm(input, p ? *p : Scalar(2), dim, keepdim, dtype);
}
Tensor norm_named(const Tensor& input, std::string_view p, const OptDims& dim, bool keepdim,
                  OptDType dtype) {
  RL_CHECK(p == "fro" || p == "nuc", "linalg.matrix_norm: Order ", p, " not supported.");
  if (p == "fro") return vector_norm(input, 2, dim, keepdim, dtype);
  RL_CHECK_VALUE(!dtype, "dtype argument is not supported in nuclear norm");
  Dims axes = dim ? *dim : Dims();
  if (!dim)
    for (int d = 0; d < input.dim(); ++d) axes.push_back(d);
  return nuclear_norm(input, axes, keepdim);
}

Tensor dist(const Tensor& input, const Tensor& other, Scalar p) {
  return vector_norm(call_op<"sub">(input, other), p, {}, false, {});
}

// ---- logsumexp ----

/// log(sum(exp(x))) in double precision around the largest element of each sum.
Tensor logsumexp_of(const Tensor& x, const Axes& axes) {
  if (x.numel() == 0) {
    const Tensor none = empty(axes.kept, x.dtype(), x.device());
    if (none.numel()) write(none, scalar_tensor(-kInf, x.dtype()));
    return none;
  }
  const Tensor most = run_reduce(Reduce::Max, x, axes, DType::F64);
  double* m = most.data<double>();
  const int64_t n = most.numel();
  for (int64_t i = 0; i < n; ++i)
    if (std::isinf(m[i])) m[i] = 0;
  const Tensor sum = run_reduce(Reduce::SumExp, x, axes, DType::F64, {}, most);
  double* s = sum.data<double>();
  cpu::parallel_for(0, n, 2048, [=](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) s[i] = std::log(s[i]) + m[i];
  });
  return as_contiguous(sum, x.dtype());
}

Tensor logsumexp(const Tensor& input, const OptDims& dim, bool keepdim) {
  const Tensor x = is_integral(input.dtype()) ? call_to(input, default_dtype()) : input;
  const Axes axes(x, dim, keepdim);
  if (is_complex(x.dtype()) && x.numel() > 0) {
    const Tensor most = greatest_real(x, axes);
    const Tensor terms = call_op<"exp">(call_op<"sub">(x, restore(most, axes)));
    return call_op<"add">(call_op<"log">(sum_dims(terms, dim ? *dim : Dims(), keepdim)), most);
  }
  const Tensor out = logsumexp_of(x, axes);
  return record(out, "LogsumexpBackward0", {&x}, [&] {
    return [axes, x = Saved(x), y = Saved(out, true)](const Grads& g, Node& n) -> Grads {
      const Tensor shifted = call_op<"sub">(x.unpack(&n), restore(y.unpack(&n), axes));
      return {call_op<"mul">(restore(g[0], axes), call_op<"exp">(shifted))};
    };
  });
}

/// Of complex numbers the imaginary part is not brought into (-pi, pi], as PyTorch has it.
Tensor logaddexp(const Tensor& input, const Tensor& other) {
  const Operand both[] = {input, other};
  const DType common = result_type(both, 2);
  if (!is_complex(common)) return call_op<"_logaddexp">(input, other);
  const Tensor a = call_to(input, common), b = call_to(other, common);
  const Tensor first = call_op<"ge">(call_op<"real">(a), call_op<"real">(b));
  const Tensor most = call_op<"where">(first, a, b), least = call_op<"where">(first, b, a);
  return call_op<"add">(most, call_op<"log1p">(call_op<"exp">(call_op<"sub">(least, most))));
}

}  // namespace

Tensor (*nuclear_norm)(const Tensor& input, const Dims& dim, bool keepdim);

Tensor greatest_real(const Tensor& x, const Axes& axes) {
  GradGuard off(false);
  if (x.numel() == 0) return zeros(axes.kept, real_of(x.dtype()), x.device());
  const Tensor most = run_reduce(Reduce::Max, call_op<"real">(x), axes, real_of(x.dtype()));
  return call_op<"where">(call_op<"isfinite">(most), most, 0);
}

void define_norm(Registry& r) {
  r.op("vector_norm(input, ord=2, dim=None, keepdim=False, *, dtype=None)",
       "sum(abs(x)**ord)**(1/ord); inf and -inf are the largest and the smallest modulus, 0 "
       "counts.",
       &vector_norm)
      .linalg();
  r.op("norm(input, p=2, dim=None, keepdim=False, dtype=None)",
       "The p-norm of the elements as one vector, over dim if given.", &norm)
      .out_dtype(kOutExact);
  r.op("norm(input, p, dim=None, keepdim=False, dtype=None)", "", &norm_named)
      .out_dtype({.text = nullptr, .by = [](const Arg* args) -> const OutRule& {
                    static constexpr OutRule nuclear = {
                        "linalg.matrix_norm expected out tensor dtype %W but got: %G"};
                    return std::string_view(args[1].text) == "nuc" ? nuclear : kOutExact;
                  }});
  r.op("dist(input, other, p=2)", "The p-norm of input - other.", &dist).no_out();
  r.op("logaddexp(input, other)", "log(exp(input) + exp(other)).", &logaddexp);
  r.op("logsumexp(input, dim, keepdim=False)", "log(sum(exp(input))) without overflow.", &logsumexp)
      .out_dtype(
          {"logsumexp(): Expected floating point type for result tensor, but got: %G", false});
}

}  // namespace rl
