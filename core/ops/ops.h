// Operations that other C++ code calls directly, where a call by name would be clumsy. Each is
// defined in its family's file and records like its Python twin.
#pragma once
#include "op/arg.h"

namespace rl {

// copy.cpp, view.cpp
Tensor view(const Tensor& input, const Dims& size);
Tensor reshape(const Tensor& input, const Dims& shape);
Tensor transpose(const Tensor& input, int64_t dim0, int64_t dim1);
Tensor permute(const Tensor& input, const Dims& dims);
Tensor expand(const Tensor& input, const Dims& size);
Tensor unsqueeze(const Tensor& input, int64_t dim);
Tensor squeeze_dim(const Tensor& input, int64_t dim);
Tensor squeeze_dims(const Tensor& input, const OptDims& dims);
Tensor select(const Tensor& input, int64_t dim, int64_t index);
Tensor slice(const Tensor& input, int64_t dim, OptInt start, OptInt end, int64_t step);
Tensor narrow(const Tensor& input, int64_t dim, int64_t start, int64_t length);
Tensor as_strided(const Tensor& input, const Dims& size, const Dims& stride, OptInt offset);
Tensor detach(const Tensor& input);
Tensor contiguous(const Tensor& input);
Tensor clone(const Tensor& input);
Tensor copy_(const Tensor& self, const Tensor& src);

// reduce.cpp
Tensor sum_dims(const Tensor& input, const Dims& dims, bool keepdim);
Tensor sum_all(const Tensor& input);
Tensor mean_dims(const Tensor& input, const Dims& dims, bool keepdim);

// norm.cpp
/// Singular values are linalg's, which is written in Python: the binding layer fills this in.
extern Tensor (*nuclear_norm)(const Tensor& input, const Dims& dim, bool keepdim);

// scan.cpp
Tensor cumprod(const Tensor& input, int64_t dim);

// softmax.cpp
Tensor softmax(const Tensor& input, int64_t dim);
Tensor log_softmax(const Tensor& input, int64_t dim);

// matmul.cpp
Tensor matmul(const Tensor& a, const Tensor& b);
Tensor mm(const Tensor& a, const Tensor& b);
Tensor bmm(const Tensor& a, const Tensor& b);
Tensor mv(const Tensor& a, const Tensor& x);
Tensor dot(const Tensor& a, const Tensor& b);
Tensor outer(const Tensor& a, const Tensor& b);
Tensor tensordot(const Tensor& a, const Tensor& b, const Dims& dims_a, const Dims& dims_b);

// index.cpp, scatter.cpp
Tensor index(const Tensor& self, const OptTensors& indices);
Tensor index_put(const Tensor& self, const OptTensors& indices, const Tensor& values,
                 bool accumulate);
Tensor index_put_(const Tensor& self, const OptTensors& indices, const Tensor& values,
                  bool accumulate);
Tensor index_select(const Tensor& input, int64_t dim, const Tensor& index);
Tensor index_add(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& source,
                 const Scalar& alpha);
Tensor masked_fill(const Tensor& input, const Tensor& mask, const Operand& value);
Tensor nonzero(const Tensor& input);
Tensor gather(const Tensor& input, int64_t dim, const Tensor& index);
Tensor scatter_add(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& src);

// join.cpp
Tensor cat(const Tensors& tensors, int64_t dim);
Tensor stack(const Tensors& tensors, int64_t dim);
Tensor flip(const Tensor& input, const Dims& dims);
Tensor repeat(const Tensor& input, const Dims& repeats);
Tensor constant_pad_nd(const Tensor& input, const Dims& pad, const Scalar& value);

}  // namespace rl
