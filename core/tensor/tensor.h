// Tensor: a view (offset, sizes, strides, dtype) on a Storage, with autograd metadata on demand.
// Tensor is a counted reference to TensorImpl; copying one copies a pointer, never data.
#pragma once
#include "base/dims.h"
#include "base/dtype.h"
#include "base/scalar.h"
#include "tensor/storage.h"

namespace rl {

struct AutogradMeta;  // autograd/meta.h
void destroy_autograd(AutogradMeta*);

class Tensor;

struct TensorImpl : RefCounted {
  DType dtype = DType::F32;
  bool contiguous = true;
  bool grad_flag = false;  // a leaf that requires grad, or has a grad_fn
  bool untracked = false;  // made by .data: writes do not bump the version
  bool inference = false;
  bool owns_pyobj = false;    // the Python object lives on our reference (see python/tensor)
  bool view_no_grad = false;  // a view through which no gradient flows (of integers, say)
  Device device;
  uint32_t view_version = 0;  // of the storage, when grad_fn of this view was last made
  int64_t offset = 0;         // in elements
  int64_t numel = 0;
  Dims sizes, strides;
  Ref<Storage> storage;
  TensorImpl* base = nullptr;  // the tensor this one is a differentiable view of (counted)
  AutogradMeta* autograd = nullptr;
  void* pyobj = nullptr;  // the Python object that wraps this, borrowed unless owns_pyobj

  static void destroy(TensorImpl* t);
  /// A view needs gradients if its base does, which may have come after the view.
  bool follows_base() const { return base && base->grad_flag && !view_no_grad; }
  /// Such a view whose memory was written since its grad_fn was made.
  bool stale_view() const { return follows_base() && view_version != storage->version; }
  int dim() const { return sizes.size(); }
  char* data() const { return static_cast<char*>(storage->data) + offset * size_of(dtype); }
};

/// Called when a dying TensorImpl owns its Python object; set by the binding layer.
extern void (*release_pyobj)(void* pyobj);

class Tensor : public Ref<TensorImpl> {
 public:
  Tensor() = default;
  explicit Tensor(TensorImpl* p) : Ref<TensorImpl>(p) {}
  Tensor(Ref<TensorImpl> r) : Ref<TensorImpl>(std::move(r)) {}

  bool defined() const { return get() != nullptr; }
  DType dtype() const { return get()->dtype; }
  Device device() const { return get()->device; }
  int dim() const { return get()->dim(); }
  int64_t numel() const { return get()->numel; }
  const Dims& sizes() const { return get()->sizes; }
  const Dims& strides() const { return get()->strides; }
  int64_t size(int d) const { return get()->sizes[d < 0 ? d + dim() : d]; }
  int64_t stride(int d) const { return get()->strides[d < 0 ? d + dim() : d]; }
  bool is_contiguous() const { return get()->contiguous; }
  bool requires_grad() const { return get()->grad_flag || get()->follows_base(); }
  bool same(const Tensor& o) const { return get() == o.get(); }
  void* raw() const { return get()->data(); }
  template <class T>
  T* data() const {
    return reinterpret_cast<T*>(get()->data());
  }
};

/// New tensors. `empty` is uninitialised and contiguous. Sizes are checked: RuntimeError if one is
/// negative ("Trying to create tensor with negative dimension -1: [-1]") or the product overflows.
Tensor empty(const Dims& sizes, DType dtype, Device device = {});
inline Tensor empty_like(const Tensor& t) { return empty(t.sizes(), t.dtype(), t.device()); }
/// Same, with the memory order of `like` kept when it is dense (as PyTorch's preserve_format).
Tensor empty_preserving(const Tensor& like, DType dtype);
Tensor zeros(const Dims& sizes, DType dtype, Device device = {});
Tensor full(const Dims& sizes, const Scalar& value, DType dtype, Device device = {});
Tensor scalar_tensor(const Scalar& value, DType dtype, Device device = {});

/// A tensor on an existing storage; the geometry must already be known to lie inside it.
Tensor make_view(const Ref<Storage>& storage, DType dtype, Dims sizes, Dims strides,
                 int64_t offset);
/// The same memory without autograd history (what `detach` gives before recording).
Tensor alias(const Tensor& t);

}  // namespace rl
