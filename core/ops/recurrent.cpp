// LSTM and GRU cells from their gates: one kernel forward and one backward for each, and an LSTM's
// whole layer. The products that make the gates of its input, other layers and sequences are in
// rushlight/nn/modules/_rnn.py.
#include <algorithm>

#include "autograd/engine.h"
#include "cpu/dispatch.h"
#include "cpu/gemm.h"
#include "cpu/pick.h"
#include "cpu/recurrent_kernels.h"
#include "cpu/threads.h"
#include "op/call.h"
#include "ops/ops.h"

RL_PICK(cpu::RecurrentTable, recurrent_table)

namespace rl {
namespace {

constexpr int64_t kGrain = 8192;  // gates
constexpr int64_t kGrainFlops = 400'000;

template <class T>
const cpu::RecurrentKernels<T>& kernels() {
  return cpu::real_kernels<T>(cpu::recurrent_table());
}

/// Each state (N, H), each tensor of gates (N, n H).
void check(const Tensor& state, std::initializer_list<const Tensor*> gates, int64_t n) {
  for (const Tensor* t : gates)
    RL_CHECK(state.dim() == 2 && t->dim() == 2 && t->size(0) == state.size(0) &&
                 t->size(1) == n * state.size(1),
             "recurrent cell: gates of ", t->sizes(), " do not fit a state of ", state.sizes());
}

/// Not for half types and not for mixed ones (autocast): then the operations promote.
bool have_kernel(std::initializer_list<const Tensor*> tensors) {
  const DType d = (*tensors.begin())->dtype();
  for (const Tensor* t : tensors)
    if (t->device().type != Device::Cpu || t->dtype() != d) return false;
  return d == DType::F32 || d == DType::F64;
}

/// Calls rows(T{}, b, e) for ranges of rows in threads, for the dtype of `state`.
template <class F>
void by_rows(const Tensor& state, int64_t gates, F&& rows) {
  const int64_t work = state.size(1) * gates;
  LongKernel off(state.size(0) * work);
  typed(state.dtype(), [&](auto zero) {
    cpu::parallel_for(0, work ? state.size(0) : 0, kGrain / (work + 1) + 1,
                      [&](int64_t b, int64_t e) { rows(zero, b, e); });
  });
}

Tensor part(const Tensor& gates, int64_t i, int64_t H) { return narrow(gates, 1, i * H, H); }
Tensor sigmoid(const Tensor& t) { return call_op<"sigmoid">(t); }
Tensor tanh(const Tensor& t) { return call_op<"tanh">(t); }
Tensor add(const Tensor& a, const Tensor& b) { return call_op<"add">(a, b); }
Tensor mul(const Tensor& a, const Tensor& b) { return call_op<"mul">(a, b); }

/// The gradients of steps(inputs...), computed again by operations that record, for second
/// derivatives.
template <class Steps>
Grads differentiated(Steps steps, const Grads& g, Tensors inputs) {
  // One input may have been made from another: each stands for itself behind a view.
  for (Tensor& t : inputs) t = view(t, t.sizes());
  const Tensors outs = steps(inputs);
  std::vector<Edge> roots, wanted;
  std::vector<Tensor> grads;
  for (size_t i = 0; i < outs.size(); ++i)
    if (g[i].defined()) roots.push_back(gradient_edge(outs[i])), grads.push_back(g[i]);
  for (const Tensor& t : inputs)
    if (Edge e = gradient_edge(t)) wanted.push_back(e);
  const auto found = run_backward(roots, grads, wanted, {true, true, false});
  Grads result(inputs.size());
  for (size_t i = 0, k = 0; i < inputs.size(); ++i)
    if (gradient_edge(inputs[i])) result[i] = found[k++];
  return result;
}

Tensor dense_or_zeros(const Tensor& g, const Tensor& like) {
  return g.defined() ? as_contiguous(g) : zeros(like.sizes(), like.dtype(), like.device());
}

// ---- LSTM ----

Tensors lstm_steps(const Tensors& inputs) {
  const Tensor &gates = inputs[0], &c = inputs[1];
  const int64_t H = c.size(1);
  const Tensor i = sigmoid(part(gates, 0, H)), f = sigmoid(part(gates, 1, H)),
               g = tanh(part(gates, 2, H)), o = sigmoid(part(gates, 3, H));
  const Tensor new_c = add(mul(f, c), mul(i, g));
  return {mul(o, tanh(new_c)), new_c};
}

Grads lstm_gradients(const Grads& grads, const Tensor& gates, const Tensor& c_in,
                     const Tensor& kept) {
  if (GradMode::enabled) return differentiated(lstm_steps, grads, {gates, c_in});
  const Tensor c = as_contiguous(c_in), dh = dense_or_zeros(grads[0], c),
               dc = dense_or_zeros(grads[1], c);
  const Tensor dgates = empty(gates.sizes(), c.dtype()), before = empty(c.sizes(), c.dtype());
  const int64_t H = c.size(1);
  by_rows(c, 4, [&](auto zero, int64_t b, int64_t e) {
    using T = decltype(zero);
    for (int64_t r = b; r < e; ++r)
      kernels<T>().lstm_backward(H, kept.data<T>() + r * 5 * H, c.data<T>() + r * H,
                                 dh.data<T>() + r * H, dc.data<T>() + r * H,
                                 dgates.data<T>() + r * 4 * H, before.data<T>() + r * H);
  });
  return {dgates, before};
}

Tensors lstm_cell(const Tensor& gates_in, const Tensor& c_in) {
  check(c_in, {&gates_in}, 4);
  if (!have_kernel({&gates_in, &c_in})) return lstm_steps({gates_in, c_in});
  const Tensor gates = as_contiguous(gates_in), c = as_contiguous(c_in);
  const Tensor h = empty(c.sizes(), c.dtype()), new_c = empty(c.sizes(), c.dtype()),
               kept = empty({c.size(0), 5 * c.size(1)}, c.dtype());
  const int64_t H = c.size(1);
  by_rows(c, 4, [&](auto zero, int64_t b, int64_t e) {
    using T = decltype(zero);
    for (int64_t r = b; r < e; ++r)
      kernels<T>().lstm(H, gates.data<T>() + r * 4 * H, c.data<T>() + r * H,
                        kept.data<T>() + r * 5 * H, h.data<T>() + r * H, new_c.data<T>() + r * H);
  });
  return record_all({h, new_c}, "LstmCellBackward0", {&gates_in, &c_in}, [&] {
    return [gates = Saved(gates_in), c = Saved(c_in), kept = Saved(kept)](const Grads& g, Node& n) {
      return lstm_gradients(g, gates.unpack(&n), c.unpack(&n), kept.unpack(&n));
    };
  });
}

// ---- A layer of LSTM cells ----
//
// The rows of a batch do not meet, so each thread takes some of them through all steps. What a step
// makes is kept for the gradients; that of the weights is then one product over all steps.

Tensors layer_steps(const Tensors& inputs) {
  const Tensor &gates = inputs[0], weight = transpose(inputs[3], 0, 1);
  Tensors outs;
  Tensor h = inputs[1], c = inputs[2];
  for (int64_t t = 0; t < gates.size(0); ++t) {
    const Tensors next = lstm_steps({add(select(gates, 0, t), mm(h, weight)), c});
    h = next[0], c = next[1];
    outs.push_back(h);
  }
  return {stack(outs, 0), h, c};
}

/// The sizes of a layer, and products with its weights for some rows of a batch.
struct LstmLayer {
  int64_t L, N, H;
  DType dtype;

