// The inner loops of LSTM and GRU cells, built once per instruction set.
#include "cpu/recurrent_kernels.h"

#include "cpu/vmath.h"

namespace rl::RL_ISA {
namespace {

// Hochreiter and Schmidhuber, "Long short-term memory", 1997, with the forget gate of Gers,
// Schmidhuber and Cummins, 2000.
template <class T>
void lstm(int64_t H, const T* gates, const T* c, T* kept, T* new_h, T* new_c) {
#pragma GCC ivdep
  for (int64_t j = 0; j < H; ++j) {
    const T i = vm_sigmoid(gates[j]), f = vm_sigmoid(gates[j + H]);
    const T g = vm_tanh(gates[j + 2 * H]);
    kept[j] = i;
    kept[j + H] = f;
    kept[j + 2 * H] = g;
    new_c[j] = f * c[j] + i * g;
  }
#pragma GCC ivdep
  for (int64_t j = 0; j < H; ++j) {
    const T o = vm_sigmoid(gates[j + 3 * H]), t = vm_tanh(new_c[j]);
    kept[j + 3 * H] = o;
    kept[j + 4 * H] = t;
    new_h[j] = o * t;
  }
}

template <class T>
void lstm_backward(int64_t H, const T* kept, const T* c, const T* dh, const T* dc, T* dgates,
                   T* dc_before) {
#pragma GCC ivdep
  for (int64_t j = 0; j < H; ++j) {
    const T i = kept[j], f = kept[j + H], g = kept[j + 2 * H], o = kept[j + 3 * H],
            t = kept[j + 4 * H];
    const T d = dc[j] + dh[j] * o * (T(1) - t * t);  // of the new c
    dgates[j] = d * g * (i * (T(1) - i));
    dgates[j + H] = d * c[j] * (f * (T(1) - f));
    dgates[j + 2 * H] = d * i * (T(1) - g * g);
    dgates[j + 3 * H] = dh[j] * t * (o * (T(1) - o));
    dc_before[j] = d * f;
  }
}

// Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014, in the variant
// whose reset gate scales the product and not the state.
template <class T>
void gru(int64_t H, const T* x, const T* y, const T* h, T* kept, T* new_h) {
#pragma GCC ivdep
  for (int64_t j = 0; j < H; ++j) {
    const T r = vm_sigmoid(x[j] + y[j]), z = vm_sigmoid(x[j + H] + y[j + H]);
    const T n = vm_tanh(x[j + 2 * H] + r * y[j + 2 * H]);
    kept[j] = r;
    kept[j + H] = z;
    kept[j + 2 * H] = n;
    new_h[j] = n + z * (h[j] - n);
  }
}

template <class T>
void gru_backward(int64_t H, const T* kept, const T* y, const T* h, const T* g, T* dx, T* dy,
                  T* dh) {
#pragma GCC ivdep
  for (int64_t j = 0; j < H; ++j) {
    const T r = kept[j], z = kept[j + H], n = kept[j + 2 * H];
    const T dn = g[j] * (T(1) - z) * (T(1) - n * n);
    const T dr = dn * y[j + 2 * H] * (r * (T(1) - r));
    const T dz = g[j] * (h[j] - n) * (z * (T(1) - z));
    dx[j] = dy[j] = dr;
    dx[j + H] = dy[j + H] = dz;
    dx[j + 2 * H] = dn;
    dy[j + 2 * H] = dn * r;
    dh[j] = g[j] * z;
  }
}

template <class T>
constexpr cpu::RecurrentKernels<T> kernels() {
  return {lstm<T>, lstm_backward<T>, gru<T>, gru_backward<T>};
}

}  // namespace

extern const cpu::RecurrentTable recurrent_table = {kernels<float>(), kernels<double>()};

}  // namespace rl::RL_ISA
