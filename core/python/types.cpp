// The small Python types: dtype, device, Size, layout and memory format; and number conversions.
#include <cstring>

#include "python/help.h"
#include "python/py.h"

namespace rl::py {

PyTypeObject *SizeType = nullptr, *DTypeType = nullptr, *DeviceType = nullptr;

void set_python_error() noexcept {
  try {
    throw;
  } catch (const PythonError&) {
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_SystemError, "error without an exception");
  } catch (const Error& e) {
    PyObject* type = PyExc_RuntimeError;
    switch (e.kind) {
      case ErrorKind::Type:
        type = PyExc_TypeError;
        break;
      case ErrorKind::Value:
        type = PyExc_ValueError;
        break;
      case ErrorKind::Index:
        type = PyExc_IndexError;
        break;
      case ErrorKind::NotImplemented:
        type = PyExc_NotImplementedError;
        break;
      case ErrorKind::Assertion:
        type = PyExc_AssertionError;
        break;
      case ErrorKind::Overflow:
        type = PyExc_OverflowError;
        break;
      default:
        break;
    }
    PyErr_SetString(type, e.message.c_str());
  } catch (const std::bad_alloc&) {
    PyErr_SetString(PyExc_RuntimeError,
                    "[enforce fail] DefaultCPUAllocator: can't allocate memory");
  } catch (const std::exception& e) {
    PyErr_SetString(PyExc_RuntimeError, e.what());
  }
}

