// The meta device: what an operation would return, shapes and dtypes without memory.
#include <deque>

#include "python/args.h"
#include "tensor/layout.h"

namespace rl::py {
namespace {

bool is_meta(const Tensor& t) { return t.defined() && t.device().type == Device::Meta; }

/// A CPU tensor of the same size and dtype that costs one element.
Tensor stand_in(const Tensor& t) {
  return make_view(zeros({1}, t.dtype())->storage, t.dtype(), t.sizes(), Dims::filled(t.dim(), 0),
                   0);
}
Tensor as_meta(const Tensor& t) {
  return t.defined() ? empty(t.sizes(), t.dtype(), Device{Device::Meta, -1}) : t;
}

}  // namespace

Result run_meta(const Op& op, const Overload& o, Arg* args) {
  GradGuard off(false);
  const size_t n = o.schema->params.size();
  std::deque<Tensor> keep;
  std::deque<Tensors> lists;
  const bool copies_out = op.name == "item" || op.name == "tolist" || op.name == "equal";
  RL_CHECK(!copies_out, "Tensor.", op.name, "() cannot be called on meta tensors");
  if (op.name == "to")
    for (size_t i = 0; i < n; ++i)
      RL_CHECK_AS(NotImplemented,
                  o.schema->params[i].kind != Kind::OptDevice || !args[i].present ||
                      args[i].device.type == Device::Meta,
                  "Cannot copy out of meta tensor; no data!");
  if (op.is_in_place && args[0].tensor && is_meta(*args[0].tensor)) return Result(*args[0].tensor);
  for (size_t i = 0; i < n; ++i) {
    const Kind k = o.schema->params[i].kind;
    if (!args[i].present) continue;
    if (k == Kind::Tensor || k == Kind::OptTensor || k == Kind::Operand || k == Kind::OptOperand) {
      if (args[i].tensor && is_meta(*args[i].tensor))
        args[i].tensor = &keep.emplace_back(stand_in(*args[i].tensor));
    } else if (k == Kind::Tensors || k == Kind::OptTensors) {
      Tensors& list = lists.emplace_back(*args[i].tensors);
      for (Tensor& t : list)
        if (is_meta(t)) t = stand_in(t);
      args[i].tensors = &list;
    }
  }
  Result r = o.invoke(o.function, args);
  if (r.shape == Result::One) r.tensor = as_meta(r.tensor);
  for (Tensor& t : r.tensors) t = as_meta(t);
  return r;
}

bool any_meta(const Schema& schema, const Arg* args) {
  for (size_t i = 0; i < schema.params.size(); ++i) {
    const Kind k = schema.params[i].kind;
    if (!args[i].present) continue;
    if (k == Kind::Tensor || k == Kind::OptTensor || k == Kind::Operand || k == Kind::OptOperand) {
      if (args[i].tensor && is_meta(*args[i].tensor)) return true;
    } else if (k == Kind::Tensors || k == Kind::OptTensors) {
      for (const Tensor& t : *args[i].tensors)
        if (is_meta(t)) return true;
    }
  }
  return false;
}

}  // namespace rl::py
