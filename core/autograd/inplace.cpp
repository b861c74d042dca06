// How a write to a view becomes history.
//
// Tensors that share memory form a family: one base, and views of it. Writing into a view changes
// the base and every other view. The record of such a write is a CopySlices node that becomes the
// base's grad_fn: its gradient for the base's old value is the incoming gradient with the written
// slice replaced by what the operation's own node says. Every view then gets, when somebody asks, a
// fresh grad_fn that cuts its slice out of the base; a view knows that it is stale because the
// storage's version differs from the one it remembers.
#include "autograd/inplace.h"

#include "base/mode.h"
#include "op/call.h"
#include "tensor/layout.h"

namespace rl {
namespace {

struct Geometry {
  Dims sizes, strides;
  int64_t offset;  // relative to the base's
};

Geometry geometry_in(const TensorImpl* base, const Tensor& view) {
  return {view.sizes(), view.strides(), view->offset - base->offset};
}

/// A copy of g laid out as `base` was, so that the view's strides mean the same thing in it.
Tensor copy_with_layout(const Tensor& g, const Dims& strides) {
  Tensor r = call_op<"clone">(g);
  if (r.strides() == strides) return r;
  Tensor laid = make_view(Storage::allocate(g.numel() * size_of(g.dtype()), g.device()), g.dtype(),
                          g.sizes(), strides, 0);
  write(laid, r);
  return laid;
}

struct CopySlices : Node {
  Geometry slice;
  Dims base_strides;
  Ref<Node> inner;  // the in-place operation; its input 0 is the view

  std::string name() const override { return "CopySlices"; }
  void release() override { inner->release(); }

  Grads apply(Grads&& grads) override {
    const Tensor& g = grads[0];
    Grads out(next.size());
    if (!g.defined()) return out;
    const bool dense = is_dense(g.sizes(), base_strides);
    const Dims& strides = dense ? base_strides : g.strides();
    Tensor whole = copy_with_layout(g, strides);
    Tensor part = call_as_strided(whole, slice.sizes, slice.strides, whole->offset + slice.offset);
    Grads inner_in;
    inner_in.push_back(call_op<"clone">(part));
    Grads inner_out = inner->apply(std::move(inner_in));
    for (size_t i = 1; i < inner_out.size() && i < next.size(); ++i)
      out[i] = std::move(inner_out[i]);
    if (needs(0)) {
      if (!inner_out.empty() && inner_out[0].defined())
        call_copy_(part, inner_out[0]);
      else
        call_copy_(part, scalar_tensor(0, part.dtype(), part.device()));
      out[0] = whole;
    }
    return out;
  }
};

/// Cuts a view's slice out of the base: the renewed grad_fn of a view.
struct SliceOfBase : Node {
  Geometry slice;
  Dims base_sizes, base_strides;