namespace {

// ---- dtype ----

struct PyDType {
  PyObject_HEAD DType dtype;
};
PyObject* g_dtypes[kDTypes];

PyObject* dtype_repr(PyObject* self) {
  return PyUnicode_FromFormat("torch.%s", name_of(reinterpret_cast<PyDType*>(self)->dtype));
}
PyObject* dtype_reduce(PyObject* self, PyObject*) {
  return PyUnicode_FromString(name_of(reinterpret_cast<PyDType*>(self)->dtype));
}
PyObject* dtype_to_real(PyObject* self, PyObject*) {
  return wrap_dtype(real_of(reinterpret_cast<PyDType*>(self)->dtype));
}
PyObject* dtype_to_complex(PyObject* self, PyObject*) {
  return wrap_dtype(complex_of(reinterpret_cast<PyDType*>(self)->dtype));
}
PyMethodDef dtype_methods[] = {
    {"__reduce__", dtype_reduce, METH_NOARGS, nullptr},
    {"to_real", dtype_to_real, METH_NOARGS, "The dtype of a complex number's parts."},
    {"to_complex", dtype_to_complex, METH_NOARGS, "The complex dtype with such parts."},
    {nullptr, nullptr, 0, nullptr}};

enum DTypeField { kFloating, kComplexField, kSigned, kItemSize, kCName };
PyObject* dtype_get(PyObject* self, void* what) {
  const DType t = reinterpret_cast<PyDType*>(self)->dtype;
  switch (static_cast<DTypeField>(reinterpret_cast<intptr_t>(what))) {
    case kFloating:
      return PyBool_FromLong(is_floating(t));
    case kComplexField:
      return PyBool_FromLong(is_complex(t));
    case kSigned:
      return PyBool_FromLong(is_signed(t));
    case kCName:
      return PyUnicode_FromString(c_name_of(t));
    default:
      return PyLong_FromLongLong(size_of(t));
  }
}
PyGetSetDef dtype_getset[] = {
    {"is_floating_point", dtype_get, nullptr, nullptr, reinterpret_cast<void*>(kFloating)},
    {"is_complex", dtype_get, nullptr, nullptr, reinterpret_cast<void*>(kComplexField)},
    {"is_signed", dtype_get, nullptr, nullptr, reinterpret_cast<void*>(kSigned)},
    {"itemsize", dtype_get, nullptr, nullptr, reinterpret_cast<void*>(kItemSize)},
    {"_c_name", dtype_get, nullptr, nullptr, reinterpret_cast<void*>(kCName)},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

// ---- device ----

struct PyDevice {
  PyObject_HEAD Device device;
  Device previous;  // while used as a context manager
};

PyObject* device_new(PyTypeObject*, PyObject* args, PyObject* kwargs) {
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    PyObject *type = nullptr, *index = nullptr;
    static const char* names[] = {"type", "index", nullptr};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:device", const_cast<char**>(names), &type,
                                     &index))
      return nullptr;
    Device d;
    if (!as_device(type, &d)) {
      PyErr_Format(PyExc_TypeError,
                   "device(): argument 'device' must be torch.device, str or int, not %s",
                   Py_TYPE(type)->tp_name);
      return nullptr;
    }
    if (index && index != Py_None) {
      RL_CHECK(
          d.index < 0,
          "type (string) must not include an index because index was passed explicitly: ", str(d));
      const long i = PyLong_AsLong(index);
      if (i == -1 && PyErr_Occurred()) return nullptr;
      RL_CHECK(i >= 0 && i < 128, "Device index must not be negative");
      d.index = static_cast<int8_t>(i);
    }
    return wrap_device(d);
  });
}
PyObject* device_repr(PyObject* self) {
  const Device d = reinterpret_cast<PyDevice*>(self)->device;
  if (d.index < 0) return PyUnicode_FromFormat("device(type='%s')", name_of(d.type));
  return PyUnicode_FromFormat("device(type='%s', index=%d)", name_of(d.type), d.index);
}
PyObject* device_str(PyObject* self) {
  return PyUnicode_FromString(str(reinterpret_cast<PyDevice*>(self)->device).c_str());
}
Py_hash_t device_hash(PyObject* self) {
  const Device d = reinterpret_cast<PyDevice*>(self)->device;
  return (static_cast<Py_hash_t>(d.type) << 8) + d.index + 1000;
}
PyObject* device_compare(PyObject* a, PyObject* b, int op) {
  if (Py_TYPE(a) != DeviceType || Py_TYPE(b) != DeviceType || (op != Py_EQ && op != Py_NE))
    Py_RETURN_NOTIMPLEMENTED;
  const bool same =
      reinterpret_cast<PyDevice*>(a)->device == reinterpret_cast<PyDevice*>(b)->device;
  return PyBool_FromLong(same == (op == Py_EQ));
}
PyObject* device_type(PyObject* self, void*) {
  return PyUnicode_InternFromString(name_of(reinterpret_cast<PyDevice*>(self)->device.type));
}
PyObject* device_index(PyObject* self, void*) {
  const int i = reinterpret_cast<PyDevice*>(self)->device.index;
  if (i < 0) Py_RETURN_NONE;
  return PyLong_FromLong(i);
}
PyObject* device_reduce(PyObject* self, PyObject*) {
  const Device d = reinterpret_cast<PyDevice*>(self)->device;
  if (d.index < 0) return Py_BuildValue("(O(s))", DeviceType, name_of(d.type));
  return Py_BuildValue("(O(si))", DeviceType, name_of(d.type), d.index);
}
PyObject* device_enter(PyObject* self, PyObject*) {
  auto* d = reinterpret_cast<PyDevice*>(self);
  d->previous = default_device();
  set_default_device(d->device);
  return Py_NewRef(self);
}
PyObject* device_exit(PyObject* self, PyObject*) {
  set_default_device(reinterpret_cast<PyDevice*>(self)->previous);
  Py_RETURN_NONE;
}
PyMethodDef device_methods[] = {{"__reduce__", device_reduce, METH_NOARGS, nullptr},
                                {"__enter__", device_enter, METH_NOARGS, nullptr},
                                {"__exit__", device_exit, METH_VARARGS, nullptr},
                                {nullptr, nullptr, 0, nullptr}};
PyGetSetDef device_getset[] = {{"type", device_type, nullptr, nullptr, nullptr},
                               {"index", device_index, nullptr, nullptr, nullptr},
                               {nullptr, nullptr, nullptr, nullptr, nullptr}};

// ---- Size ----

