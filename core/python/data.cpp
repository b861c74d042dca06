// Data in and out: tensors of Python data, lists, NumPy and the buffer protocol. DLPack, storages
// and the generator have files of their own.
#include <nanobind/nanobind.h>

#include <cmath>
#include <cstring>

#include "cpu/load_store.h"
#include "ops/ops.h"
#include "python/help.h"
#include "python/py.h"
#include "tensor/layout.h"

namespace nb = nanobind;

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
    RL_CHECK(t.device().type != Device::Meta, "Tensor.item() cannot be called on meta tensors");
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

/// The type that a buffer's format names (one letter after a mark of the byte order), by its size.
bool dtype_of_format(const char* format, Py_ssize_t size, DType* out) {
  if (!format) return false;
  if (std::strchr("@=<^", *format)) ++format;
  static constexpr struct {
    const char* letters;
    DType dtype;
  } table[] = {{"?", DType::Bool},   {"BHILQ", DType::U8}, {"bhilq", DType::I8},
               {"hilq", DType::I16}, {"hilq", DType::I32}, {"hilq", DType::I64},
               {"HILQ", DType::U16}, {"HILQ", DType::U32}, {"HILQ", DType::U64},
               {"e", DType::F16},    {"f", DType::F32},    {"d", DType::F64}};
  const bool complex = *format == 'Z';
  const char letter = format[complex];
  if (!letter || format[complex + 1]) return false;
  if (complex) {
    *out = letter == 'f' ? DType::C64 : DType::C128;
    return letter == 'f' || letter == 'd';
  }
  for (const auto& e : table)
    if (size_of(e.dtype) == size && std::strchr(e.letters, letter)) return *out = e.dtype, true;
  return false;
}
const char* format_of(DType t) {
  constexpr bool longs =
      sizeof(long) == 8;  // of two names for int64 NumPy prints one without dtype=
  constexpr const char* names[] = {
      "?",     "B", "b", "h",  "i", longs ? "l" : "q", "H", "I", longs ? "L" : "Q", "e",
      nullptr, "f", "d", "Zf", "Zd"};
  return names[static_cast<int>(t)];
}

void drop_object(void* context, void*, int64_t) {
  PyGILState_STATE g = PyGILState_Ensure();
  Py_DECREF(static_cast<PyObject*>(context));
  PyGILState_Release(g);
}

/// A tensor over a NumPy array's memory, which it keeps alive. `copied`: only to be read and let
/// go.
Tensor from_array(PyObject* array, bool copied) {
  Py_buffer face;
  const bool plain = PyObject_GetBuffer(array, &face, PyBUF_FULL_RO) == 0;
  if (!plain) PyErr_Clear();
  struct Release {  // what keeps the memory is the array itself, below
    Py_buffer* buffer;
    ~Release() {
      if (buffer) PyBuffer_Release(buffer);
    }
  } const release{plain ? &face : nullptr};
  DType dtype;
  if (!plain || !dtype_of_format(face.format, face.itemsize, &dtype)) {
    Object d = own(PyObject_GetAttrString(array, "dtype"));
    Object type = own(PyObject_GetAttrString(d.get(), "type"));
    Object name = own(PyObject_GetAttrString(type.get(), "__name__")), text(PyObject_Str(d.get()));
    const char *shown = PyUnicode_AsUTF8(name.get()),
               *code = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
    PyErr_Clear();
    if (!shown) shown = "unknown";
    RL_CHECK_VALUE(!code || code[0] != '>' || !std::strchr("fiuc", code[1]),
                   "given numpy array has byte order different from the native byte order. "
                   "Conversion between byte orders is currently not supported.");
    raise(ErrorKind::Type, "can't convert np.ndarray of type numpy.", shown,
          ". The only supported types are: float64, float32, float16, complex64, complex128, "
          "int64, int32, int16, int8, uint64, uint32, uint16, uint8, and bool.");
  }
  RL_CHECK_VALUE(face.ndim <= kMaxDepth, "too many dimensions: ", face.ndim);
  Dims sizes;
  for (int i = 0; i < face.ndim; ++i) sizes.push_back(face.shape[i]);
  Dims steps = contiguous_strides(sizes);
  checked_numel(sizes);
  const int64_t item = face.itemsize;
  for (int i = 0; i < face.ndim && face.strides; ++i) {
    RL_CHECK_VALUE(sizes[i] <= 1 || face.strides[i] % item == 0,
                   "given numpy array strides not a multiple of the element byte size. Copy the "
                   "numpy array to reallocate the memory.");
    RL_CHECK_VALUE(sizes[i] <= 1 || face.strides[i] >= 0,
                   "At least one stride in the given numpy array is negative, and tensors with "
                   "negative strides are not currently supported. (You can probably work around "
                   "this by making a copy of your array  with array.copy().) ");
    if (sizes[i] > 1 || (face.strides[i] >= 0 && face.strides[i] % item == 0))
      steps[i] = face.strides[i] / item;
  }
  int64_t low, high;
  bounds(sizes, steps, &low, &high);
  const int64_t bytes = checked_bytes(high + 1, item);
  static bool warned = false;
  if (!copied && !warned && face.readonly) {
    warned = true;
    warn_user(
        "The given NumPy array is not writable, and PyTorch does not support non-writable "
        "tensors. This means writing to this tensor will result in undefined behavior. You may "
        "want to copy the array to protect its data or make it writable before converting it "
        "to a tensor. This type of warning will be suppressed for the rest of this program.");
  }
  Py_INCREF(array);
  return make_view(Storage::borrow(face.buf, bytes, {}, array, drop_object), dtype, sizes, steps,
                   0);
}

