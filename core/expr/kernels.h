// KernelRegistry: runs formulas on lanes and collects the loops, for one instruction set.
// The registry of records (op/registry.h) has the same members; the two agree by order of
// definition.
#pragma once
#include "base/out_rule.h"
#include "cpu/kernel_table.h"
#include "expr/domain.h"
#include "expr/lane.h"
#include "expr/wide.h"

namespace rl::RL_ISA {

using cpu::FormulaKernels;
using cpu::FormulaTable;
using cpu::PointwiseFn;

template <class T>
RL_INLINE Lane<T> at(const void* p, int64_t i) {
  return {static_cast<const T*>(p)[i]};
}
RL_INLINE void put(void* out, int64_t i, Mask m) { static_cast<uint8_t*>(out)[i] = m.v; }
template <class T>
RL_INLINE void put(void* out, int64_t i, Lane<T> x) {
  static_cast<T*>(out)[i] = x.v;
}

template <int... I>
struct Indices {};
template <int N, int... I>
struct MakeIndices : MakeIndices<N - 1, N - 1, I...> {};
template <int... I>
struct MakeIndices<0, I...> {
  using type = Indices<I...>;
};

/// Calls f with N operands read at i (step 0: at 0), then P scalars.
template <class T, class F, int... I, int... J>
RL_INLINE auto apply([[maybe_unused]] const void* const* in, [[maybe_unused]] const int64_t* step,
                     [[maybe_unused]] int64_t i, [[maybe_unused]] const void* params, Indices<I...>,
                     Indices<J...>) {
  return F{}(at<T>(in[I], step[I] ? i : 0)..., at<T>(params, J)...);
}

/// Whether the near form of a formula holds for all of x. The greatest key says so, NaN's too.
template <class T>
bool all_in(Range range, int64_t n, const T* x) {
  using U = typename VmFloat<T>::U;
  const U mask = range.low == 0 ? ~U(0) >> 1 : ~U(0);  // the sign does not count
  const U low = vm_bits(T(range.low)), span = vm_bits(T(range.high)) - low;
  U most = 0;
  for (int64_t i = 0; i < n; ++i) {
    const U key = (vm_bits(x[i]) & mask) - low;
    most = key > most ? key : most;
  }
  return most < span;
}

template <class F>
struct Near {
  RL_INLINE auto operator()(auto... x) const -> decltype(F{}.near(x...)) { return F{}.near(x...); }
};

/// Calls loop(i, m, form) for blocks of n elements, with the form of F that fits them best; x
/// decides.
template <class T, class F, class Loop>
RL_INLINE void by_form(int64_t n, const void* x, Loop&& loop) {
  constexpr int64_t kBlock = 1024;
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t m = n - i < kBlock ? n - i : kBlock;
    if (all_in(F::range, m, static_cast<const T*>(x) + i))
      loop(i, m, Near<F>{});
    else
      loop(i, m, F{});
  }
}

template <class T, class F>
RL_INLINE void unary_loop(int64_t n, T* out, const T* in, F f) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) out[i] = f(Lane<T>{in[i]}).v;
}

