// The engine, in three steps: find every node reachable from the roots and count how many gradients
// each will get; if only some inputs are asked for, mark the nodes that lead to them; then run
// nodes, latest created first, each when its gradients are complete.
//
// What an operation's gradient need not care about happens here, at the edges: gradients are summed
// back to the shape of an operand that was broadcast, cast back to its dtype, and made real for a
// real operand. State lives in NodeTask: a node has a list of them, one for each run that is under
// way over it, so that runs may nest (from a hook or a checkpoint) and threads may share a graph.
#include "autograd/engine.h"

#include <algorithm>

#include "base/mode.h"
#include "op/call.h"
#include "tensor/layout.h"

namespace rl {

struct NodeTask {
  Node* node;
  const void* run;     // whose task this is
  NodeTask* other;     // the node's task in another run
  int pending = 0;     // gradients still to come
  bool needed = true;  // leads to an asked-for input
  bool queued = false;
  Grads grads;
  std::vector<std::pair<uint32_t, size_t>> captures;  // (gradient, index in the result)
};

namespace {

thread_local int t_depth = 0;
thread_local std::vector<std::function<void()>> t_callbacks;

/// Marks a node whose apply() is under way: another run must not free what it reads.
struct Busy {
  Busy(Node& n, uint64_t unasked) : node(n), before(t_unasked) {
    ++n.running;
    n.partly |= unasked != 0;
    t_unasked = {&n, unasked};
  }
  ~Busy() {
    t_unasked = before;
    if (--node.running == 0) node.partly = false;
  }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;
  Node& node;
  Unasked before;
};

class Run {
 public:
  Run(const BackwardOptions& options, size_t captures) : options_(options), result_(captures) {}
  ~Run() {
    for (auto& t : tasks_) {
      NodeTask** at = &t->node->task;
      while (*at != t.get()) at = &(*at)->other;
      *at = t->other;
    }
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  std::vector<Tensor> operator()(const std::vector<Edge>& roots, std::vector<Tensor>& grads,
                                 const std::vector<Edge>& inputs) {
    discover(roots);
    if (!inputs.empty()) select(inputs);
    GradGuard mode(options_.create_graph);
    for (size_t i = 0; i < roots.size(); ++i)
      if (roots[i])
        give(roots[i],
             complete(*roots[i].node, *roots[i].node, roots[i].input, i, std::move(grads[i])));
    for (const Edge& e : roots)
      if (NodeTask* t = e ? find(e.node.get()) : nullptr; t && t->pending == 0) push(t);
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end(), later);
      NodeTask* t = heap_.back();
      heap_.pop_back();
      execute(*t);
    }
    return std::move(result_);
  }

 private:
  static bool later(const NodeTask* a, const NodeTask* b) {
    return a->node->sequence < b->node->sequence;
  }

  NodeTask* find(const Node* n) const {
    NodeTask* t = n->task;
    while (t && t->run != this) t = t->other;
    return t;
  }

  NodeTask* task(Node* n, bool* fresh) {
    NodeTask* found = find(n);
    *fresh = !found;
    if (found) return found;
    auto t = std::make_unique<NodeTask>();
    t->node = n;
    t->run = this;
    t->other = n->task;
    keep_.push_back(Ref<Node>(n));
    n->task = t.get();
    tasks_.push_back(std::move(t));
    return n->task;
  }

  void discover(const std::vector<Edge>& roots) {
    std::vector<NodeTask*> stack;
    bool fresh;
    for (const Edge& e : roots) {
      if (!e) continue;
      NodeTask* t = task(e.node.get(), &fresh);
      if (fresh) stack.push_back(t);
    }
    while (!stack.empty()) {
      NodeTask* t = stack.back();
      stack.pop_back();
      for (const Edge& e : t->node->next) {
        if (!e) continue;
        NodeTask* n = task(e.node.get(), &fresh);
        ++n->pending;
        if (fresh) stack.push_back(n);
      }
    }
  }

