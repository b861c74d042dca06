// Eigenvalues, singular values and least squares, as LAPACK has them: nothing here records, and
// nothing is a public name. torch.linalg (rushlight/linalg) is made of these, with the derivatives.
#include <cmath>
#include <limits>

#include "ops/matrices.h"

namespace rl {
namespace {

template <class T>
bool all_finite(const T* a, int64_t n) {
  RealOf<T> sum = 0;  // x * 0 is NaN for what is not finite
  for (int64_t i = 0; i < n; ++i) {
    sum += std::real(a[i]) * 0;
    if constexpr (kComplex<T>) sum += std::imag(a[i]) * 0;
  }
  return sum == 0;
}
template <class T>
void fill_nan(T* a, int64_t n) {
  std::fill_n(a, n, T(std::numeric_limits<RealOf<T>>::quiet_NaN()));
}
template <class V>
std::vector<V> room(int64_t n) {
  return std::vector<V>(static_cast<size_t>(std::max<int64_t>(n, 1)));
}

/// Iterations on what is not finite need not end: such a matrix is not tried, and its status is
/// this, what LAPACK's gesdd gives (the position of its argument A).
constexpr int kNotFinite = -4;

// ---- eigenvalues ----

std::tuple<Tensor, Tensor, Tensor> syevd(const Tensor& A, bool upper, bool vectors) {
  check_square(A);
  const int n = as_int(A.size(-1));
  as_int(3 * int64_t{n} * n + 10 * int64_t{n});
  const Dims batch = batch_of(A);
  const Tensor v = copy_columns(A), w = empty(with(batch, {n}), real_of(A.dtype())),
               info = new_info(batch);
  if (v.numel() == 0) return {w, v, info};
  dispatch_lapack(A.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* all = v.data<T>();
    auto* values = w.data<RealOf<T>>();
    int* status = info.data<int>();
    const auto call = [=](auto& routine, int64_t i, T* work, int size) {
      T* a = all + i * n * n;
      RealOf<T>* out = values + i * n;
      if (size >= 0 && !all_finite(a, int64_t{n} * n)) {
        status[i] = vectors ? std::max(n - 1, 1) : 1;  // "did not converge"
        fill_nan(a, int64_t{n} * n);
        return fill_nan(out, n);
      }
      auto integers = room<int>(5 * int64_t{n} + 3);
      const char job = vectors ? 'V' : 'N', triangle = upper ? 'U' : 'L';
      const int room_int = static_cast<int>(integers.size());
      if constexpr (kComplex<T>) {
        auto reals = room<RealOf<T>>(size < 0 ? 1 : 2 * int64_t{n} * n + 5 * int64_t{n} + 1);
        routine(job, triangle, n, a, n, out, work, size, reals.data(),
                static_cast<int>(reals.size()), integers.data(), room_int, status + i);
      } else {
        routine(job, triangle, n, a, n, out, work, size, integers.data(), room_int, status + i);
      }
    };
    each_with_work<T>(kComplex<T> ? "heevd" : "syevd", count_of(batch), 9.0 * n * n * n, call);
  });
  return {w, v, info};
}

/// A real matrix's eigenvectors come as columns of real and imaginary parts where values are pairs.
template <class R>
void join_pairs(const R* wr, const R* wi, const R* v, int n, std::complex<R>* w,
                std::complex<R>* vectors) {
  for (int j = 0; j < n; ++j) w[j] = {wr[j], wi[j]};
  for (int j = 0; vectors && j < n; ++j) {
    const R* re = v + int64_t{j} * n;
    const bool pair = wi[j] > 0 && j + 1 < n;
    for (int i = 0; i < n; ++i) {
      std::complex<R>* out = vectors + int64_t{j} * n + i;
      out[0] = {re[i], pair ? re[n + i] : 0};
      if (pair) out[n] = std::conj(out[0]);
    }
    j += pair;
  }
}

std::tuple<Tensor, Tensor, Tensor> geev(const Tensor& A, bool vectors) {
  check_square(A);
  const int n = as_int(A.size(-1));
  const Dims batch = batch_of(A);
  const DType type = complex_of(A.dtype());
  const Tensor a = copy_columns(A), w = empty(with(batch, {n}), type), info = new_info(batch),
               v = empty_columns(vectors ? A.sizes() : Dims{0, 0}, type);
  if (a.numel() == 0) return {w, v, info};
  dispatch_lapack(A.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = std::complex<RealOf<T>>;
    T* all = a.data<T>();
    C *values = w.data<C>(), *out = vectors ? v.data<C>() : nullptr;
    int* status = info.data<int>();
    const int64_t each = int64_t{n} * n;
    const auto call = [=](auto& routine, int64_t i, T* work, int size) {
      if (size >= 0 && !all_finite(all + i * each, each)) {
        status[i] = kNotFinite;
        if (out) fill_nan(out + i * each, each);
        return fill_nan(values + i * n, n);
      }
      const char job = vectors ? 'V' : 'N';
      T none;
      if constexpr (kComplex<T>) {
        auto reals = room<RealOf<T>>(2 * int64_t{n});
        routine('N', job, n, all + i * each, n, values + i * n, &none, 1,
                out ? out + i * each : &none, n, work, size, reals.data(), status + i);
      } else {
        auto re = room<T>(n), im = room<T>(n), columns = room<T>(vectors && size >= 0 ? each : 1);
        routine('N', job, n, all + i * each, n, re.data(), im.data(), &none, 1, columns.data(), n,
                work, size, status + i);
        if (size >= 0)
          join_pairs(re.data(), im.data(), columns.data(), n, values + i * n,
                     out ? out + i * each : nullptr);
      }
    };
    each_with_work<T>("geev", count_of(batch), 25.0 * static_cast<double>(each) * n, call);
  });
  return {w, v, info};
}

