// Scalar: one Python number (bool, int, float or complex) and its conversions.
#pragma once
#include <complex>
#include <cstdint>

#include "base/dtype.h"
#include "base/error.h"

namespace rl {

class Scalar {
 public:
  enum Kind : uint8_t { Bool, Int, Float, Complex };

  Scalar() : Scalar(int64_t{0}) {}
  Scalar(bool v) : kind(Bool), i_(v) {}
  Scalar(int v) : Scalar(static_cast<int64_t>(v)) {}
  Scalar(int64_t v) : kind(Int), i_(v) {}
  Scalar(double v) : kind(Float), re_(v) {}
  Scalar(std::complex<double> v) : kind(Complex), re_(v.real()), im_(v.imag()) {}

  double real() const { return kind <= Int ? static_cast<double>(i_) : re_; }
  double imag() const { return im_; }
  std::complex<double> complex() const { return {real(), im_}; }
  int64_t integer() const {
    if (kind <= Int) return i_;
    // A float outside int64's range has no defined conversion: saturate as x86 does.
    if (!(re_ >= -9223372036854775808.0 && re_ < 9223372036854775808.0)) return INT64_MIN;
    return static_cast<int64_t>(re_);
  }
  bool boolean() const { return kind <= Int ? i_ != 0 : (re_ != 0 || im_ != 0); }
  bool is_integral() const { return kind <= Int; }
  /// The dtype a tensor of this number would have, given the default float type.
  DType dtype(DType default_float) const {
    if (kind <= Int) return kind == Bool ? DType::Bool : DType::I64;
    return kind == Float ? default_float : complex_of(default_float);
  }

  Kind kind;

 private:
  union {
    int64_t i_;
    double re_;
  };
  double im_ = 0;
};

}  // namespace rl