PyObject* to_size(PyObject* tuple) {  // steals a tuple
  if (!tuple || !PyTuple_CheckExact(tuple)) return tuple;
  const Py_ssize_t n = PyTuple_GET_SIZE(tuple);
  PyObject* s = SizeType->tp_alloc(SizeType, n);
  if (s)
    for (Py_ssize_t i = 0; i < n; ++i)
      PyTuple_SET_ITEM(s, i, Py_NewRef(PyTuple_GET_ITEM(tuple, i)));
  Py_DECREF(tuple);
  return s;
}
PyObject* size_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  Object tuple(PyTuple_Type.tp_new(&PyTuple_Type, args, kwargs));
  if (!tuple) return nullptr;
  const Py_ssize_t n = PyTuple_GET_SIZE(tuple.get());
  Object s(type->tp_alloc(type, n));
  if (!s) return nullptr;
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyObject* item = PyTuple_GET_ITEM(tuple.get(), i);
    PyObject* number = PyLong_Check(item)    ? Py_NewRef(item)
                       : PyIndex_Check(item) ? PyNumber_Index(item)
                                             : nullptr;
    if (!number) {
      if (!PyErr_Occurred())
        PyErr_Format(PyExc_TypeError, "torch.Size() takes an iterable of 'int' (item %zd is '%s')",
                     i, Py_TYPE(item)->tp_name);
      return nullptr;
    }
    PyTuple_SET_ITEM(s.get(), i, number);
  }
  return s.release();
}
PyObject* size_repr(PyObject* self) {
  std::string s = "torch.Size([";
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self); ++i) {
    if (i) s += ", ";
    s += std::to_string(PyLong_AsLongLong(PyTuple_GET_ITEM(self, i)));
  }
  if (PyErr_Occurred()) return nullptr;
  return PyUnicode_FromString((s + "])").c_str());
}
PyObject* size_concat(PyObject* a, PyObject* b) {
  if (!PyTuple_Check(a) || !PyTuple_Check(b)) Py_RETURN_NOTIMPLEMENTED;
  return to_size(PyTuple_Type.tp_as_sequence->sq_concat(a, b));
}
PyObject* size_repeat(PyObject* a, Py_ssize_t n) {
  return to_size(PyTuple_Type.tp_as_sequence->sq_repeat(a, n));
}
PyObject* size_subscript(PyObject* a, PyObject* i) {
  return to_size(PyTuple_Type.tp_as_mapping->mp_subscript(a, i));
}
PyObject* size_numel(PyObject* self, PyObject*) {
  Object r(PyLong_FromLong(1));
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self) && r; ++i)
    r = Object(PyNumber_Multiply(r.get(), PyTuple_GET_ITEM(self, i)));
  return r.release();
}
PyObject* size_reduce(PyObject* self, PyObject*) {
  Object t(PySequence_Tuple(self));
  if (!t) return nullptr;
  Object plain(PyTuple_New(PyTuple_GET_SIZE(self)));
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self); ++i)
    PyTuple_SET_ITEM(plain.get(), i, Py_NewRef(PyTuple_GET_ITEM(self, i)));
  return Py_BuildValue("(O(O))", SizeType, plain.get());
}
PyMethodDef size_methods[] = {{"numel", size_numel, METH_NOARGS, "The product of the sizes."},
                              {"__reduce__", size_reduce, METH_NOARGS, nullptr},
                              {nullptr, nullptr, 0, nullptr}};

PyTypeObject* make_type(PyObject* m, const char* name, size_t size, PyType_Slot* slots,
                        PyObject* bases = nullptr, unsigned flags = Py_TPFLAGS_DEFAULT) {
  PyType_Spec spec = {name, static_cast<int>(size), 0, flags, slots};
  PyObject* t = need(PyType_FromSpecWithBases(&spec, bases));
  PyModule_AddObject(m, std::strchr(name, '.') + 1, Py_NewRef(t));
  return reinterpret_cast<PyTypeObject*>(t);
}

}  // namespace

