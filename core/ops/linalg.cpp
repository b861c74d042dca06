// Factorisations by elimination and reflection, and the solvers on them, as LAPACK has them:
// nothing here records, and nothing is a public name. torch.linalg (rushlight/linalg) is made of
// these, with the derivatives. Eigenvalues, singular values and least squares: spectral.cpp.
#include <cmath>

#include "cpu/lu.h"
#include "cpu/qr.h"
#include "ops/matrices.h"
#include "ops/small_lu.h"

namespace rl {
namespace {

using cpu::Lapack;

// From these sizes on our own code is faster than OpenBLAS's.
constexpr int kManySides = 32, kOwnFactors = 96;

// ---- LU ----

std::tuple<Tensor, Tensor, Tensor> getrf(const Tensor& A) {
  check_matrices(A);
  const int m = as_int(A.size(-2)), n = as_int(A.size(-1)), k = std::min(m, n);
  const Dims batch = batch_of(A);
  const Tensor lu = copy_columns(A), pivots = empty(with(batch, {k}), DType::I32),
               info = new_info(batch);
  if (lu.numel() == 0) return {lu, pivots, info};
  dispatch_lapack(A.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* a = lu.data<T>();
    int *p = pivots.data<int>(), *status = info.data<int>();
    each_matrix(count_of(batch), 1.0 * m * n * k, [=](int64_t begin, int64_t end) {
      if constexpr (!kComplex<T>) {
        if (small_matrix<T>(m, n)) {
          for (int64_t i = begin; i < end; ++i)
            status[i] = small_lu(m, n, a + i * m * n, p + i * k);
          return;
        }
        if (m == n && n >= kOwnFactors) {
          for (int64_t i = begin; i < end; ++i) {
            status[i] = static_cast<int>(cpu::factor_lu<T>(n, n, a + i * n * n, n, p + i * n));
            for (int64_t r = 0; r < n; ++r) ++p[i * n + r];  // LAPACK counts from 1
          }
          return;
        }
      }
      const Lapack<T> routine("getrf");
      for (int64_t i = begin; i < end; ++i) routine(m, n, a + i * m * n, m, p + i * k, status + i);
    });
  });
  return {lu, pivots, info};
}

/// Pivots come from outside: each must name a row.
void check_pivots(const Tensor& pivots, const Dims& batch, int64_t count, int64_t rows) {
  RL_CHECK(pivots.dtype() == DType::I32, "linalg: pivots should be a Tensor of scalar type Int");
  RL_CHECK(pivots.sizes() == with(batch, {count}), "linalg: Incompatible shapes of pivots ",
           pivots.sizes(), " and batch ", batch);
  const int* p = pivots.data<int>();
  for (int64_t i = 0; i < pivots.numel(); ++i)
    RL_CHECK(p[i] >= 1 && p[i] <= rows, "Pivots given to lu_solve must all be ",
             p[i] < 1 ? "greater or equal to 1" : "smaller or equal to LU.size(-2)",
             ". Did you properly pass the result of lu_factor?");
}

/// What getrs does, for real matrices and many right-hand sides: OpenBLAS is slow there.
template <class T>
void solve_many(int n, int k, const T* lu, int ld, const int* pivot, T* x) {
  std::vector<int> rows(pivot, pivot + n);
  for (int& row : rows) --row;  // LAPACK counts from 1
  cpu::solve_lu<T>(n, k, lu, ld, rows.data(), x);
}

Tensor getrs(const Tensor& LU, const Tensor& pivots, const Tensor& B, bool adjoint) {
  check_square(LU);
  check_partner(LU, B, LU.size(-1));
  const Dims batch = batch_of(LU);
  const int n = as_int(LU.size(-1)), k = as_int(B.size(-1));
  const Tensor p = as_contiguous(pivots), x = copy_columns(B);
  check_pivots(p, batch, n, n);
  if (x.numel() == 0) return x;
  const Columns lu(LU);
  dispatch_lapack(LU.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* b = x.data<T>();
    int* pivot = p.data<int>();
    each_matrix(count_of(batch), 1.0 * n * n * k, [=, &lu](int64_t begin, int64_t end) {
      if constexpr (!kComplex<T>) {
        const bool small = small_matrix<T>(n, k);
        if (!adjoint && (small || (k >= kManySides && n >= kManySides))) {
          const auto solve = small ? small_lu_solve<T> : solve_many<T>;
          for (int64_t i = begin; i < end; ++i)
            solve(n, k, lu.at<T>(i), lu.ld, pivot + i * n, b + i * n * k);
          return;
        }
      }
      const Lapack<T> routine("getrs");
      int status;
      for (int64_t i = begin; i < end; ++i)
        routine(adjoint ? 'C' : 'N', n, k, lu.at<T>(i), lu.ld, pivot + i * n, b + i * n * k, n,
                &status);
    });
  });
  return x;
}

