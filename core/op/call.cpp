// Calls by name from C++, defaults filled in from the schema; and calls of formulas.
#include "op/call.h"

namespace rl {

void raise_freed() {
  raise(ErrorKind::Runtime,
        "Trying to backward through the graph a second time (or directly access saved tensors "
        "after they have already been freed). Saved intermediate values of the graph are freed "
        "when you call .backward() or autograd.grad(). Specify retain_graph=True if you need "
        "to backward through the graph a second time or if you need to access saved tensors "
        "after calling backward.");
}

Ref<Node> with_edges(Node* node, std::initializer_list<const Tensor*> inputs) {
  Ref<Node> ref(node);
  for (const Tensor* t : inputs) node->next.push_back(gradient_edge(*t));
  return ref;
}

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

const Op& find_op(const char* name) {
  const Op* found = registry().find(name);
  RL_CHECK_AS(NotImplemented, found, "no operation ", name);
  return *found;
}

Tensor call_with(const Op& op, std::initializer_list<Operand> operands) {
  if (op.formula && op.formula->operands == static_cast<int>(operands.size())) {
    Scalar scalars[4];
    const auto& params = op.overloads.back().schema->params;
    for (int i = 0; i < op.formula->scalars; ++i)
      scalars[i] = params[operands.size() + static_cast<size_t>(i)].fallback.number;
    return pointwise(*op.formula, operands.begin(), scalars);
  }
  Arg args[3];
  Arg* a = args;
  for (const Operand& o : operands) o.tensor ? to_arg(*a++, *o.tensor) : to_arg(*a++, o.number);
  return invoke_with_defaults(op, args, operands.size()).tensor;
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