// ---- singular values ----

std::tuple<Tensor, Tensor, Tensor, Tensor> gesdd(const Tensor& A, bool full, bool vectors) {
  check_matrices(A);
  const int m = as_int(A.size(-2)), n = as_int(A.size(-1)), k = std::min(m, n);
  as_int(6 * int64_t{k} * k + 10 * int64_t{k} + std::max(m, n));
  const Dims batch = batch_of(A);
  const int columns = full ? m : k, rows = full ? n : k;
  const Tensor s = empty(with(batch, {k}), real_of(A.dtype())), info = new_info(batch);
  if (A.numel() == 0 && full && vectors)
    return {identity_columns(batch, m, A.dtype()), s, identity_columns(batch, n, A.dtype()), info};
  const Tensor a = copy_columns(A),
               u = empty_columns(vectors ? with(batch, {m, columns}) : Dims{0, 0}, A.dtype()),
               vh = empty_columns(vectors ? with(batch, {rows, n}) : Dims{0, 0}, A.dtype());
  if (a.numel() == 0) return {u, s, vh, info};
  dispatch_lapack(A.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T *all = a.data<T>(), *left = u.data<T>(), *right = vh.data<T>();
    auto* values = s.data<RealOf<T>>();
    int* status = info.data<int>();
    const int64_t each = int64_t{m} * n;
    const auto call = [=](auto& routine, int64_t i, T* work, int size) {
      T* ui = left + (vectors ? i * m * columns : 0);
      T* vi = right + (vectors ? i * rows * n : 0);
      if (size >= 0 && !all_finite(all + i * each, each)) {
        status[i] = kNotFinite;
        if (vectors) fill_nan(ui, int64_t{m} * columns), fill_nan(vi, int64_t{rows} * n);
        return fill_nan(values + i * k, k);
      }
      const char job = !vectors ? 'N' : full ? 'A' : 'S';
      auto integers = room<int>(8 * int64_t{k});
      if constexpr (kComplex<T>) {
        const int64_t big = std::max(m, n), small = k;
        auto reals =
            room<RealOf<T>>(size < 0   ? 1
                            : !vectors ? 7 * small
                                       : small * std::max(5 * small + 7, 2 * (big + small) + 1));
        routine(job, m, n, all + i * each, m, values + i * k, ui, m, vi, rows, work, size,
                reals.data(), integers.data(), status + i);
      } else {
        routine(job, m, n, all + i * each, m, values + i * k, ui, m, vi, rows, work, size,
                integers.data(), status + i);
      }
    };
    each_with_work<T>("gesdd", count_of(batch), 20.0 * static_cast<double>(each) * k, call);
  });
  return {u, s, vh, info};
}

