// Vectors for the product and convolution kernels: GCC vector types with loads, stores, partial
// loads and stores, and the in-register transpose. Not here: mathematics (that is vmath.h).
#pragma once
#include <cstddef>
#include <cstdint>

#include "cpu/isa.h"
#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace rl::RL_ISA {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64, kRegisters = 32;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32, kRegisters = 16;
#elif defined(__aarch64__)
constexpr int kVectorBytes = 16, kRegisters = 32;
#else
constexpr int kVectorBytes = 16, kRegisters = 16;
#endif

template <class T>
struct VecOf {
  typedef T type __attribute__((vector_size(kVectorBytes)));
  typedef T loose __attribute__((vector_size(kVectorBytes), aligned(alignof(T)), may_alias));
};
template <class T>
using Vec = typename VecOf<T>::type;
template <class T>
constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(T));

template <class T>
RL_INLINE Vec<T> load(const T* p) {
  return *reinterpret_cast<const typename VecOf<T>::loose*>(p);
}
template <class T>
RL_INLINE void store(T* p, Vec<T> v) {
  *reinterpret_cast<typename VecOf<T>::loose*>(p) = v;
}
template <class T>
RL_INLINE Vec<T> splat(T x) {
  return x - Vec<T>{};  // x - 0 keeps the sign of zero, x + 0 does not
}

/// sum += *a * b in one instruction, if it can spread *a itself.
template <class T>
RL_INLINE void add_product(Vec<T>& sum, const T* a, Vec<T> b) {
#if defined(__AVX512F__)
  constexpr int size = T(0.5) != T(0) ? sizeof(T) : 0;
  if constexpr (size == 4)
    asm("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(b), "m"(*a));
  else if constexpr (size == 8)
    asm("vfmadd231pd %2%{1to8%}, %1, %0" : "+v"(sum) : "v"(b), "m"(*a));
  else
#endif
    sum += splat(*a) * b;
}

/// Is a lane of a comparison's result true?
template <class Mask>
RL_INLINE bool any_lane(Mask m) {
#if defined(__AVX512F__)
  if constexpr (sizeof m == 64) return _mm512_test_epi64_mask((__m512i)m, (__m512i)m) != 0;
#elif defined(__AVX2__)
  if constexpr (sizeof m == 32) return !_mm256_testz_si256((__m256i)m, (__m256i)m);
#endif
  bool any = false;
  for (size_t l = 0; l < sizeof m / sizeof m[0]; ++l) any |= m[l] != 0;
  return any;
}

/// Are partial loads and stores one instruction?
template <class T>
constexpr bool kMasked = kVectorBytes == 64 && sizeof(T) >= 4;

/// The first n lanes from memory, zeros after them; memory past them is not touched.
template <class T>
RL_INLINE Vec<T> load_partial(const T* p, int64_t n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    return (Vec<T>)_mm512_maskz_loadu_epi32(static_cast<__mmask16>((1u << n) - 1), p);
  else if constexpr (sizeof(T) == 8)
    return (Vec<T>)_mm512_maskz_loadu_epi64(static_cast<__mmask8>((1u << n) - 1), p);
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4) {
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lanes);
    return (Vec<T>)_mm256_maskload_epi32(reinterpret_cast<const int*>(p), mask);
  } else if constexpr (sizeof(T) == 8) {
    const __m256i lanes = _mm256_setr_epi64x(0, 1, 2, 3);
    const __m256i mask = _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), lanes);
    return (Vec<T>)_mm256_maskload_epi64(reinterpret_cast<const long long*>(p), mask);
  }
#endif
  Vec<T> v = {};
  for (int i = 0; i < kLanes<T> && i < n; ++i) v[i] = p[i];
  return v;
}

template <class T>
RL_INLINE void store_partial(T* p, Vec<T> v, int64_t n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    return _mm512_mask_storeu_epi32(p, static_cast<__mmask16>((1u << n) - 1), (__m512i)v);
  else if constexpr (sizeof(T) == 8)
    return _mm512_mask_storeu_epi64(p, static_cast<__mmask8>((1u << n) - 1), (__m512i)v);
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4) {
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lanes);
    return _mm256_maskstore_epi32(reinterpret_cast<int*>(p), mask, (__m256i)v);
  } else if constexpr (sizeof(T) == 8) {
    const __m256i lanes = _mm256_setr_epi64x(0, 1, 2, 3);
    const __m256i mask = _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), lanes);
    return _mm256_maskstore_epi64(reinterpret_cast<long long*>(p), mask, (__m256i)v);
  }
#endif
  for (int i = 0; i < kLanes<T> && i < n; ++i) p[i] = v[i];
}

template <int... I>
struct Seq {};
template <int N, int... I>
struct MakeSeq : MakeSeq<N - 1, N - 1, I...> {};
template <int... I>
struct MakeSeq<0, I...> {
  using type = Seq<I...>;
};

/// One step of the transpose: swaps the off-diagonal blocks of D lanes of two rows.
template <int D, class V, int... I>
RL_INLINE void swap_blocks(V& a, V& b, Seq<I...>) {
  constexpr int w = sizeof...(I);
  const V low = __builtin_shufflevector(a, b, (I & D ? w + I - D : I)...);
  b = __builtin_shufflevector(a, b, (I & D ? w + I : I + D)...);
  a = low;
}

template <class T, int... I>
RL_INLINE Vec<T> even_lanes(Vec<T> a, Vec<T> b, Seq<I...>) {
  return __builtin_shufflevector(a, b, (2 * I)...);
}
/// Every other lane of a and b in a row, from the first on.
template <class T>
RL_INLINE Vec<T> even_lanes(Vec<T> a, Vec<T> b) {
  return even_lanes<T>(a, b, typename MakeSeq<kLanes<T>>::type{});
}

/// Transposes a square of registers: rows[i][j] <-> rows[j][i].
template <class T, int D = 1>
RL_INLINE void transpose(Vec<T>* rows) {
  constexpr int w = kLanes<T>;
  if constexpr (D < w) {
#pragma GCC unroll 64
    for (int i = 0; i < w; ++i)
      if (!(i & D)) swap_blocks<D>(rows[i], rows[i + D], typename MakeSeq<w>::type{});
    transpose<T, 2 * D>(rows);
  }
}

/// The sum of all lanes, in an order that depends on the lane count only.
template <class T>
RL_INLINE T sum_lanes(Vec<T> v) {
  T part[kLanes<T>];
  store(part, v);
#pragma GCC unroll 6
  for (int half = kLanes<T> / 2; half > 0; half /= 2)
#pragma GCC unroll 32
    for (int i = 0; i < half; ++i) part[i] += part[i + half];
  return part[0];
}

}  // namespace rl::RL_ISA
