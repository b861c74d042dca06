// A formula's program as tensor operations, one an instruction: how a gradient is computed when it
// must be recorded itself.
#include "op/call.h"
#include "op/promote.h"
#include "tensor/layout.h"

namespace rl {

Tensor interpret(const Program& p, const OptOperand* inputs, const Scalar* scalars) {
  std::vector<Tensor> keep(p.code.size());
  std::vector<Operand> value(p.code.size());
  for (size_t k = 0; k < p.code.size(); ++k) {
    const Instruction& i = p.code[k];
    if (i.leaf == Leaf::input) {
      RL_CHECK(inputs[i.a].has_value(),
               "internal error: a gradient reads an input that was not saved");
      value[k] = *inputs[i.a];
    } else if (i.leaf == Leaf::param) {
      value[k] = Operand(scalars[i.a]);
    } else if (i.leaf == Leaf::constant) {
      value[k] = Operand(i.value);
    } else {
      static const Op* ops[256] = {};
      const Op*& op = ops[static_cast<int>(i.leaf)];
      if (!op) op = registry().find(info(i.leaf).op);
      RL_CHECK(op && op->formula, "internal error: leaf ", info(i.leaf).name, " has no operation");
      Operand in[Formula::kOperands];
      const int16_t from[] = {i.a, i.b, i.c};
      bool tensor = false;
      for (int j = 0; j < op->formula->operands; ++j) {
        in[j] = value[static_cast<size_t>(from[j])];
        tensor |= in[j].tensor != nullptr;
      }
      Tensor lifted;
      if (!tensor) {  // numbers only: one becomes a tensor, that must not widen the others
        const Tensor& g = *inputs[0]->tensor;
        lifted =
            scalar_tensor(in[0].number, in[0].number.kind == Scalar::Complex ? complex_of(g.dtype())
                                        : g.dim() > 0                        ? DType::F64
                                                                             : real_of(g.dtype()));
        in[0] = Operand(lifted);
      }
      Scalar defaults[4];
      const auto& params = op->overloads.back().schema->params;
      for (int j = 0; j < op->formula->scalars; ++j)
        defaults[j] = params[static_cast<size_t>(op->formula->operands + j)].fallback.number;
      keep[k] = pointwise(*op->formula, in, defaults);
      value[k] = Operand(keep[k]);
    }
  }
  const Operand& r = value[static_cast<size_t>(p.result)];
  return r.tensor ? *r.tensor : scalar_tensor(r.number, default_dtype());
}

}  // namespace rl
