// What a formula refuses beyond dtypes that have no kernel, in PyTorch's words.
#include "op/refuse.h"

#include "op/promote.h"
#include "tensor/layout.h"

namespace rl {

void check_divisor(const Operand& divisor) {
  bool zero = false;
  if (!divisor.tensor) {
    zero = !divisor.number.boolean();
  } else if (divisor.tensor->numel() > 0) {
    const Tensor t = as_contiguous(*divisor.tensor, DType::I64);
    const int64_t* p = t.data<int64_t>();
    for (int64_t i = 0; i < t.numel(); ++i) zero |= p[i] == 0;
  }
  RL_CHECK(!zero, "ZeroDivisionError");
}

void check_refusals(const Formula& f, const Operand* operands, DType common) {
  if (f.bool_message) {
    int bools = 0;
    for (int k = 0; k < f.operands; ++k)
      bools += operands[k].tensor ? operands[k].tensor->dtype() == DType::Bool
                                  : operands[k].number.kind == Scalar::Bool;
    RL_CHECK(!bools, bools == f.operands ? f.bools_message : f.bool_message);
  }
  RL_CHECK(!f.int_message || !is_integral(result_type(operands + 1, f.operands - 1)),
           f.int_message);
  if (f.complex_message && is_complex(common)) raise(f.complex_error, f.complex_message);
  for (int k = 1; k < f.operands; ++k)
    RL_CHECK(!f.same_dtype[k] || !operands[k].tensor ||
                 operands[k].tensor->dtype() == operands[0].tensor->dtype(),
             "expected dtype ", info(operands[0].tensor->dtype()).c_name, " for `", f.same_dtype[k],
             "` but got dtype ", info(operands[k].tensor->dtype()).c_name);
}

void check_scalars(const Formula& f, const Scalar* scalars, DType common) {
  RL_CHECK(!f.zero_message || scalars[0].real() != 0.0, f.zero_message);
  if (!f.checks_alpha) return;
  const Scalar::Kind kind = scalars[0].kind;
  RL_CHECK(kind != Scalar::Bool || common == DType::Bool,
           "Boolean alpha only supported for Boolean results.");
  RL_CHECK(kind == Scalar::Bool || kind == Scalar::Int || !is_integral(common),
           "For integral input tensors, argument alpha must not be a floating point number.");
  RL_CHECK(kind != Scalar::Complex || is_complex(common),
           "For non-complex input tensors, argument alpha must not be a complex number.");
}

}  // namespace rl
