// The load and store loops, built once per instruction set: any storage type to any compute type.
// The freestanding conversions here are the only place where dtypes are told apart.
#include "cpu/kernel_table.h"
#include "cpu/simd.h"

namespace rl::RL_ISA {
namespace {

using cpu::LoadStoreTable;

template <class T>
struct Cx {
  T re, im;
};

// Storage types by dtype.
template <DType>
struct StorageOf;
#define RL_STORAGE(D, T)       \
  template <>                  \
  struct StorageOf<DType::D> { \
    using type = T;            \
  };
RL_STORAGE(Bool, uint8_t)
RL_STORAGE(U8, uint8_t)
RL_STORAGE(I8, int8_t)
RL_STORAGE(I16, int16_t)
RL_STORAGE(I32, int32_t)
RL_STORAGE(I64, int64_t)
RL_STORAGE(U16, uint16_t)
RL_STORAGE(U32, uint32_t)
RL_STORAGE(U64, uint64_t)
RL_STORAGE(F16, uint16_t)
RL_STORAGE(BF16, uint16_t)
RL_STORAGE(F32, float)
RL_STORAGE(F64, double)
RL_STORAGE(C64, Cx<float>)
RL_STORAGE(C128, Cx<double>)
#undef RL_STORAGE

template <Compute>
struct ComputeOf;
#define RL_COMPUTE(C, T)         \
  template <>                    \
  struct ComputeOf<Compute::C> { \
    using type = T;              \
  };
RL_COMPUTE(F32, float)
RL_COMPUTE(F64, double)
RL_COMPUTE(I32, int32_t)
RL_COMPUTE(I64, int64_t)
RL_COMPUTE(C64, Cx<float>)
RL_COMPUTE(C128, Cx<double>)
#undef RL_COMPUTE

RL_INLINE float half_to_float(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000u) << 16, rest = h & 0x7fffu;
  // Scale by 2^112 to move the exponent bias; it also normalises subnormals. Inf/NaN apart.
  const float scaled = __builtin_bit_cast(float, rest << 13) * 0x1p112f;
  const uint32_t special = 0x7f800000u | (rest << 13);
  const uint32_t bits = rest >= 0x7c00u ? special : __builtin_bit_cast(uint32_t, scaled);
  return __builtin_bit_cast(float, bits | sign);
}
RL_INLINE uint16_t float_to_half(float f) {
  const uint32_t raw = __builtin_bit_cast(uint32_t, f);
  const uint32_t sign = (raw >> 16) & 0x8000u, x = raw & 0x7fffffffu;
  const uint32_t normal = (x + 0xc8000fffu + ((x >> 13) & 1u)) >> 13;
  const float shifted = __builtin_bit_cast(float, x) + 0.5f;
  const uint32_t subnormal = __builtin_bit_cast(uint32_t, shifted) - 0x3f000000u;
  uint32_t r = x < 0x38800000u ? subnormal : normal;
  r = x >= 0x47800000u ? 0x7c00u : r;
  r = x > 0x7f800000u ? 0x7e00u : r;
  return static_cast<uint16_t>(r | sign);
}
RL_INLINE uint16_t float_to_bf16(float f) {
  const uint32_t x = __builtin_bit_cast(uint32_t, f);
  const uint32_t rounded = (x + 0x7fffu + ((x >> 16) & 1u)) >> 16;
  return static_cast<uint16_t>((x & 0x7fffffffu) > 0x7f800000u ? 0x7fc0u : rounded);
}
RL_INLINE float bf16_to_float(uint16_t h) {
  return __builtin_bit_cast(float, static_cast<uint32_t>(h) << 16);
}

/// The stored element as a number C++ can convert.
template <DType D>
RL_INLINE auto decode(typename StorageOf<D>::type v) {
  if constexpr (D == DType::F16)
    return half_to_float(v);
  else if constexpr (D == DType::BF16)
    return bf16_to_float(v);
  else
    return v;
}

template <class To, class From>
RL_INLINE To convert(From v) {
  if constexpr (requires { v.re; }) {
    if constexpr (requires(To t) { t.re; }) {
      using R = decltype(To{}.re);
      return {static_cast<R>(v.re), static_cast<R>(v.im)};
    } else {
      return convert<To>(v.re);
    }
  } else if constexpr (requires(To t) { t.re; }) {
    using R = decltype(To{}.re);
    return {static_cast<R>(v), R(0)};
  } else if constexpr (sizeof(To) == 4 && static_cast<To>(0.5) == 0 &&
                       static_cast<From>(0.5) != 0) {
    // Float to a narrow integer goes through int64, so that uint8(-1.) wraps as it does in C.
    return static_cast<To>(static_cast<int64_t>(v));
  } else {
    return static_cast<To>(v);
  }
}

template <DType D, Compute C>
void load(int64_t n, const void* src, int64_t stride, void* dst) {
  using S = typename StorageOf<D>::type;
  using T = typename ComputeOf<C>::type;
  const S* s = static_cast<const S*>(src);
  T* d = static_cast<T*>(dst);
  if (stride == 1) {
    for (int64_t i = 0; i < n; ++i) d[i] = convert<T>(decode<D>(s[i]));
  } else if (stride == 0) {
    const T v = convert<T>(decode<D>(*s));
    for (int64_t i = 0; i < n; ++i) d[i] = v;
  } else {
    for (int64_t i = 0; i < n; ++i) d[i] = convert<T>(decode<D>(s[i * stride]));
  }
}

template <DType D>
RL_INLINE typename StorageOf<D>::type encode(typename ComputeOf<compute_of(D)>::type v) {
  if constexpr (D == DType::Bool)
    return v != 0;
  else if constexpr (D == DType::F16)
    return float_to_half(v);
  else if constexpr (D == DType::BF16)
    return float_to_bf16(v);
  else
    return static_cast<typename StorageOf<D>::type>(v);
}

template <DType D>
void store(int64_t n, const void* src, void* dst, int64_t stride) {
  using S = typename StorageOf<D>::type;
  using T = typename ComputeOf<compute_of(D)>::type;
  const T* s = static_cast<const T*>(src);
  S* d = static_cast<S*>(dst);
  if (stride == 1) {
    for (int64_t i = 0; i < n; ++i) d[i] = encode<D>(s[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) d[i * stride] = encode<D>(s[i]);
  }
}

template <DType D>
void truth(int64_t n, const void* src, int64_t stride, void* dst) {
  using S = typename StorageOf<D>::type;
  const S* s = static_cast<const S*>(src);
  uint8_t* d = static_cast<uint8_t*>(dst);
  for (int64_t i = 0; i < n; ++i) {
    const S v = s[i * stride];
    if constexpr (is_complex(D))
      d[i] = (v.re != 0) | (v.im != 0);
    else if constexpr (D == DType::F16 || D == DType::BF16)
      d[i] = (v & 0x7fffu) != 0;
    else
      d[i] = v != 0;
  }
}

/// By squares of registers; what is left element by element.
template <class T>
void transpose_matrix(int64_t inner, int64_t outer, const void* src, int64_t src_step, void* dst,
                      int64_t dst_step) {
  constexpr int w = kLanes<T>;
  const T* s = static_cast<const T*>(src);
  T* d = static_cast<T*>(dst);
  const int64_t whole_i = inner / w * w, whole_o = outer / w * w;
  for (int64_t o = 0; o < whole_o; o += w)
    for (int64_t i = 0; i < whole_i; i += w) {
      Vec<T> square[w];
#pragma GCC unroll 16
      for (int k = 0; k < w; ++k) square[k] = rl::RL_ISA::load(s + (i + k) * src_step + o);
      rl::RL_ISA::transpose<T>(square);
#pragma GCC unroll 16
      for (int k = 0; k < w; ++k) rl::RL_ISA::store(d + (o + k) * dst_step + i, square[k]);
    }
  for (int64_t i = 0; i < whole_i; ++i)
    for (int64_t o = whole_o; o < outer; ++o) d[o * dst_step + i] = s[i * src_step + o];
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = whole_i; i < inner; ++i) d[o * dst_step + i] = s[i * src_step + o];
}

template <class T>
void reverse(int64_t n, const void* src, void* dst) {
  const T* s = static_cast<const T*>(src);
  T* d = static_cast<T*>(dst);
  for (int64_t i = 0; i < n; ++i) d[i] = s[-i];
}

template <int D>
void fill_rows(LoadStoreTable& t) {
  constexpr DType d = static_cast<DType>(D);
  t.load[D][0] = load<d, Compute::F32>;
  t.load[D][1] = load<d, Compute::F64>;
  t.load[D][2] = load<d, Compute::I32>;
  t.load[D][3] = load<d, Compute::I64>;
  t.load[D][4] = load<d, Compute::C64>;
  t.load[D][5] = load<d, Compute::C128>;
  t.store[D] = store<d>;
  t.truth[D] = truth<d>;
  if constexpr (D + 1 < kDTypes) fill_rows<D + 1>(t);
}

}  // namespace

void fill_load_store(LoadStoreTable& t) {
  fill_rows<0>(t);
  t.transpose[0] = transpose_matrix<float>;
  t.transpose[1] = transpose_matrix<double>;
  t.reverse[0] = reverse<uint32_t>;
  t.reverse[1] = reverse<uint64_t>;
}

}  // namespace rl::RL_ISA
