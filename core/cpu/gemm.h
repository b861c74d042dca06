// Matrix products on raw pointers, row-major, by our own kernels. Shapes are checked by the caller.
// Not here: tensors, broadcasting of batches, and LAPACK, whose callers find OpenBLAS's routines
// through blas_symbol.
#pragma once
#include <cstdint>

#include "base/dtype.h"

namespace rl::cpu {

/// A scalar factor of any element type; `im` counts for complex types only.
struct Factor {
  double re = 0, im = 0;
  constexpr Factor(double real = 0, double imaginary = 0) : re(real), im(imaginary) {}
};

/// C[m,n] = alpha * op(A)[m,k] @ op(B)[k,n] + beta * C. A is stored [m,k], or [k,m] if trans_a; B
/// is stored [k,n], or [n,k] if trans_b; ld* are the distances between stored rows, in elements.
/// beta == 0 never reads C. Integers wrap around; F16 and BF16 sum in float and round once.
void gemm(DType t, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, Factor alpha,
          const void* a, int64_t lda, const void* b, int64_t ldb, Factor beta, void* c,
          int64_t ldc);

/// `batch` such products; stride_* are the distances between matrices, in elements (0 repeats one
/// matrix; not allowed for C).
void gemm_batched(DType t, bool trans_a, bool trans_b, int64_t batch, int64_t m, int64_t n,
                  int64_t k, Factor alpha, const void* a, int64_t lda, int64_t stride_a,
                  const void* b, int64_t ldb, int64_t stride_b, Factor beta, void* c, int64_t ldc,
                  int64_t stride_c);

/// y[m] = alpha * op(A)[m,n] @ x[n] + beta * y, A stored [m,n], or [n,m] if trans.
void gemv(DType t, bool trans, int64_t m, int64_t n, Factor alpha, const void* a, int64_t lda,
          const void* x, int64_t incx, Factor beta, void* y, int64_t incy);

/// *result = sum of x[i] * y[i], without conjugation.
void dot(DType t, int64_t n, const void* x, int64_t incx, const void* y, int64_t incy,
         void* result);

/// Where the OpenBLAS library (names prefixed with scipy_) lies; it is opened on first need.
/// nullptr or "": none.
void set_blas_path(const char* path);
/// The routine of that name ("dgetrf_"), without the prefix; nullptr if there is no library. Sets
/// the library's thread count: ours for much work, one for little and inside a parallel_for body.
void* blas_symbol(const char* name);
/// While it lives: the operations of a routine that this thread looks up.
class BlasWork {
 public:
  explicit BlasWork(double flops);
  ~BlasWork();
  BlasWork(const BlasWork&) = delete;
  BlasWork& operator=(const BlasWork&) = delete;

 private:
  double before_;
};

/// Blocks of b that cover a.
constexpr int64_t div_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Per-thread scratch memory, 64-byte aligned and kept until the thread ends. The same slot returns
/// the same memory, so nested users take different slots.
enum class Scratch {
  PackA,
  PackB,
  PackShared,
  ConvertA,
  ConvertB,
  ConvertC,
  Vector,
  ConvX,
  ConvY,
  ConvW,
  ConvTile,
  Fourier,
  Count
};
void* scratch(Scratch slot, int64_t bytes);

}  // namespace rl::cpu
