// The form behind every convolution: the number sum(y * conv(x, w)), linear in each of y, x and w.
// Its derivative by y is the convolution, by x the transposed one, by w the weight's gradient; and
// the gradients of these three are again these three. Not for files but convolution*.cpp.
#pragma once
#include "op/call.h"

namespace rl {

enum class Role { Output, Input, Weight };
constexpr Role after(Role r) { return static_cast<Role>((static_cast<int>(r) + 1) % 3); }

struct ConvShape {
  Dims y, x, w;  // [n, k, ...], [n, c, ...], [k, c / groups, ...]
  Dims stride, padding, dilation;
  int64_t groups;

  int spatial() const { return stride.size(); }
  const Dims& of(Role r) const { return r == Role::Output ? y : r == Role::Input ? x : w; }
};

/// The derivative of the form by one role, `a` and `b` being tensors of the next two roles (in the
/// order output, input, weight, output, ...). Does not record.
Tensor conv_run(Role by, const ConvShape& s, const Tensor& a, const Tensor& b);
/// The same with a bias for each channel of the result, if one is defined.
Tensor conv_biased(Role by, const ConvShape& s, const Tensor& a, const Tensor& b,
                   const Tensor& bias);
/// conv_run, recorded.
Tensor conv_derivative(Role by, const ConvShape& s, const Tensor& a, const Tensor& b);

}  // namespace rl
