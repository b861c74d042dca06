// The pieces of matrix products that matmul.cpp and contract.cpp share. Not for other files.
#pragma once
#include "autograd/saved.h"
#include "op/registry.h"

namespace rl {

/// op(a) @ op(b) over the last two dimensions, the leading ones broadcast; op transposes where the
/// flag says so. Records; shapes and types must have been checked.
Tensor product(const Tensor& a, bool ta, const Tensor& b, bool tb, const char* label);
/// out = alpha * op(a) @ op(b) + beta * out; out is contiguous. Does not record.
void product_into(const Tensor& out, Tensor a, bool ta, Tensor b, bool tb, const Scalar& alpha,
                  const Scalar& beta);
void gemv_into(const Tensor& out, Tensor a, const Tensor& x, const Scalar& alpha,
               const Scalar& beta);
Grads mv_gradients(const Tensor& g, const Saved& a, const Saved& x, Node& self, size_t first);
Tensor conjugate(const Tensor& t);

void check_implemented(const char* kernel, DType t);
void check_expands(const Tensor& t, const Dims& to);
void check_mm(const Tensor& a, const Dims& b);
void check_same_dtype(const char* name, const Tensor& t, const Tensor& mat2);
void check_bmm(const Tensor& a, const Tensor& b);
void check_scalar_type(const Tensor& a, const Tensor& b);

Tensor vdot(const Tensor& a, const Tensor& b);

}  // namespace rl
