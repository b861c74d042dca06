// Signatures of formulas' CUDA kernels.
#include "op/cuda_source.h"

namespace rl {

bool has_kernel(const Formula& f, DType dtype) {
  if (dtype == DType::Bool && (f.bool_message || f.lacks_bool || f.bool_as_int)) return false;
  if ((is_integral(dtype) && f.int_message) || (is_complex(dtype) && f.complex_message))
    return false;
  return covers(f.domain, compute_of(dtype));
}

DType result_of(const Formula& f, DType dtype) {
  const Compute c = compute_of(dtype);
  const DType made = static_cast<DType>(f.kernels->result[static_cast<int>(c)]);
  return made == DType::Bool ? made : made == dtype_of(c) ? dtype : real_of(dtype);
}

CudaSignature cuda_signature(const Formula& f, int gradient, DType dtype, unsigned numbers) {
  const DType result = result_of(f, dtype);
  CudaSignature sig;
  sig.name = str("rl_", f.name, gradient < 0 ? std::string() : str("_backward", gradient), "_",
                 name_of(dtype));
  sig.compute = compute_of(dtype);
  sig.scalars = f.scalars;
  for (int k = 0; k < f.operands; ++k)
    sig.inputs.push_back({k == 0 && f.mask_first ? DType::Bool : dtype});
  sig.result = result;
  if (gradient >= 0) {
    // For holomorphic f the gradient is conj(f'(conj g)), where f' is written for real numbers.
    const bool holomorphic = is_complex(dtype) && is_complex(result);
    sig.inputs.insert(sig.inputs.begin(), {result, false, holomorphic});
    sig.inputs.push_back({result});
    sig.result = dtype;
    sig.conjugate_result = holomorphic;
  }
  for (size_t j = 0; j < sig.inputs.size(); ++j) sig.inputs[j].number = numbers >> j & 1;
  if (numbers) sig.name += str("_numbers", numbers);
  return sig;
}

std::string cuda_source(const Formula& f, int gradient, DType dtype, unsigned numbers) {
  return cuda_kernel(gradient < 0 ? f.forward : f.backward[gradient],
                     cuda_signature(f, gradient, dtype, numbers));
}

}  // namespace rl
