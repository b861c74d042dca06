// Node: one recorded operation, with edges to the operations that made its inputs. The graph points
// from outputs to inputs; whoever holds a tensor holds the graph behind it.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/small.h"
#include "tensor/tensor.h"

namespace rl {

using Grads = SmallVector<Tensor, 3>;

struct Node;
struct Edge {
  Ref<Node> node;
  uint32_t input = 0;  // which of the node's gradients
  explicit operator bool() const { return static_cast<bool>(node); }
};

/// A hook: reads or replaces gradients in place. `index` hooks see one gradient.
using GradHook = std::function<void(Grads& grads)>;
using PostHook = std::function<void(Grads& inputs, const Grads& outputs)>;

struct Hooks {
  std::vector<std::pair<int64_t, GradHook>> pre;  // key, hook on all incoming gradients
  std::vector<std::pair<int64_t, PostHook>> post;
  // On the gradient of one output, in order; retain_grad hooks run last.
  std::vector<std::tuple<int64_t, uint32_t, std::function<void(Tensor&)>>> tensor;
  std::vector<std::pair<uint32_t, std::function<void(Tensor&)>>> retain;
};

/// What is known of a forward output, to check and complete its gradient.
struct OutputInfo {
  Dims sizes;
  DType dtype = DType::F32;
  Device device;
};

/// Scratch of one backward run; see engine.cpp.
struct NodeTask;

/// While this thread applies a node: the inputs (a bit each) whose gradients nobody asked for.
struct Unasked {
  const struct Node* node = nullptr;
  uint64_t inputs = 0;
};
extern constinit thread_local Unasked t_unasked;

struct Node : RefCounted {
  uint64_t sequence;  // creation order: later nodes run first
  SmallVector<Edge, 2> next;
  SmallVector<OutputInfo, 1> outputs;
  std::unique_ptr<Hooks> hooks;
  NodeTask* task = nullptr;  // of the runs under way
  int running = 0;           // calls of apply() under way
  bool partly = false;       // one of them may be for some gradients only: t_unasked knows
  void* pyobj = nullptr;     // the Python object that shows this node (borrowed)
  void* metadata = nullptr;  // owned Python dict of anomaly mode and user marks

  Node();
  virtual ~Node();
  static void destroy(Node* n);  // deep graphs are freed without recursion
  virtual std::string name() const = 0;
  /// Gradients of the inputs from those of the outputs. Undefined means zero.
  virtual Grads apply(Grads&& grads) = 0;
  /// Frees saved tensors; a later apply raises.
  virtual void release() {}
  virtual bool is_accumulate() const { return false; }

  Hooks& hook_list() {
    if (!hooks) hooks = std::make_unique<Hooks>();
    return *hooks;
  }
  bool needs(size_t i) const {
    if (i >= next.size() || !next[i]) return false;
    return !partly || t_unasked.node != this || i >= 64 || !(t_unasked.inputs >> i & 1);
  }
  void add_output(const Tensor& t) { outputs.push_back({t.sizes(), t.dtype(), t.device()}); }

  static void* operator new(size_t n) { return Pool::allocate(n); }
  static void operator delete(void* p, size_t n) { Pool::release(p, n); }
};

/// Set by the binding layer: called on new nodes in anomaly mode, and to drop `metadata`.
extern void (*on_node_created)(Node*);
extern void (*drop_metadata)(void*);
/// In anomaly mode: called where a node's gradient failed or was NaN, before the error is raised.
extern void (*on_node_failed)(Node*);

/// The end of the graph at a leaf: adds into its .grad.
struct AccumulateGrad : Node {
  Tensor variable;
  explicit AccumulateGrad(const Tensor& v);
  ~AccumulateGrad() override;
  std::string name() const override { return "AccumulateGrad"; }
  Grads apply(Grads&& grads) override;
  bool is_accumulate() const override { return true; }
};

struct ViewInfo {
  enum Origin : uint8_t { Normal, NoGrad, Multi, Custom, Inference } origin = Normal;
};

struct AutogradMeta {
  static void* operator new(size_t n) { return Pool::allocate(n); }
  static void operator delete(void* p, size_t n) { Pool::release(p, n); }
  Ref<Node> grad_fn;
  uint32_t output = 0;
  bool leaf_requires_grad = false;
  bool retains_grad = false;
  ViewInfo view;
  Tensor grad;
  AccumulateGrad* accumulator = nullptr;  // weak: nodes hold the variable, not the reverse
  std::vector<std::pair<int64_t, std::function<void(Tensor&)>>> hooks;  // of a leaf
  std::vector<std::pair<int64_t, std::function<void(const Tensor&)>>> post_accumulate;
};

AutogradMeta& meta(const Tensor& t);  // made on demand
/// The node that made t, or null for a leaf. For a view whose base was written in place since, the
/// node is made anew (autograd/inplace.cpp).
Ref<Node> grad_fn(const Tensor& t);
/// Where t's gradient goes: its node, or the accumulator of a leaf, or nothing.
Edge gradient_edge(const Tensor& t);
/// Marks t as output number `output` of a recorded node.
void set_history(const Tensor& t, const Ref<Node>& node);
void set_requires_grad(const Tensor& t, bool value);
inline bool is_leaf(const Tensor& t) { return !t.requires_grad() || !grad_fn(t); }
/// A node as messages name it: "Exp" for ExpBackward0.
std::string short_name(const Node& n);

/// Would an operation on these tensors record?
bool recording(std::initializer_list<const Tensor*> inputs);

}  // namespace rl