void add_types(PyObject* m) {
  PyType_Slot dtype_slots[] = {{Py_tp_repr, reinterpret_cast<void*>(dtype_repr)},
                               {Py_tp_methods, dtype_methods},
                               {Py_tp_getset, dtype_getset},
                               {Py_tp_doc, const_cast<char*>(help::dtype_type)},
                               {0, nullptr}};
  DTypeType = make_type(m, "torch.dtype", sizeof(PyDType), dtype_slots);
  DTypeType->tp_new = nullptr;
  for (int i = 0; i < kDTypes; ++i) {
    auto* d = PyObject_New(PyDType, DTypeType);
    d->dtype = static_cast<DType>(i);
    g_dtypes[i] = reinterpret_cast<PyObject*>(d);
    PyModule_AddObject(m, kDTypeInfo[i].name, Py_NewRef(g_dtypes[i]));
    if (kDTypeInfo[i].alias) PyModule_AddObject(m, kDTypeInfo[i].alias, Py_NewRef(g_dtypes[i]));
  }
  PyType_Slot device_slots[] = {{Py_tp_new, reinterpret_cast<void*>(device_new)},
                                {Py_tp_repr, reinterpret_cast<void*>(device_repr)},
                                {Py_tp_str, reinterpret_cast<void*>(device_str)},
                                {Py_tp_hash, reinterpret_cast<void*>(device_hash)},
                                {Py_tp_richcompare, reinterpret_cast<void*>(device_compare)},
                                {Py_tp_methods, device_methods},
                                {Py_tp_getset, device_getset},
                                {Py_tp_doc, const_cast<char*>(help::device_type)},
                                {0, nullptr}};
  DeviceType = make_type(m, "torch.device", sizeof(PyDevice), device_slots);
  PyType_Slot size_slots[] = {{Py_tp_new, reinterpret_cast<void*>(size_new)},
                              {Py_tp_repr, reinterpret_cast<void*>(size_repr)},
                              {Py_sq_concat, reinterpret_cast<void*>(size_concat)},
                              {Py_sq_repeat, reinterpret_cast<void*>(size_repeat)},
                              {Py_mp_subscript, reinterpret_cast<void*>(size_subscript)},
                              {Py_tp_methods, size_methods},
                              {Py_tp_doc, const_cast<char*>(help::Size)},
                              {0, nullptr}};
  Object bases(PyTuple_Pack(1, &PyTuple_Type));
  SizeType = make_type(m, "torch.Size", 0, size_slots, bases.get());
}

PyObject* wrap_dtype(DType t) { return Py_NewRef(g_dtypes[static_cast<int>(t)]); }

bool as_dtype(PyObject* o, DType* out) {
  if (Py_TYPE(o) == DTypeType) {
    *out = reinterpret_cast<PyDType*>(o)->dtype;
    return true;
  }
  const auto* t = reinterpret_cast<PyTypeObject*>(o);
  if (t == &PyFloat_Type)
    *out = DType::F64;
  else if (t == &PyBool_Type)
    *out = DType::Bool;
  else if (t == &PyLong_Type)
    *out = DType::I64;
  else if (t == &PyComplex_Type)
    *out = DType::C128;
  else
    return false;
  return true;
}

PyObject* wrap_device(const Device& d) {
  auto* p = PyObject_New(PyDevice, DeviceType);
  if (!p) throw PythonError{};
  p->device = d;
  return reinterpret_cast<PyObject*>(p);
}

bool as_device(PyObject* o, Device* out) {
  if (Py_TYPE(o) == DeviceType) {
    *out = reinterpret_cast<PyDevice*>(o)->device;
    return true;
  }
  if (PyLong_Check(o)) {
    const long i = PyLong_AsLong(o);
    RL_CHECK(i >= 0 && i < 128, "Device index must not be negative");
    *out = Device{Device::Cuda, static_cast<int8_t>(i)};
    return true;
  }
  if (!PyUnicode_Check(o)) return false;
  const char* text = PyUnicode_AsUTF8(o);
  if (!text) throw PythonError{};
  const std::string_view s = text;
  const size_t colon = s.find(':');
  const std::string_view kind = s.substr(0, colon);
  RL_CHECK(!s.empty(), "Device string must not be empty");
  Device d;
  if (kind == "cpu")
    d.type = Device::Cpu;
  else if (kind == "cuda")
    d.type = Device::Cuda;
  else if (kind == "meta")
    d.type = Device::Meta;
  else
    raise(ErrorKind::Runtime,
          "Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, "
          "maia, xla, lazy, vulkan, mps, meta, hpu, mtia, privateuseone device type at start of "
          "device string: ",
          kind);
  if (colon != std::string_view::npos) {
    const std::string_view digits = s.substr(colon + 1);
    RL_CHECK(!digits.empty() && digits.size() <= 3 &&
                 digits.find_first_not_of("0123456789") == std::string_view::npos &&
                 (digits.size() == 1 || digits[0] != '0'),
             "Invalid device string: '", s, "'");
    const int i = std::atoi(std::string(digits).c_str());
    RL_CHECK(i < 128, "Invalid device string: '", s, "'");
    d.index = static_cast<int8_t>(i);
  }
  *out = d;
  return true;
}

