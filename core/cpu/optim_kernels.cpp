// Steps of Adam, SGD and RMSprop: one pass over all the tensors of a parameter, in the order of
// operations that the optimisers' per-tensor rules have. Built once per instruction set.
#include "cpu/optim_kernels.h"

#include "cpu/isa.h"

namespace rl::RL_ISA {
namespace {

RL_INLINE float root(float x) { return __builtin_sqrtf(x); }
RL_INLINE double root(double x) { return __builtin_sqrt(x); }

/// a + w * (b - a), from the nearer end.
template <class T>
RL_INLINE T lerp(T a, T b, T w) {
  return w < T(0.5) ? a + w * (b - a) : b - (b - a) * (1 - w);
}

template <class T, bool kDecay, bool kLargest>
void adam_loop(const cpu::AdamStep& s, int64_t n, T* __restrict p, const T* __restrict g,
               T* __restrict m, T* __restrict v, T* __restrict largest) {
  const T sign = s.maximize ? T(-1) : T(1), w = T(1 - s.beta1), beta2 = T(s.beta2);
  const T rest2 = T(1 - s.beta2), correction = T(s.root_correction), eps = T(s.eps);
  const T size = T(-s.step_size), decay = T(s.weight_decay), shrink = T(s.shrink);
  for (int64_t i = 0; i < n; ++i) {
    T d = sign * g[i], x = p[i];
    if constexpr (kDecay) {
      x = x * shrink;
      d = d + decay * x;
    }
    const T mean = lerp(m[i], d, w), square = v[i] * beta2 + rest2 * d * d;
    m[i] = mean;
    v[i] = square;
    T top = square;
    if constexpr (kLargest) {
      top = largest[i];
      top = (square > top) | (square != square) ? square : top;
      largest[i] = top;
    }
    p[i] = x + size * (mean / (root(top) / correction + eps));
  }
}

template <class T>
void adam(const cpu::AdamStep& s, int64_t n, T* p, const T* g, T* m, T* v, T* largest) {
  const bool decay = s.weight_decay != 0 || s.shrink != 1;
  if (decay && largest) adam_loop<T, true, true>(s, n, p, g, m, v, largest);
  else if (decay) adam_loop<T, true, false>(s, n, p, g, m, v, largest);
  else if (largest) adam_loop<T, false, true>(s, n, p, g, m, v, largest);
  else adam_loop<T, false, false>(s, n, p, g, m, v, largest);
}

template <class T>
void sgd(const cpu::SgdStep& s, int64_t n, T* __restrict p, const T* __restrict g, T* __restrict b) {
  const T sign = s.maximize ? T(-1) : T(1), lr = T(-s.lr), decay = T(s.weight_decay);
  const T momentum = T(s.momentum), rest = T(1 - s.dampening);
  if (!b) {
    for (int64_t i = 0; i < n; ++i) p[i] = p[i] + lr * (sign * g[i] + decay * p[i]);
  } else if (s.first) {  // the buffer starts as the gradient
    const T ahead = s.nesterov ? momentum : T(0);
    for (int64_t i = 0; i < n; ++i) {
      const T d = sign * g[i] + decay * p[i];
      b[i] = d;
      p[i] = p[i] + lr * (d + ahead * d);
    }
  } else if (s.nesterov) {
    for (int64_t i = 0; i < n; ++i) {
      const T d = sign * g[i] + decay * p[i], v = momentum * b[i] + rest * d;
      b[i] = v;
      p[i] = p[i] + lr * (d + momentum * v);
    }
  } else {
    for (int64_t i = 0; i < n; ++i) {
      const T d = sign * g[i] + decay * p[i], v = momentum * b[i] + rest * d;
      b[i] = v;
      p[i] = p[i] + lr * v;
    }
  }
}

template <class T, bool kCentered, bool kMomentum>
void rmsprop_loop(const cpu::RmspropStep& s, int64_t n, T* __restrict p, const T* __restrict g,
                  T* __restrict v, T* __restrict mean, T* __restrict b) {
  const T sign = s.maximize ? T(-1) : T(1), lr = T(-s.lr), alpha = T(s.alpha), rest = T(1 - s.alpha);
  const T eps = T(s.eps), decay = T(s.weight_decay), momentum = T(s.momentum);
  for (int64_t i = 0; i < n; ++i) {
    const T d = sign * g[i] + decay * p[i], square = v[i] * alpha + rest * d * d;
    v[i] = square;
    T spread = square;
    if constexpr (kCentered) {
      const T a = lerp(mean[i], d, rest);
      mean[i] = a;
      spread = square - a * a;
    }
    const T step = d / (root(spread) + eps);
    if constexpr (kMomentum) {
      const T buffer = momentum * b[i] + step;
      b[i] = buffer;
      p[i] = p[i] + lr * buffer;
    } else {
      p[i] = p[i] + lr * step;
    }
  }
}

template <class T>
void rmsprop(const cpu::RmspropStep& s, int64_t n, T* p, const T* g, T* v, T* mean, T* b) {
  if (mean && b) rmsprop_loop<T, true, true>(s, n, p, g, v, mean, b);
  else if (mean) rmsprop_loop<T, true, false>(s, n, p, g, v, mean, b);
  else if (b) rmsprop_loop<T, false, true>(s, n, p, g, v, mean, b);
  else rmsprop_loop<T, false, false>(s, n, p, g, v, mean, b);
}

template <class T>
constexpr cpu::OptimKernels<T> kernels() {
  return {adam<T>, sgd<T>, rmsprop<T>};
}

}  // namespace

extern const cpu::OptimTable optim_table = {kernels<float>(), kernels<double>()};

}  // namespace rl::RL_ISA
