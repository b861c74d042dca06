// Recording an operation on a list of tensors, as cat is: `record` (op/call.h) takes a fixed
// number.
#pragma once
#include "op/call.h"

namespace rl {

template <class Builder>
Tensor record_list(Tensor out, const char* label, const Tensors& inputs, Builder build) {
  bool any = false;
  for (const Tensor& t : inputs) any |= t.defined() && t.requires_grad();
  if (!any || !GradMode::enabled || !is_differentiable(out.dtype())) return out;
  auto closure = build();
  auto* node = new ClosureNode<decltype(closure)>(label, std::move(closure));
  Ref<Node> ref(node);
  for (const Tensor& t : inputs) node->next.push_back(gradient_edge(t));
  set_history(out, ref);
  return out;
}

}  // namespace rl
