// Fourier transforms of columns, as many at a time as a register holds, by Stockham's algorithm
// (Cochran et al., "What is the fast Fourier transform?", 1967): each stage reads one block and
// writes another, in an order that leaves the results sorted. Built once per instruction set.
#include "cpu/fft_kernels.h"

#include "cpu/simd.h"

namespace rl::RL_ISA {
namespace {

using cpu::FftMatrix;

/// A register of complex numbers.
template <class T>
struct Pair {
  Vec<T> re, im;
  RL_INLINE Pair operator+(const Pair& o) const { return {re + o.re, im + o.im}; }
  RL_INLINE Pair operator-(const Pair& o) const { return {re - o.re, im - o.im}; }
  RL_INLINE Pair operator*(T x) const { return {re * x, im * x}; }
  RL_INLINE Pair times(T c, T s) const { return {re * c - im * s, re * s + im * c}; }
  RL_INLINE Pair over_i() const { return {im, -re}; }
};

/// The transform of R numbers in place.
template <int R, class T>
RL_INLINE void butterfly(Pair<T>* a) {
  if constexpr (R == 2) {
    const Pair<T> first = a[0];
    a[0] = first + a[1], a[1] = first - a[1];
  } else if constexpr (R == 3) {
    const Pair<T> sum = a[1] + a[2], turned = ((a[1] - a[2]) * T(0.866025403784438646764)).over_i();
    const Pair<T> middle = a[0] - sum * T(0.5);
    a[0] = a[0] + sum, a[1] = middle + turned, a[2] = middle - turned;
  } else if constexpr (R == 4) {
    const Pair<T> even = a[0] + a[2], odd = a[1] + a[3];
    const Pair<T> left = a[0] - a[2], right = (a[1] - a[3]).over_i();
    a[0] = even + odd, a[1] = left + right, a[2] = even - odd, a[3] = left - right;
  } else if constexpr (R == 8) {
    constexpr T half = T(0.707106781186547524401);
    Pair<T> even[4] = {a[0], a[2], a[4], a[6]}, odd[4] = {a[1], a[3], a[5], a[7]};
    butterfly<4>(even);
    butterfly<4>(odd);
    odd[1] = (odd[1] + odd[1].over_i()) * half;
    odd[2] = odd[2].over_i();
    odd[3] = (odd[3].over_i() - odd[3]) * half;
    for (int k = 0; k < 4; ++k) a[k] = even[k] + odd[k], a[k + 4] = even[k] - odd[k];
  } else {
    constexpr T c1 = T(0.309016994374947424102), c2 = T(-0.809016994374947424102);
    constexpr T s1 = T(0.951056516295153572116), s2 = T(0.587785252292473129169);
    const Pair<T> sum1 = a[1] + a[4], sum2 = a[2] + a[3];
    const Pair<T> turned1 = (a[1] - a[4]).over_i(), turned2 = (a[2] - a[3]).over_i();
    const Pair<T> p = a[0] + sum1 * c1 + sum2 * c2, q = a[0] + sum1 * c2 + sum2 * c1;
    const Pair<T> u = turned1 * s1 + turned2 * s2, v = turned1 * s2 - turned2 * s1;
    a[0] = a[0] + sum1 + sum2;
    a[1] = p + u, a[2] = q + v, a[3] = q - v, a[4] = p - u;
  }
}

/// Where a stage reads and writes: m groups of r rows, a row being s numbers (so many results of
/// the stages before lie together).
template <class T>
struct Stage {
  int64_t n, m, s, step;  // n: numbers in a column; step: s over the columns
  const T *cos, *sin, *from_re, *from_im;
  T *to_re, *to_im;
  RL_INLINE Pair<T> get(int64_t at) const { return {load(from_re + at), load(from_im + at)}; }
  RL_INLINE void put(int64_t at, const Pair<T>& x) const {
    store(to_re + at, x.re);
    store(to_im + at, x.im);
  }
};

template <int R, class T>
void stage_of(const Stage<T>& g) {
  for (int64_t p = 0; p < g.m; ++p) {
    T cos[R], sin[R];
    for (int k = 1; k < R; ++k) cos[k] = g.cos[p * k * g.step], sin[k] = g.sin[p * k * g.step];
    for (int64_t q = 0; q < g.s; q += kLanes<T>) {
      Pair<T> a[R];
#pragma GCC unroll 8
      for (int k = 0; k < R; ++k) a[k] = g.get(q + g.s * (p + g.m * k));
      butterfly<R>(a);
      g.put(q + g.s * R * p, a[0]);
#pragma GCC unroll 8
      for (int k = 1; k < R; ++k) g.put(q + g.s * (R * p + k), a[k].times(cos[k], sin[k]));
    }
  }
}

/// The same for any r, by the definition.
template <class T>
void stage_of_any(int64_t r, const Stage<T>& g) {
  const int64_t turn = g.n / r;
  for (int64_t p = 0; p < g.m; ++p)
    for (int64_t k = 0; k < r; ++k)
      for (int64_t q = 0; q < g.s; q += kLanes<T>) {
        Pair<T> sum = g.get(q + g.s * p);
        for (int64_t j = 1, angle = 0; j < r; ++j) {
          angle = angle + k < r ? angle + k : angle + k - r;
          sum =
              sum + g.get(q + g.s * (p + g.m * j)).times(g.cos[angle * turn], g.sin[angle * turn]);
        }
        g.put(q + g.s * (r * p + k), sum.times(g.cos[p * k * g.step], g.sin[p * k * g.step]));
      }
}

template <class T>
T* transform(const int* factors, int64_t n, int64_t c, const T* roots, T* block, T* spare) {
  int64_t step = 1;
  for (; *factors; ++factors) {
    const int64_t r = *factors, size = n * c;
    const Stage<T> g{n,         n / step / r, c * step,     step,  roots,
                     roots + n, block,        block + size, spare, spare + size};
    if (r == 2)
      stage_of<2>(g);
    else if (r == 3)
      stage_of<3>(g);
    else if (r == 4)
      stage_of<4>(g);
    else if (r == 5)
      stage_of<5>(g);
    else if (r == 8)
      stage_of<8>(g);
    else
      stage_of_any(r, g);
    T* result = spare;
    spare = block, block = result;
    step *= r;
  }
  return block;
}

template <class T>
void load_block(int64_t columns, int64_t c, const FftMatrix<T>& from, T* re, T* im) {
  for (int64_t j = 0; j < from.rows; ++j, re += c, im += c) {
    const T* s = from.data + j * from.row;
    if (!from.complex && from.column == 1)
      for (int64_t q = 0; q < columns; ++q) re[q] = s[q], im[q] = 0;
    else if (!from.complex)
      for (int64_t q = 0; q < columns; ++q) re[q] = s[q * from.column], im[q] = 0;
    else if (from.column == 2)
      for (int64_t q = 0; q < columns; ++q) re[q] = s[2 * q], im[q] = s[2 * q + 1];
    else
      for (int64_t q = 0; q < columns; ++q)
        re[q] = s[q * from.column], im[q] = s[q * from.column + 1];
    for (int64_t q = columns; q < c; ++q) re[q] = 0, im[q] = 0;
  }
}

template <class T>
void store_block(int64_t columns, int64_t c, const T* re, const T* im, T scale,
                 const FftMatrix<T>& to) {
  for (int64_t j = 0; j < to.rows; ++j, re += c, im += c) {
    T* d = to.data + j * to.row;
    if (!to.complex && to.column == 1)
      for (int64_t q = 0; q < columns; ++q) d[q] = re[q] * scale;
    else if (!to.complex)
      for (int64_t q = 0; q < columns; ++q) d[q * to.column] = re[q] * scale;
    else if (to.column == 2)
      for (int64_t q = 0; q < columns; ++q) d[2 * q] = re[q] * scale, d[2 * q + 1] = im[q] * scale;
    else
      for (int64_t q = 0; q < columns; ++q)
        d[q * to.column] = re[q] * scale, d[q * to.column + 1] = im[q] * scale;
  }
}

/// The numbers of even place have the transform (Z[k] + conj Z[n - k]) / 2, those of odd place
/// (Z[k] - conj Z[n - k]) / 2i.
template <class T>
void separate(int64_t n, int64_t rows, int64_t c, const T* roots, const T* block, T* to) {
  for (int64_t k = 0; k < rows; ++k) {
    const T *a = block + k % n * c, *b = a + n * c;
    const T *a_end = block + (n - k) % n * c, *b_end = a_end + n * c;
    const T cos = roots[k] / 2, sin = roots[2 * n + k] / 2;
    T *re = to + k * c, *im = re + rows * c;
#pragma GCC ivdep
    for (int64_t q = 0; q < c; ++q) {
      const T odd_re = b[q] + b_end[q], odd_im = a_end[q] - a[q];
      re[q] = (a[q] + a_end[q]) / 2 + odd_re * cos - odd_im * sin;
      im[q] = (b[q] - b_end[q]) / 2 + odd_re * sin + odd_im * cos;
    }
  }
}

template <class T>
void rotate(int64_t n, int64_t columns, int64_t c, const T* re, const T* im, int64_t step,
            T* block) {
  for (int64_t k = 0; k < n; ++k, re += step, im += step) {
    T *x = block + k * c, *y = x + n * c;
#pragma GCC ivdep
    for (int64_t q = 0; q < columns; ++q) {
      const T a = x[q], b = y[q];
      x[q] = a * re[q] - b * im[q], y[q] = a * im[q] + b * re[q];
    }
  }
}

template <class T>
constexpr cpu::FftKernels<T> kernels() {
  return {transform<T>, load_block<T>, store_block<T>, separate<T>, rotate<T>};
}

}  // namespace

extern const cpu::FftTable fft_table = {kernels<float>(), kernels<double>()};

}  // namespace rl::RL_ISA