// ---- least squares ----

/// The routine's name is the driver's: gels, gelsy, gelsd or gelss. The first rows of the first
/// result are the solution; the rest tells the residuals, where A has full rank.
std::tuple<Tensor, Tensor, Tensor, Tensor> least_squares(const Tensor& A, const Tensor& B,
                                                         double rcond, std::string_view driver) {
  check_matrices(A);
  check_partner(A, B, A.size(-2));
  const int m = as_int(A.size(-2)), n = as_int(A.size(-1)), k = as_int(B.size(-1)),
            rows = std::max(m, n), small = std::min(m, n);
  const Dims batch = batch_of(A);
  const Tensor a = copy_columns(A), x = zero_columns(with(batch, {rows, k}), A.dtype()),
               s = zeros(with(batch, {small}), real_of(A.dtype())), rank = new_info(batch),
               info = new_info(batch);
  if (B.numel()) write(make_view(x->storage, x.dtype(), B.sizes(), x.strides(), x->offset), B);
  if (a.numel() == 0 || count_of(batch) == 0) {
    if (x.numel()) write(x, scalar_tensor(0, x.dtype()));
    return {x, rank, s, info};
  }
  const std::string name(driver);
  dispatch_lapack(A.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T *as = a.data<T>(), *xs = x.data<T>();
    auto* values = s.data<RealOf<T>>();
    int *ranks = rank.data<int>(), *status = info.data<int>();
    const int64_t each = int64_t{m} * n, each_x = int64_t{rows} * k;
    const RealOf<T> limit = static_cast<RealOf<T>>(rcond);
    const bool plain = name == "gels", by_pivots = name == "gelsy", divides = name == "gelsd";
    const auto call = [=](auto& routine, int64_t i, T* work, int size) {
      T *ai = as + i * each, *xi = xs + i * each_x;
      RealOf<T>* si = values + i * small;
      if (size >= 0 && !(all_finite(ai, each) && all_finite(xi, each_x))) {
        status[i] = kNotFinite;
        return fill_nan(xi, each_x);
      }
      auto integers = room<int>(std::max<int64_t>(n, 200 * int64_t{small} + 200));
      auto reals = room<RealOf<T>>(kComplex<T> ? 320 * int64_t{small} + (small + int64_t{80}) * k +
                                                     2 * int64_t{n} + 1000
                                               : 1);
      if (plain) return routine('N', m, n, k, ai, m, xi, rows, work, size, status + i);
      const auto run = [&](auto... middle) {
        if constexpr (kComplex<T>)
          routine(middle..., work, size, reals.data(), status + i);
        else
          routine(middle..., work, size, status + i);
      };
      if (by_pivots) return run(m, n, k, ai, m, xi, rows, integers.data(), limit, ranks + i);
      if (!divides) return run(m, n, k, ai, m, xi, rows, si, limit, ranks + i);
      if constexpr (kComplex<T>)
        routine(m, n, k, ai, m, xi, rows, si, limit, ranks + i, work, size, reals.data(),
                integers.data(), status + i);
      else
        routine(m, n, k, ai, m, xi, rows, si, limit, ranks + i, work, size, integers.data(),
                status + i);
    };
    each_with_work<T>(name.c_str(), count_of(batch), 20.0 * static_cast<double>(each) * small,
                      call);
  });
  return {x, rank, s, info};
}

}  // namespace

void define_spectral(Registry& r) {
  r.op("_syevd(A, upper=False, vectors=True) -> (eigenvalues, eigenvectors, info)",
       "A Hermitian matrix's eigenvalues; only one triangle of A is read.", &syevd)
      .hidden();
  r.op("_geev(A, vectors=True) -> (eigenvalues, eigenvectors, info)",
       "Any square matrix's eigenvalues, complex.", &geev)
      .hidden();
  r.op("_gesdd(A, full_matrices=True, vectors=True) -> (U, S, Vh, info)", "A = U diag(S) Vh.",
       &gesdd)
      .hidden();
  r.op("_least_squares(A, B, rcond, driver) -> (solution, rank, singular_values, info)",
       "The X that makes norm(A X - B) least.", &least_squares)
      .hidden();
}

}  // namespace rl
