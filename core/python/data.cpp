// Data in and out: tensors of Python data, NumPy and the buffer protocol, DLPack, storages, and the
// generator.
#include <nanobind/nanobind.h>

#include <cmath>
#include <cstring>

#include "cpu/load_store.h"
#include "cpu/random.h"
#include "ops/ops.h"
#include "python/py.h"
#include "tensor/layout.h"

namespace nb = nanobind;

namespace rl {
cpu::Generator& default_generator();
}

namespace rl::py {
namespace {

// ---- nested sequences ----

constexpr int kMaxDepth = 64;

struct Inferred {
  Dims sizes;
  bool any = false;
  int rank = 0;  // bool < int < float < complex
  DType tensor_dtype = DType::Bool;
  bool tensors = false;
};

void note(Inferred& f, int rank) {
  f.any = true;
  if (rank > f.rank) f.rank = rank;
}

bool is_text(PyObject* o) { return PyUnicode_Check(o) || PyBytes_Check(o); }

/// Any sequence but text: lists, tuples, and what behaves like them.
bool nested(PyObject* o) {
  return is_sequence(o) ||
         (PySequence_Check(o) && !is_text(o) && !is_tensor(o) && !PyDict_Check(o));
}

void infer_shape(PyObject* o, Dims& sizes) {
  Object current = Object::borrow(o);
  while (nested(current.get())) {
    const Py_ssize_t n = PySequence_Size(current.get());
    if (n < 0) throw PythonError{};
    RL_CHECK_VALUE(sizes.size() < kMaxDepth, "too many dimensions '", Py_TYPE(o)->tp_name, "'");
    sizes.push_back(n);
    if (n == 0) break;
    current = own(PySequence_GetItem(current.get(), 0));
    if (current.get() == o)
      raise(ErrorKind::Value, "too many dimensions '", Py_TYPE(o)->tp_name, "'");
  }
  RL_CHECK_VALUE(sizes.empty() || !is_text(current.get()), "too many dimensions '",
                 Py_TYPE(current.get())->tp_name, "'");
  if (is_tensor(current.get()))
    for (int64_t s : unwrap(current.get()).sizes()) sizes.push_back(s);
}

void infer_type(PyObject* o, Inferred& f, int depth) {
  if (PyFloat_Check(o)) return note(f, 2);
  if (PyBool_Check(o)) return note(f, 0);
  if (PyLong_Check(o)) return note(f, 1);
  if (PyComplex_Check(o)) return note(f, 3);
  if (is_tensor(o)) {
    const DType t = unwrap(o).dtype();
    f.any = true;
    f.tensor_dtype = t;
    f.tensors = true;
    return note(f, is_complex(t) ? 3 : is_floating(t) ? 2 : t == DType::Bool ? 0 : 1);
  }
  RL_CHECK_TYPE(!is_text(o), "new(): invalid data type '", Py_TYPE(o)->tp_name, "'");
  if (nested(o)) {
    RL_CHECK_VALUE(depth < kMaxDepth, "too many dimensions '", Py_TYPE(o)->tp_name, "'");
    const Py_ssize_t n = PySequence_Size(o);
    if (n < 0) throw PythonError{};
    for (Py_ssize_t i = 0; i < n; ++i) {
      Object item = own(PySequence_GetItem(o, i));
      infer_type(item.get(), f, depth + 1);
    }
    return;
  }
  Scalar s;
  if (as_scalar(o, &s)) return note(f, s.kind);
  raise(ErrorKind::Runtime, "Could not infer dtype of ", Py_TYPE(o)->tp_name);
}

[[noreturn]] void raise_kind(DType dtype, const char* got) {
  if (is_floating(dtype)) raise(ErrorKind::Type, "must be real number, not ", got);
  raise(ErrorKind::Type, "'", got, "' object cannot be interpreted as an integer");
}

/// Does a number fit into an integer dtype? Negative numbers down to -255 wrap in uint8.
bool fits(DType dtype, const Scalar& s) {
  const int bits = static_cast<int>(size_of(dtype)) * 8;
  if (s.kind == Scalar::Float) {
    const double limit = std::ldexp(1.0, is_signed(dtype) ? bits - 1 : bits),
                 v = std::trunc(s.real());
    return v < limit && v >= (is_signed(dtype) ? -limit : dtype == DType::U8 ? -255 : 0);
  }
  if (bits == 64) return true;
  const int64_t v = s.integer(), high = int64_t{1} << (is_signed(dtype) ? bits - 1 : bits);
  return v < high && v >= (is_signed(dtype) ? -high : dtype == DType::U8 ? -255 : 0);
}

void put_checked(DType dtype, char* at, PyObject* o) {
  Scalar s;
  if (is_tensor(o)) {
    const Tensor& t = unwrap(o);
    RL_CHECK_VALUE(t.numel() == 1, "only one element tensors can be converted to Python scalars");
    s = cpu::get(t.dtype(), t.raw());
  } else if (PyLong_CheckExact(o) && dtype == DType::U64) {
    const uint64_t v = PyLong_AsUnsignedLongLong(o);
    if (PyErr_Occurred()) throw PythonError{};
    s = Scalar(static_cast<int64_t>(v));
  } else if (PyLong_CheckExact(o) && is_integral(dtype, false)) {
    int64_t v = 0;
    as_int(o, &v);
    s = Scalar(v);
  } else if (!as_scalar(o, &s)) {
    if (nested(o)) raise_kind(dtype, Py_TYPE(o)->tp_name);
    raise(ErrorKind::Type, "new(): invalid data type '", Py_TYPE(o)->tp_name, "'");
  }
  if (s.kind == Scalar::Complex && !is_complex(dtype)) raise_kind(dtype, "complex");
  RL_CHECK(!is_integral(dtype, false) || fits(dtype, s), "value cannot be converted to type ",
           name_of(dtype), " without overflow");
  cpu::put(dtype, at, s);
}

void store(PyObject* o, const Dims& sizes, int dim, DType dtype, char*& at) {
  if (dim == sizes.size()) {
    put_checked(dtype, at, o);
    at += size_of(dtype);
    return;
  }
  if (is_tensor(o)) {
    const Tensor t = as_contiguous(unwrap(o), dtype);
    int64_t want = 1;
    for (int d = dim; d < sizes.size(); ++d) want *= sizes[d];
    RL_CHECK_VALUE(t.dim() == sizes.size() - dim && t.numel() == want,
                   "expected sequence of length ", sizes[dim], " at dim ", dim, " (got ",
                   t.dim() ? t.size(0) : 0, ")");
    std::memcpy(at, t.raw(), static_cast<size_t>(t.numel() * size_of(dtype)));
    at += t.numel() * size_of(dtype);
    return;
  }
  RL_CHECK_TYPE(nested(o), "not a sequence");
  const Py_ssize_t n = PySequence_Size(o);
  if (n < 0) throw PythonError{};
  RL_CHECK_VALUE(n == sizes[dim], "expected sequence of length ", sizes[dim], " at dim ", dim,
                 " (got ", n, ")");
  if (is_sequence(o)) {
    for (Py_ssize_t i = 0; i < n; ++i) {
      RL_CHECK(i < PySequence_Fast_GET_SIZE(o), "the sequence changed while it was read");
      Object item = Object::borrow(PySequence_Fast_GET_ITEM(o, i));
      store(item.get(), sizes, dim + 1, dtype, at);
    }
  } else {
    for (Py_ssize_t i = 0; i < n; ++i)
      store(own(PySequence_GetItem(o, i)).get(), sizes, dim + 1, dtype, at);
  }
}

// ---- the array interface and buffers ----

bool dtype_of_typestr(const char* s, Py_ssize_t n, DType* out) {
  if (n < 3 || (s[0] == '>' && s[2] != '1')) return false;
  const std::string_view t(s + 1, static_cast<size_t>(n) - 1);
  static constexpr struct {
    const char* name;
    DType dtype;
  } table[] = {{"b1", DType::Bool}, {"u1", DType::U8},   {"i1", DType::I8},  {"i2", DType::I16},
               {"i4", DType::I32},  {"i8", DType::I64},  {"u2", DType::U16}, {"u4", DType::U32},
               {"u8", DType::U64},  {"f2", DType::F16},  {"f4", DType::F32}, {"f8", DType::F64},
               {"c8", DType::C64},  {"c16", DType::C128}};
  for (const auto& e : table)
    if (t == e.name) return *out = e.dtype, true;
  return false;
}
const char* typestr_of(DType t) {
  switch (t) {
    case DType::Bool:
      return "|b1";
    case DType::U8:
      return "|u1";
    case DType::I8:
      return "|i1";
    case DType::I16:
      return "<i2";
    case DType::I32:
      return "<i4";
    case DType::I64:
      return "<i8";
    case DType::U16:
      return "<u2";
    case DType::U32:
      return "<u4";
    case DType::U64:
      return "<u8";
    case DType::F16:
      return "<f2";
    case DType::F32:
      return "<f4";
    case DType::F64:
      return "<f8";
    case DType::C64:
      return "<c8";
    case DType::C128:
      return "<c16";
    default:
      return nullptr;
  }
}

void drop_object(void* context, void*, int64_t) {
  PyGILState_STATE g = PyGILState_Ensure();
  Py_DECREF(static_cast<PyObject*>(context));
  PyGILState_Release(g);
}

/// A tensor over a NumPy array's memory, which it keeps alive. `copied`: only to be read and let
/// go.
Tensor from_array(PyObject* array, bool copied) {
  Object face = own(PyObject_GetAttrString(array, "__array_interface__"));
  RL_CHECK_TYPE(PyDict_Check(face.get()), "expected np.ndarray (got ", Py_TYPE(array)->tp_name,
                ")");
  PyObject* typestr = PyDict_GetItemString(face.get(), "typestr");
  PyObject* shape = PyDict_GetItemString(face.get(), "shape");
  PyObject* data = PyDict_GetItemString(face.get(), "data");
  PyObject* strides = PyDict_GetItemString(face.get(), "strides");
  Py_ssize_t n = 0;
  const char* text =
      typestr && PyUnicode_Check(typestr) ? PyUnicode_AsUTF8AndSize(typestr, &n) : nullptr;
  DType dtype;
  if (!text || !dtype_of_typestr(text, n, &dtype)) {
    Object d(PyObject_GetAttrString(array, "dtype"));
    Object s(d ? PyObject_Str(d.get()) : nullptr);
    PyErr_Clear();
    RL_CHECK_VALUE(!(text && text[0] == '>'),
                   "given numpy array has byte order different from the native byte order. "
                   "Conversion between byte orders is currently not supported.");
    const char* kind = s ? PyUnicode_AsUTF8(s.get()) : "unknown";
    std::string shown(kind);
    if (shown == "object") shown = "object_";
    if (shown.substr(0, 2) == "<U") shown = "str_";
    if (shown[0] == '[' || shown[0] == '{' || shown.substr(0, 2) == "|V") shown = "void";
    shown = shown.substr(0, shown.find('['));
    raise(ErrorKind::Type, "can't convert np.ndarray of type numpy.", shown,
          ". The only supported types are: float64, float32, float16, complex64, complex128, "
          "int64, int32, int16, int8, uint64, uint32, uint16, uint8, and bool.");
  }
  Dims sizes, steps;
  RL_CHECK_TYPE(shape && as_ints(shape, &sizes) && data && PyTuple_Check(data) &&
                    PyTuple_GET_SIZE(data) == 2 && sizes.size() <= kMaxDepth,
                "malformed __array_interface__");
  const int64_t numel = checked_numel(sizes);
  const int64_t item = size_of(dtype);
  if (strides && strides != Py_None) {
    RL_CHECK_TYPE(as_ints(strides, &steps) && steps.size() == sizes.size(),
                  "malformed __array_interface__");
    for (int i = 0; i < steps.size(); ++i) {
      RL_CHECK_VALUE(sizes[i] <= 1 || steps[i] % item == 0,
                     "given numpy array strides not a multiple of the element byte size. Copy the "
                     "numpy array to reallocate the memory.");
      RL_CHECK_VALUE(sizes[i] <= 1 || steps[i] >= 0,
                     "At least one stride in the given numpy array is negative, and tensors with "
                     "negative strides are not currently supported. (You can probably work around "
                     "this by making a copy of your array  with array.copy().) ");
      steps[i] = sizes[i] <= 1 ? 1 : steps[i] / item;
    }
  } else {
    steps = contiguous_strides(sizes);
  }
  void* p = PyLong_AsVoidPtr(PyTuple_GET_ITEM(data, 0));
  if (PyErr_Occurred()) throw PythonError{};
  int64_t low, high;
  bounds(sizes, steps, &low, &high);
  const int64_t bytes = checked_bytes(high + 1, item);
  RL_CHECK_VALUE(p || numel == 0, "malformed __array_interface__: no memory");
  static bool warned = false;
  if (!copied && !warned && PyTuple_GET_ITEM(data, 1) == Py_True) {
    warned = true;
    warn_user(
        "The given NumPy array is not writable, and PyTorch does not support non-writable "
        "tensors. This means writing to this tensor will result in undefined behavior. You may "
        "want to copy the array to protect its data or make it writable before converting it "
        "to a tensor. This type of warning will be suppressed for the rest of this program.");
  }
  Py_INCREF(array);
  return make_view(Storage::borrow(p, bytes, {}, array, drop_object), dtype, sizes, steps, 0);
}

bool is_array(PyObject* o) { return std::strcmp(Py_TYPE(o)->tp_name, "numpy.ndarray") == 0; }
bool has_array(PyObject* o) {
  return is_array(o) || (!is_tensor(o) && PyObject_HasAttrString(o, "__array_interface__"));
}

void drop_buffer(void* context, void*, int64_t) {
  PyGILState_STATE g = PyGILState_Ensure();
  auto* view = static_cast<Py_buffer*>(context);
  PyBuffer_Release(view);
  delete view;
  PyGILState_Release(g);
}

nb::object frombuffer(nb::object buffer, nb::object dtype, int64_t count, int64_t offset,
                      bool requires_grad) {
  return guarded(nb::object(), [&] {
    DType d;
    RL_CHECK_TYPE(as_dtype(dtype.ptr(), &d), "frombuffer(): argument 'dtype' must be torch.dtype");
    auto* view = new Py_buffer;
    int flags = PyBUF_WRITABLE;
    if (PyObject_GetBuffer(buffer.ptr(), view, flags) < 0) {
      PyErr_Clear();
      const bool readable = PyObject_GetBuffer(buffer.ptr(), view, PyBUF_SIMPLE) == 0;
      if (!readable) delete view;
      const bool is_buffer = PyObject_CheckBuffer(buffer.ptr());
      if (!readable) PyErr_Clear();
      RL_CHECK_VALUE(readable, is_buffer ? "could not retrieve buffer from object"
                                         : "object does not implement Python buffer protocol.");
      static bool warned = false;
      if (!warned) {
        warned = true;
        warn_user(
            "The given buffer is not writable, and PyTorch does not support non-writable tensors. "
            "This means you can write to the underlying (supposedly non-writable) buffer using the "
            "tensor. You may want to copy the buffer to protect its data or make it writable "
            "before converting it to a tensor. This type of warning will be suppressed for the "
            "rest of this program.");
      }
    }
    Ref<Storage> s = Storage::borrow(view->buf, view->len, {}, view, drop_buffer);
    const int64_t item = size_of(d), len = view->len;
    RL_CHECK_VALUE(len > 0 && count != 0, "both buffer length (", len, ") and count (", count,
                   ") must not be 0");
    RL_CHECK_VALUE(offset >= 0 && offset < len, "offset (", offset,
                   " bytes) must be non-negative and no greater than buffer length (", len,
                   " bytes) minus 1");
    RL_CHECK_VALUE(count > 0 || (len - offset) % item == 0, "buffer length (", len - offset,
                   " bytes) after offset (", offset, " bytes) must be a multiple of element size (",
                   item, ")");
    const int64_t n = count < 0 ? (len - offset) / item : count;
    RL_CHECK_VALUE(n <= (len - offset) / item, "requested buffer length (", n, " * ", item,
                   " bytes) after offset (", offset,
                   " bytes) must not be greater than actual buffer length (", len, " bytes)");
    Ref<Storage> part = s;
    if (offset) {  // an own storage that begins at the offset and keeps the buffer
      auto* keep = s.release();
      part = Storage::borrow(
          static_cast<char*>(keep->data) + offset, len - offset, {}, keep,
          [](void* c, void*, int64_t) { Ref<Storage>::adopt(static_cast<Storage*>(c)); });
    }
    Tensor t = make_view(part, d, {n}, {1}, 0);
    if (requires_grad) set_requires_grad(t, true);
    return nb::steal(wrap(t));
  });
}

// ---- out ----

PyObject* to_list(const Tensor& t, int dim, const char* at) {
  if (dim == t.dim()) return wrap_scalar(cpu::get(t.dtype(), at));
  Object list = own(PyList_New(t.size(dim)));
  const int64_t step = t.stride(dim) * size_of(t.dtype());
  for (int64_t i = 0; i < t.size(dim); ++i)
    PyList_SET_ITEM(list.get(), i, need(to_list(t, dim + 1, at + i * step)));
  return list.release();
}

nb::object tolist(nb::object self) {
  return guarded(nb::object(), [&] {
    const Tensor& t = tensor_of(self.ptr());
    RL_CHECK_AS(NotImplemented, t.device().type == Device::Cpu,
                "Cannot copy out of meta tensor; no data!");
    return nb::steal(to_list(t, 0, static_cast<const char*>(t.raw())));
  });
}

/// The pieces of __array_interface__ (version 3), for NumPy to share the memory.
nb::object array_interface(nb::object self) {
  return guarded(nb::object(), [&] {
    const Tensor& t = tensor_of(self.ptr());
    const char* s = typestr_of(t.dtype());
    RL_CHECK_TYPE(
        t.device().type == Device::Cpu, "can't convert ", t.device(),
        " device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first.");
    RL_CHECK_TYPE(s, "Got unsupported ScalarType ", info(t.dtype()).type);
    Object shape = own(PyTuple_New(t.dim())), strides = own(PyTuple_New(t.dim()));
    for (int i = 0; i < t.dim(); ++i) {
      PyTuple_SET_ITEM(shape.get(), i, PyLong_FromLongLong(t.size(i)));
      PyTuple_SET_ITEM(strides.get(), i, PyLong_FromLongLong(t.stride(i) * size_of(t.dtype())));
    }
    ++t->storage->exports;  // for good: NumPy does not say when it is done
    static char nothing[16];
    void* p = t->storage->data ? t.raw() : nothing;
    return nb::steal(Py_BuildValue("{s:O,s:O,s:s,s:(NO),s:i}", "shape", shape.get(), "strides",
                                   strides.get(), "typestr", s, "data", PyLong_FromVoidPtr(p),
                                   Py_False, "version", 3));
  });
}

// ---- DLPack (https://dmlc.github.io/dlpack/latest/), version 0.8 layout ----

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

// ---- storages ----

struct PyStorage {
  Ref<Storage> s;
};
int storage_buffer(PyObject* self, Py_buffer* view, int flags) {
  const auto* s = nb::inst_ptr<PyStorage>(self);
  static char nothing[1];
  const int failed =
      PyBuffer_FillInfo(view, self, s->s->data ? s->s->data : nothing, s->s->nbytes, 0, flags);
  if (!failed) ++s->s->exports;
  return failed;
}
void storage_buffer_done(PyObject* self, Py_buffer*) {
  --nb::inst_ptr<PyStorage>(self)->s->exports;
}
PyType_Slot storage_slots[] = {{Py_bf_getbuffer, reinterpret_cast<void*>(storage_buffer)},
                               {Py_bf_releasebuffer, reinterpret_cast<void*>(storage_buffer_done)},
                               {0, nullptr}};

nb::object tensor_from_storage(const PyStorage& s, nb::object dtype, int64_t offset,
                               nb::object size, nb::object stride) {
  return guarded(nb::object(), [&] {
    DType d;
    Dims sizes, strides;
    RL_CHECK_TYPE(
        as_dtype(dtype.ptr(), &d) && as_ints(size.ptr(), &sizes) && as_ints(stride.ptr(), &strides),
        "_tensor_from_storage(): wrong argument types");
    RL_CHECK(sizes.size() == strides.size() && sizes.size() <= 64,
             "mismatch in length of strides and shape");
    RL_CHECK(offset >= 0, "Tensor: invalid storage offset ", offset);
    for (int64_t x : strides)
      RL_CHECK(x >= 0, "Tensor: negative strides are not supported: ", strides);
    checked_numel(sizes);
    int64_t low, high, last, bytes;
    bounds(sizes, strides, &low, &high);
    RL_CHECK(
        high < 0 || (!__builtin_add_overflow(offset, high + 1, &last) &&
                     !__builtin_mul_overflow(last, size_of(d), &bytes) && bytes <= s.s->nbytes),
        "setStorage: sizes ", sizes, ", strides ", strides, ", storage offset ", offset,
        ", and itemsize ", size_of(d), " are out of bounds for storage of size ", s.s->nbytes);
    return nb::steal(wrap(make_view(s.s, d, sizes, strides, offset)));
  });
}

}  // namespace

cpu::Generator* as_generator(PyObject* o) {
  cpu::Generator* g = nullptr;
  return nb::try_cast(nb::handle(o), g) ? g : nullptr;
}

Tensor tensor_from(PyObject* data, OptDType dtype, bool copy) {
  if (is_tensor(data)) {
    const Tensor& t = unwrap(data);
    const DType d = dtype.value_or(t.dtype());
    return copy || d != t.dtype() ? (d == t.dtype() ? contiguous_copy(t) : as_contiguous(t, d)) : t;
  }
  if (has_array(data)) {
    Tensor t;
    Object native = Object::borrow(data);
    if (!is_array(data)) {  // NumPy's scalars, and whatever else has the interface: an array of it
      Object numpy = own(PyImport_ImportModule("numpy"));
      native = own(PyObject_CallMethod(numpy.get(), "asarray", "O", data));
      RL_CHECK_TYPE(is_array(native.get()), "could not make an array of ", Py_TYPE(data)->tp_name);
      data = native.get();
    }
    Object flags(PyObject_GetAttrString(data, "strides"));
    bool negative = false;
    if (flags && PyTuple_Check(flags.get()))
      for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(flags.get()); ++i)
        negative |= PyLong_AsLong(PyTuple_GET_ITEM(flags.get(), i)) < 0;
    PyErr_Clear();
    if (negative) native = own(PyObject_CallMethod(data, "copy", nullptr));
    t = from_array(native.get(), copy || negative);
    const DType d = dtype.value_or(t.dtype());
    if (!copy && d == t.dtype()) return t;
    return d == t.dtype() ? contiguous_copy(t) : as_contiguous(t, d);
  }
  Inferred f;
  infer_shape(data, f.sizes);
  DType d;
  if (dtype) {
    d = *dtype;
  } else {
    infer_type(data, f, 0);
    d = !f.any        ? default_dtype()
        : f.rank == 0 ? DType::Bool
        : f.rank == 1 ? DType::I64
        : f.rank == 2 ? default_dtype()
                      : complex_of(default_dtype());
    if (f.tensors && (is_complex(f.tensor_dtype)      ? 3
                      : is_floating(f.tensor_dtype)   ? 2
                      : f.tensor_dtype == DType::Bool ? 0
                                                      : 1) == f.rank)
      d = f.tensor_dtype;
  }
  Tensor t = empty(f.sizes, d);
  char* at = static_cast<char*>(t.raw());
  if (t.numel() > 0) store(data, f.sizes, 0, d, at);
  return t;
}

