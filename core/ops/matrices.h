// Batches of matrices as LAPACK takes them: column-major, one after the other, four element types,
// sizes that fit 32 bits. For linalg.cpp and spectral.cpp.
#pragma once
#include <climits>
#include <vector>

#include "cpu/dispatch.h"
#include "cpu/lapack.h"
#include "cpu/threads.h"
#include "op/call.h"
#include "tensor/layout.h"

namespace rl {

template <class T>
using RealOf = decltype(std::real(T()));

/// Calls f(Tag<T>()) for the types that LAPACK has.
template <class F>
decltype(auto) dispatch_lapack(DType t, F&& f) {
  RL_CHECK(is_complex(t) || t == DType::F32 || t == DType::F64, "linalg: no routine for ",
           info(t).type);
  return dispatch_nth<float, double, std::complex<float>, std::complex<double>>(
      static_cast<int>(t) - static_cast<int>(DType::F32), f);
}

inline int as_int(int64_t n) {
  RL_CHECK(n <= INT_MAX, "linalg: a size of ", n, " is beyond LAPACK's 32-bit integers");
  return static_cast<int>(n);
}

inline Dims batch_of(const Tensor& t) { return Dims(t.sizes().data(), t.dim() - 2); }
inline Dims with(Dims batch, std::initializer_list<int64_t> last) {
  for (int64_t n : last) batch.push_back(n);
  return batch;
}
inline int64_t count_of(const Dims& batch) { return checked_numel(batch); }

inline void check_matrices(const Tensor& t) {
  RL_CHECK(t.dim() >= 2, "linalg: The input tensor must have at least 2 dimensions.");
  as_int(t.size(-1));
  as_int(t.size(-2));
}
inline void check_square(const Tensor& t) {
  check_matrices(t);
  RL_CHECK(t.size(-1) == t.size(-2), "linalg: A must be batches of square matrices, but they are ",
           t.size(-2), " by ", t.size(-1), " matrices");
}
/// b belongs to a: the same type and batch, and `rows` rows.
inline void check_partner(const Tensor& a, const Tensor& b, int64_t rows) {
  check_matrices(b);
  RL_CHECK(a.dtype() == b.dtype(), "linalg: Expected tensors of one dtype, but got ",
           info(a.dtype()).type, " and ", info(b.dtype()).type);
  RL_CHECK(batch_of(a) == batch_of(b) && b.size(-2) == rows, "linalg: Incompatible shapes ",
           a.sizes(), " and ", b.sizes());
}

/// New column-major matrices.
inline Tensor empty_columns(const Dims& sizes, DType dtype) {
  Tensor t = empty(sizes, dtype);
  const int d = t.dim();
  t->strides[d - 2] = 1;
  t->strides[d - 1] = std::max<int64_t>(sizes[d - 2], 1);
  t->contiguous = is_contiguous(t->sizes, t->strides);
  return t;
}
/// A column-major copy, for a routine to write over.
inline Tensor copy_columns(const Tensor& a) {
  Tensor t = empty_columns(a.sizes(), a.dtype());
  if (a.numel()) write(t, a);
  return t;
}
inline Tensor zero_columns(const Dims& sizes, DType dtype) {
  Tensor t = empty_columns(sizes, dtype);
  std::fill_n(t.data<char>(), t.numel() * size_of(dtype), 0);
  return t;
}
inline Tensor identity_columns(const Dims& batch, int64_t n, DType dtype) {
  const Tensor t = zero_columns(with(batch, {n, n}), dtype);
  Dims strides = t.strides();
  strides.resize(strides.size() - 1);
  strides.back() = n + 1;
  if (t.numel())
    write(make_view(t->storage, dtype, with(batch, {n}), strides, 0), scalar_tensor(1, dtype));
  return t;
}
/// The same memory with the last two dimensions exchanged.
inline Tensor turned(const Tensor& t) {
  Dims sizes = t.sizes(), strides = t.strides();
  std::swap(sizes[t.dim() - 1], sizes[t.dim() - 2]);
  std::swap(strides[t.dim() - 1], strides[t.dim() - 2]);
  return make_view(t->storage, t.dtype(), sizes, strides, t->offset);
}
inline Tensor new_info(const Dims& batch) { return zeros(batch, DType::I32); }

/// Column-major matrices that are only read: the tensor's own memory where its last two dimensions
/// allow, however the batch lies.
struct Columns {
  explicit Columns(const Tensor& t) : tensor(t) {
    const bool dense = (t.size(-2) <= 1 || t.stride(-2) == 1) &&
                       (t.size(-1) <= 1 || t.stride(-1) >= std::max<int64_t>(t.size(-2), 1));
    if (!dense) tensor = copy_columns(t);
    ld = as_int(tensor.size(-1) <= 1 ? std::max<int64_t>(t.size(-2), 1) : tensor.stride(-1));
  }
  template <class T>
  T* at(int64_t i) const {
    int64_t offset = 0;
    for (int d = tensor.dim() - 3; d >= 0; --d) {
      offset += i % tensor.size(d) * tensor.stride(d);
      i /= tensor.size(d);
    }
    return tensor.data<T>() + offset;
  }
  Tensor tensor;
  int ld;
};

/// body(begin, end) over the batch; threads share it if there are several matrices worth it.
template <class Body>
void each_matrix(int64_t count, double work, Body body) {
  LongKernel off(static_cast<int64_t>(std::min(work * static_cast<double>(count), 1e18)));
  const cpu::BlasWork each(work);
  cpu::parallel_for(0, count, static_cast<int64_t>(100'000 / (work + 1)) + 1, body);
}

/// The workspace that a routine asked for in work[0]; a float may have rounded it down.
template <class T>
int work_size(const T& asked) {
  const double size = static_cast<double>(std::real(asked));
  return as_int(static_cast<int64_t>(size * (1 + 1e-6)) + 1);
}

/// The same for a routine that wants a workspace: call(routine, i, work, size) is first made with
/// size -1, for the routine to say in work[0] how much.
template <class T, class Call>
void each_with_work(const char* name, int64_t count, double flops, Call call) {
  each_matrix(count, flops, [=](int64_t begin, int64_t end) {
    const cpu::Lapack<T> routine(name);
    T asked = 0;
    call(routine, begin, &asked, -1);
    std::vector<T> work(static_cast<size_t>(work_size(asked)));
    for (int64_t i = begin; i < end; ++i)
      call(routine, i, work.data(), static_cast<int>(work.size()));
  });
}

}  // namespace rl
