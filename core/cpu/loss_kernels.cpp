// The inner loops of the fused losses, built once per instruction set.
#include "cpu/loss_kernels.h"

#include "cpu/fold.h"

namespace rl::RL_ISA {
namespace {

constexpr int64_t kBlock = 1024;  // numbers summed in T before a double takes over

template <class T>
struct Squares {
  const T *x, *t;
  RL_INLINE Vec<T> vector(int64_t i) const {
    const Vec<T> d = load(x + i) - load(t + i);
    return d * d;
  }
  RL_INLINE Vec<T> partial(int64_t i, int64_t m) const {
    const Vec<T> d = load_partial(x + i, m) - load_partial(t + i, m);
    return d * d;
  }
};

template <class T>
double squared_distance(int64_t n, const T* x, const T* t) {
  double sum = 0;
  for (int64_t i = 0; i < n; i += kBlock)
    sum += sum_of<T>(n - i < kBlock ? n - i : kBlock, Squares<T>{x + i, t + i});
  return sum;
}

template <class T>
void scaled_difference(int64_t n, const T* x, const T* t, T c, T* __restrict out) {
  for (int64_t i = 0; i < n; ++i) out[i] = c * (x[i] - t[i]);
}

template <class T>
constexpr cpu::LossKernels<T> kernels() {
  return {squared_distance<T>, scaled_difference<T>};
}

}  // namespace

extern const cpu::LossTable loss_table = {kernels<float>(), kernels<double>()};

}  // namespace rl::RL_ISA
