// DLPack both ways (https://dmlc.github.io/dlpack/latest/, the layout of version 0.8): memory
// shared with other libraries, without NumPy between.
#include <nanobind/nanobind.h>

#include "python/py.h"
#include "tensor/layout.h"

namespace nb = nanobind;

namespace rl::py {
namespace {

struct DLDevice {
  int32_t type, id;
};
struct DLDataType {
  uint8_t code, bits;
  uint16_t lanes;
};
struct DLTensor {
  void* data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t *shape, *strides;
  uint64_t byte_offset;
};
struct DLManagedTensor {
  DLTensor tensor;
  void* context;
  void (*deleter)(DLManagedTensor*);
};

DLDataType dl_dtype(DType t) {
  const uint8_t code = t == DType::Bool   ? 6
                       : t == DType::BF16 ? 4
                       : is_complex(t)    ? 5
                       : is_floating(t)   ? 2
                       : is_signed(t)     ? 0
                                          : 1;
  return {code, static_cast<uint8_t>(size_of(t) * 8), 1};
}

struct Exported {
  DLManagedTensor managed;
  Tensor tensor;
  Dims shape, strides;
};

void capsule_gone(PyObject* capsule) {
  if (!PyCapsule_IsValid(capsule, "dltensor")) return;
  auto* m = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule, "dltensor"));
  if (m->deleter) m->deleter(m);
}

nb::object to_dlpack(nb::object self) {
  return guarded(nb::object(), [&] {
    const Tensor& t = tensor_of(self.ptr());
    RL_CHECK_AS(Runtime, !t.requires_grad(),
                "Can't export tensors that require gradient, use tensor.detach()");
    ++t->storage->exports;
    auto* e = new Exported{{}, t, t.sizes(), t.strides()};
    e->managed.tensor = {t.raw(),           {1, 0}, t.dim(), dl_dtype(t.dtype()), e->shape.data(),
                         e->strides.data(), 0};
    e->managed.context = e;
    e->managed.deleter = [](DLManagedTensor* m) {
      PyGILState_STATE g = PyGILState_Ensure();
      auto* exported = static_cast<Exported*>(m->context);
      --exported->tensor->storage->exports;
      delete exported;
      PyGILState_Release(g);
    };
    return nb::steal(PyCapsule_New(&e->managed, "dltensor", capsule_gone));
  });
}

nb::object from_dlpack(nb::object capsule) {
  return guarded(nb::object(), [&] {
    RL_CHECK(PyCapsule_IsValid(capsule.ptr(), "dltensor"),
             "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed "
             "only once, so you might have already constructed a tensor from it once.");
    auto* m = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule.ptr(), "dltensor"));
    const DLTensor& d = m->tensor;
    RL_CHECK(d.device.type == 1, "Unsupported device_type: ", d.device.type);
    RL_CHECK(d.dtype.lanes == 1, "ATen does not support lanes != 1");
    RL_CHECK(d.ndim >= 0 && d.ndim <= 64, "DLPack tensor of ", d.ndim, " dimensions");
    DType dtype = DType::F32;
    bool found = false;
    for (int i = 0; i < kDTypes && !found; ++i) {
      const DLDataType want = dl_dtype(static_cast<DType>(i));
      if (want.code == d.dtype.code && want.bits == d.dtype.bits)
        dtype = static_cast<DType>(i), found = true;
    }
    RL_CHECK(found, "Unsupported kBits ", d.dtype.bits);
    const Dims sizes(d.shape, d.ndim);
    const Dims strides = d.strides ? Dims(d.strides, d.ndim) : contiguous_strides(sizes);
    for (int64_t s : strides) RL_CHECK(s >= 0, "from_dlpack: negative strides are not supported");
    checked_numel(sizes);
    int64_t low, high;
    bounds(sizes, strides, &low, &high);
    PyCapsule_SetName(capsule.ptr(), "used_dltensor");
    Ref<Storage> s =
        Storage::borrow(static_cast<char*>(d.data) + d.byte_offset, (high + 1) * size_of(dtype), {},
                        m, [](void* c, void*, int64_t) {
                          auto* managed = static_cast<DLManagedTensor*>(c);
                          if (managed->deleter) managed->deleter(managed);
                        });
    return nb::steal(wrap(make_view(s, dtype, sizes, strides, 0)));
  });
}

}  // namespace

void add_dlpack(PyObject* module) {
  nb::module_ m = nb::borrow<nb::module_>(module);
  m.def("_to_dlpack", &to_dlpack);
  m.def("_from_dlpack", &from_dlpack);
}

}  // namespace rl::py