/// The rows in the order that the pivots put them.
Tensor pivots_to_permutation(const Tensor& pivots, int64_t rows) {
  RL_CHECK(pivots.dim() >= 1 && rows >= pivots.size(-1), "linalg: ", rows, " rows for pivots ",
           pivots.sizes());
  const Dims batch(pivots.sizes().data(), pivots.dim() - 1);
  const int64_t k = pivots.size(-1);
  const Tensor p = as_contiguous(pivots), out = empty(with(batch, {rows}), DType::I64);
  check_pivots(p, batch, k, rows);
  for (int64_t i = 0, count = count_of(batch); i < count; ++i) {
    int64_t* order = out.data<int64_t>() + i * rows;
    for (int64_t r = 0; r < rows; ++r) order[r] = r;
    for (int64_t r = 0; r < k; ++r) std::swap(order[r], order[p.data<int>()[i * k + r] - 1]);
  }
  return out;
}

// ---- Cholesky ----

std::tuple<Tensor, Tensor> potrf(const Tensor& A, bool upper) {
  check_square(A);
  const int n = as_int(A.size(-1));
  const Dims batch = batch_of(A);
  const Tensor factor = copy_columns(A), info = new_info(batch);
  if (factor.numel() == 0) return {factor, info};
  dispatch_lapack(A.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* all = factor.data<T>();
    int* status = info.data<int>();
    each_matrix(count_of(batch), 1.0 * n * n * n / 3, [=](int64_t begin, int64_t end) {
      const Lapack<T> routine("potrf");
      for (int64_t i = begin; i < end; ++i) {
        T* a = all + i * n * n;
        routine(upper ? 'U' : 'L', n, a, n, status + i);
        for (int64_t c = 0; c < n && !status[i]; ++c)  // NaN passes OpenBLAS
          if (std::isnan(std::real(a[c * n + c]))) status[i] = static_cast<int>(c + 1);
        for (int64_t c = 0; c < n; ++c)  // the other triangle is zero
          upper ? std::fill(a + c * n + c + 1, a + (c + 1) * n, T(0))
                : std::fill(a + c * n, a + c * n + c, T(0));
      }
    });
  });
  return {factor, info};
}

// ---- triangles ----