  explicit LstmLayer(const Tensor& gates)
      : L(gates.size(0)), N(gates.size(1)), H(gates.size(2) / 4), dtype(gates.dtype()) {}

  /// Calls rows(T{}, b, e) for ranges of rows, which the shape alone decides: sums depend on them.
  template <class F>
  void by_rows(F&& rows) const {
    const int64_t blocks = std::clamp<int64_t>(N / 8, 1, 8), work = 8 * L * N * H * H / blocks;
    LongKernel off(work);
    typed(dtype, [&](auto zero) {
      cpu::parallel_for(0, blocks, kGrainFlops / (work + 1) + 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) rows(zero, N * i / blocks, N * (i + 1) / blocks);
      });
    });
  }
  /// c = a @ b + beta * c for n rows, contiguous all.
  void product(int64_t n, int64_t width, int64_t k, const void* a, const void* b, double beta,
               void* c) const {
    cpu::gemm(dtype, false, false, n, width, k, 1.0, a, k, b, width, beta, c, width);
  }
};

struct LstmLayerGradients {
  Saved gates, h, c, weight, out, cells, kept;

  Grads operator()(const Grads& g, Node& n) const {
    const Tensor w = weight.unpack(&n), gate = gates.unpack(&n), h0 = h.unpack(&n),
                 c0 = c.unpack(&n);
    if (GradMode::enabled) return differentiated(layer_steps, g, {gate, h0, c0, w});
    const Tensor outs = out.unpack(&n), k = kept.unpack(&n), cs = cells.unpack(&n);
    const LstmLayer layer(gate);
    const int64_t L = layer.L, N = layer.N, H = layer.H;
    const Tensor first = as_contiguous(c0), matrix = as_contiguous(w);
    const Tensor dh = clone(dense_or_zeros(g[1], first)), dc = clone(dense_or_zeros(g[2], first)),
                 dgates = empty({L, N, 4 * H}, layer.dtype);
    const Tensor dout = g[0].defined() ? as_contiguous(g[0]) : Tensor();
    layer.by_rows([&](auto zero, int64_t b, int64_t e) {
      using T = decltype(zero);
      T *h_at = dh.data<T>() + b * H, *c_at = dc.data<T>() + b * H;
      for (int64_t t = L - 1; t >= 0; --t) {
        T* to = dgates.data<T>() + (t * N + b) * 4 * H;
        const T* before = t ? cs.data<T>() + ((t - 1) * N + b) * H : first.data<T>() + b * H;
        for (int64_t i = 0; dout.defined() && i < (e - b) * H; ++i)
          h_at[i] += dout.data<T>()[(t * N + b) * H + i];
        for (int64_t r = 0; r < e - b; ++r)
          kernels<T>().lstm_backward(H, k.data<T>() + (t * N + b + r) * 5 * H, before + r * H,
                                     h_at + r * H, c_at + r * H, to + r * 4 * H, c_at + r * H);
        layer.product(e - b, H, 4 * H, to, matrix.data<T>(), 0, h_at);
      }
    });
    Tensor dw;
    if (n.needs(3)) {
      const Tensor all = reshape(dgates, {L * N, 4 * H});
      const Tensor states = cat({unsqueeze(h0, 0), slice(outs, 0, 0, L - 1, 1)}, 0);
      dw = mm(transpose(all, 0, 1), reshape(states, {L * N, H}));
    }
    return {dgates, dh, dc, dw};
  }
};