template <class T, class F, int N, int P>
void forward_loop(int64_t n, void* out, const void* const* in, const int64_t* step,
                  const void* params) {
  using Operands = typename MakeIndices<N>::type;
  using Scalars = typename MakeIndices<P>::type;
  if constexpr (kHasWide<F, T>) {
    return wide_loop(n, static_cast<T*>(out), F{}, static_cast<const T*>(in[0]));
  } else if constexpr (requires(Lane<T> x) { F{}.near(x); }) {
    return by_form<T, F>(n, in[0], [&](int64_t i, int64_t m, auto form) {
      unary_loop(m, static_cast<T*>(out) + i, static_cast<const T*>(in[0]) + i, form);
    });
  }
  // A number beside a tensor: a copy, which the bytes that are written cannot be.
  if constexpr (N == 2) {
    if (!step[0] || !step[1]) {
      const T number = *static_cast<const T*>(in[step[0] ? 1 : 0]);
      const int64_t left[] = {0, 1}, right[] = {1, 0};
      if (!step[0]) {
        const void* local[] = {&number, in[1]};
#pragma GCC ivdep
        for (int64_t i = 0; i < n; ++i)
          put(out, i, apply<T, F>(local, left, i, params, Operands{}, Scalars{}));
      } else {
        const void* local[] = {in[0], &number};
#pragma GCC ivdep
        for (int64_t i = 0; i < n; ++i)
          put(out, i, apply<T, F>(local, right, i, params, Operands{}, Scalars{}));
      }
      return;
    }
  }
  const int64_t ones[] = {1, 1, 1, 1};
  const void* local[] = {in[0], N > 1 ? in[1] : nullptr, N > 2 ? in[2] : nullptr};
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i)
    put(out, i, apply<T, F>(local, ones, i, params, Operands{}, Scalars{}));
}

/// (g, operands..., y, scalars...), all of step 1. G is the type of g and y, that of the result.
template <class T, class G, class F, int... I, int... J>
RL_INLINE Lane<T> gradient(const void* const* in, int64_t i, [[maybe_unused]] const void* params,
                           Indices<I...>, Indices<J...>) {
  constexpr int n = sizeof...(I);
  if constexpr (kComplex<T> && kComplex<G>)  // for holomorphic f: conj(f'(conj g))
    return conj(F{}(conj(at<G>(in[0], i)), at<T>(in[1 + I], i)..., at<G>(in[1 + n], i),
                    at<T>(params, J)...));
  else
    return F{}(at<G>(in[0], i), at<T>(in[1 + I], i)..., at<G>(in[1 + n], i), at<T>(params, J)...);
}

template <class T, class G, class F, int N, int P>
void backward_loop(int64_t n, void* out, const void* const* in, const int64_t*,
                   const void* params) {
  const void* local[] = {in[0], in[1], in[2], N > 1 ? in[3] : nullptr, N > 2 ? in[4] : nullptr};
  const auto loop = [&](int64_t begin, int64_t m, auto form) {
#pragma GCC ivdep
    for (int64_t i = begin; i < begin + m; ++i)
      put(out, i,
          gradient<T, G, decltype(form)>(local, i, params, typename MakeIndices<N>::type{},
                                         typename MakeIndices<P>::type{}));
  };
  if constexpr (kHasWide<F, T>)
    wide_loop(n, static_cast<T*>(out), F{}, static_cast<const T*>(in[0]),
              static_cast<const T*>(in[1]), static_cast<const T*>(in[2]));
  else if constexpr (requires(Lane<T> x) { F{}.near(x, x, x); })
    by_form<T, F>(n, in[1], loop);
  else
    loop(0, n, F{});
}

template <class R>
struct ResultOf;
template <>
struct ResultOf<Mask> {
  static constexpr int dtype = static_cast<int>(DType::Bool);
};
template <>
struct ResultOf<Lane<float>> {
  static constexpr int dtype = static_cast<int>(DType::F32);
  using type = float;
};
template <>
struct ResultOf<Lane<double>> {
  static constexpr int dtype = static_cast<int>(DType::F64);
  using type = double;
};
template <>
struct ResultOf<Lane<int32_t>> {
  static constexpr int dtype = static_cast<int>(DType::I32);
};
template <>
struct ResultOf<Lane<int64_t>> {
  static constexpr int dtype = static_cast<int>(DType::I64);
};
template <>
struct ResultOf<Lane<Complex<float>>> {
  static constexpr int dtype = static_cast<int>(DType::C64);
  using type = Complex<float>;
};
template <>
struct ResultOf<Lane<Complex<double>>> {
  static constexpr int dtype = static_cast<int>(DType::C128);
  using type = Complex<double>;
};

