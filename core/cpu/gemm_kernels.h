// The table through which gemm.cpp and conv.cpp reach the kernels of one instruction set.
// Only plain data and declarations: this header is shared by all instruction sets.
#pragma once
#include <cstdint>

namespace rl::cpu {

/// Two bfloat16 of adjoining steps of k, as AVX-512's products of them want; they sum as float.
using BFloatPair = int32_t;
template <class T>
constexpr bool kPairs = false;
template <>
inline constexpr bool kPairs<BFloatPair> = true;
template <class T>
struct SumOf {
  using type = T;
};
template <>
struct SumOf<BFloatPair> {
  using type = float;
};
template <class T>
using Sum = typename SumOf<T>::type;

constexpr int64_t kNearBytes = 2048;  ///< lines of A or B no further apart are read in place

/// One serial product: C = alpha * A @ B + beta * C with A[i,p] = a[i*a_row + p*a_col] and so on;
/// one of each pair of strides is 1 (else packing is slow). `pack_*` hold scratch_*() elements.
template <class T>
struct GemmArgs {
  int64_t m, n, k;
  const T* a;
  int64_t a_row, a_col;
  const T* b;
  int64_t b_row, b_col;
  Sum<T>* c;
  int64_t ldc;
  Sum<T> alpha, beta;
  T *pack_a, *pack_b;
  // Decided before threads cut m, because they decide the order of sums:
  bool as_dots;  ///< few rows, a_col == b_row == 1: dot products
  bool turned;   ///< few rows, a_col == b_row == 1: C^T = B^T A^T packs less
  bool sweep;    ///< few rows, b_col == 1, B out of the caches: B is read once, along its rows
  const T* packed = nullptr;  ///< A as pack_rows leaves it: at most block_rows rows, block_k of k
};

/// y[i] = alpha * sum_j a[i*a_row + j*a_col] * x[j] + beta * y[i], one of the strides being 1.
template <class T>
struct GemvArgs {
  int64_t m, n;
  const T* a;
  int64_t a_row, a_col;
  const T* x;
  T* y;
  T alpha, beta;
};

template <class T>
struct RealKernels {
  int tile_rows, tile_cols;          ///< the micro-kernel's largest tile
  int64_t pack_a_size, pack_b_size;  ///< elements of scratch that gemm wants at most
  int64_t block_rows, block_k;       ///< what gemm packs of A at once
  void (*gemm)(const GemmArgs<T>&);
  void (*pack_rows)(const GemmArgs<T>&, int64_t begin, int64_t end, T* to);  ///< panels of A
  void (*gemv)(const GemvArgs<T>&);
};

struct GemmKernels {
  RealKernels<float> f32;
  RealKernels<double> f64;
  RealKernels<BFloatPair>
      bf16;  ///< gemm and pack_rows only, and neither where there are no vectors
  RealKernels<uint8_t> u8;
  RealKernels<uint16_t> u16;
  RealKernels<uint32_t> u32;
  RealKernels<uint64_t> u64;
  /// to[i] is the pair of even[i] and odd[i], or of even[i] and 0 if odd is null.
  void (*pair_up)(const uint16_t* even, const uint16_t* odd, BFloatPair* to, int64_t n);
};

}  // namespace rl::cpu