/// X with A X = B, or X A = B if not left; only the named triangle of A is read. Row-major memory
/// holds the transpose: of A the other triangle counts then, and for B the side changes.
Tensor trsm(const Tensor& A, const Tensor& B, bool upper, bool left, bool unit) {
  check_square(A);
  check_matrices(B);
  RL_CHECK(
      A.dtype() == B.dtype() && batch_of(A) == batch_of(B) && A.size(-1) == B.size(left ? -2 : -1),
      "linalg: Incompatible shapes ", A.sizes(), " and ", B.sizes());
  const bool a_rows = A.stride(-1) == 1 && A.stride(-2) >= A.size(-1) && A.size(-1) > 1;
  const bool b_rows = B.is_contiguous();
  const Tensor x = b_rows ? contiguous_copy(B) : copy_columns(B);
  if (x.numel() == 0) return x;
  const int m = as_int(B.size(b_rows ? -1 : -2)), n = as_int(B.size(b_rows ? -2 : -1));
  const Columns a(a_rows ? turned(A) : A);
  const char side = left != b_rows ? 'L' : 'R', op = a_rows != b_rows ? 'T' : 'N';
  const char triangle = upper != a_rows ? 'U' : 'L', diagonal = unit ? 'U' : 'N';
  dispatch_lapack(A.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* b = x.data<T>();
    const int64_t each = int64_t{m} * n;
    const double work = 1.0 * static_cast<double>(each) * static_cast<double>(A.size(-1));
    each_matrix(x.numel() / each, work, [=, &a](int64_t begin, int64_t end) {
      const Lapack<T> routine("trsm");
      for (int64_t i = begin; i < end; ++i)
        routine(side, triangle, op, diagonal, m, n, T(1), a.at<T>(i), a.ld, b + i * each, m);
    });
  });
  return x;
}

// ---- reflections ----

std::tuple<Tensor, Tensor> geqrf(const Tensor& A) {
  check_matrices(A);
  const int m = as_int(A.size(-2)), n = as_int(A.size(-1)), k = std::min(m, n);
  const Dims batch = batch_of(A);
  const Tensor qr = copy_columns(A), tau = zeros(with(batch, {k}), A.dtype());
  if (qr.numel() == 0) return {qr, tau};
  dispatch_lapack(A.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T *a = qr.data<T>(), *t = tau.data<T>();
    if constexpr (kComplex<T>)
      each_with_work<T>("geqrf", count_of(batch), 2.0 * m * n * k,
                        [=](auto& routine, int64_t i, T* work, int size) {
                          int status;
                          routine(m, n, a + i * m * n, m, t + i * k, work, size, &status);
                        });
    else
      each_matrix(count_of(batch), 2.0 * m * n * k, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) cpu::factor_qr<T>(m, n, a + i * m * n, m, t + i * k);
      });
  });
  return {qr, tau};
}

/// The first `columns` columns of the product of the reflections that the columns of A hold.
Tensor orgqr(const Tensor& A, const Tensor& tau, int64_t columns) {
  check_matrices(A);
  const Dims batch = batch_of(A);
  const int m = as_int(A.size(-2)), n = as_int(columns);
  RL_CHECK(tau.dim() == A.dim() - 1 && tau.dtype() == A.dtype() && 0 <= columns &&
               Dims(tau.sizes().data(), tau.dim() - 1) == batch && tau.size(-1) <= columns &&
               tau.size(-1) <= A.size(-1) && columns <= A.size(-2),
           "linalg: Incompatible shapes ", A.sizes(), " and ", tau.sizes());
  const int k = as_int(tau.size(-1));
  const Tensor q = zero_columns(with(batch, {m, n}), A.dtype());
  if (q.numel() == 0) return q;
  const auto left = [&](const Tensor& t) {  // the first k columns
    return make_view(t->storage, t.dtype(), with(batch, {m, k}), t.strides(), t->offset);
  };
  if (k) write(left(q), left(A));
  const Tensor t = as_contiguous(tau);
  dispatch_lapack(A.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T *a = q.data<T>(), *scale = t.data<T>();
    if constexpr (kComplex<T>)
      each_with_work<T>("ungqr", count_of(batch), 2.0 * m * n * k,
                        [=](auto& routine, int64_t i, T* work, int size) {
                          int status;
                          routine(m, n, k, a + i * m * n, m, scale + i * k, work, size, &status);
                        });
    else
      each_matrix(count_of(batch), 2.0 * m * n * k, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i)
          cpu::expand_qr<T>(m, n, k, a + i * m * n, m, scale + i * k);
      });
  });
  return q;
}

// ---- LDL ----

