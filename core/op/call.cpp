// Calls by name from C++: defaults filled in from the schema.
#include "op/call.h"

namespace rl {

Result invoke_with_defaults(const Op& op, Arg* args, size_t given) {
  const Overload& o = op.overloads.front();
  const auto& params = o.schema->params;
  RL_CHECK(params.size() <= 16 && given <= params.size(), "internal error: call of ", op.name);
  Arg all[16];
  for (size_t i = 0; i < params.size(); ++i) all[i] = i < given ? args[i] : params[i].fallback;
  return o.invoke(o.function, all);
}

}  // namespace rl
