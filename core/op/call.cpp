// Calls by name from C++: defaults filled in from the schema.
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

}  // namespace rl