bool is_array(PyObject* o) { return std::strcmp(Py_TYPE(o)->tp_name, "numpy.ndarray") == 0; }
bool has_array(PyObject* o) {
  if (is_sequence(o) || PyFloat_CheckExact(o) || PyLong_CheckExact(o)) return false;
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

/// A tensor's memory as a buffer with its shape and strides, from which NumPy makes an array.
struct Face {
  Tensor t;
};

int face_buffer(PyObject* self, Py_buffer* view, int flags) {
  const Tensor& t = nb::inst_ptr<Face>(self)->t;
  view->obj = nullptr;
  if ((flags & PyBUF_STRIDES) != PyBUF_STRIDES || !(flags & PyBUF_FORMAT)) {
    PyErr_SetString(PyExc_BufferError, "a tensor's buffer has strides and a format");
    return -1;
  }
  static char nothing[16];
  const int n = t.dim();
  const int64_t item = size_of(t.dtype());
  auto* steps = new Py_ssize_t[2 * static_cast<size_t>(n) + 1];
  for (int i = 0; i < n; ++i) steps[i] = t.size(i), steps[n + i] = t.stride(i) * item;
  *view = {};
  view->buf = t->storage->data ? t.raw() : nothing;
  view->len = t.numel() * item;
  view->itemsize = item;
  view->format = const_cast<char*>(format_of(t.dtype()));
  view->ndim = n;
  view->shape = steps;
  view->strides = steps + n;
  view->internal = steps;
  Py_INCREF(self);
  view->obj = self;
  ++t->storage->exports;
  return 0;
}
void face_buffer_done(PyObject* self, Py_buffer* view) {
  delete[] static_cast<Py_ssize_t*>(view->internal);
  --nb::inst_ptr<Face>(self)->t->storage->exports;
}
PyType_Slot face_slots[] = {{Py_bf_getbuffer, reinterpret_cast<void*>(face_buffer)},
                            {Py_bf_releasebuffer, reinterpret_cast<void*>(face_buffer_done)},
                            {0, nullptr}};

nb::object face_of(nb::object self) {
  return guarded(nb::object(), [&] {
    const Tensor& t = tensor_of(self.ptr());
    RL_CHECK_TYPE(
        t.device().type == Device::Cpu, "can't convert ", t.device(),
        " device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first.");
    RL_CHECK_TYPE(format_of(t.dtype()), "Got unsupported ScalarType ", info(t.dtype()).type);
    return nb::cast(Face{t});
  });
}

}  // namespace

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
  m.def("_tolist", &tolist);
  nb::class_<Face>(m, "_Face", nb::type_slots(face_slots));
  m.def("_face", &face_of);
  m.def("frombuffer", &frombuffer, nb::arg("buffer").none(), nb::kw_only(), nb::arg("dtype"),
        nb::arg("count") = -1, nb::arg("offset") = 0, nb::arg("requires_grad") = false,
        help::frombuffer);
  m.def(
      "from_numpy",
      [](nb::object array) {
        return guarded(nb::object(), [&] {
          PyTypeObject* t = Py_TYPE(array.ptr());
          RL_CHECK_TYPE(is_array(array.ptr()), "expected np.ndarray (got ", t->tp_name, ")");
          return nb::steal(wrap(from_array(array.ptr(), false)));
        });
      },
      nb::arg("ndarray").none(), help::from_numpy);
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
