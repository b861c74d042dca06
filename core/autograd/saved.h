// Saved: a tensor kept for backward, checked against in-place writes since.
#pragma once
#include "autograd/node.h"

namespace rl {

class Saved {
 public:
  Saved() = default;
  /// `is_output`: t is an output of the node that keeps it; then only its memory is held, or node
  /// and tensor would own each other.
  explicit Saved(const Tensor& t, bool is_output = false);
  /// The tensor, with its history (for outputs: that of `owner`). Raises RuntimeError if it was
  /// written in place, or was freed by a first backward.
  Tensor unpack(Node* owner) const;
  void release() {
    tensor_ = Tensor();
    packed_.reset();
    released_ = true;
  }
  bool defined() const { return tensor_.defined() || packed_; }

  /// torch.autograd.graph.saved_tensors_hooks, set by the binding layer: what pack gives is opaque.
  using Pack = std::shared_ptr<void> (*)(const Tensor&);
  using Unpack = Tensor (*)(void*);
  static thread_local Pack pack;  // null when no hooks are active
  static Unpack unpack_hook;
  /// How many were made: an operation that made none has nothing to free.
  static inline uint64_t made = 0;

 private:
  Tensor tensor_;
  std::shared_ptr<void> packed_;
  uint32_t version_ = 0, output_ = 0;
  bool is_output_ = false, released_ = false;
};

}  // namespace rl
