// The discrete Fourier transform along one dimension. torch.fft (rushlight/fft.py) is made of it,
// with scales, gradients, and lengths of large prime factors.
//
// Short transforms are the columns of a block that a cache holds. A long one, of a * b numbers, is
// seen as a matrix [a, b]: its columns are transformed, every number is turned, and what then are
// the rows are transformed as columns of the transposed matrix (Bailey, "FFTs in external or
// hierarchical memory", 1990).
#include <memory>
#include <mutex>

#include "cpu/dispatch.h"
#include "cpu/fft_kernels.h"
#include "cpu/gemm.h"
#include "cpu/load_store.h"
#include "cpu/pick.h"
#include "cpu/threads.h"
#include "ops/ops.h"

RL_PICK(cpu::FftTable, fft_table)

namespace rl {
namespace {

constexpr int64_t kLargestFactor = 61;     // a stage of r costs r operations a number
constexpr int64_t kLongest = 4096;         // of what is a column whatever it costs
constexpr int64_t kBlock = 4096;           // numbers of a block, where they are more than a row
constexpr size_t kPlans = 32;              // plans that are kept
constexpr int64_t kLongestPlan = 1 << 20;  // of one that is kept

/// exp(-2 pi i k / n) for k < n, each from two of about sqrt(n) values.
class Roots {
 public:
  explicit Roots(int64_t n) : n_(n), fine_(static_cast<int64_t>(std::sqrt(n)) + 1) {
    const auto root = [n](int64_t k) {
      return std::polar(1.0, -2 * M_PI * static_cast<double>(k) / static_cast<double>(n));
    };
    for (int64_t k = 0; k < fine_; ++k) low_.push_back(root(k));
    for (int64_t k = 0; k < n; k += fine_) high_.push_back(root(k < n - k ? k : k - n));
  }
  std::complex<double> operator[](int64_t k) const {
    static constexpr std::complex<double> quarters[4] = {{1, 0}, {0, -1}, {-1, 0}, {0, 1}};
    return 4 * k % n_ == 0 ? quarters[4 * k / n_] : high_[k / fine_] * low_[k % fine_];
  }

 private:
  int64_t n_, fine_;
  std::vector<std::complex<double>> low_, high_;
};

/// Columns of n numbers: the factors of n and the n-th roots of unity.
template <class T>
struct Columns {
  int64_t n;
  std::vector<int> factors;
  std::vector<T> roots;
  Columns(int64_t n) : n(n), roots(2 * n) {
    int64_t rest = n;
    for (int r : {8, 4, 2}) take(r, rest);
    for (int r = 3; r <= kLargestFactor; r += 2) take(r, rest);
    RL_CHECK(rest == 1, "_fft: ", n, " has a prime factor over ", kLargestFactor);
    factors.push_back(0);
    const Roots root(n);
    for (int64_t k = 0; k < n; ++k) roots[k] = root[k].real(), roots[n + k] = root[k].imag();
  }
  void take(int r, int64_t& rest) {
    for (; rest % r == 0; rest /= r) factors.push_back(r);
  }
};

/// a of a split n = a * b, as near to its root as may be; n where it is short or does not split.
int64_t split(int64_t n, bool many) {
  int64_t a = static_cast<int64_t>(std::sqrt(n));
  while (n % a) --a;
  return a < 5 || (many && n <= kLongest) ? n : a;
}

/// For n = first * second, or for columns of n and, if they are real and n even, of n / 2 pairs.
template <class T>
struct Plan {
  int64_t n;
  Columns<T> first, second;
  std::vector<T> turns;  // [2, first.n, second.n]
  Plan(int64_t n, int64_t a) : n(n), first(a), second(a == n && n % 2 == 0 ? n / 2 : n / a) {
    if (a == n) return;
    const Roots root(n);
    turns.resize(2 * n);
    for (int64_t j = 0; j < a; ++j)
      for (int64_t k = 0, at = j * second.n; k < second.n; ++k, ++at)
        turns[at] = root[j * k].real(), turns[n + at] = root[j * k].imag();
  }
};

template <class T>
std::shared_ptr<const Plan<T>> plan_of(int64_t n, int64_t a) {
  static std::mutex mutex;
  static std::vector<std::shared_ptr<const Plan<T>>> plans;
  const std::lock_guard<std::mutex> lock(mutex);
  for (const auto& p : plans)
    if (p->n == n && p->first.n == a) return p;
  auto made = std::make_shared<const Plan<T>>(n, a);
  if (n > kLongestPlan) return made;
  if (plans.size() == kPlans) plans.erase(plans.begin());
  return plans.emplace_back(made);
}

/// Transforms lines of one length.
template <class T>
class Transform {
 public:
  Transform(const Plan<T>& plan, bool inverse, double scale)
      : plan_(plan), inverse_(inverse), scale_(static_cast<T>(scale)) {}