void add_data(PyObject* module) {
  nb::module_ m = nb::borrow<nb::module_>(module);
  nb::class_<cpu::Generator>(m, "Generator", "A stream of random numbers, PyTorch's CPU stream.")
      .def(
          "__init__",
          [](cpu::Generator* g, nb::object device) {
            if (!device.is_none()) {
              Device d;
              guarded(0, [&] {
                as_device(device.ptr(), &d);
                return 0;
              });
              if (PyErr_Occurred()) throw nb::python_error();
            }
            new (g) cpu::Generator;
          },
          nb::arg("device") = nb::none())
      .def("manual_seed",
           [](nb::object self, nb::object seed) {
             auto* g = nb::inst_ptr<cpu::Generator>(self);
             nb::object i = nb::steal(PyNumber_Index(seed.ptr()));
             if (!i.is_valid()) throw nb::python_error();
             int overflow;
             const long long v = PyLong_AsLongLongAndOverflow(i.ptr(), &overflow);
             uint64_t s = static_cast<uint64_t>(v);
             if (overflow > 0) s = PyLong_AsUnsignedLongLong(i.ptr());
             if (overflow < 0 || PyErr_Occurred()) {
               PyErr_Clear();
               PyErr_SetString(PyExc_RuntimeError, "Overflow when unpacking long long");
               throw nb::python_error();
             }
             g->seed(s);
             return self;
           })
      .def("initial_seed", &cpu::Generator::initial_seed)
      .def("seed",
           [](cpu::Generator& g) {
             uint64_t s = 0;
             if (FILE* f = std::fopen("/dev/urandom", "rb")) {
               if (std::fread(&s, 1, 8, f) != 8) s = 0;
               std::fclose(f);
             }
             s &= (uint64_t{1} << 53) - 1;
             g.seed(s);
             return s;
           })
      .def("get_state",
           [](cpu::Generator& g) {
             Tensor t = empty({cpu::Generator::kStateBytes}, DType::U8);
             g.get_state(t.raw());
             return nb::steal(wrap(t));
           })
      .def("set_state",
           [](nb::object self, nb::object state) {
             auto* g = nb::inst_ptr<cpu::Generator>(self);
             guarded(0, [&] {
               RL_CHECK_TYPE(is_tensor(state.ptr()), "expected a torch.ByteTensor, but got ",
                             Py_TYPE(state.ptr())->tp_name);
               const Tensor& t = unwrap(state.ptr());
               RL_CHECK_TYPE(t.dtype() == DType::U8, "RNG state must be a torch.ByteTensor");
               RL_CHECK(t.numel() == cpu::Generator::kStateBytes,
                        "Expected a CPUGeneratorImplState of size 5056 but found the input RNG "
                        "state size to be ",
                        t.numel());
               RL_CHECK(g->set_state(as_contiguous(t).raw()), "Invalid mt19937 state");
               return 0;
             });
             if (PyErr_Occurred()) throw nb::python_error();
             return self;
           })
      .def_prop_ro("device", [](cpu::Generator&) { return nb::steal(wrap_device({})); });
  m.attr("default_generator") = nb::cast(&default_generator(), nb::rv_policy::reference);
  nb::class_<PyStorage>(m, "UntypedStorage", nb::type_slots(storage_slots),
                        "Bytes that tensors view.")
      .def(
          "__init__",
          [](PyStorage* s, int64_t n) {
            if (n < 0) throw nb::value_error("UntypedStorage: the size must not be negative");
            new (s) PyStorage{Storage::allocate(n, {})};
          },
          nb::arg("size") = 0)
      .def("nbytes", [](PyStorage& s) { return s.s->nbytes; })
      .def("size", [](PyStorage& s) { return s.s->nbytes; })
      .def("__len__", [](PyStorage& s) { return s.s->nbytes; })
      .def("data_ptr", [](PyStorage& s) { return reinterpret_cast<uintptr_t>(s.s->data); })
      .def_prop_ro("_cdata", [](PyStorage& s) { return reinterpret_cast<uintptr_t>(s.s.get()); })
      .def_prop_ro("device", [](PyStorage& s) { return nb::steal(wrap_device(s.s->device)); })
      .def("is_shared", [](PyStorage& s) { return s.s->shared; })
      .def("resize_", [](nb::object self, int64_t n) {
        auto* s = nb::inst_ptr<PyStorage>(self);
        guarded(0, [&] {
          RL_CHECK(n >= 0, "storage resize: the size must not be negative");
          RL_CHECK(n >= s->s->nbytes || s->s->refs == 1,
                   "resize_ to fewer bytes would leave tensors without memory");
          s->s->resize(n);
          return 0;
        });
        if (PyErr_Occurred()) throw nb::python_error();
        return self;
      });
  m.def("_storage_of", [](nb::object t) { return PyStorage{tensor_of(t.ptr())->storage}; });
  m.def("_tensor_from_storage", &tensor_from_storage);
  m.def("_tolist", &tolist);
  m.def("_array_interface", &array_interface);
  m.def("_to_dlpack", &to_dlpack);
  m.def("_from_dlpack", &from_dlpack);
  m.def("frombuffer", &frombuffer, nb::arg("buffer").none(), nb::kw_only(), nb::arg("dtype"),
        nb::arg("count") = -1, nb::arg("offset") = 0, nb::arg("requires_grad") = false);
  m.def(
      "from_numpy",
      [](nb::object array) {
        return guarded(nb::object(), [&] {
          PyTypeObject* t = Py_TYPE(array.ptr());
          RL_CHECK_TYPE(is_array(array.ptr()), "expected np.ndarray (got ", t->tp_name, ")");
          return nb::steal(wrap(from_array(array.ptr(), false)));
        });
      },
      nb::arg("ndarray").none());
  m.def(
      "_tensor_from",
      [](nb::object data, nb::object dtype, bool copy) {
        return guarded(nb::object(), [&] {
          DType d;
          OptDType want;
          if (!dtype.is_none()) {
            RL_CHECK_TYPE(as_dtype(dtype.ptr(), &d),
                          "tensor(): argument 'dtype' must be torch.dtype, not ",
                          Py_TYPE(dtype.ptr())->tp_name);
            want = d;
          }
          return nb::steal(wrap(tensor_from(data.ptr(), want, copy)));
        });
      },
      nb::arg("data").none(), nb::arg("dtype") = nb::none(), nb::arg("copy") = true);
}

}  // namespace rl::py