/// How many scalars a formula takes after its N operands.
template <class F, class T, int... I, class... More>
constexpr int scalars_after(Indices<I...>, More... more) {
  if constexpr (requires(Lane<T> x) { F{}((static_cast<void>(I), x)..., more...); })
    return sizeof...(More);
  else
    return scalars_after<F, T>(Indices<I...>{}, more..., Lane<T>{});
}

class KernelRegistry {
 public:
  explicit KernelRegistry(FormulaTable& table) : table_(table) {}

  /// What the fluent options of a record do here: nothing.
  struct Entry {
    Entry& alias(const char*) { return *this; }
    Entry& node(const char*) { return *this; }
    Entry& rejects_bool(const char*, const char* = nullptr) { return *this; }
    Entry& rejects_int(const char*) { return *this; }
    Entry& rejects_complex(const char*, ErrorKind = {}) { return *this; }
    Entry& rejects_zero(const char*) { return *this; }
    Entry& kernel(const char*) { return *this; }
    Entry& lacks_bool() { return *this; }
    Entry& checks_alpha() { return *this; }
    Entry& same_dtype(int, const char*) { return *this; }
    Entry& bool_as_int() { return *this; }
    Entry& tensors_only(int = 3) { return *this; }
    Entry& number_first() { return *this; }
    Entry& checks_zero() { return *this; }
    Entry& mask_first() { return *this; }
    Entry& no_gradient(int, const char*) { return *this; }
    Entry& nn() { return *this; }
    Entry& special() { return *this; }
    Entry& hidden() { return *this; }
    Entry& not_method() { return *this; }
    Entry& not_function() { return *this; }
    Entry& not_in_place() { return *this; }
    Entry& in_place_function() { return *this; }
    Entry& no_out() { return *this; }
    Entry& out_dtype(const OutRule&) { return *this; }
    Entry& out_sets_dtype() { return *this; }
  };

  template <class D, class F, class... B>
  Entry unary(const char* schema, D, const char*, F, B...) {
    return add<1, D, F, B...>(schema);
  }
  template <class D, class F, class... B>
  Entry binary(const char* schema, D, const char*, F, B...) {
    return add<2, D, F, B...>(schema);
  }
  template <class D, class F, class... B>
  Entry ternary(const char* schema, D, const char*, F, B...) {
    return add<3, D, F, B...>(schema);
  }

 private:
  template <int N, class D, class F, class... B>
  Entry add(const char* schema) {
    FormulaKernels& k = table_.entry[table_.count++];
    k = FormulaKernels{};
    k.name = schema;
    for (int c = 0; c < kComputes; ++c) k.result[c] = -1;
    if constexpr (D::value.real_float) {
      instantiate<float, N, F, B...>(k, 0);
      instantiate<double, N, F, B...>(k, 1);
    }
    if constexpr (D::value.integer) {
      instantiate<int32_t, N, F>(k, 2);
      instantiate<int64_t, N, F>(k, 3);
    }
    if constexpr (D::value.complex) {
      instantiate<Complex<float>, N, F, B...>(k, 4);
      instantiate<Complex<double>, N, F, B...>(k, 5);
    }
    return {};
  }

  template <class T, int N, class F, class... B>
  static void instantiate(FormulaKernels& k, int c) {
    using Operands = typename MakeIndices<N>::type;
    constexpr int P = scalars_after<F, T>(Operands{});
    using R = decltype(apply<T, F>(nullptr, nullptr, 0, nullptr, Operands{},
                                   typename MakeIndices<P>::type{}));
    k.result[c] = ResultOf<R>::dtype;
    k.forward[c] = forward_loop<T, F, N, P>;
    if constexpr (sizeof...(B) > 0) {
      using G = typename ResultOf<R>::type;
      int which = 0;
      ((k.backward[which++][c] = backward_loop<T, G, B, N, P>), ...);
    }
  }

  FormulaTable& table_;
};

}  // namespace rl::RL_ISA
