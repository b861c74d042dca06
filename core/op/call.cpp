// Calls by name from C++, defaults filled in from the schema; and calls of formulas.
#include "op/call.h"

namespace rl {
namespace {

/// A number takes the form that its parameter reads.
void settle(Arg& a, Kind kind) {
  switch (kind) {
    case Kind::Int:
    case Kind::OptInt:
      a.i = a.number.integer();
      break;
    case Kind::Bool:
    case Kind::OptBool:
      a.i = a.number.boolean();
      break;
    case Kind::Float:
    case Kind::OptFloat:
      a.d = a.number.real();
      break;
    default:
      a.tensor = nullptr;
  }
}

}  // namespace

Result invoke_with_defaults(const Op& op, Arg* args, size_t given) {
  const Overload& o = op.overloads.front();
  const auto& params = o.schema->params;
  RL_CHECK(params.size() <= 16 && given <= params.size(), "internal error: call of ", op.name);
  Arg all[16];
  for (size_t i = 0; i < params.size(); ++i) {
    all[i] = i < given ? args[i] : params[i].fallback;
    if (all[i].is_number) settle(all[i], params[i].kind);
  }
  return o.invoke(o.function, all);
}

namespace {
/// The arguments of a call of a formula.
struct FormulaCall {
  const Formula& f;
  Operand operands[Formula::kOperands];
  Scalar scalars[4];

  FormulaCall(void* formula, const Arg* args) : f(*static_cast<const Formula*>(formula)) {
    for (int k = 0; k < f.operands; ++k)
      operands[k] = args[k].tensor ? Operand(*args[k].tensor) : Operand(args[k].number);
    for (int k = 0; k < f.scalars; ++k) scalars[k] = args[f.operands + k].number;
  }
};
}  // namespace

Result invoke_formula(void* formula, const Arg* args) {
  const FormulaCall c(formula, args);
  return pointwise(c.f, c.operands, c.scalars);
}

Result invoke_formula_(void* formula, const Arg* args) {
  const FormulaCall c(formula, args);
  pointwise_(c.f, c.operands, c.scalars);
  return Result(*c.operands[0].tensor);
}

bool formula_into(void* formula, const Arg* args, const Tensor& out) {
  const FormulaCall c(formula, args);
  return pointwise_into(c.f, c.operands, c.scalars, out);
}

}  // namespace rl
