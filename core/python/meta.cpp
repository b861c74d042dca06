// The meta device: what an operation would return, shapes and dtypes without memory. An operation
// runs on stand-ins that cost one element each; what it returns is told and forgotten.
#include <algorithm>
#include <deque>

#include "cpu/random.h"
#include "ops/ops.h"
#include "python/args.h"
#include "tensor/layout.h"

namespace rl {
cpu::Generator& default_generator();
}

namespace rl::py {
namespace {

bool is_meta(const Tensor& t) { return t.defined() && t.device().type == Device::Meta; }
bool takes_tensor(Kind k) {
  return k == Kind::Tensor || k == Kind::OptTensor || k == Kind::Operand || k == Kind::OptOperand;
}
bool takes_tensors(Kind k) { return k == Kind::Tensors || k == Kind::OptTensors; }

/// A CPU tensor of the same size and dtype that costs one element: valid as an index (0), as a
/// pivot and as a probability (1).
Tensor stand_in(const Op& op, const Tensor& t) {
  const bool one = is_floating(t.dtype()) || is_complex(t.dtype()) || op.on_meta == OnMeta::FromOne;
  const Tensor number = full({1}, Scalar(int64_t{one}), t.dtype(), Device{});
  return make_view(number->storage, t.dtype(), t.sizes(), Dims::filled(t.dim(), 0), 0);
}
Tensor as_meta(const Tensor& t) {
  if (!t.defined()) return t;
  const Tensor made = empty(t.sizes(), t.dtype(), Device{Device::Meta, -1});
  if (t.requires_grad()) set_requires_grad(made, true);
  return made;
}

/// What of a call is on the meta device.
struct Call {
  const Tensor *first = nullptr, *second = nullptr;  // of its tensors
  const Tensor* off = nullptr;  // one that is not on meta, and not a mere number
  bool any = false;
  int device = -1;  // which parameter names a device

  void add(const Tensor& t) {
    if (!t.defined()) return;
    (!first ? first : second) = &t;
    if (is_meta(t))
      any = true;
    else if (t.dim() > 0 && !off)
      off = &t;
  }
  Call(const Schema& schema, const Arg* args) {
    for (size_t i = 0; i < schema.params.size(); ++i) {
      const Kind k = schema.params[i].kind;
      if (k == Kind::OptDevice || k == Kind::Device) device = static_cast<int>(i);
      if (!args[i].present) continue;
      if (takes_tensor(k) && args[i].tensor) add(*args[i].tensor);
      if (takes_tensors(k))
        for (const Tensor& t : *args[i].tensors) add(t);
    }
  }
};

void check(const Op& op, const Call& call) {
  if (!call.any) return;
  const OnMeta how = op.on_meta;
  RL_CHECK(how != OnMeta::NeedsNumber && how != OnMeta::Makes,
           "Tensor.item() cannot be called on meta tensors");
  RL_CHECK_AS(NotImplemented, how != OnMeta::NeedsElements, "aten::", op.name,
              ": attempted to run this operator with Meta tensors, but there was no fake impl or "
              "Meta kernel registered.\nwhy: the shape of its result depends on the elements.");
  if (op.is_in_place && !is_meta(*call.first))
    raise(ErrorKind::NotImplemented,
          how == OnMeta::Moves ? "Cannot copy out of meta tensor; no data!"
                               : "Cannot inplace into non-meta tensor with meta tensor argument");
  if (op.is_in_place || !call.off || how == OnMeta::ShapeOfOther || how == OnMeta::Moves ||
      how == OnMeta::WithIndices)
    return;
  raise(ErrorKind::Runtime, "Tensor on device ", is_meta(*call.first) ? "cpu" : "meta",
        " is not on the expected device ", is_meta(*call.first) ? "meta" : "cpu", "!");
}

/// Whether the result is on meta: where the call says so, else where its tensors are.
bool result_on_meta(const Op& op, const Call& call, const Arg* args) {
  if (op.on_meta == OnMeta::MovesToCpu) return false;
  if (call.device >= 0 && args[call.device].present)
    return args[call.device].device.type == Device::Meta;
  if (op.on_meta == OnMeta::Moves) return is_meta(call.second ? *call.second : *call.first);
  if (op.on_meta == OnMeta::ShapeOfOther) return is_meta(*call.first);
  return call.any || (!call.first && default_device().type == Device::Meta);
}

/// Keeps the random stream where it is: numbers on meta are not drawn.
struct KeepRandom {
  cpu::Generator& of = default_generator();
  cpu::Generator before = of;
  ~KeepRandom() { of = before; }
};

}  // namespace

Result run_meta(const Op& op, const Overload& o, Arg* args) {
  const Call call(*o.schema, args);
  if (op.on_meta == OnMeta::Itself || (op.on_meta == OnMeta::Makes && !call.first))
    return o.invoke(o.function, args);
  check(op, call);
  if (op.is_in_place && call.first && is_meta(*call.first))
    return op.formula && !call.off ? o.invoke(o.function, args) : Result(*call.first);
  GradGuard off(false);
  const bool to_meta = result_on_meta(op, call, args);
  const bool moves = op.on_meta == OnMeta::Moves || op.on_meta == OnMeta::MovesToCpu;
  RL_CHECK_AS(NotImplemented, to_meta || !moves || !is_meta(*call.first),
              "Cannot copy out of meta tensor; no data!");
  std::deque<Tensor> keep;
  std::deque<Tensors> lists;
  for (size_t i = 0; i < o.schema->params.size(); ++i) {
    const Kind k = o.schema->params[i].kind;
    if (static_cast<int>(i) == call.device && to_meta) {
      args[i].present = true;
      args[i].device = Device{};
    }
    if (!args[i].present) continue;
    if (takes_tensor(k) && args[i].tensor && is_meta(*args[i].tensor)) {
      args[i].tensor = &keep.emplace_back(stand_in(op, *args[i].tensor));
    } else if (takes_tensors(k)) {
      Tensors& list = lists.emplace_back(*args[i].tensors);
      for (Tensor& t : list)
        if (is_meta(t)) t = stand_in(op, t);
      args[i].tensors = &list;
    }
  }
  if (!to_meta) return o.invoke(o.function, args);
  const KeepRandom random;
  Result r = o.invoke(o.function, args);
  if (r.shape == Result::One) r.tensor = as_meta(r.tensor);
  for (Tensor& t : r.tensors) t = as_meta(t);
  return r;
}

bool any_meta(const Schema& schema, const Arg* args) {
  for (size_t i = 0; i < schema.params.size(); ++i) {
    const Kind k = schema.params[i].kind;
    if (k == Kind::OptDevice || k == Kind::Device) {
      const Device d = args[i].present ? args[i].device : default_device();
      if (d.type == Device::Meta) return true;
    }
    if (!args[i].present) continue;
    if (takes_tensor(k)) {
      if (args[i].tensor && is_meta(*args[i].tensor)) return true;
    } else if (takes_tensors(k)) {
      for (const Tensor& t : *args[i].tensors)
        if (is_meta(t)) return true;
    }
  }
  return false;
}

}  // namespace rl::py
