// From a dtype at run time to a C++ type at compile time, for kernels that are plain templates.
// Half and BFloat16 convert to and from float; Wide<T> is the type to compute in.
#pragma once
#include <complex>
#include <type_traits>

#include "base/dtype.h"
#include "base/error.h"

namespace rl {

template <class T>
struct Tag {
  using type = T;
};

template <class T>
using Wide = std::conditional_t<std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>, float, T>;
template <class T>
inline constexpr bool kComplex =
    std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>;

/// Calls f(Tag<T>()) for the n-th type of a list, which is in the order of DType.
template <class First, class... Rest, class F>
decltype(auto) dispatch_nth(int n, F&& f) {
  if constexpr (sizeof...(Rest) > 0)
    if (n > 0) return dispatch_nth<Rest...>(n - 1, f);
  return f(Tag<First>());
}

/// Every dtype that has an order: not the complex ones, for which the caller must have raised.
template <class F>
decltype(auto) dispatch_real(DType t, F&& f) {
  RL_CHECK(!is_complex(t), "internal error: no order among complex numbers");
  return dispatch_nth<bool, uint8_t, int8_t, int16_t, int32_t, int64_t, uint16_t, uint32_t,
                      uint64_t, Half, BFloat16, float, double>(static_cast<int>(t), f);
}

/// Calls f(Tag<T>()) with the dtype's C++ type.
template <class F>
decltype(auto) dispatch(DType t, F&& f) {
  if (t == DType::C64) return f(Tag<std::complex<float>>());
  if (t == DType::C128) return f(Tag<std::complex<double>>());
  return dispatch_real(t, f);
}

/// For code that computes in float or double: f(T{}), T being double for F64.
template <class F>
void typed(DType t, F&& f) {
  if (t == DType::F64)
    f(double{});
  else
    f(float{});
}

struct Bytes16 {
  uint64_t half[2];
};

/// For code that only moves elements: an unsigned type of that many bytes.
template <class F>
decltype(auto) dispatch_size(int64_t bytes, F&& f) {
  switch (bytes) {
    case 1:
      return f(Tag<uint8_t>());
    case 2:
      return f(Tag<uint16_t>());
    case 4:
      return f(Tag<uint32_t>());
    case 8:
      return f(Tag<uint64_t>());
    default:
      return f(Tag<Bytes16>());
  }
}

}  // namespace rl