PyObject* wrap_size(const Dims& d) {
  PyObject* s = need(SizeType->tp_alloc(SizeType, d.size()));
  for (int i = 0; i < d.size(); ++i) PyTuple_SET_ITEM(s, i, PyLong_FromLongLong(d[i]));
  return s;
}

PyObject* wrap_scalar(const Scalar& s) {
  switch (s.kind) {
    case Scalar::Bool:
      return PyBool_FromLong(s.boolean());
    case Scalar::Int:
      return PyLong_FromLongLong(s.integer());
    case Scalar::Float:
      return PyFloat_FromDouble(s.real());
    default:
      return PyComplex_FromDoubles(s.real(), s.imag());
  }
}

bool as_scalar(PyObject* o, Scalar* out) {
  if (PyFloat_Check(o)) {
    *out = Scalar(PyFloat_AS_DOUBLE(o));
  } else if (PyBool_Check(o)) {
    *out = Scalar(o == Py_True);
  } else if (PyLong_Check(o)) {
    int overflow;
    const long long v = PyLong_AsLongLongAndOverflow(o, &overflow);
    if (overflow) {
      PyErr_SetString(PyExc_OverflowError, "int too big to convert");
      throw PythonError{};
    }
    *out = Scalar(static_cast<int64_t>(v));
  } else if (PyComplex_Check(o)) {
    *out = Scalar(std::complex<double>(PyComplex_RealAsDouble(o), PyComplex_ImagAsDouble(o)));
  } else if (is_tensor(o) || PyUnicode_Check(o) || PyBytes_Check(o)) {
    return false;
  } else if (std::strncmp(Py_TYPE(o)->tp_name, "numpy.", 6) == 0) {
    if (PyObject_HasAttrString(o, "__array_interface__") && PyObject_HasAttrString(o, "item")) {
      Object ndim(PyObject_GetAttrString(o, "ndim"));
      if (!ndim || PyLong_AsLong(ndim.get()) != 0) {
        PyErr_Clear();
        return false;
      }
      Object item = own(PyObject_CallMethod(o, "item", nullptr));
      if (std::strncmp(Py_TYPE(item.get())->tp_name, "numpy.", 6) == 0) return false;
      return as_scalar(item.get(), out);
    }
    return false;
  } else if (PyIndex_Check(o)) {
    Object i(PyNumber_Index(o));
    if (!i) {
      PyErr_Clear();
      return false;
    }
    return as_scalar(i.get(), out);
  } else {
    return false;
  }
  return true;
}

bool as_int(PyObject* o, int64_t* out) {
  if (PyLong_Check(o)) {
    int overflow;
    *out = PyLong_AsLongLongAndOverflow(o, &overflow);
    if (overflow) {
      PyErr_SetString(PyExc_ValueError, "Overflow when unpacking long long");
      throw PythonError{};
    }
    return true;
  }
  if (is_tensor(o)) {
    const Tensor& t = unwrap(o);
    if (t.numel() != 1 || !is_integral(t.dtype())) return false;
  } else if (!PyIndex_Check(o)) {
    return false;
  }
  Object i(PyNumber_Index(o));
  if (!i) {
    PyErr_Clear();
    return false;
  }
  return as_int(i.get(), out);
}

bool is_sequence(PyObject* o) { return PyTuple_Check(o) || PyList_Check(o); }

bool as_ints(PyObject* o, Dims* out) {
  if (!is_sequence(o)) return false;
  const Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
  if (n > 1 << 20) return false;
  out->resize(static_cast<int>(n));
  for (Py_ssize_t i = 0; i < n; ++i) {
    if (i >= PySequence_Fast_GET_SIZE(o)) return false;  // an item's __index__ may change the list
    const Object item = Object::borrow(PySequence_Fast_GET_ITEM(o, i));
    if (!as_int(item.get(), &(*out)[static_cast<int>(i)])) return false;
  }
  return true;
}

}  // namespace rl::py
