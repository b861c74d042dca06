// LAPACK's and BLAS's Fortran routines, called on raw pointers for any of the four element types.
// The library is the one that cpu/gemm.h opens. Shapes are checked by the caller.
#pragma once
#include <complex>
#include <string>
#include <type_traits>

#include "base/error.h"
#include "cpu/gemm.h"

namespace rl::cpu {

/// A routine by its name without the type's letter: Lapack<double>("getrf") is dgetrf. Looked up
/// when made; inside a parallel_for body that also tells the library to keep to one thread.
template <class T>
struct Lapack {
  explicit Lapack(const char* name) {
    const char letter = std::is_same_v<T, float>                 ? 's'
                        : std::is_same_v<T, double>              ? 'd'
                        : std::is_same_v<T, std::complex<float>> ? 'c'
                                                                 : 'z';
    const std::string full = std::string(1, letter) + name + "_";
    routine_ = blas_symbol(full.c_str());
    RL_CHECK(routine_, "linear algebra needs LAPACK, and ", full, " was not found",
             "\nfix: pip install scipy-openblas32");
  }
  /// Fortran takes every argument by address, and the lengths of its texts (all 1) at the end,
  /// where surplus ones do no harm.
  template <class... A>
  void operator()(A... args) const {
    using Fn = void (*)(decltype(address(args))..., size_t, size_t, size_t, size_t);
    reinterpret_cast<Fn>(routine_)(address(args)..., 1, 1, 1, 1);
  }

 private:
  template <class V>
  static const V* address(const V& value) {
    return &value;
  }
  template <class V>
  static V* address(V* const& array) {
    return array;
  }
  void* routine_;
};

}  // namespace rl::cpu