  std::string name() const override { return "AsStridedBackward0"; }
  Grads apply(Grads&& grads) override {
    const Tensor& g = grads[0];
    Grads out(1);
    if (!g.defined() || !needs(0)) return out;
    out[0] = as_strided_backward(g, base_sizes, base_strides, 0, slice.sizes, slice.strides,
                                 slice.offset);
    return out;
  }
};

}  // namespace

void mark_view(const Tensor& view, const Tensor& of, ViewInfo::Origin origin) {
  view->inference = of->inference;
  if (of->inference) return;  // never recorded, so never of interest
  view->untracked = of->untracked;
  TensorImpl* base = of->base ? of->base : of.get();
  view->base = base;
  ++base->refs;
  view->view_version = view->storage->version;
  view->view_no_grad = of->view_no_grad || !is_differentiable(view.dtype());
  if (GradMode::inference)
    origin = ViewInfo::Inference;
  else if (!GradMode::enabled && origin == ViewInfo::Normal)
    origin = ViewInfo::NoGrad;
  if (origin == ViewInfo::Normal && of->base && of->autograd) origin = of->autograd->view.origin;
  if (origin != ViewInfo::Normal && base->grad_flag) meta(view).view.origin = origin;
}

namespace {
/// Views that were made where nobody kept track cannot be written, nor their bases under them.
void check_origin(const Tensor& view, bool indirect) {
  const AutogradMeta* m = view->autograd;
  const ViewInfo::Origin origin = m ? m->view.origin : ViewInfo::Normal;
  const char* what = indirect ? "its base or another view of its base has been" : "is being";
  if (origin == ViewInfo::NoGrad || origin == ViewInfo::Inference) {
    const bool no_grad = origin == ViewInfo::NoGrad;
    const char* block = no_grad ? "no_grad" : "inference_mode";
    raise(ErrorKind::Runtime, "A view was created in ", no_grad ? "no_grad" : "inference",
          " mode and ", what, " modified inplace ",
          no_grad ? "with grad mode enabled" : "in normal mode",
          ". Given that this use case is ambiguous and error-prone, it is forbidden. You can "
          "clarify your code by "
          "moving both the view and the inplace either both inside the ",
          block,
          " block (if you don't want the inplace to be tracked) or both outside (if you want the "
          "inplace to be "
          "tracked).");
  }
  if (origin == ViewInfo::Multi && m->grad_fn)
    raise(ErrorKind::Runtime, "Output ", m->output, " of ", short_name(*m->grad_fn),
          " is a view and ", what,
          " modified inplace. This view is the output of a function that returns multiple views. "
          "Such functions do "
          "not allow the output views to be modified inplace. You should replace the inplace "
          "operation by an "
          "out-of-place one.");
}
}  // namespace

Ref<Node> view_grad_fn(const Tensor& view) {
  check_origin(view, true);
  Tensor base(view->base);
  auto* node = new SliceOfBase;
  Ref<Node> ref(node);
  node->slice = geometry_in(view->base, view);
  node->base_sizes = base.sizes();
  node->base_strides = base.strides();
  node->next.push_back(gradient_edge(base));
  set_history(view, ref);
  view->view_version = view->storage->version;
  return ref;
}

void check_inplace(const Tensor& self, bool recording) {
  const TensorImpl* t = self.get();
  if (!t->contiguous)
    for (int d = 0; d < t->dim(); ++d)
      RL_CHECK(
          t->strides[d] != 0 || t->sizes[d] <= 1 || t->numel == 0,
          "unsupported operation: more than one element of the written-to tensor refers to a "
          "single memory location. Please clone() the tensor before performing the operation.");
  RL_CHECK(!t->inference || GradMode::inference,
           "Inplace update to inference tensor outside InferenceMode is not allowed."
           "You can make a clone to get a normal tensor before doing inplace update."
           "See https://github.com/pytorch/rfcs/pull/17 for more details.");
  if (!GradMode::enabled || !(recording || self.requires_grad())) return;
  if (t->base) {
    check_origin(self, false);
    RL_CHECK(!(self.requires_grad() && is_leaf(Tensor(t->base))),
             "a view of a leaf Variable that requires grad is being used in an in-place operation."
             "\nfix: wrap the write in `with torch.no_grad():`, or write into a clone.");
  }
  RL_CHECK(!(t->grad_flag && is_leaf(self)),
           "a leaf Variable that requires grad is being used in an in-place operation."
           "\nfix: wrap the write in `with torch.no_grad():`, or compute a new tensor.");
}

void check_overlap(const Tensor& self, const Tensor& source) {
  if (!(self->storage == source->storage) || self.same(source) || !self.numel() || !source.numel())
    return;
  if (self->offset == source->offset && self.strides() == source.strides() &&
      self.dtype() == source.dtype())
    return;
  if (!is_dense(self.sizes(), self.strides()) || !is_dense(source.sizes(), source.strides()))
    return;
  const char *a = self->data(), *b = source->data();  // dense: one block each
  const char *a_end = a + self.numel() * size_of(self.dtype()),
             *b_end = b + source.numel() * size_of(source.dtype());
  RL_CHECK(a >= b_end || b >= a_end || (a == b && a_end == b_end),
           "unsupported operation: some elements of the input tensor and the written-to tensor "
           "refer to a single "
           "memory location. Please clone() the tensor before performing the operation.");
}

void bump_version(const Tensor& self) {
  if (!self->untracked) ++self->storage->version;
}

void rebase_history(const Tensor& self, const Ref<Node>& node) {
  if (!self->base) {
    set_history(self, node);
    return;
  }
  Tensor base(self->base);
  auto* copy = new CopySlices;
  Ref<Node> ref(copy);
  copy->slice = geometry_in(self->base, self);
  copy->base_strides = base.strides();
  copy->inner = node;
  node->add_output(self);
  copy->next.push_back(gradient_edge(base));
  for (size_t i = 1; i < node->next.size(); ++i) copy->next.push_back(node->next[i]);
  set_history(base, ref);
  self->view_version = self->storage->version - 1;  // its grad_fn is renewed on demand
}

}  // namespace rl
