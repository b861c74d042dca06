// In-place writes and views under autograd: version counters, history that moves from a written
// view to its base, and views that learn of writes to their base. This is the only place that
// knows.
#pragma once
#include "autograd/node.h"

namespace rl {

/// Before any in-place write: raises PyTorch's RuntimeErrors (a leaf that requires grad, a view of
/// one, an output of a multi-view operation, an expanded tensor). `recording`: will it be recorded?
void check_inplace(const Tensor& self, bool recording);
/// Raises if self and another operand share some memory, but not all of it, in another order.
void check_overlap(const Tensor& self, const Tensor& source);
/// After the write: bumps the version.
void bump_version(const Tensor& self);
/// After a recorded write: `node` becomes self's history; if self is a view, the base's too.
void rebase_history(const Tensor& self, const Ref<Node>& node);

/// Registers `view` as a differentiable view of `of` (or of what that is a view of).
void mark_view(const Tensor& view, const Tensor& of, ViewInfo::Origin origin = ViewInfo::Normal);
/// grad_fn of a view, renewed if its base was written since.
Ref<Node> view_grad_fn(const Tensor& view);

}  // namespace rl
