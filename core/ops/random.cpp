// Random numbers: PyTorch's CPU streams (cpu/random) as operations.
#include "cpu/random.h"

#include "cpu/load_store.h"
#include "op/call.h"
#include "ops/format.h"
#include "ops/ops.h"
#include "ops/product.h"
#include "tensor/layout.h"

namespace rl {

cpu::Generator& default_generator() {
  static auto* g = new cpu::Generator;
  return *g;
}

namespace {

using cpu::Generator;
Generator& pick(Generator* g) { return g ? *g : default_generator(); }

/// Fills self as PyTorch does: dense memory at once, other layouts through a buffer in the order of
/// the memory. `fill(data, n, contiguous)` draws.
template <class F>
Tensor fill(const Tensor& self, F draw) {
  const bool rec = recording({&self});
  check_inplace(self, rec);
  if (self.numel() > 0) {
    if (self.is_contiguous()) {
      draw(self.raw(), self.numel(), true);
    } else {
      // The dimensions by stride, largest outermost: the order in which the stream is laid down.
      int order[64];
      for (int i = 0; i < self.dim(); ++i) order[i] = i;
      for (int i = 1; i < self.dim(); ++i)
        for (int j = i; j > 0 && self.stride(order[j]) > self.stride(order[j - 1]); --j)
          std::swap(order[j], order[j - 1]);
      Dims sizes, strides;
      for (int i = 0; i < self.dim(); ++i) {
        sizes.push_back(self.size(order[i]));
        strides.push_back(self.stride(order[i]));
      }
      Tensor buffer = empty({self.numel()}, self.dtype());
      draw(buffer.raw(), self.numel(), false);
      cpu::copy(sizes, self.dtype(), self.raw(), strides, self.dtype(), buffer.raw(),
                contiguous_strides(sizes));
    }
  }
  bump_version(self);
  if (rec)
    rebase_history(self, make_node("RandomBackward0", {&self}, [](const Grads& g, Node&) -> Grads {
                     return {call_op<"mul">(g[0], 0.0)};
                   }));
  return self;
}

void check_kernel(bool there, const Tensor& t, const char* kernel) {
  RL_CHECK_AS(NotImplemented, there, "\"", kernel, "\" not implemented for '", info(t.dtype()).type,
              "'");
}
bool has_fraction(const Tensor& t) { return is_floating(t.dtype()) || is_complex(t.dtype()); }
void check_float(const Tensor& t, const char* kernel) {
  check_kernel(is_floating(t.dtype()), t, kernel);
}
void check_continuous(const Tensor& t, const char* name, const char* dtype) {
  RL_CHECK(is_floating(t.dtype()), name,
           " distribution is a continuous probability distribution. dtype must be a floating point "
           "but you specified ",
           dtype);
}

Tensor uniform_(const Tensor& self, double from, double to, Generator* g) {
  check_kernel(has_fraction(self), self, "check_uniform_bounds");
  RL_CHECK(from <= to, "uniform_ expects to return a [from, to) range, but found from=", from,
           " > to=", to);
  return fill(self, [&](void* p, int64_t n, bool) {
    cpu::fill_uniform(pick(g), self.dtype(), p, n, from, to);
  });
}
Tensor normal_(const Tensor& self, double mean, double std, Generator* g) {
  check_kernel(has_fraction(self), self, "normal_kernel_cpu");
  RL_CHECK(std >= 0, "normal expects std >= 0.0, but found std ", std);
  return fill(self, [&](void* p, int64_t n, bool c) {
    cpu::fill_normal(pick(g), self.dtype(), p, n, mean, std, c);
  });
}
Tensor exponential_(const Tensor& self, double lambd, Generator* g) {
  check_continuous(self, "Exponential", info(self.dtype()).type);
  RL_CHECK(lambd > 0, "exponential_ expects lambda > 0.0, but found lambda=", lambd);
  return fill(self, [&](void* p, int64_t n, bool) {
    cpu::fill_exponential(pick(g), self.dtype(), p, n, lambd);
  });
}
Tensor cauchy_(const Tensor& self, double median, double sigma, Generator* g) {
  RL_CHECK(sigma > 0, "cauchy_ expects sigma > 0.0, but found sigma=", sigma);
  check_continuous(self, "Cauchy", c_name_of(self.dtype()));
  return fill(self, [&](void* p, int64_t n, bool) {
    cpu::fill_cauchy(pick(g), self.dtype(), p, n, median, sigma);
  });
}
Tensor log_normal_(const Tensor& self, double mean, double std, Generator* g) {
  RL_CHECK(std > 0, "log_normal_ expects std > 0.0, but found std=", std);
  check_float(self, "log_normal_cpu");
  return fill(self, [&](void* p, int64_t n, bool) {
    cpu::fill_log_normal(pick(g), self.dtype(), p, n, mean, std);
  });
}
Tensor geometric_(const Tensor& self, double p, Generator* g) {
  RL_CHECK(p > 0 && p < 1, "geometric_ expects p to be in (0, 1), but got p=", p);
  check_kernel(self.dtype() != DType::Bool && !is_complex(self.dtype()), self, "geometric_cpu");
  return fill(self, [&](void* out, int64_t n, bool) {
    cpu::fill_geometric(pick(g), self.dtype(), out, n, p);
  });
}
Tensor random_full(const Tensor& self, Generator* g) {
  return fill(self,
              [&](void* p, int64_t n, bool) { cpu::fill_random(pick(g), self.dtype(), p, n); });
}
/// Floats hold every integer up to this.
int64_t exact_integers(DType t) {
  return int64_t{1} << (t == DType::F64 ? 53 : t == DType::F32 ? 24 : t == DType::BF16 ? 8 : 11);
}
void check_range(DType t, int64_t from, int64_t to) {
  if (t == DType::Bool) {
    RL_CHECK(from >= 0 && from <= 1, "from is out of bounds for bool");
    RL_CHECK(to <= 2, "to - 1 is out of bounds for bool");
    return;
  }
  if (!is_integral(t) || size_of(t) == 8) return;
  const int bits = static_cast<int>(size_of(t)) * 8 - (is_signed(t) ? 1 : 0);
  const int64_t high = int64_t{1} << bits, low = is_signed(t) ? -high : 0;
  RL_CHECK(from >= low && from < high, "from is out of bounds for ", c_name_of(t));
  RL_CHECK(to - 1 >= low && to - 1 < high, "to - 1 is out of bounds for ", c_name_of(t));
}
Tensor random_range(const Tensor& self, int64_t from, OptInt to, Generator* g) {
  if (!to) {  // up to the dtype's largest; from the smallest int64, every 64-bit pattern
    const uint64_t range =
        from == INT64_MIN ? 0
        : is_integral(self.dtype())
            ? (self.dtype() == DType::Bool  ? 2u - static_cast<uint64_t>(from)
               : size_of(self.dtype()) == 8 ? (uint64_t{1} << 63) - static_cast<uint64_t>(from)
                                            : (uint64_t{1} << (size_of(self.dtype()) * 8 -
                                                               (is_signed(self.dtype()) ? 1 : 0))) -
                                                  static_cast<uint64_t>(from))
            : static_cast<uint64_t>(exact_integers(self.dtype())) - static_cast<uint64_t>(from) + 1;
    return fill(self, [&](void* p, int64_t n, bool) {
      cpu::fill_random_range(pick(g), self.dtype(), p, n, from, range);
    });
  }
  RL_CHECK(from < *to, "random_ expects 'from' to be less than 'to', but got from=", from,
           " >= to=", *to);
  int64_t low = from, high = *to;
  cpu::round_random_bounds(self.dtype(), &low, &high);
  check_range(self.dtype(), low, high);
  RL_CHECK(
      low < high,
      "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, but got from=",
      low, " >= to=", high);
  const uint64_t range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  return fill(self, [&](void* p, int64_t n, bool) {
    cpu::fill_random_range(pick(g), self.dtype(), p, n, low, range);
  });
}
Tensor random_to(const Tensor& self, int64_t to, Generator* g) {
  return random_range(self, 0, to, g);
}

Tensor bernoulli_(const Tensor& self, Operand p, Generator* g) {
  if (!p.tensor) {
    const double q = p.number.real();
    RL_CHECK(q >= 0 && q <= 1, "bernoulli_ expects p to be in [0, 1], but got p=", q);
    check_kernel(!is_complex(self.dtype()), self, "bernoulli_scalar_cpu_");
    return fill(self, [&](void* out, int64_t n, bool) {
      cpu::fill_bernoulli(pick(g), self.dtype(), out, n, q);
    });
  }
  RL_CHECK(is_floating(p.tensor->dtype()),
           "expected probabilities tensor to have floating type, got ",
           info(p.tensor->dtype()).type);
  const Tensor q =
      empty_preserving(self, p.tensor->dtype());  // in the order in which self is drawn
  write(q, expand(*p.tensor, self.sizes()));
  return fill(self, [&](void* out, int64_t n, bool) {
    RL_CHECK(
        cpu::fill_bernoulli_tensor(pick(g), self.dtype(), out, q.dtype(), q.raw(), n),
        "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error message be "
        "improved?  If so, please report an enhancement request to PyTorch.)");
  });
}
Tensor bernoulli(const Tensor& input, Generator* g) {
  check_float(input, "bernoulli_tensor_cpu_p_");
  Tensor out = empty(input.sizes(), input.dtype());
  {
    GradGuard off(false);
    bernoulli_(out, Operand(input), g);
  }
  return record(out, "BernoulliBackward0", {&input}, [&] {
    return [](const Grads& g, Node&) -> Grads { return {call_op<"mul">(g[0], 0.0)}; };
  });
}
Tensor bernoulli_p(const Tensor& input, double p, Generator* g) {
  GradGuard off(false);
  return bernoulli_(empty(input.sizes(), input.dtype()), Operand(p), g);
}

// ---- factories ----

DType factory_dtype(const Factory& f) { return f.dtype.value_or(default_dtype()); }
Tensor finish(const Tensor& t, bool requires_grad) {
  if (requires_grad) set_requires_grad(t, true);
  return t;
}
Tensor rand(const Dims& size, Generator* g, const Factory& f) {
  return finish(uniform_(empty(size, factory_dtype(f), f.device), 0, 1, g), f.requires_grad);
}
Tensor randn(const Dims& size, Generator* g, const Factory& f) {
  return finish(normal_(empty(size, factory_dtype(f), f.device), 0, 1, g), f.requires_grad);
}
Tensor randint_range(int64_t low, int64_t high, const Dims& size, Generator* g, const Factory& f) {
  Tensor t = empty(size, f.dtype.value_or(DType::I64), f.device);
  RL_CHECK(low < high, "random_ expects 'from' to be less than 'to', but got from=", low,
           " >= to=", high);
  return finish(random_range(t, low, high, g), f.requires_grad);
}
Tensor randint(int64_t high, const Dims& size, Generator* g, const Factory& f) {
  return randint_range(0, high, size, g, f);
}
Tensor randperm(int64_t n, Generator* g, const Factory& f) {
  Tensor t = empty({n}, f.dtype.value_or(DType::I64), f.device);
  if (is_floating(t.dtype())) {
    const int64_t most = exact_integers(t.dtype()) + 1;
    RL_CHECK(n <= most, "n cannot be greater than ", most, " for ", info(t.dtype()).type, " type.");
  } else if (size_of(t.dtype()) < 8) {
    const int bits = 8 * static_cast<int>(size_of(t.dtype())) - is_signed(t.dtype());
    RL_CHECK(n <= (int64_t{1} << bits), "value cannot be converted to type ",
             is_signed(t.dtype()) ? "int" : "uint", 8 * size_of(t.dtype()), "_t without overflow");
  }
  if (n) cpu::fill_randperm(pick(g), t.dtype(), t.raw(), n);
  return finish(t, f.requires_grad);
}
Tensor like(const Tensor& input, const Factory& f, Format format) {
  return empty_like_in(input, f.dtype.value_or(input.dtype()), format);
}
Tensor rand_like(const Tensor& input, const Factory& f, Format format) {
  return finish(uniform_(like(input, f, format), 0, 1, nullptr), f.requires_grad);
}
Tensor randn_like(const Tensor& input, const Factory& f, Format format) {
  return finish(normal_(like(input, f, format), 0, 1, nullptr), f.requires_grad);
}
Tensor randint_like_range(const Tensor& input, int64_t low, int64_t high, const Factory& f,
                          Format format) {
  return finish(random_range(like(input, f, format), low, high, nullptr), f.requires_grad);
}
Tensor randint_like(const Tensor& input, int64_t high, const Factory& f, Format format) {
  return randint_like_range(input, 0, high, f, format);
}

/// normal with tensors: standard draws, scaled and shifted.
Tensor normal_tensors(Operand mean, Operand std, Generator* g) {
  RL_CHECK(mean.tensor || std.tensor, "normal expects a tensor of means or deviations, or a size");
  const Dims shape = mean.tensor && std.tensor
                         ? broadcast(mean.tensor->sizes(), std.tensor->sizes())
                     : mean.tensor ? mean.tensor->sizes()
                                   : std.tensor->sizes();
  const DType t = mean.tensor ? mean.tensor->dtype() : std.tensor->dtype();
  RL_CHECK(std.tensor || std.number.real() >= 0, "normal expects std >= 0.0, but found std ",
           std.number.real());
  GradGuard off(false);
  if (std.tensor && is_floating(std.tensor->dtype())) {
    const Tensor s = as_contiguous(*std.tensor, DType::F64);
    for (int64_t i = 0; i < s.numel(); ++i)
      RL_CHECK(!(s.data<double>()[i] < 0), "normal expects all elements of std >= 0.0");
  }
  Tensor z = normal_(empty(shape, t), 0, 1, g);
  z = std.tensor ? call_op<"mul">(z, *std.tensor) : call_op<"mul">(z, std.number);
  return mean.tensor ? call_op<"add">(z, *mean.tensor) : call_op<"add">(z, mean.number);
}
Tensor normal_size(double mean, double std, const Dims& size, Generator* g, const Factory& f) {
  return finish(normal_(empty(size, factory_dtype(f), f.device), mean, std, g), f.requires_grad);
}

// ---- multinomial and dropout ----

Tensor multinomial(const Tensor& input, int64_t n, bool replacement, Generator* g) {
  RL_CHECK(input.dim() == 1 || input.dim() == 2, "prob_dist must be 1 or 2 dim");
  RL_CHECK(
      is_floating(input.dtype()),
      "multinomial only supports floating-point dtypes for input, got: ", info(input.dtype()).type);
  RL_CHECK(n > 0, "cannot sample n_sample <= 0 samples");
  const int64_t categories = input.size(-1);
  RL_CHECK(replacement || n <= categories,
           "cannot sample n_sample > prob_dist.size(-1) samples without replacement");
  RL_CHECK(categories <= (1 << 24), "number of categories cannot exceed 2^24");
  GradGuard off(false);
  const Tensor p = as_contiguous(input, DType::F64);
  const int64_t rows = input.dim() == 2 ? input.size(0) : 1;
  if (!replacement || n == 1) {
    for (int64_t r = 0; r < rows; ++r) {
      double sum = 0;
      for (int64_t c = 0; c < categories; ++c) {
        const double v = p.data<double>()[r * categories + c];
        RL_CHECK(v >= 0 && v < __builtin_inf(),
                 "probability tensor contains either `inf`, `nan` or element < 0");
        sum += v;
      }
      RL_CHECK(sum > 0, "invalid multinomial distribution (sum of probabilities <= 0)");
    }
    Tensor q = empty_preserving(input, input.dtype());
    exponential_(q, 1, g);
    q = call_op<"div">(input, q);
    if (n == 1) return call_op<"argmax">(q, int64_t{-1}, true);
    static const Op* topk = registry().find("topk");
    Arg args[8];
    to_arg(args[0], q);
    to_arg(args[1], n);
    return invoke_with_defaults(*topk, args, 2).tensors[1];
  }
  Dims shape = input.sizes();
  shape.back() = n;
  Tensor out = empty(shape, DType::I64);
  const Tensor weights = as_contiguous(input);
  const char* problem = cpu::fill_multinomial(pick(g), input.dtype(), weights.raw(), rows,
                                              categories, out.data<int64_t>(), n);
  RL_CHECK(!problem, problem);
  return out;
}

Tensor dropout(const Tensor& input, double p, bool train) {
  RL_CHECK(p >= 0 && p <= 1, "dropout probability has to be between 0 and 1, but got ", p);
  if (p == 0 || !train || input.numel() == 0) return input;
  if (p == 1) return call_op<"mul">(input, zeros({}, input.dtype()));
  Tensor mask;
  {
    GradGuard off(false);
    mask = bernoulli_(empty_preserving(input, input.dtype()), Operand(1 - p), nullptr);
    const Operand operands[] = {Operand(mask), Operand(1 / (1 - p))};
    pointwise_(*registry().find("mul")->formula, operands, nullptr);
  }
  return call_op<"mul">(input, mask);
}
Tensor dropout_(const Tensor& self, double p, bool train) {
  RL_CHECK(p >= 0 && p <= 1, "dropout probability has to be between 0 and 1, but got ", p);
  if (p == 0 || !train || self.numel() == 0) return self;
  Tensor mask;
  {
    GradGuard off(false);
    mask = bernoulli_(empty_preserving(self, self.dtype()), Operand(1 - p), nullptr);
    mask = p == 1 ? mask : call_op<"mul">(mask, 1 / (1 - p));
  }
  const Operand operands[] = {Operand(self), Operand(mask)};
  pointwise_(*registry().find("mul")->formula, operands, nullptr);
  return self;
}
Tensor feature_dropout(const Tensor& input, double p, bool train) {
  RL_CHECK(p >= 0 && p <= 1, "dropout probability has to be between 0 and 1, but got ", p);
  if (p == 0 || !train || input.numel() == 0) return input;
  RL_CHECK(input.dim() >= 2, "Feature dropout requires at least 2 dimensions in the input");
  Dims shape = Dims::filled(input.dim(), 1);
  shape[0] = input.size(0);
  shape[1] = input.size(1);
  Tensor mask;
  {
    GradGuard off(false);
    mask = bernoulli_(empty(shape, input.dtype()), Operand(1 - p), nullptr);
    if (p < 1) mask = call_op<"mul">(mask, 1 / (1 - p));
  }
  return call_op<"mul">(input, mask);
}

}  // namespace

void define_random(Registry& r) {
  r.op("uniform_(input, from=0, to=1, *, generator=None)", "Uniform draws from [from, to).",
       &uniform_);
  r.op("normal_(input, mean=0, std=1, *, generator=None)", "Normal draws.", &normal_);
  r.op("exponential_(input, lambd=1, *, generator=None)", "Exponential draws.", &exponential_);
  r.op("cauchy_(input, median=0, sigma=1, *, generator=None)", "Cauchy draws.", &cauchy_);
  r.op("log_normal_(input, mean=1, std=2, *, generator=None)", "Log-normal draws.", &log_normal_);
  r.op("geometric_(input, p, *, generator=None)", "Geometric draws.", &geometric_);
  r.op("random_(input, *, generator=None)", "Integers of the dtype's range, or of [from, to).",
       &random_full);
  r.op("random_(input, to, *, generator=None)", "", &random_to);
  r.op("random_(input, from, to, *, generator=None)", "", &random_range);
  r.op("bernoulli_(input, p=0.5, *, generator=None)", "1 with probability p, else 0.", &bernoulli_);
  r.op("bernoulli(input, *, generator=None)", "1 with the probability in input, else 0.",
       &bernoulli)
      .out_dtype({nullptr});
  r.op("bernoulli(input, p, *, generator=None)", "", &bernoulli_p).out_dtype({nullptr});
  r.op("rand(*size, generator=None, **factory)", "Uniform draws from [0, 1).", &rand).not_method();
  r.op("randn(*size, generator=None, **factory)", "Standard normal draws.", &randn).not_method();
  r.op("randint(high, size, *, generator=None, **factory)", "Integers of [low, high).", &randint)
      .not_method();
  r.op("randint(low, high, size, *, generator=None, **factory)", "", &randint_range);
  r.op("randperm(n, *, generator=None, **factory)", "A random permutation of 0 .. n - 1.",
       &randperm)
      .not_method();
  r.op("rand_like(input, **factory, memory_format=None)", "rand of input's size.", &rand_like)
      .not_method()
      .no_out();
  r.op("randn_like(input, **factory, memory_format=None)", "randn of input's size.", &randn_like)
      .not_method()
      .no_out();
  r.op("randint_like(input, high, **factory, memory_format=None)", "randint of input's size.",
       &randint_like)
      .not_method()
      .no_out();
  r.op("randint_like(input, low, high, **factory, memory_format=None)", "", &randint_like_range);
  r.op("normal(mean, std, size, *, generator=None, **factory)",
       "Normal draws of given means and deviations.", &normal_size)
      .not_method()
      .out_dtype(kOutNormal);
  r.op("normal(mean, std=1.0, *, generator=None)", "", &normal_tensors).out_dtype(kOutNormal);
  r.op("multinomial(input, num_samples, replacement=False, *, generator=None)",
       "Indices drawn with the given weights.", &multinomial)
      .out_dtype({.text = "multinomial expects Long tensor out, got: %G", .always = DType::I64});
  r.op("dropout(input, p, train)",
       "Zeroes with probability p and scales the rest (Srivastava et al., 2014).", &dropout)
      .not_method()
      .no_out();
  r.op("dropout_(input, p, train)", "dropout in place.", &dropout_)
      .not_method()
      .in_place_function();
  r.op("feature_dropout(input, p, train)", "dropout of whole channels.", &feature_dropout)
      .not_method()
      .no_out();
}

}  // namespace rl
