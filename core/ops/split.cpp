// Several views at once: a tensor cut into pieces along a dimension. The views share one node.
#include "op/call.h"
#include "ops/ops.h"
#include "tensor/layout.h"

namespace rl {
namespace {

Tensors split_sizes(const Tensor& input, const Dims& sizes, int64_t dim) {
  RL_CHECK(input.dim() > 0, "split expects at least a 1-dimensional tensor");
  const int d = wrap_dim(dim, input.dim());
  int64_t sum = 0;
  for (int64_t s : sizes) {
    RL_CHECK(
        s >= 0,
        "split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes=",
        sizes);
    sum += s;
  }
  RL_CHECK(sum == input.size(d), "split_with_sizes expects split_sizes to sum exactly to ",
           input.size(d), " (input tensor's size at dimension ", d,
           "), but got split_sizes=", sizes);
  Tensors out;
  Ref<Node> node;
  if (recording({&input}) && is_differentiable(input.dtype()))
    node = make_node(
        "SplitBackward0", {&input},
        [from = input.sizes(), d, sizes, dtype = input.dtype()](const Grads& g, Node&) -> Grads {
          Tensors parts;
          for (size_t i = 0; i < g.size(); ++i) {
            Dims s = from;
            s[d] = sizes[static_cast<int>(i)];
            parts.push_back(g[i].defined() ? g[i] : zeros(s, dtype));
          }
          return {call_op<"cat">(parts, int64_t{d})};
        });
  int64_t start = 0;
  for (int64_t s : sizes) {
    Dims size = input.sizes();
    size[d] = s;
    Tensor v = make_view(input->storage, input.dtype(), size, input.strides(),
                         input->offset + start * input.stride(d));
    if (node) set_history(v, node);
    mark_view(v, input, ViewInfo::Multi);
    out.push_back(v);
    start += s;
  }
  return out;
}
Tensors split_size(const Tensor& input, int64_t size, int64_t dim) {
  RL_CHECK(input.dim() > 0, "split expects at least a 1-dimensional tensor");
  RL_CHECK(size >= 0, "split expects split_size be non-negative, but got split_size=", size);
  const int64_t n = input.size(wrap_dim(dim, input.dim()));
  RL_CHECK(size > 0 || n == 0,
           "split_size can only be 0 if dimension size is 0, but got dimension size of ", n);
  Dims sizes;
  for (int64_t at = 0; at < n; at += size) sizes.push_back(n - at < size ? n - at : size);
  if (n == 0) sizes.push_back(0);
  return split_sizes(input, sizes, dim);
}
Tensors chunk(const Tensor& input, int64_t chunks, int64_t dim) {
  RL_CHECK(input.dim() > 0, "chunk expects at least a 1-dimensional tensor");
  RL_CHECK(chunks > 0, "chunk expects `chunks` to be greater than 0, got: ", chunks);
  const int64_t n = input.size(wrap_dim(dim, input.dim()));
  if (n == 0)
    return split_sizes(input, Dims::filled(static_cast<int>(chunks < 1024 ? chunks : 1024), 0),
                       dim);
  return split_size(input, (n + chunks - 1) / chunks, dim);
}
Tensors tensor_split_count(const Tensor& input, int64_t sections, int64_t dim) {
  RL_CHECK(input.dim() > 0,
           "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims");
  RL_CHECK(sections > 0, "number of sections must be larger than 0, got ", sections);
  const int64_t n = input.size(wrap_dim(dim, input.dim()));
  Dims sizes;
  for (int64_t i = 0; i < sections; ++i) sizes.push_back(n / sections + (i < n % sections ? 1 : 0));
  return split_sizes(input, sizes, dim);
}
Tensors tensor_split_at(const Tensor& input, const Dims& indices, int64_t dim) {
  RL_CHECK(input.dim() > 0,
           "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims");
  Tensors out;
  OptInt start = 0;
  for (int i = 0; i <= indices.size(); ++i) {
    const OptInt end = i < indices.size() ? OptInt(indices[i]) : std::nullopt;
    out.push_back(slice(input, dim, start, end, 1));
    start = end;
  }
  return out;
}
Tensors tensor_split_by(const Tensor& input, const Tensor& indices, int64_t dim) {
  RL_CHECK(indices.dim() <= 1,
           "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or "
           "one-dimensional tensor, but got a tensor with ",
           indices.dim(), " dims");
  RL_CHECK(indices.dtype() == DType::I64,
           "tensor_split expected tensor_indices_or_sections to have dtype of long, but got ",
           info(indices.dtype()).type);
  const Tensor at = as_contiguous(indices);
  const int64_t* p = at.data<int64_t>();
  if (indices.dim() == 0) return tensor_split_count(input, p[0], dim);
  Dims places;
  for (int64_t i = 0; i < at.numel(); ++i) places.push_back(p[i]);
  return tensor_split_at(input, places, dim);
}
Tensors unbind(const Tensor& input, int64_t dim) {
  RL_CHECK_INDEX(input.dim() > 0, "Dimension specified as ", dim, " but tensor has no dimensions");
  const int d = wrap_dim(dim, input.dim());
  Ref<Node> node;
  if (recording({&input}) && is_differentiable(input.dtype())) {
    Dims piece = input.sizes();
    piece.erase(d);
    node = make_node("UnbindBackward0", {&input},
                     [piece, d, dtype = input.dtype()](const Grads& g, Node&) -> Grads {
                       Tensors parts;
                       for (const Tensor& p : g)
                         parts.push_back(p.defined() ? p : zeros(piece, dtype));
                       return {call_op<"stack">(parts, int64_t{d})};
                     });
  }
  Dims sizes = input.sizes(), strides = input.strides();
  sizes.erase(d);
  strides.erase(d);
  Tensors out;
  for (int64_t i = 0; i < input.size(d); ++i) {
    Tensor v = make_view(input->storage, input.dtype(), sizes, strides,
                         input->offset + i * input.stride(d));
    if (node) set_history(v, node);
    mark_view(v, input, ViewInfo::Multi);
    out.push_back(v);
  }
  return out;
}

}  // namespace

void define_split(Registry& r) {
  r.op("split(input, split_size, dim=0)", "Views of consecutive pieces.", &split_size);
  r.op("split(input, split_sizes, dim=0)", "", &split_sizes);
  r.op("split_with_sizes(input, split_sizes, dim=0)", "Views of pieces of given sizes.",
       &split_sizes)
      .no_out();
  r.op("chunk(input, chunks, dim=0)", "Views of at most `chunks` pieces of equal size.", &chunk)
      .no_out();
  r.op("tensor_split(input, indices_or_sections, dim=0)", "Views of pieces, as numpy.array_split.",
       &tensor_split_count)
      .no_out();
  r.op("tensor_split(input, indices, dim=0)", "", &tensor_split_at);
  r.op("tensor_split(input, tensor_indices_or_sections, dim=0)", "", &tensor_split_by);
  r.op("unbind(input, dim=0)", "Views of every index of a dimension.", &unbind).no_out();
}

}  // namespace rl
