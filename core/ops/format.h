// Memory formats: what memory_format= asks for, and results that keep the channels of images
// innermost where their input has them so.
#pragma once
#include "op/arg.h"
#include "tensor/tensor.h"

namespace rl {

/// A fresh, contiguous `out`, or a copy with its channels last if those of `like` are: in the cases
/// in which PyTorch's operations on [n, c, h, w] and [n, c, d, h, w] keep them. Does not record.
Tensor in_format_of(const Tensor& out, const Tensor& like);

/// The strides of a dense tensor of those sizes in a format that is not to preserve another's.
Dims strides_of(const Dims& sizes, Format format);

/// A new tensor of the sizes of `input` in a format; without one, in the order that input has.
Tensor empty_like_in(const Tensor& input, DType dtype, Format format);

}  // namespace rl
