// Steps of Adam, SGD and RMSprop: one pass over all the tensors of a parameter. Each number goes
// through the roundings of the optimisers' per-tensor rules, so that both give the same floats:
// this file is built with -ffp-contract=off, and says itself where a product and a sum are one
// operation. Built once per instruction set.
#include "cpu/optim_kernels.h"

#include "cpu/isa.h"

namespace rl::RL_ISA {
namespace {

RL_INLINE float root(float x) { return __builtin_sqrtf(x); }
RL_INLINE double root(double x) { return __builtin_sqrt(x); }

/// a * b + c, rounded once where the machine can.
RL_INLINE float fused(float a, float b, float c) {
#if defined(__FMA__) || defined(__aarch64__)
  return __builtin_fmaf(a, b, c);
#else
  return a * b + c;
#endif
}
RL_INLINE double fused(double a, double b, double c) {
#if defined(__FMA__) || defined(__aarch64__)
  return __builtin_fma(a, b, c);
#else
  return a * b + c;
#endif
}

/// a + w * (b - a), from the nearer end.
template <class T>
RL_INLINE T lerp(T a, T b, T w) {
  return w < T(0.5) ? fused(w, b - a, a) : fused(w - 1, b - a, b);
}
/// a + value * b * c and a + value * b / c, as addcmul and addcdiv have them.
template <class T>
RL_INLINE T addcmul(T a, T value, T b, T c) {
  return fused(value * b, c, a);
}
template <class T>
RL_INLINE T addcdiv(T a, T value, T b, T c) {
  return a + value * b / c;
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
      d = fused(x, decay, d);
    }
    const T mean = lerp(m[i], d, w), square = addcmul(v[i] * beta2, rest2, d, d);
    m[i] = mean;
    v[i] = square;
    T top = square;
    if constexpr (kLargest) {
      top = largest[i];
      top = (square > top) | (square != square) ? square : top;
      largest[i] = top;
    }
    p[i] = addcdiv(x, size, mean, root(top) / correction + eps);
  }
}

template <class T>
void adam(const cpu::AdamStep& s, int64_t n, T* p, const T* g, T* m, T* v, T* largest) {
  const bool decay = s.weight_decay != 0 || s.shrink != 1;
  if (decay && largest)
    adam_loop<T, true, true>(s, n, p, g, m, v, largest);
  else if (decay)
    adam_loop<T, true, false>(s, n, p, g, m, v, largest);
  else if (largest)
    adam_loop<T, false, true>(s, n, p, g, m, v, largest);
  else
    adam_loop<T, false, false>(s, n, p, g, m, v, largest);
}

template <class T>
void sgd(const cpu::SgdStep& s, int64_t n, T* __restrict p, const T* __restrict g,
         T* __restrict b) {
  const T sign = s.maximize ? T(-1) : T(1), lr = T(-s.lr), decay = T(s.weight_decay);
  const T momentum = T(s.momentum), rest = T(1 - s.dampening);
  if (!b) {
    for (int64_t i = 0; i < n; ++i) p[i] = fused(fused(p[i], decay, sign * g[i]), lr, p[i]);
  } else if (s.first) {  // the buffer starts as the gradient
    const T ahead = s.nesterov ? momentum : T(0);
    for (int64_t i = 0; i < n; ++i) {
      const T d = fused(p[i], decay, sign * g[i]);
      b[i] = d;
      p[i] = fused(fused(d, ahead, d), lr, p[i]);
    }
  } else if (s.nesterov) {
    for (int64_t i = 0; i < n; ++i) {
      const T d = fused(p[i], decay, sign * g[i]), v = fused(d, rest, momentum * b[i]);
      b[i] = v;
      p[i] = fused(fused(v, momentum, d), lr, p[i]);
    }
  } else {
    for (int64_t i = 0; i < n; ++i) {
      const T d = fused(p[i], decay, sign * g[i]), v = fused(d, rest, momentum * b[i]);
      b[i] = v;
      p[i] = fused(v, lr, p[i]);
    }
  }
}

template <class T, bool kCentered, bool kMomentum>
void rmsprop_loop(const cpu::RmspropStep& s, int64_t n, T* __restrict p, const T* __restrict g,
                  T* __restrict v, T* __restrict mean, T* __restrict b) {
  const T sign = s.maximize ? T(-1) : T(1), lr = T(-s.lr), alpha = T(s.alpha),
          rest = T(1 - s.alpha);
  const T eps = T(s.eps), decay = T(s.weight_decay), momentum = T(s.momentum);
  for (int64_t i = 0; i < n; ++i) {
    const T d = fused(p[i], decay, sign * g[i]), square = addcmul(v[i] * alpha, rest, d, d);
    v[i] = square;
    T spread = square;
    if constexpr (kCentered) {
      const T a = lerp(mean[i], d, rest);
      mean[i] = a;
      spread = addcmul(square, T(-1), a, a);
    }
    const T denominator = root(spread) + eps;
    if constexpr (kMomentum) {
      const T buffer = addcdiv(momentum * b[i], T(1), d, denominator);
      b[i] = buffer;
      p[i] = fused(buffer, lr, p[i]);
    } else {
      p[i] = addcdiv(p[i], lr, d, denominator);
    }
  }
}

template <class T>
void rmsprop(const cpu::RmspropStep& s, int64_t n, T* p, const T* g, T* v, T* mean, T* b) {
  if (mean && b)
    rmsprop_loop<T, true, true>(s, n, p, g, v, mean, b);
  else if (mean)
    rmsprop_loop<T, true, false>(s, n, p, g, v, mean, b);
  else if (b)
    rmsprop_loop<T, false, true>(s, n, p, g, v, mean, b);
  else
    rmsprop_loop<T, false, false>(s, n, p, g, v, mean, b);
}

template <class T>
constexpr cpu::OptimKernels<T> kernels() {
  return {adam<T>, sgd<T>, rmsprop<T>};
}

}  // namespace

extern const cpu::OptimTable optim_table = {kernels<float>(), kernels<double>()};

}  // namespace rl::RL_ISA
