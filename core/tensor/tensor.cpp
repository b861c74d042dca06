// TensorImpl's life, and the factories that need no kernels beyond a fill.
#include "tensor/tensor.h"

#include <cstring>
#include <new>

#include "base/mode.h"
#include "cpu/load_store.h"
#include "tensor/layout.h"

namespace rl {

void (*release_pyobj)(void*) = nullptr;

void TensorImpl::destroy(TensorImpl* t) {
  if (t->owns_pyobj) {  // the Python object dies with us; it must not see us any more
    t->owns_pyobj = false;
    void* object = t->pyobj;
    t->pyobj = nullptr;
    release_pyobj(object);
  }
  if (t->autograd) destroy_autograd(t->autograd);
  TensorImpl* base = t->base;
  t->~TensorImpl();
  Pool::release(t, sizeof(TensorImpl));
  if (base && --base->refs == 0) destroy(base);
}

namespace {
Tensor make(DType dtype, Device device) {
  auto* t = new (Pool::allocate(sizeof(TensorImpl))) TensorImpl;
  t->dtype = dtype;
  t->device = device;
  t->inference = GradMode::inference;
  return Tensor(t);
}
}  // namespace

Tensor empty(const Dims& sizes, DType dtype, Device device) {
  Tensor t = make(dtype, device);
  t->numel = checked_numel(sizes);
  const int64_t bytes = checked_bytes(t->numel, size_of(dtype));
  t->sizes = sizes;
  t->strides = contiguous_strides(sizes);
  t->storage = Storage::allocate(bytes, device);
  return t;
}

Tensor empty_preserving(const Tensor& like, DType dtype) {
  Tensor t = empty(like.sizes(), dtype, like.device());
  if (!like.is_contiguous() && is_dense(like.sizes(), like.strides())) {
    t->strides = like.strides();
    t->contiguous = is_contiguous(t->sizes, t->strides);
  }
  return t;
}

Tensor zeros(const Dims& sizes, DType dtype, Device device) {
  Tensor t = empty(sizes, dtype, device);
  if (t->storage->data) std::memset(t->storage->data, 0, static_cast<size_t>(t->storage->nbytes));
  return t;
}

Tensor full(const Dims& sizes, const Scalar& value, DType dtype, Device device) {
  Tensor t = empty(sizes, dtype, device);
  if (t->storage->data) cpu::fill(dtype, t->storage->data, t->numel, value);
  return t;
}

Tensor scalar_tensor(const Scalar& value, DType dtype, Device device) {
  return full({}, value, dtype, device);
}

Tensor make_view(const Ref<Storage>& storage, DType dtype, Dims sizes, Dims strides,
                 int64_t offset) {
  Tensor t = make(dtype, storage->device);
  t->numel = 1;
  for (int64_t s : sizes) t->numel *= s;
  t->contiguous = is_contiguous(sizes, strides);
  t->sizes = std::move(sizes);
  t->strides = std::move(strides);
  t->offset = offset;
  t->storage = storage;
  return t;
}

Tensor alias(const Tensor& t) {
  Tensor r = make_view(t->storage, t.dtype(), t.sizes(), t.strides(), t->offset);
  r->untracked = t->untracked;
  r->inference = t->inference;
  return r;
}

}  // namespace rl
