// Losses of one element, before reduction. The reduced losses are in ops/loss_functions.cpp.
#include "op/formula.h"

RL_FORMULAS(loss) {
  r.binary(
       "_mse(input, target)", StrictComplex, "(input - target) ** 2.",
       [](Value auto x, Value auto t) { return (x - t) * (x - t); },
       [](Value auto g, Value auto x, Value auto t, Value auto) { return g * (2.0 * (x - t)); },
       [](Value auto g, Value auto x, Value auto t, Value auto) { return g * (2.0 * (t - x)); })
      .hidden()
      .node("MseLossBackward0");
  r.binary(
       "_l1(input, target)", Strict, "abs(input - target).",
       [](Value auto x, Value auto t) { return abs(x - t); },
       [](Value auto g, Value auto x, Value auto t, Value auto) { return g * sign(x - t); },
       [](Value auto g, Value auto x, Value auto t, Value auto) { return g * sign(t - x); })
      .hidden()
      .node("AbsBackward0");
  r.binary(
       "_smooth_l1(input, target, beta=1.0)", Strict,
       "Quadratic within beta, linear beyond (Girshick, 2015).",
       [](Value auto x, Value auto t, Value auto beta) {
         auto d = abs(x - t);
         return where(d < beta, 0.5 * d * d / beta, d - 0.5 * beta);
       },
       [](Value auto g, Value auto x, Value auto t, Value auto, Value auto beta) {
         auto d = x - t;
         return g * where(d >= beta, 1.0, where(d <= -beta, -1.0, d / beta));
       },
       [](Value auto g, Value auto x, Value auto t, Value auto, Value auto beta) {
         auto d = t - x;
         return g * where(d >= beta, 1.0, where(d <= -beta, -1.0, d / beta));
       })
      .hidden()
      .node("SmoothL1LossBackward0");
  r.binary(
       "_huber(input, target, delta=1.0)", Strict, "Huber's loss (1964).",
       [](Value auto x, Value auto t, Value auto delta) {
         auto d = abs(x - t);
         return where(d <= delta, 0.5 * d * d, delta * (d - 0.5 * delta));
       },
       [](Value auto g, Value auto x, Value auto t, Value auto, Value auto delta) {
         auto d = x - t;
         return g * where(d > delta, delta, where(d < -delta, -delta, d));
       },
       [](Value auto g, Value auto x, Value auto t, Value auto, Value auto delta) {
         auto d = t - x;
         return g * where(d > delta, delta, where(d < -delta, -delta, d));
       })
      .hidden()
      .node("HuberLossBackward0");
  r.binary(
       "_soft_margin(input, target)", Strict, "log(1 + exp(-target * input)).",
       [](Value auto x, Value auto t) { return log1p(exp(-(t * x))); },
       [](Value auto g, Value auto x, Value auto t, Value auto) {
         return g * -(t * sigmoid(-(t * x)));
       },
       [](Value auto g, Value auto x, Value auto t, Value auto) {
         return g * -(x * sigmoid(-(t * x)));
       })
      .hidden()
      .node("SoftMarginLossBackward0");
  // Logarithms are held at -100, so that a certain wrong answer has a finite loss.
  r.binary(
       "_bce(input, target)", Strict, "-(t log x + (1 - t) log(1 - x)).",
       [](Value auto x, Value auto t) {
         return (t - 1.0) * maximum(log1p(-x), -100.0) - t * maximum(log(x), -100.0);
       },
       [](Value auto g, Value auto x, Value auto t, Value auto) {
         return g * (x - t) / maximum((1.0 - x) * x, 9.999999960041972e-13);  // 1e-12f
       },
       [](Value auto g, Value auto x, Value auto, Value auto) {
         return g * (maximum(log1p(-x), -100.0) - maximum(log(x), -100.0));
       })
      .hidden()
      .node("BinaryCrossEntropyBackward0");
  r.ternary(
       "_bce_logits(input, target, pos_weight)", Strict, "Binary cross-entropy of a logit.",
       [](Value auto x, Value auto t, Value auto w) {
         auto l = log1p(exp(-abs(x))) + maximum(-x, 0.0);  // -log sigmoid(x)
         return (1.0 - t) * x + (1.0 + (w - 1.0) * t) * l;
       },
       [](Value auto g, Value auto x, Value auto t, Value auto w, Value auto) {
         return g * ((1.0 - t) - (1.0 + (w - 1.0) * t) * sigmoid(-x));
       },
       [](Value auto g, Value auto x, Value auto, Value auto w, Value auto) {
         auto l = log1p(exp(-abs(x))) + maximum(-x, 0.0);
         return g * ((w - 1.0) * l - x);
       },
       [](Value auto g, Value auto x, Value auto t, Value auto, Value auto) {
         auto l = log1p(exp(-abs(x))) + maximum(-x, 0.0);
         return g * (t * l);
       })
      .hidden()
      .node("BinaryCrossEntropyWithLogitsBackward0");
}
