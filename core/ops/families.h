// The families of operations: one file in ops/ each. Formula families are built once per
// instruction set as well, in this order.
#pragma once

// clang-format off
#define RL_FORMULA_FAMILIES(X) \
  X(arithmetic) X(comparison) X(exponential) X(trigonometric) X(special) X(activation) X(loss)

#define RL_FUNCTION_FAMILIES(X)                                                                  \
  X(copy) X(creation) X(view) X(shape) X(split) X(join) X(reduce) X(minmax) X(median) X(norm)    \
  X(scan) X(sort) X(index) X(scatter) X(contract) X(distance) X(mask) X(triangle) X(pad) X(unique) \
  X(number) X(matmul) X(softmax) X(cross_entropy) X(normalize) X(batch_norm) X(convolution)      \
  X(pooling) X(sample) X(resample) X(unfold) X(embedding) X(embedding_bag) X(random)   \
  X(optim) X(variants) X(loss_functions) X(ctc) X(linalg) X(fft) X(spectral) X(attention) \
  X(recurrent)
// clang-format on
