// The table through which recurrent cells reach the kernels of one instruction set. Plain data
// only. Every function is for one row, of H hidden values.
#pragma once
#include <cstdint>

namespace rl::cpu {

template <class T>
struct RecurrentKernels {
  /// gates: i f g o before their activations, 4 H. kept: i f g o and tanh(new c), 5 H.
  void (*lstm)(int64_t H, const T* gates, const T* c, T* kept, T* new_h, T* new_c);
  /// From the gradients of new_h and new_c those of gates and c.
  void (*lstm_backward)(int64_t H, const T* kept, const T* c, const T* dh, const T* dc, T* dgates,
                        T* dc_before);
  /// x, y: the shares of the input and of the hidden state in r z n, 3 H. kept: r z n, 3 H.
  void (*gru)(int64_t H, const T* x, const T* y, const T* h, T* kept, T* new_h);
  /// From the gradient of new_h those of x, y and h.
  void (*gru_backward)(int64_t H, const T* kept, const T* y, const T* h, const T* g, T* dx, T* dy,
                       T* dh);
};

struct RecurrentTable {
  RecurrentKernels<float> f32;
  RecurrentKernels<double> f64;
};

}  // namespace rl::cpu
