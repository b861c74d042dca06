// Emission: prints a Program as a CUDA kernel, include-free text for NVRTC. The text depends on the
// program and the types only, never on shapes, strides or the values of scalars. Not here:
// compiling or launching it, nor which programs an operation has (op/cuda_source.h).
#pragma once
#include <string>
#include <vector>

#include "cpu/compute.h"
#include "expr/program.h"

namespace rl {

/// What a kernel is told about one input of its program.
struct CudaInput {
  DType dtype = DType::F32;
  bool number = false;     // a run-time argument of the compute type, not an array
  bool conjugate = false;  // read as its conjugate
};

struct CudaSignature {
  std::string name;
  Compute compute = Compute::F32;
  std::vector<CudaInput> inputs;
  int scalars = 0;
  DType result = DType::F32;
  bool conjugate_result = false;
};

/// One kernel. Its arguments: the number of elements (int64), the output, then those inputs that
/// the program loads, in order (contiguous arrays, or a number), then all scalars (compute type).
std::string cuda_kernel(const Program& program, const CudaSignature& signature);

/// What must stand once before any kernels.
const char* cuda_preamble();

}  // namespace rl
