// Element types: the list of them, their sizes and names, and the 16-bit floats in software.
// Not here: how types combine (op/promote) or how values are loaded and stored (cpu/load_store).
#pragma once
#include <cstdint>
#include <cstring>

namespace rl {

enum class DType : uint8_t {
  Bool,
  U8,
  I8,
  I16,
  I32,
  I64,
  U16,
  U32,
  U64,
  F16,
  BF16,
  F32,
  F64,
  C64,
  C128
};
constexpr int kDTypes = 15;

struct DTypeInfo {
  const char* name;    // "float32", as in torch.float32
  const char* alias;   // "float", the other public name, or nullptr
  const char* type;    // "Float", as in FloatTensor and in error messages
  const char* c_name;  // "float", "long int", as in others
  uint8_t size;        // bytes
};

constexpr DTypeInfo kDTypeInfo[kDTypes] = {
    {"bool", nullptr, "Bool", "bool", 1},
    {"uint8", nullptr, "Byte", "unsigned char", 1},
    {"int8", nullptr, "Char", "signed char", 1},
    {"int16", "short", "Short", "short int", 2},
    {"int32", "int", "Int", "int", 4},
    {"int64", "long", "Long", "long int", 8},
    {"uint16", nullptr, "UInt16", "short unsigned int", 2},
    {"uint32", nullptr, "UInt32", "unsigned int", 4},
    {"uint64", nullptr, "UInt64", "long unsigned int", 8},
    {"float16", "half", "Half", "c10::Half", 2},
    {"bfloat16", nullptr, "BFloat16", "c10::BFloat16", 2},
    {"float32", "float", "Float", "float", 4},
    {"float64", "double", "Double", "double", 8},
    {"complex64", "cfloat", "ComplexFloat", "c10::complex<float>", 8},
    {"complex128", "cdouble", "ComplexDouble", "c10::complex<double>", 16},
};

constexpr const DTypeInfo& info(DType t) { return kDTypeInfo[static_cast<int>(t)]; }
constexpr int64_t size_of(DType t) { return info(t).size; }
constexpr const char* name_of(DType t) { return info(t).name; }
constexpr const char* c_name_of(DType t) { return info(t).c_name; }

constexpr bool is_complex(DType t) { return t >= DType::C64; }
constexpr bool is_floating(DType t) { return t >= DType::F16 && t <= DType::F64; }
constexpr bool is_integral(DType t, bool with_bool = true) {
  return t < DType::F16 && (with_bool || t != DType::Bool);
}
constexpr bool is_differentiable(DType t) { return t >= DType::F16; }
constexpr bool is_signed(DType t) { return t >= DType::F16 || (t >= DType::I8 && t <= DType::I64); }
/// The real type of a complex type's parts; any other type is its own.
constexpr DType real_of(DType t) {
  return t == DType::C64 ? DType::F32 : t == DType::C128 ? DType::F64 : t;
}
constexpr DType complex_of(DType t) {
  return t == DType::F64 || t == DType::C128 ? DType::C128 : DType::C64;
}

/// IEEE 754 binary16, stored only: arithmetic happens in float.
struct Half {
  uint16_t bits;
  Half() = default;
  explicit Half(float f) : bits(from_float(f)) {}
  operator float() const { return to_float(bits); }

  static uint16_t from_float(float f) {
    uint32_t x;
    std::memcpy(&x, &f, 4);
    const uint32_t sign = (x >> 16) & 0x8000u;
    x &= 0x7fffffffu;
    if (x > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u);   // NaN
    if (x >= 0x47800000u) return static_cast<uint16_t>(sign | 0x7c00u);  // overflow to Inf
    if (x < 0x38800000u) {  // subnormal: let the float adder round at bit 0 of the half
      float magic, value;
      const uint32_t magic_bits = 0x3f000000u;  // 0.5
      std::memcpy(&magic, &magic_bits, 4);
      std::memcpy(&value, &x, 4);
      value += magic;
      uint32_t r;
      std::memcpy(&r, &value, 4);
      return static_cast<uint16_t>(sign | (r - magic_bits));
    }
    const uint32_t odd = (x >> 13) & 1u;  // round to nearest, ties to even
    x += 0xc8000fffu + odd;
    return static_cast<uint16_t>(sign | (x >> 13));
  }
  static float to_float(uint16_t h) {
    const uint32_t sign = static_cast<uint32_t>(h & 0x8000u) << 16;
    const uint32_t exponent = (h >> 10) & 0x1fu, mantissa = h & 0x3ffu;
    uint32_t x;
    float f;
    if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24, exact in float
      f = static_cast<float>(mantissa) * 5.9604644775390625e-08f;
      std::memcpy(&x, &f, 4);
      x |= sign;
    } else if (exponent == 31) {
      x = sign | 0x7f800000u | (mantissa << 13);
    } else {
      x = sign | ((exponent + 112) << 23) | (mantissa << 13);
    }
    std::memcpy(&f, &x, 4);
    return f;
  }
};

/// bfloat16: the upper half of a float, rounded to nearest even.
struct BFloat16 {
  uint16_t bits;
  BFloat16() = default;
  explicit BFloat16(float f) : bits(from_float(f)) {}
  operator float() const { return to_float(bits); }

  static uint16_t from_float(float f) {
    uint32_t x;
    std::memcpy(&x, &f, 4);
    const uint32_t rounded = (x + 0x7fffu + ((x >> 16) & 1u)) >> 16;
    return static_cast<uint16_t>(f != f ? 0x7fc0u : rounded);
  }
  static float to_float(uint16_t h) {
    const uint32_t x = static_cast<uint32_t>(h) << 16;
    float f;
    std::memcpy(&f, &x, 4);
    return f;
  }
};

}  // namespace rl