std::tuple<Tensor, Tensor, Tensor> sytrf(const Tensor& A, bool hermitian) {
  check_square(A);
  const int n = as_int(A.size(-1));
  const Dims batch = batch_of(A);
  const Tensor ld = copy_columns(A), pivots = empty(with(batch, {n}), DType::I32),
               info = new_info(batch);
  if (ld.numel() == 0) return {ld, pivots, info};
  dispatch_lapack(A.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* a = ld.data<T>();
    int *p = pivots.data<int>(), *status = info.data<int>();
    each_with_work<T>(hermitian && kComplex<T> ? "hetrf" : "sytrf", count_of(batch),
                      1.0 * n * n * n / 3, [=](auto& routine, int64_t i, T* work, int size) {
                        routine('L', n, a + i * n * n, n, p + i * n, work, size, status + i);
                      });
  });
  return {ld, pivots, info};
}

/// Negative pivots stand for blocks of two, so they come in pairs.
void check_ldl_pivots(const Tensor& pivots, int64_t n) {
  const int* p = pivots.data<int>();
  for (int64_t i = 0; i < pivots.numel(); ++i) {
    const bool pair = p[i] < 0 && i % n + 1 < n && p[i + 1] < 0;
    const auto names_row = [&](int v) { return v != 0 && std::abs(int64_t{v}) <= n; };
    RL_CHECK(names_row(p[i]) && (p[i] > 0 || (pair && names_row(p[i + 1]))),
             "torch.linalg.ldl_solve: pivots do not come from torch.linalg.ldl_factor");
    i += pair;
  }
}

Tensor sytrs(const Tensor& LD, const Tensor& pivots, const Tensor& B, bool hermitian) {
  check_square(LD);
  check_partner(LD, B, LD.size(-1));
  const Dims batch = batch_of(LD);
  const int n = as_int(LD.size(-1)), k = as_int(B.size(-1));
  RL_CHECK(pivots.dtype() == DType::I32 && pivots.sizes() == with(batch, {n}),
           "linalg: Incompatible pivots ", pivots.sizes());
  const Tensor p = as_contiguous(pivots), x = copy_columns(B);
  if (n) check_ldl_pivots(p, n);
  if (x.numel() == 0) return x;
  const Columns ld(LD);
  dispatch_lapack(LD.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* b = x.data<T>();
    int* pivot = p.data<int>();
    each_matrix(count_of(batch), 2.0 * n * n * k, [=, &ld](int64_t begin, int64_t end) {
      const Lapack<T> routine(hermitian && kComplex<T> ? "hetrs" : "sytrs");
      int status;
      for (int64_t i = begin; i < end; ++i)
        routine('L', n, k, ld.at<T>(i), ld.ld, pivot + i * n, b + i * n * k, n, &status);
    });
  });
  return x;
}

}  // namespace

void define_linalg(Registry& r) {
  r.op("_getrf(A) -> (LU, pivots, info)", "A = P L U by partial pivoting.", &getrf).hidden();
  r.op("_getrs(LU, pivots, B, adjoint=False)", "Solves A X = B, or A^H X = B, by getrf's factors.",
       &getrs)
      .hidden()
      .on_meta(OnMeta::FromOne);
  r.op("_pivots_to_permutation(pivots, rows)", "The order of rows that LAPACK's exchanges give.",
       &pivots_to_permutation)
      .hidden();
  r.op("_potrf(A, upper=False) -> (L, info)", "A = L L^H, or U^H U.", &potrf).hidden();
  r.op("_trsm(A, B, upper, left=True, unitriangular=False)", "Solves with a triangular matrix.",
       &trsm)
      .hidden();
  r.op("_geqrf(A) -> (a, tau)", "Householder reflections that make A triangular.", &geqrf).hidden();
  r.op("_orgqr(A, tau, columns)", "The columns of the product of reflections.", &orgqr).hidden();
  r.op("_sytrf(A, hermitian=False) -> (LD, pivots, info)", "A = P L D L^T P^T, D of blocks to two.",
       &sytrf)
      .hidden();
  r.op("_sytrs(LD, pivots, B, hermitian=False)", "Solves A X = B by sytrf's factors.", &sytrs)
      .hidden();
}

}  // namespace rl