Tensors lstm_layer(const Tensor& gates_in, const Tensor& h_in, const Tensor& c_in,
                   const Tensor& weight) {
  RL_CHECK(gates_in.dim() == 3 && gates_in.size(0) > 0 && h_in.dim() == 2 &&
               h_in.sizes() == c_in.sizes() && h_in.size(0) == gates_in.size(1) &&
               4 * h_in.size(1) == gates_in.size(2) && weight.dim() == 2 &&
               weight.size(0) == gates_in.size(2) && weight.size(1) == h_in.size(1),
           "recurrent layer: gates of ", gates_in.sizes(), " and weights of ", weight.sizes(),
           " do not fit a state of ", h_in.sizes());
  if (!have_kernel({&gates_in, &h_in, &c_in, &weight}))
    return layer_steps({gates_in, h_in, c_in, weight});
  const LstmLayer layer(gates_in);
  const int64_t L = layer.L, N = layer.N, H = layer.H;
  const Tensor gates = contiguous_copy(gates_in), h = as_contiguous(h_in), c = as_contiguous(c_in),
               matrix = as_contiguous(transpose(detach(weight), 0, 1));
  const Tensor out = empty({L, N, H}, layer.dtype), cells = empty({L, N, H}, layer.dtype),
               kept = empty({L, N, 5 * H}, layer.dtype);
  layer.by_rows([&](auto zero, int64_t b, int64_t e) {
    using T = decltype(zero);
    const T *h_at = h.data<T>() + b * H, *c_at = c.data<T>() + b * H;
    for (int64_t t = 0; t < L; ++t) {
      T *g = gates.data<T>() + (t * N + b) * 4 * H, *to = out.data<T>() + (t * N + b) * H,
        *cell = cells.data<T>() + (t * N + b) * H;
      layer.product(e - b, 4 * H, H, h_at, matrix.data<T>(), 1, g);
      for (int64_t r = 0; r < e - b; ++r)
        kernels<T>().lstm(H, g + r * 4 * H, c_at + r * H, kept.data<T>() + (t * N + b + r) * 5 * H,
                          to + r * H, cell + r * H);
      h_at = to, c_at = cell;
    }
  });
  const Tensor last_h = clone(select(out, 0, L - 1)), last_c = clone(select(cells, 0, L - 1));
  return record_all(
      {out, last_h, last_c}, "MkldnnRnnLayerBackward0", {&gates_in, &h_in, &c_in, &weight}, [&] {
        return LstmLayerGradients{Saved(gates_in),  Saved(h_in),  Saved(c_in), Saved(weight),
                                  Saved(out, true), Saved(cells), Saved(kept)};
      });
}

