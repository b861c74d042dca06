// What PyTorch asks of the dtype of out=, operation by operation, and says where it is wrong. Each
// operation names its rule where it is defined; the rules that several share are here.
#pragma once
#include <optional>

#include "base/dtype.h"
#include "base/error_kind.h"

namespace rl {

struct Arg;

/// In the text %W and %G are the wanted and the given dtype ("Float"), %w and %g in C ("float").
struct OutRule {
  const char* text;   // null: any dtype will do
  bool exact = true;  // the result's own dtype; else one that it can be cast to
  ErrorKind kind = ErrorKind::Runtime;
  const OutRule& (*by)(const Arg* args) = nullptr;  // the rule where it depends on the arguments
  std::optional<DType> always = {};  // the result's dtype, where it is known before: asked first
};
inline constexpr OutRule kOutCast = {"result type %W can't be cast to the desired output type %G",
                                     false};
inline constexpr OutRule kOutExact = {"Expected out tensor to have dtype %w, but got %g instead"};
inline constexpr OutRule kOutFoundExact = {"Found dtype %G but expected %W"};
inline constexpr OutRule kOutScalar = {"expected scalar type %W but found %G"};
inline constexpr OutRule kOutScalarType = {"expected scalar_type %W but found %G"};
inline constexpr OutRule kOutProduct = {"result dtype %G does not match input dtype %W"};
inline constexpr OutRule kOutExtreme = {
    "Expected the dtype for input and out to match, but got %W for input's dtype and %G for out's "
    "dtype."};
inline constexpr OutRule kOutCat = {
    "torch.cat(): input types can't be cast to the desired output type %G", false, ErrorKind::Type};
inline constexpr OutRule kOutComplex = {
    "Expected object of scalar type %W but got scalar type %G for argument 'out'"};
inline constexpr OutRule kOutNanSum = {"\"nansum_cpu\" not implemented for '%G'", false,
                                       ErrorKind::NotImplemented};
inline constexpr OutRule kOutNormal = {"\"normal_kernel_cpu\" not implemented for '%G'", false,
                                       ErrorKind::NotImplemented};
inline constexpr OutRule kOutVector = {
    "addmv input tensors must have the same dtype, but got %G, %W, and %W"};
inline constexpr OutRule kOutMean = {
    "mean.dtype_out(): input types can't be cast to the desired output type %G", false};
inline constexpr OutRule kOutAll = {
    "Expected canCast( typeMetaToScalarType(self.dtype()), typeMetaToScalarType(out.dtype())) to "
    "be true, but got false.  (Could this error message be improved?  If so, please report an "
    "enhancement request to PyTorch.)",
    false};

}  // namespace rl
