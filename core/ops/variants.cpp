// Operations that choose among formulas: by the exponent of a power, by a rounding mode, by which
// bounds are given. The mathematics is in the formula files.
#include "op/call.h"
#include "op/promote.h"
#include "ops/ops.h"

namespace rl {
namespace {

const Formula& formula(const char* name) { return *registry().find(name)->formula; }

Tensor run(const Formula& f, std::initializer_list<Operand> operands, Scalar a = 0, Scalar b = 0) {
  const Scalar scalars[] = {a, b};
  return pointwise(f, operands.begin(), scalars);
}
Tensor run_(const Formula& f, const Tensor& self, std::initializer_list<Operand> more, Scalar a = 0,
            Scalar b = 0) {
  Operand operands[3] = {Operand(self)};
  int i = 1;
  for (const Operand& o : more) operands[i++] = o;
  const Scalar scalars[] = {a, b};
  pointwise_(f, operands, scalars);
  return self;
}

// ---- powers ----

/// The formula for a fixed exponent, or null: small powers are products, and equal to PyTorch's
/// bits.
const Formula* power_formula(const Tensor& base, const Scalar& e) {
  static const Formula *square = &formula("square"), *cube = &formula("_cube"),
                       *root = &formula("sqrt"), *rsqrt = &formula("rsqrt"),
                       *reciprocal = &formula("reciprocal");
  if (e.kind == Scalar::Complex || e.kind == Scalar::Bool) return nullptr;
  const double v = e.real();
  if (!is_integral(base.dtype()) || e.is_integral()) {
    if (v == 2 && base.dtype() != DType::Bool) return square;
    if (v == 3 && base.dtype() != DType::Bool) return cube;
  }
  if (is_integral(base.dtype())) return nullptr;
  return v == 0.5 ? root : v == -0.5 ? rsqrt : v == -1 ? reciprocal : nullptr;
}

void check_power(const Tensor& base, const Scalar& e) {
  RL_CHECK(!is_integral(base.dtype()) || !e.is_integral() || e.real() >= 0,
           "Integers to negative integer powers are not allowed.");
}

Tensor power(Operand base, Operand exponent) {
  static const Formula& general = formula("_pow");
  if (base.tensor && !exponent.tensor) {
    const Tensor& x = *base.tensor;
    check_power(x, exponent.number);
    if (const Formula* f = power_formula(x, exponent.number)) return run(*f, {base});
    if (exponent.number.real() == 1 && exponent.number.imag() == 0 &&
        !(is_integral(x.dtype()) && !exponent.number.is_integral()))
      return run(formula("mul"), {base, exponent});
  }
  return run(general, {base, exponent});
}

Tensor power_(const Tensor& self, Operand exponent) {
  if (!exponent.tensor) {
    check_power(self, exponent.number);
    if (const Formula* f = power_formula(self, exponent.number)) return run_(*f, self, {});
  }
  return run_(formula("_pow"), self, {exponent});
}

Tensor float_power(Operand base, Operand exponent) {
  RL_CHECK_TYPE(base.tensor || exponent.tensor,
                "float_power() received an invalid combination of arguments - got (int, int), but "
                "expected at least one Tensor");
  const auto wide = [](const Operand& o) {
    return o.tensor ? (is_complex(o.tensor->dtype()) ? DType::C128 : DType::F64)
           : o.number.kind == Scalar::Complex ? DType::C128
                                              : DType::F64;
  };
  const DType t =
      wide(base) == DType::C128 || wide(exponent) == DType::C128 ? DType::C128 : DType::F64;
  Tensor a = base.tensor ? call_to(*base.tensor, t) : scalar_tensor(base.number, t);
  Tensor b = exponent.tensor ? call_to(*exponent.tensor, t) : scalar_tensor(exponent.number, t);
  return power(Operand(a), exponent.tensor ? Operand(b) : Operand(exponent.number));
}

// ---- division with rounding ----

const Formula& division(const OptString& mode) {
  if (!mode) return formula("div");
  if (*mode == "floor") return formula("floor_divide");
  if (*mode == "trunc") return formula("_trunc_divide");
  raise(ErrorKind::Runtime,
        "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '", *mode,
        "'");
}
Tensor div_rounded(Operand input, Operand other, OptString mode) {
  return run(division(mode), {input, other});
}
Tensor div_rounded_(const Tensor& self, Operand other, OptString mode) {
  return run_(division(mode), self, {other});
}

// ---- bounds ----

bool given(const OptOperand& o) { return o.has_value(); }
void check_bounds(const OptOperand& min, const OptOperand& max) {
  RL_CHECK(given(min) || given(max),
           "torch.clamp: At least one of 'min' or 'max' must not be None");
}
Tensor clamp(const Tensor& input, const OptOperand& min, const OptOperand& max) {
  check_bounds(min, max);
  if (!given(max)) return run(formula("_clamp_min"), {Operand(input), *min});
  if (!given(min)) return run(formula("_clamp_max"), {Operand(input), *max});
  return run(formula("_clamp"), {Operand(input), *min, *max});
}
Tensor clamp_(const Tensor& self, const OptOperand& min, const OptOperand& max) {
  check_bounds(min, max);
  if (!given(max)) return run_(formula("_clamp_min"), self, {*min});
  if (!given(min)) return run_(formula("_clamp_max"), self, {*max});
  return run_(formula("_clamp"), self, {*min, *max});
}
Tensor clamp_min(const Tensor& input, Operand min) { return clamp(input, min, std::nullopt); }
Tensor clamp_max(const Tensor& input, Operand max) { return clamp(input, std::nullopt, max); }
Tensor clamp_min_(const Tensor& self, Operand min) { return clamp_(self, min, std::nullopt); }
Tensor clamp_max_(const Tensor& self, Operand max) { return clamp_(self, std::nullopt, max); }

// ---- the rest ----

Tensor round_to(const Tensor& input, int64_t decimals) {
  if (decimals == 0) return run(formula("_round"), {Operand(input)});
  RL_CHECK_AS(NotImplemented, !is_integral(input.dtype()), "\"round_cpu\" not implemented for '",
              info(input.dtype()).type, "'");
  const double scale =
      __builtin_pow(10.0, static_cast<double>(decimals < 0 ? -decimals : decimals));
  const Tensor scaled = decimals > 0 ? call_op<"mul">(input, scale) : call_op<"div">(input, scale);
  const Tensor r = run(formula("_round"), {Operand(scaled)});
  return decimals > 0 ? call_op<"div">(r, scale) : call_op<"mul">(r, scale);
}

Tensor bitwise_not(const Tensor& input) {
  return run(input.dtype() == DType::Bool ? formula("logical_not") : formula("_bitwise_not"),
             {Operand(input)});
}

Tensor gelu(const Tensor& input, std::string_view approximate) {
  RL_CHECK(approximate == "none" || approximate == "tanh",
           "approximate argument must be either none or tanh.");
  static const Formula &exact = formula("_gelu"), &tanh = formula("_gelu_tanh");
  return run(approximate == "none" ? exact : tanh, {Operand(input)});
}

Tensor relu6(const Tensor& input) {
  return run(formula("hardtanh"), {Operand(input)}, Scalar(0), Scalar(6));
}

Tensor logit(const Tensor& input, OptFloat eps) {
  if (!eps || *eps < 0) return run(formula("_logit"), {Operand(input)});
  return run(formula("_logit_eps"), {Operand(input), Operand(*eps), Operand(1.0 - *eps)});
}

Tensor prelu(const Tensor& input, const Tensor& weight) {
  RL_CHECK(weight.dim() <= 1,
           "prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = ", weight.dim());
  Tensor w = weight;
  if (weight.numel() != 1) {
    RL_CHECK(input.dim() > 0, "Not allow zero-dim input tensor.");
    const int64_t channels = input.dim() > 1 ? input.size(1) : 1;
    RL_CHECK(channels == weight.numel(),
             "Mismatch of parameter numbers and input channel size. Found parameter numbers = ",
             weight.numel(), " and channel size = ", channels, ".");
  }
  if (weight.dim() > 0) {
    Dims shape = Dims::filled(input.dim(), 1);
    if (input.dim() > 1) shape[1] = weight.numel();
    w = view(contiguous(weight), shape);
  }
  return run(formula("_prelu_kernel"), {Operand(input), Operand(w)});
}

Tensor positive(const Tensor& input) {
  RL_CHECK(input.dtype() != DType::Bool, "The `+` operator, on a bool tensor is not supported.");
  return input;
}

DType result_type_of(Operand a, Operand b) {
  const Operand both[] = {a, b};
  return result_type(both, 2);
}
DType promote_types(DType a, DType b) { return promote(a, b); }
bool can_cast_types(DType from, DType to) { return can_cast(from, to); }

/// Stops at the first block that differs.
template <class T>
bool equal_elements(const T* a, const T* b, int64_t n) {
  for (int64_t first = 0; first < n; first += 4096) {
    const int64_t end = first + 4096 < n ? first + 4096 : n;
    int differ = 0;
    for (int64_t i = first; i < end; ++i) differ |= !(a[i] == b[i]);
    if (differ) return false;
  }
  return true;
}

bool equal(const Tensor& input, const Tensor& other) {
  if (!(input.sizes() == other.sizes())) return false;
  GradGuard off(false);
  if (input.dtype() == other.dtype() && input.is_contiguous() && other.is_contiguous() &&
      size_of(input.dtype()) >= 4 && !is_complex(input.dtype())) {
    const void *a = input.raw(), *b = other.raw();
    const int64_t n = input.numel();
    switch (input.dtype()) {
      case DType::F32:
        return equal_elements(static_cast<const float*>(a), static_cast<const float*>(b), n);
      case DType::F64:
        return equal_elements(static_cast<const double*>(a), static_cast<const double*>(b), n);
      default:
        return n == 0 ||
               __builtin_memcmp(a, b, static_cast<size_t>(n * size_of(input.dtype()))) == 0;
    }
  }
  const Tensor same = call_op<"eq">(input, other);
  const auto* p = same.data<uint8_t>();
  for (int64_t i = 0; i < same.numel(); ++i)
    if (!p[i]) return false;
  return true;
}

}  // namespace

void define_variants(Registry& r) {
  r.op("pow(input, exponent)", "input ** exponent.", &power);
  r.op("pow_(input, exponent)", "pow in place.", &power_);
  r.op("float_power(input, exponent)", "input ** exponent in double precision.", &float_power)
      .out_dtype({"the output given to float_power has dtype %G but the operation's result "
                  "requires dtype %W"});
  r.op("div(input, other, *, rounding_mode)", "", &div_rounded);
  r.op("div_(input, other, *, rounding_mode=None)", "div in place.", &div_rounded_)
      .alias("divide_");
  r.op("clamp(input, min=None, max=None)", "input held between bounds, numbers or tensors.", &clamp)
      .alias("clip");
  r.op("clamp_(input, min=None, max=None)", "clamp in place.", &clamp_)
      .alias("clip_")
      .in_place_function();
  r.op("clamp_min(input, min)", "clamp with a lower bound.", &clamp_min);
  r.op("clamp_max(input, max)", "clamp with an upper bound.", &clamp_max);
  r.op("clamp_min_(input, min)", "clamp_min in place.", &clamp_min_).in_place_function();
  r.op("clamp_max_(input, max)", "clamp_max in place.", &clamp_max_).in_place_function();
  r.op("round(input, *, decimals=0)", "Rounded to a number of decimals, halves to even.", &round_to)
      .in_place()
      .out_dtype(kOutFoundExact)
      .in_place_function();
  r.op("bitwise_not(input)", "Bitwise not; logical for bool.", &bitwise_not)
      .in_place()
      .out_dtype(kOutFoundExact);
  r.op("gelu(input, *, approximate='none')", "x times the normal distribution function.", &gelu)
      .nn()
      .in_place()
      .out_dtype(kOutFoundExact);
  r.op("relu6(input)", "min(max(input, 0), 6).", &relu6).nn().in_place();
  r.op("logit(input, eps=None)", "log(input / (1 - input)).", &logit)
      .in_place()
      .in_place_function();
  r.op("prelu(input, weight)", "leaky_relu with a learnt slope, one or one a channel.", &prelu)
      .no_out();
  r.op("positive(input)", "input itself.", &positive).no_out();
  r.op("result_type(input, other)", "The dtype that an operation on the two would have.",
       &result_type_of)
      .not_method()
      .no_out();
  r.op("promote_types(type1, type2)", "The dtype both convert to.", &promote_types)
      .not_method()
      .no_out();
  r.op("can_cast(from_, to)", "May a tensor of one dtype be stored in the other?", &can_cast_types)
      .not_method()
      .no_out();
  r.op("equal(input, other)", "Same size and same elements.", &equal)
      .on_meta(OnMeta::NeedsElements)
      .no_out();
}

}  // namespace rl
