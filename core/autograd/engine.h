// The engine: runs a recorded graph backwards.
#pragma once
#include "autograd/node.h"

namespace rl {

struct BackwardOptions {
  bool retain_graph = false;
  bool create_graph = false;
  bool accumulate = true;  // false: return the gradients of `inputs` instead
};

/// Differentiates `roots` (with `grads` beside them) with respect to the leaves, or only to
/// `inputs` when there are any. Returns the gradients of `inputs` if !accumulate; undefined where
/// unused.
std::vector<Tensor> run_backward(const std::vector<Edge>& roots, std::vector<Tensor> grads,
                                 const std::vector<Edge>& inputs, const BackwardOptions& options);

/// Runs at the end of the current backward (Variable._execution_engine.queue_callback).
void queue_callback(std::function<void()> callback);
bool in_backward();

}  // namespace rl
