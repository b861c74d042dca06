// Nodes, their metadata on tensors, and saved tensors.
#include "autograd/node.h"

#include "autograd/inplace.h"
#include "autograd/saved.h"
#include "base/mode.h"
#include "op/call.h"

namespace rl {

void (*on_node_created)(Node*) = nullptr;
void (*drop_metadata)(void*) = nullptr;
void (*on_node_failed)(Node*) = nullptr;

namespace {
uint64_t g_sequence = 0;
std::vector<Node*> g_dying;
bool g_destroying = false;
}  // namespace

constinit thread_local Unasked t_unasked;

Node::Node() : sequence(g_sequence++) {
  if (GradMode::anomaly && on_node_created) on_node_created(this);
}

Node::~Node() {
  if (metadata) drop_metadata(metadata);
}

void Node::destroy(Node* n) {
  g_dying.push_back(n);
  if (g_destroying) return;
  g_destroying = true;
  while (!g_dying.empty()) {
    Node* last = g_dying.back();
    g_dying.pop_back();
    delete last;
  }
  g_destroying = false;
}

AccumulateGrad::AccumulateGrad(const Tensor& v) : variable(v) {
  sequence = UINT64_MAX;  // as soon as its gradient is there
  add_output(v);
}

AccumulateGrad::~AccumulateGrad() {
  if (variable->autograd) variable->autograd->accumulator = nullptr;
}

/// Gradients of gradients are freed without recursion, as nodes are: each gives up its own first.
void destroy_autograd(AutogradMeta* m) {
  Tensor grad = std::move(m->grad);
  delete m;
  while (grad.defined() && grad->refs == 1 && grad->autograd) {
    Tensor next = std::move(grad->autograd->grad);
    grad = std::move(next);
  }
}

AutogradMeta& meta(const Tensor& t) {
  if (!t->autograd) t->autograd = new AutogradMeta;
  return *t->autograd;
}

Ref<Node> grad_fn(const Tensor& t) {
  if (t->stale_view()) return view_grad_fn(t);
  return t->autograd ? t->autograd->grad_fn : Ref<Node>();
}

Edge gradient_edge(const Tensor& t) {
  if (!t.defined()) return {};
  if (Ref<Node> fn = grad_fn(t)) return {fn, t->autograd->output};
  if (!t->grad_flag) return {};
  AutogradMeta& m = meta(t);
  if (!m.accumulator) {
    auto* node = new AccumulateGrad(t);
    m.accumulator = node;
  }
  return {Ref<Node>(m.accumulator), 0};
}

namespace {
/// retain_grad follows a tensor to its new node.
void move_retained(Node& from, uint32_t output, Node& to, uint32_t new_output) {
  if (!from.hooks) return;
  auto& old = from.hooks->retain;
  for (auto it = old.begin(); it != old.end();) {
    if (it->first == output) {
      to.hook_list().retain.emplace_back(new_output, std::move(it->second));
      it = old.erase(it);
    } else {
      ++it;
    }
  }
}
}  // namespace

void set_history(const Tensor& t, const Ref<Node>& node) {
  AutogradMeta& m = meta(t);
  const auto output = static_cast<uint32_t>(node->outputs.size());
  if (m.retains_grad && m.grad_fn) move_retained(*m.grad_fn, m.output, *node, output);
  m.grad_fn = node;
  m.output = output;
  node->add_output(t);
  t->grad_flag = true;
}

std::string short_name(const Node& n) {
  const std::string name = n.name();
  if (name == "CopySlices" || n.is_accumulate()) return "torch::autograd::" + name;
  size_t end = name.size();
  while (end && name[end - 1] >= '0' && name[end - 1] <= '9') --end;
  const size_t at = name.rfind("Backward", end);
  return at != std::string::npos && at && at + 8 == end ? name.substr(0, at) : name;
}

void set_requires_grad(const Tensor& t, bool value) {
  if (value == t.requires_grad()) return;
  RL_CHECK(is_leaf(t), "you can only change requires_grad flags of leaf variables.",
           value ? ""
                 : " If you want to use a computed variable in a subgraph that doesn't require "
                   "differentiation use var_no_grad = var.detach().");
  RL_CHECK(!value || is_differentiable(t.dtype()),
           "only Tensors of floating point dtype can require gradients");
  RL_CHECK(!(value && t->inference && !GradMode::inference),
           "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.");
  t->grad_flag = value;
}

bool recording(std::initializer_list<const Tensor*> inputs) {
  if (!GradMode::enabled) return false;
  for (const Tensor* t : inputs)
    if (t->defined() && t->requires_grad()) return true;
  return false;
}

thread_local Saved::Pack Saved::pack = nullptr;
Saved::Unpack Saved::unpack_hook = nullptr;

namespace {
/// What a hook made of a tensor, and the tensor's place in the graph, which the hook does not keep.
struct Packed {
  std::shared_ptr<void> object;
  Edge edge;  // none for outputs: that is the owner's
};

Tensor with_history(const Tensor& of, const Ref<Node>& node, uint32_t output) {
  Tensor t = alias(of);
  AutogradMeta& m = meta(t);
  m.grad_fn = node;
  m.output = output;
  t->grad_flag = true;
  return t;
}
}  // namespace

Saved::Saved(const Tensor& t, bool is_output) : is_output_(is_output) {
  if (!t.defined()) return;
  ++made;
  version_ = t->storage->version;
  if (pack) {
    packed_ = std::make_shared<Packed>(
        Packed{pack(is_output ? alias(t) : t), is_output ? Edge() : gradient_edge(t)});
    if (is_output && t->autograd) output_ = t->autograd->output;
    return;
  }
  if (is_output) {
    tensor_ = alias(t);
    if (t->autograd) output_ = t->autograd->output;
  } else {
    RL_CHECK(
        !t->inference || GradMode::inference,
        "Inference tensors cannot be saved for backward. Please do not use Tensors created in "
        "inference mode in computation tracked by autograd. To work around this, you can make a "
        "clone to get a normal tensor and use it in autograd, or use `torch.no_grad()` instead of "
        "`torch.inference_mode()`.");
    tensor_ = t;
  }
}

namespace {
[[noreturn]] void raise_modified(const Tensor& t, const Node* maker, uint32_t output,
                                 uint32_t saved) {
  std::string made;
  if (maker) made = str(", which is output ", output, " of ", short_name(*maker), ",");
  raise(
      ErrorKind::Runtime,
      "one of the variables needed for gradient computation has been modified by an inplace "
      "operation: [torch.",
      info(t.dtype()).type, "Tensor ", t.sizes(), "]", made, " is at version ", t->storage->version,
      "; expected version ", saved, " instead. Hint: ",
      GradMode::anomaly
          ? "the backtrace further above shows the operation that failed to compute its "
            "gradient. The variable in question was changed in there or anywhere later. Good luck!"
          : "enable anomaly detection to find the operation that failed to compute its "
            "gradient, with torch.autograd.set_detect_anomaly(True, check_nan=False).",
      "\nwhy: backward needs the value that this tensor had when it was used."
      "\nfix: replace the in-place operation by one that makes a new tensor (a = a + 1, not "
      "a += 1), or clone the tensor before the write.");
}
}  // namespace

Tensor Saved::unpack(Node* owner) const {
  RL_CHECK(!released_,
           "Trying to backward through the graph a second time (or directly access saved tensors "
           "after they have already been freed). Saved intermediate values of the graph are freed "
           "when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to "
           "backward through the graph a second time or if you need to access saved tensors after "
           "calling backward."
           "\nwhy: the first backward freed what it had saved, to save memory."
           "\nfix: compute the loss anew before each backward (is it built once, outside the "
           "loop?), or pass retain_graph=True to the first.");
  if (packed_) {
    const auto& packed = *static_cast<const Packed*>(packed_.get());
    const Tensor t = unpack_hook(packed.object.get());
    if (!GradMode::enabled || !t.defined()) return t;
    if (is_output_ && owner) return with_history(t, Ref<Node>(owner), output_);
    return packed.edge ? with_history(t, packed.edge.node, packed.edge.input) : t;
  }
  if (!tensor_.defined()) return {};
  if (tensor_->storage->version != version_) {
    const Node* maker = is_output_          ? owner
                        : tensor_->autograd ? tensor_->autograd->grad_fn.get()
                                            : nullptr;
    raise_modified(tensor_, maker,
                   is_output_          ? output_
                   : tensor_->autograd ? tensor_->autograd->output
                                       : 0,
                   version_);
  }
  if (!is_output_ || !GradMode::enabled || !owner) return tensor_;
  return with_history(tensor_, Ref<Node>(owner), output_);
}

Grads AccumulateGrad::apply(Grads&& grads) {
  Tensor g = std::move(grads[0]);
  if (!g.defined()) return {};
  AutogradMeta& m = meta(variable);
  for (auto& [key, hook] : std::vector(m.hooks)) hook(g);
  if (!g.defined()) return {};
  const HoldLock hold;  // threads that add into one gradient take turns
  if (!m.grad.defined()) {
    // Keep the gradient itself if nobody else can see it; otherwise a copy.
    const bool steal = !GradMode::enabled && g->refs == 1 && g->storage->refs == 1 &&
                       (g.is_contiguous() || is_dense_like(g, variable));
    m.grad = steal ? alias(g) : GradMode::enabled ? op_clone(g) : copy_of(g);
  } else if (!GradMode::enabled) {
    Tensor grad = m.grad;
    accumulate_in_place(grad, g);
  } else {
    m.grad = call_op<"add">(m.grad, g);
  }
  hold.end();
  for (auto& [key, hook] : std::vector(m.post_accumulate)) hook(variable);
  return {};
}

}  // namespace rl