  /// Lines that are the columns of matrices.
  void columns(const cpu::FftMatrix<T>& from, const cpu::FftMatrix<T>& to, int64_t count) const {
    in_blocks(plan_.first, count, [&](int64_t q, int64_t w, int64_t c, T* block, T* spare) {
      load(past(from, q), w, c, block, block + plan_.n * c, spare);
      T* re = kernels_.transform(plan_.first.factors.data(), plan_.n, c, plan_.first.roots.data(),
                                 block, spare);
      store(re, re + plan_.n * c, w, c, past(to, q), re == block ? spare : block);
    });
  }

  /// Real lines of an even length, their numbers together: neighbours are the parts of complex
  /// ones.
  void halves(const cpu::FftMatrix<T>& from, const cpu::FftMatrix<T>& to, int64_t count) const {
    const int64_t n = plan_.second.n;
    const cpu::FftMatrix<T> pairs{from.data, 2, from.column, n, true};
    in_blocks(plan_.second, count, [&](int64_t q, int64_t w, int64_t c, T* block, T* spare) {
      load(past(pairs, q), w, c, block, block + n * c, spare);
      T* found = kernels_.transform(plan_.second.factors.data(), n, c, plan_.second.roots.data(),
                                    block, spare);
      T* re = found == block ? spare : block;
      kernels_.separate(n, to.rows, c, plan_.first.roots.data(), found, re);
      store(re, re + to.rows * c, w, c, past(to, q), found);
    });
  }

  /// One line, by a matrix [a, b] of it; `middle` is room for [2, b, a].
  void line(const cpu::FftMatrix<T>& from, const cpu::FftMatrix<T>& to, T* middle) const {
    const int64_t a = plan_.first.n, b = plan_.second.n, n = plan_.n;
    const cpu::FftMatrix<T> rows{from.data, from.row * b, from.row, a, from.complex};
    in_blocks(plan_.first, b, [&](int64_t q, int64_t w, int64_t c, T* block, T* spare) {
      load(past(rows, q), w, c, block, block + a * c, spare);
      T* re = kernels_.transform(plan_.first.factors.data(), a, c, plan_.first.roots.data(), block,
                                 spare);
      kernels_.rotate(a, w, c, plan_.turns.data() + q, plan_.turns.data() + n + q, b, re);
      const auto transpose = cpu::load_store().transpose[sizeof(T) == 8];
      transpose(a, w, re, c, middle + q * a, a);
      transpose(a, w, re + a * c, c, middle + n + q * a, a);
    });
    const int64_t whole = to.rows / a, left = to.rows % a;
    in_blocks(plan_.second, a, [&](int64_t q, int64_t w, int64_t c, T* block, T* spare) {
      for (int64_t j = 0; j < 2 * b; ++j) std::copy_n(middle + j * a + q, w, block + j * c);
      T* re = kernels_.transform(plan_.second.factors.data(), b, c, plan_.second.roots.data(),
                                 block, spare);
      const T* im = re + b * c;
      cpu::FftMatrix<T> results{to.data, to.row * a, to.row, whole, to.complex};
      store(re, im, w, c, past(results, q), nullptr);
      results.data += whole * results.row, results.rows = 1;
      if (q < left)
        store(re + whole * c, im + whole * c, std::min(w, left - q), c, past(results, q), nullptr);
    });
  }

 private:
  // An inverse transform is one of numbers whose parts have changed places. Numbers that lie
  // together along a column change places in `room`, by squares of registers.
  void load(const cpu::FftMatrix<T>& from, int64_t w, int64_t c, T* re, T* im, T* room) const {
    if (inverse_) std::swap(re, im);
    const int64_t unit = from.complex ? 2 : 1, bytes = unit * sizeof(T);
    if (from.row != unit || from.column == unit || bytes > 8)
      return kernels_.load(w, c, from, re, im);
    cpu::load_store().transpose[bytes == 8](w, from.rows, from.data, from.column / unit, room, c);
    kernels_.load(w, c, {room, c * unit, unit, from.rows, from.complex}, re, im);
  }
  void store(const T* re, const T* im, int64_t w, int64_t c, const cpu::FftMatrix<T>& to,
             T* room) const {
    if (inverse_) std::swap(re, im);
    const int64_t unit = to.complex ? 2 : 1, bytes = unit * sizeof(T);
    if (to.row != unit || to.column == unit || bytes > 8)
      return kernels_.store(w, c, re, im, scale_, to);
    kernels_.store(w, c, re, im, scale_, {room, c * unit, unit, to.rows, to.complex});
    cpu::load_store().transpose[bytes == 8](to.rows, w, room, c, to.data, to.column / unit);
  }
  static cpu::FftMatrix<T> past(cpu::FftMatrix<T> m, int64_t columns) {
    m.data += columns * m.column;
    return m;
  }