  /// Marks the tasks that lead to `inputs`. Tasks sorted by sequence are in topological order,
  /// inputs' makers first, so one pass decides each from its already decided neighbours.
  void select(const std::vector<Edge>& inputs) {
    for (auto& t : tasks_) t->needed = false;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i]) continue;
      NodeTask* t = find(inputs[i].node.get());
      if (!t) continue;
      if (options_.accumulate)
        t->needed = true;
      else
        t->captures.push_back({inputs[i].input, i});
    }
    std::vector<NodeTask*> order;
    for (auto& t : tasks_) order.push_back(t.get());
    std::sort(order.begin(), order.end(), [](NodeTask* a, NodeTask* b) {
      const auto key = [](NodeTask* t) {
        return t->node->is_accumulate() ? 0 : t->node->sequence + 1;
      };
      return key(a) < key(b);
    });
    bool changed = true;
    while (changed) {  // once, unless custom nodes were wired out of order
      changed = false;
      for (NodeTask* t : order) {
        if (t->needed) continue;
        for (const Edge& e : t->node->next) {
          const NodeTask* to = e ? find(e.node.get()) : nullptr;
          if (to && (to->needed || !to->captures.empty())) {
            t->needed = changed = true;
            break;
          }
        }
      }
    }
    selective_ = true;
  }

  void push(NodeTask* t) {
    if (t->queued) return;
    t->queued = true;
    heap_.push_back(t);
    std::push_heap(heap_.begin(), heap_.end(), later);
  }

  void give(const Edge& e, Tensor g) {
    NodeTask* t = find(e.node.get());
    if (t->grads.size() <= e.input)
      t->grads.resize(std::max<size_t>(e.input + 1, e.node->outputs.size()));
    if (!g.defined()) return;
    Tensor& slot = t->grads[e.input];
    if (!slot.defined()) {
      slot = std::move(g);
    } else if (!GradMode::enabled && slot->refs == 1 && slot->storage->refs == 1 && !slot->base &&
               slot.dtype() == g.dtype() && slot.is_contiguous()) {
      accumulate_in_place(slot, g);
    } else {
      slot = call_op<"add">(slot, g);
    }
  }

  /// The edge rules: shape, dtype, realness.
  static Tensor complete(const Node& from, const Node& to, uint32_t input, size_t index, Tensor g) {
    if (!g.defined() || input >= to.outputs.size()) return g;
    const OutputInfo& want = to.outputs[input];
    if (!(g.sizes() == want.sizes)) {
      RL_CHECK(can_expand(want.sizes, g.sizes()), "Function ", from.name(),
               " returned an invalid gradient at index ", index, " - got ", g.sizes(),
               " but expected shape compatible with ", want.sizes);
      g = sum_to(g, want.sizes);
    }
    if (g.dtype() != want.dtype) {
      if (is_complex(g.dtype()) && !is_complex(want.dtype)) g = call_op<"real">(g);
      if (g.dtype() != want.dtype) g = call_to(g, want.dtype);
    }
    return g;
  }

  void execute(NodeTask& t) {
    Node& n = *t.node;
    if (t.grads.size() < n.outputs.size()) t.grads.resize(n.outputs.size());
    if (n.hooks) run_pre_hooks(n, t.grads);
    for (auto& [index, slot] : t.captures) {
      Tensor g = t.grads[index];
      if (n.is_accumulate() && g.defined())
        for (auto& [key, hook] : meta(static_cast<AccumulateGrad&>(n).variable).hooks) hook(g);
      result_[slot] = g;
    }
    if (!t.needed) return;
    Grads kept;
    if (n.hooks && !n.hooks->post.empty()) kept = t.grads;
    bool any = n.outputs.empty();
    for (const Tensor& g : t.grads) any |= g.defined();
    Grads out;
    if (any) out = apply(n, t.grads, unasked(n));
    t.grads.clear();
    if (!options_.retain_graph && n.running == 0) n.release();
    if (n.hooks)
      for (auto& [key, hook] : std::vector(n.hooks->post)) hook(out, kept);
    RL_CHECK(out.size() <= n.next.size() || n.next.empty(), "Function ", n.name(),
             " returned an incorrect number of gradients (expected ", n.next.size(), ", got ",
             out.size(), ")");
    for (size_t i = 0; i < n.next.size(); ++i) {
      const Edge& e = n.next[i];
      if (!e) continue;
      NodeTask* to = find(e.node.get());
      if (!to) continue;  // an edge that a hook made meanwhile
      if (i < out.size() && wanted(*to))
        give(e, complete(n, *e.node, e.input, i, std::move(out[i])));
      if (--to->pending == 0) push(to);
    }
  }

  bool wanted(const NodeTask& t) const { return !selective_ || t.needed || !t.captures.empty(); }

  uint64_t unasked(const Node& n) const {
    uint64_t inputs = 0;
    for (size_t i = 0; selective_ && i < std::min<size_t>(n.next.size(), 64); ++i)
      if (const NodeTask* to = n.next[i] ? find(n.next[i].node.get()) : nullptr; to && !wanted(*to))
        inputs |= uint64_t{1} << i;
    return inputs;
  }

  static Grads apply(Node& n, Grads& grads, uint64_t unasked) {
    const Busy busy(n, unasked);
    if (!GradMode::anomaly) return n.apply(std::move(grads));
    try {
      Grads out = n.apply(std::move(grads));
      if (GradMode::anomaly_check_nan) check_nan(n, out);
      return out;
    } catch (...) {
      if (on_node_failed) on_node_failed(&n);
      throw;
    }
  }

  static void run_pre_hooks(Node& n, Grads& grads) {
    for (auto& [key, hook] : std::vector(n.hooks->pre)) hook(grads);
    for (auto& [key, index, hook] : std::vector(n.hooks->tensor))
      if (index < grads.size() && grads[index].defined()) hook(grads[index]);
    for (auto& [index, hook] : std::vector(n.hooks->retain))
      if (index < grads.size() && grads[index].defined()) hook(grads[index]);
  }

  static void check_nan(const Node& n, const Grads& out) {
    for (size_t i = 0; i < out.size(); ++i)
      RL_CHECK(!out[i].defined() || !has_nan(out[i]), "Function '", n.name(),
               "' returned nan values in its ", i, "th output.");
  }

  BackwardOptions options_;
  bool selective_ = false;
  std::vector<Tensor> result_;
  std::vector<Ref<Node>> keep_;
  std::vector<std::unique_ptr<NodeTask>> tasks_;
  std::vector<NodeTask*> heap_;
};

struct Depth {
  Depth() { ++t_depth; }
  ~Depth() { --t_depth; }
};

}  // namespace

bool in_backward() { return t_depth > 0; }

void queue_callback(std::function<void()> callback) {
  RL_CHECK(in_backward(), "Final callbacks can only be installed during backward pass.");
  t_callbacks.push_back(std::move(callback));
}

std::vector<Tensor> run_backward(const std::vector<Edge>& roots, std::vector<Tensor> grads,
                                 const std::vector<Edge>& inputs, const BackwardOptions& options) {
  std::vector<Tensor> result;
  {
    Depth depth;
    Run run(options, inputs.size());
    result = run(roots, grads, inputs);
  }
  if (!in_backward() && !t_callbacks.empty()) {
    auto callbacks = std::move(t_callbacks);
    t_callbacks.clear();
    for (auto& c : callbacks) c();
  }
  return result;
}

}  // namespace rl
