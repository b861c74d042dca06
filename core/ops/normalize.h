// What the normalisations share. Not for other files.
#pragma once
#include "cpu/normalize_kernels.h"
#include "op/call.h"

namespace rl {

template <class T>
const cpu::NormalizeKernels<T>& normalize_kernels();

/// x normalised over `dims` with population statistics, times w, plus a bias: its gradients in
/// recorded operations. w is undefined or broadcasts over x, and so does the bias.
struct NormGradient {
  Dims dims;
  double eps;
  bool centred = true;
  /// d/dx, d/dw and d/dbias, the last two summed to `param_sizes`, where `needs` says so.
  Grads operator()(const Tensor& g, const Tensor& x, const Tensor& w, const Dims& param_sizes,
                   const bool* needs) const;
};

/// "not implemented for 'Long'" and "mixed dtype (CPU): ..." of weight and bias.
void check_norm_types(const char* kernel, const Tensor& x, const OptTensor& weight,
                      const OptTensor& bias);
/// The dtype kernels compute in, for a floating dtype.
inline DType norm_dtype(const Tensor& x) {
  return x.dtype() == DType::F64 ? DType::F64 : DType::F32;
}
/// A parameter as the kernels read it, or undefined.
Tensor norm_param(const Tensor& p, DType dtype);
template <class T>
T* data_or_null(const Tensor& t) {
  return t.defined() ? t.data<T>() : nullptr;
}

/// Calls f(float{}) or f(double{}).
template <class F>
auto as_real(DType t, F&& f) {
  return t == DType::F64 ? f(double{}) : f(float{});
}

}  // namespace rl