  /// body(first column, columns, columns rounded up, block, spare block) for all of them.
  template <class F>
  static void in_blocks(const Columns<T>& shape, int64_t columns, F&& body) {
    const int64_t n = shape.n, unit = cpu::kFftColumns;
    const int64_t wide = std::max<int64_t>(kBlock / (n * unit), 1) * unit;
    const int64_t count = cpu::div_up(columns, wide);
    cpu::parallel_for(0, count, 1 + 8192 / (n * wide), [&](int64_t begin, int64_t end) {
      const int64_t size = 2 * (n + 1) * wide;  // halves end with a row more
      T* room = static_cast<T*>(cpu::scratch(cpu::Scratch::Fourier, 2 * size * sizeof(T)));
      for (int64_t q = begin * wide; q < std::min(end * wide, columns); q += wide) {
        const int64_t w = std::min(wide, columns - q);
        body(q, w, cpu::div_up(w, unit) * unit, room, room + size);
      }
    });
  }

  const cpu::FftKernels<T>& kernels_ = cpu::real_kernels<T>(cpu::fft_table());
  const Plan<T>& plan_;
  bool inverse_;
  T scale_;
};

template <class T>
void transform(const Tensor& x, const Tensor& y, int dim, bool inverse, double scale) {
  const int64_t n = x.size(dim);
  int64_t inner = 1;
  for (int d = dim + 1; d < x.dim(); ++d) inner *= x.size(d);
  const int64_t outer = x.numel() / (n * inner);
  const int64_t a = split(n, (inner == 1 ? outer : inner) >= cpu::kFftColumns);
  const auto plan = plan_of<T>(n, a);
  const Transform<T> run(*plan, inverse, scale);
  // The lines from (o, i) on, as columns.
  const auto lines = [&](const Tensor& t, int64_t o, int64_t i) {
    const int64_t unit = is_complex(t.dtype()) ? 2 : 1, size = t.size(dim);
    return cpu::FftMatrix<T>{static_cast<T*>(t.raw()) + (o * size * inner + i) * unit, inner * unit,
                             inner == 1 ? size * unit : unit, size, unit == 2};
  };
  const int64_t together = a == n ? inner : 1, count = outer * inner / together;
  const int64_t parts =
      n * together * count < 8192 ? 1 : std::min<int64_t>(count, cpu::num_threads());
  const Tensor middle = empty({a < n ? parts : 0, 2, n}, sizeof(T) == 8 ? DType::F64 : DType::F32);
  LongKernel off(x.numel() * 16);
  if (a == n && inner == 1) {
    const auto from = lines(x, 0, 0), to = lines(y, 0, 0);
    const bool halves = n % 2 == 0 && !inverse && !from.complex && y.size(dim) <= n / 2 + 1;
    return halves ? run.halves(from, to, outer) : run.columns(from, to, outer);
  }
  cpu::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin * count / parts; k < end * count / parts; ++k) {
      const int64_t o = k * together / inner, i = k * together % inner;
      if (a == n)
        run.columns(lines(x, o, i), lines(y, o, i), inner);
      else
        run.line(lines(x, o, i), lines(y, o, i), middle.data<T>() + begin * 2 * n);
    }
  });
}

Tensor fft(const Tensor& input, int64_t dim, bool inverse, double scale, int64_t size, bool real) {
  RL_CHECK(input.device().type == Device::Cpu, "_fft: expected a tensor on the CPU");
  const bool wide = real_of(input.dtype()) == DType::F64;
  RL_CHECK(wide || real_of(input.dtype()) == DType::F32, "Unsupported dtype ",
           c_name_of(input.dtype()));
  const int d = wrap_dim(dim, input.dim(), false);
  RL_CHECK(size >= 0 && size <= input.size(d), "_fft: expected 0 to ", input.size(d),
           " values of a transform, but got ", size);
  Dims sizes = input.sizes();
  sizes[d] = size;
  const DType part = wide ? DType::F64 : DType::F32;
  const Tensor out = empty(sizes, real ? part : wide ? DType::C128 : DType::C64, input.device());
  if (out.numel() == 0) return out;
  const Tensor x = as_contiguous(input);
  typed(part, [&](auto zero) { transform<decltype(zero)>(x, out, d, inverse, scale); });
  return out;
}

}  // namespace

void define_fft(Registry& r) {
  r.op("_fft(input, dim, inverse, scale, size, real)",
       "The first `size` numbers of the transform along a dimension, or their real parts.", &fft)
      .hidden();
}

}  // namespace rl
