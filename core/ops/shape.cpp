// Named and in-place forms of views: flatten, unflatten, movedim, squeeze_ and their like, all
// written with the views of view.cpp.
#include "op/call.h"
#include "ops/ops.h"
#include "tensor/layout.h"

namespace rl {
namespace {

Tensor reversed(const Tensor& input) {  // .T
  Dims dims;
  for (int i = input.dim() - 1; i >= 0; --i) dims.push_back(i);
  return permute(input, dims);
}
Tensor matrix_t(const Tensor& input) {  // .mT
  RL_CHECK(input.dim() >= 2, "tensor.mT is only supported on matrices or batches of matrices. Got ",
           input.dim(), "-D tensor.");
  return transpose(input, -2, -1);
}
Tensor adjoint(const Tensor& input) {
  RL_CHECK(input.dim() >= 2,
           "tensor.adjoint() is only supported on matrices or batches of matrices. Got ",
           input.dim(), "-D tensor.");
  Tensor v = transpose(input, -2, -1);
  return is_complex(v.dtype()) ? call_op<"conj_physical">(v) : v;
}
Tensor view_as(const Tensor& input, const Tensor& other) { return view(input, other.sizes()); }
Tensor reshape_as(const Tensor& input, const Tensor& other) {
  return reshape(input, other.sizes());
}
Tensor expand_as(const Tensor& input, const Tensor& other) { return expand(input, other.sizes()); }
Tensor broadcast_to(const Tensor& input, const Dims& size) { return expand(input, size); }
Tensor ravel(const Tensor& input) { return reshape(contiguous(input), {-1}); }

Tensor flatten(const Tensor& input, int64_t start_dim, int64_t end_dim) {
  const int s = wrap_dim(start_dim, input.dim()), e = wrap_dim(end_dim, input.dim());
  RL_CHECK(s <= e, "flatten() has invalid args: start_dim cannot come after end_dim");
  if (input.dim() == 0) return reshape(input, {1});
  if (s == e) return input;
  Dims shape;
  int64_t merged = 1;
  for (int i = s; i <= e; ++i) merged *= input.size(i);
  for (int i = 0; i < s; ++i) shape.push_back(input.size(i));
  shape.push_back(merged);
  for (int i = e + 1; i < input.dim(); ++i) shape.push_back(input.size(i));
  return reshape(input, shape);
}
Tensor unflatten(const Tensor& input, int64_t dim, const Dims& sizes) {
  const int d = wrap_dim(dim, input.dim());
  RL_CHECK(!sizes.empty(), "unflatten: sizes must be non-empty");
  int64_t product = 1;
  int unknown = 0;
  for (int64_t s : sizes) (s == -1 ? void(++unknown) : void(product *= s));
  RL_CHECK(unknown || product == input.size(d), "unflatten: Provided sizes ", sizes,
           " don't multiply up to the size of dim ", d, " (", input.size(d),
           ") in the input tensor");
  const Dims inner = infer_size(sizes, input.size(d));
  Dims shape;
  for (int i = 0; i < d; ++i) shape.push_back(input.size(i));
  for (int64_t s : inner) shape.push_back(s);
  for (int i = d + 1; i < input.dim(); ++i) shape.push_back(input.size(i));
  return view(input, shape);
}

Tensor movedim(const Tensor& input, const Dims& source, const Dims& destination) {
  RL_CHECK(source.size() == destination.size(),
           "movedim: Invalid source or destination dims: source (", source,
           " dims) should contain the same number of dims as destination (", destination, " dims)");
  const int n = input.dim();
  Dims order = Dims::filled(n, -1);
  uint64_t moved = 0, taken = 0;
  for (int i = 0; i < source.size(); ++i) {
    const int s = wrap_dim(source[i], n), d = wrap_dim(destination[i], n);
    RL_CHECK(!(moved >> s & 1), "movedim: repeated dim in `source` (", source, ")");
    RL_CHECK(!(taken >> d & 1), "movedim: repeated dim in `destination` (", destination, ")");
    moved |= uint64_t{1} << s;
    taken |= uint64_t{1} << d;
    order[d] = s;
  }
  int next = 0;
  for (int d = 0; d < n; ++d) {
    if (order[d] >= 0) continue;
    while (moved >> next & 1) ++next;
    order[d] = next++;
  }
  return permute(input, order);
}

// ---- in place ----

/// self takes the geometry and the history of v, a view of it.
Tensor become(const Tensor& self, const Tensor& v) {
  const bool rec = recording({&self});
  if (rec) check_inplace(self, true);
  self->sizes = v.sizes();
  self->strides = v.strides();
  self->contiguous = v->contiguous;
  bump_version(self);
  if (rec) {
    AutogradMeta& m = meta(self);
    m.grad_fn = v->autograd->grad_fn;
    m.output = v->autograd->output;
    self->view_version = self->storage->version;
  }
  return self;
}
Tensor squeeze_(const Tensor& self, const OptDims& dims) {
  return become(self, squeeze_dims(self, dims));
}
Tensor unsqueeze_(const Tensor& self, int64_t dim) { return become(self, unsqueeze(self, dim)); }
Tensor transpose_(const Tensor& self, int64_t dim0, int64_t dim1) {
  return become(self, transpose(self, dim0, dim1));
}
Tensor t_(const Tensor& self) {
  RL_CHECK(self.dim() <= 2, "t_() expects a tensor with <= 2 dimensions, but self is ", self.dim(),
           "D");
  return become(self, call_op<"t">(self));
}
Tensor detach_(const Tensor& self) {
  RL_CHECK(!self->base,
           "Can't detach views in-place. Use detach() instead. If you are using "
           "DistributedDataParallel (DDP) for "
           "training, and gradient_as_bucket_view is set as True, gradients are views of DDP "
           "buckets, and hence "
           "detach_() cannot be called on these gradients. To fix this error, please refer to the "
           "Optimizer.zero_grad() function in torch/optim/optimizer.py as the solution.");
  if (self->autograd) self->autograd->grad_fn = nullptr;
  self->grad_flag = false;
  return self;
}

}  // namespace

void define_shape(Registry& r) {
  r.op("numpy_T(input)", "All dimensions reversed.", &reversed).hidden();
  r.op("matrix_T(input)", "The last two dimensions swapped.", &matrix_t).hidden();
  r.op("adjoint(input)", "The conjugate transpose.", &adjoint).no_out();
  r.op("view_as(input, other)", "input with the shape of other.", &view_as)
      .not_function()
      .on_meta(OnMeta::ShapeOfOther);
  r.op("reshape_as(input, other)", "input with the shape of other.", &reshape_as)
      .not_function()
      .on_meta(OnMeta::ShapeOfOther);
  r.op("expand_as(input, other)", "input expanded to the shape of other.", &expand_as)
      .not_function()
      .on_meta(OnMeta::ShapeOfOther);
  r.op("broadcast_to(input, *size)", "input expanded to a shape.", &broadcast_to).no_out();
  r.op("ravel(input)", "input as one dimension.", &ravel).no_out();
  r.op("flatten(input, start_dim=0, end_dim=-1)", "A range of dimensions made one.", &flatten)
      .no_out();
  r.op("unflatten(input, dim, sizes)", "One dimension made several.", &unflatten).no_out();
  r.op("movedim(input, source, destination)", "A view with dimensions moved.", &movedim)
      .alias("moveaxis")
      .no_out();
  r.op("squeeze_(input, dim=None)", "squeeze in place.", &squeeze_).on_meta(OnMeta::Itself);
  r.op("unsqueeze_(input, dim)", "unsqueeze in place.", &unsqueeze_).on_meta(OnMeta::Itself);
  r.op("transpose_(input, dim0, dim1)", "transpose in place.", &transpose_)
      .alias("swapaxes_")
      .alias("swapdims_")
      .on_meta(OnMeta::Itself);
  r.op("t_(input)", "t in place.", &t_).on_meta(OnMeta::Itself);
  r.op("detach_(input)", "Takes the history away.", &detach_)
      .on_meta(OnMeta::Itself)
      .in_place_function();
}

}  // namespace rl