// ---- GRU ----

Tensors gru_steps(const Tensors& inputs) {
  const Tensor &x = inputs[0], &y = inputs[1], &h = inputs[2];
  const int64_t H = h.size(1);
  const Tensor r = sigmoid(add(part(x, 0, H), part(y, 0, H))),
               z = sigmoid(add(part(x, 1, H), part(y, 1, H))),
               n = tanh(add(part(x, 2, H), mul(r, part(y, 2, H))));
  return {add(n, mul(z, call_op<"sub">(h, n)))};
}

Grads gru_gradients(const Grads& grads, const Tensor& x, const Tensor& y_in, const Tensor& h_in,
                    const Tensor& kept) {
  if (GradMode::enabled) return differentiated(gru_steps, grads, {x, y_in, h_in});
  const Tensor y = as_contiguous(y_in), h = as_contiguous(h_in), g = as_contiguous(grads[0]);
  const Tensor dx = empty(y.sizes(), h.dtype()), dy = empty(y.sizes(), h.dtype()),
               dh = empty(h.sizes(), h.dtype());
  const int64_t H = h.size(1);
  by_rows(h, 3, [&](auto zero, int64_t b, int64_t e) {
    using T = decltype(zero);
    for (int64_t r = b; r < e; ++r)
      kernels<T>().gru_backward(H, kept.data<T>() + r * 3 * H, y.data<T>() + r * 3 * H,
                                h.data<T>() + r * H, g.data<T>() + r * H, dx.data<T>() + r * 3 * H,
                                dy.data<T>() + r * 3 * H, dh.data<T>() + r * H);
  });
  return {dx, dy, dh};
}

Tensor gru_cell(const Tensor& x_in, const Tensor& y_in, const Tensor& h_in) {
  check(h_in, {&x_in, &y_in}, 3);
  if (!have_kernel({&x_in, &y_in, &h_in})) return gru_steps({x_in, y_in, h_in})[0];
  const Tensor x = as_contiguous(x_in), y = as_contiguous(y_in), h = as_contiguous(h_in);
  const Tensor out = empty(h.sizes(), h.dtype()),
               kept = empty({h.size(0), 3 * h.size(1)}, h.dtype());
  const int64_t H = h.size(1);
  by_rows(h, 3, [&](auto zero, int64_t b, int64_t e) {
    using T = decltype(zero);
    for (int64_t r = b; r < e; ++r)
      kernels<T>().gru(H, x.data<T>() + r * 3 * H, y.data<T>() + r * 3 * H, h.data<T>() + r * H,
                       kept.data<T>() + r * 3 * H, out.data<T>() + r * H);
  });
  return record(out, "GruCellBackward0", {&x_in, &y_in, &h_in}, [&] {
    return [x = Saved(x_in), y = Saved(y_in), h = Saved(h_in), kept = Saved(kept)](const Grads& g,
                                                                                   Node& n) {
      return gru_gradients(g, x.unpack(&n), y.unpack(&n), h.unpack(&n), kept.unpack(&n));
    };
  });
}

}  // namespace

void define_recurrent(Registry& r) {
  r.op("_lstm_cell(gates, cx)",
       "The next state (h, c), each (N, H), of an LSTM from its gates (N, 4 H): input, forget, "
       "cell and output, before their activations.",
       &lstm_cell)
      .hidden();
  r.op("_lstm_layer(gates, hx, cx, weight)",
       "All states (L, N, H) of an LSTM's layer and its last (h, c), from the input's share of the "
       "gates (L, N, 4 H), the first state and the state's weights (4 H, H).",
       &lstm_layer)
      .hidden();
  r.op("_gru_cell(input_gates, hidden_gates, hx)",
       "The next state (N, H) of a GRU from the shares of its input and of its state in the gates "
       "(N, 3 H): reset, update and new.",
       &gru_cell)
      .hidden();
}

}  // namespace rl
