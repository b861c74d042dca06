// The Python class Tensor: its life beside TensorImpl, its attributes and its operators.
//
// Two objects stand for one tensor: the C++ TensorImpl and the Python object. Either may outlive
// the other. While both live, wrap() gives the same Python object. When Python lets go of an object
// that has something to lose (a subclass, attributes, weak references) while C++ still holds the
// tensor, ownership flips: the TensorImpl keeps the Python object, until Python asks for it again.
#include "python/help.h"
#include "python/py.h"
#include "tensor/layout.h"

namespace rl::py {

PyTypeObject* TensorType = nullptr;
PyTypeObject* ParameterType = nullptr;

namespace {

PyTypeObject* g_meta = nullptr;

// ---- life ----

constexpr int kFreeMax = 64;
PyTensor* g_free[kFreeMax];
int g_free_count = 0;

PyTensor* allocate(PyTypeObject* type) {
  if (type == TensorType && g_free_count > 0) {
    PyTensor* p = g_free[--g_free_count];
    new (&p->tensor) Tensor();
    p->dict = p->weakrefs = nullptr;
    PyObject_INIT(reinterpret_cast<PyObject*>(p), type);  // counts the type's reference as well
    PyObject_GC_Track(p);
    return p;
  }
  return reinterpret_cast<PyTensor*>(type->tp_alloc(type, 0));
}

/// The flip: true if the object lives on, owned by the tensor.
bool keep_alive(PyObject* self) {
  auto* p = reinterpret_cast<PyTensor*>(self);
  TensorImpl* t = p->tensor.get();
  if (!t || t->refs <= 1 || t->pyobj != self) return false;
  if (Py_TYPE(self) == TensorType && !p->dict && !p->weakrefs) {
    t->pyobj = nullptr;  // nothing to lose: a new object can be made
    return false;
  }
  t->owns_pyobj = true;
  Py_SET_REFCNT(self, 1);
  p->tensor.release();  // the object no longer counts as a holder
  --t->refs;
  // wrap() needs to find the tensor through the object again, so put the pointer back uncounted.
  new (&p->tensor) Tensor(Ref<TensorImpl>::adopt(t));
  return true;
}

void clear_slots(PyTypeObject* type, PyObject* self) {
  for (PyTypeObject* t = type; t && t != TensorType; t = t->tp_base) {
    PyMemberDef* m = t->tp_members;
    for (; m && m->name; ++m)
      if (m->type == T_OBJECT_EX && !(m->flags & READONLY))
        Py_CLEAR(*reinterpret_cast<PyObject**>(reinterpret_cast<char*>(self) + m->offset));
  }
}

void tensor_dealloc(PyObject* self) {
  if (keep_alive(self)) return;
  PyTypeObject* type = Py_TYPE(self);
  auto* p = reinterpret_cast<PyTensor*>(self);
  if (PyObject_GC_IsTracked(self)) PyObject_GC_UnTrack(self);
  if (type != TensorType && type->tp_finalize) {
    PyObject_GC_Track(self);
    if (PyObject_CallFinalizerFromDealloc(self) < 0) return;
    PyObject_GC_UnTrack(self);
  }
  if (p->weakrefs) PyObject_ClearWeakRefs(self);
  if (type != TensorType) clear_slots(type, self);
  Py_CLEAR(p->dict);
  if (TensorImpl* t = p->tensor.get()) {
    if (t->pyobj == self) t->pyobj = nullptr;
    p->tensor.~Tensor();
    new (&p->tensor) Tensor();
  }
  if (type == TensorType && g_free_count < kFreeMax) {
    g_free[g_free_count++] = p;
  } else {
    type->tp_free(self);
  }
  Py_DECREF(type);
}

/// A TensorImpl dies that owns its Python object.
void release_object(void* object) {
  auto* self = static_cast<PyObject*>(object);
  auto* p = reinterpret_cast<PyTensor*>(self);
  p->tensor.release();  // the tensor is on its way out: do not count it down again
  Py_DECREF(self);
}

int tensor_traverse(PyObject* self, visitproc visit, void* arg) {
  auto* p = reinterpret_cast<PyTensor*>(self);
  Py_VISIT(p->dict);
  if (Py_TYPE(self) != TensorType) Py_VISIT(Py_TYPE(self));
  return p->tensor.defined() ? visit_autograd(p->tensor, visit, arg) : 0;
}
int tensor_clear(PyObject* self) {
  auto* p = reinterpret_cast<PyTensor*>(self);
  Py_CLEAR(p->dict);
  if (p->tensor.defined()) clear_autograd(p->tensor);
  return 0;
}

// The metaclass gives subclasses our dealloc, which Python would replace by its own.
int meta_init(PyObject* cls, PyObject* args, PyObject* kwargs) {
  if (PyType_Type.tp_init(cls, args, kwargs) < 0) return -1;
  reinterpret_cast<PyTypeObject*>(cls)->tp_dealloc = tensor_dealloc;
  return 0;
}

PyObject* legacy_new(PyTypeObject* type, PyObject* args, PyObject* kwargs, DType dtype);
PyObject* tensor_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  return guarded<PyObject*>(nullptr,
                            [&] { return legacy_new(type, args, kwargs, default_dtype()); });
}

/// Tensor(2, 3), Tensor([1, 2]), FloatTensor(array): sizes or data.
PyObject* legacy_new(PyTypeObject* type, PyObject* args, PyObject* kwargs, DType dtype) {
  const Py_ssize_t n = PyTuple_GET_SIZE(args);
  PyObject* first = n ? PyTuple_GET_ITEM(args, 0) : nullptr;
  if (!first && kwargs) first = PyDict_GetItemString(kwargs, "data");
  if (!first) return wrap_as(type, empty({0}, dtype));
  Dims size;
  if (Py_TYPE(first) == SizeType) {
    as_ints(first, &size);
    return wrap_as(type, empty(size, dtype));
  }
  if (PyLong_Check(first) || (PyIndex_Check(first) && !is_tensor(first) && n > 1)) {
    RL_CHECK_TYPE(as_ints(args, &size), "new(): data must be a sequence (got ",
                  Py_TYPE(first)->tp_name, ")");
    return wrap_as(type, empty(size, dtype));
  }
  RL_CHECK_TYPE(n == 1 || kwargs, "new() received an invalid combination of arguments");
  if (is_tensor(first)) {
    const Tensor& t = unwrap(first);
    if (type != TensorType && t.dtype() != dtype) return wrap_as(type, alias(t));
    return wrap_as(type, t.dtype() == dtype ? alias(t) : as_contiguous(t, dtype));
  }
  RL_CHECK_TYPE(!PyFloat_Check(first) && first != Py_None, "new(): data must be a sequence (got ",
                Py_TYPE(first)->tp_name, ")");
  return wrap_as(type, tensor_from(first, dtype, true));
}

// ---- attributes ----

const Tensor& self_of(PyObject* o) { return unwrap(o); }

#define RL_GET(name, expression)                            \
  PyObject* get_##name(PyObject* self, void*) {             \
    return guarded<PyObject*>(nullptr, [&]() -> PyObject* { \
      [[maybe_unused]] const Tensor& t = self_of(self);     \
      return expression;                                    \
    });                                                     \
  }
RL_GET(shape, wrap_size(t.sizes()))
RL_GET(dtype, wrap_dtype(t.dtype()))
RL_GET(device, wrap_device(t.device()))
RL_GET(ndim, PyLong_FromLong(t.dim()))
RL_GET(requires_grad, PyBool_FromLong(t.requires_grad()))
RL_GET(is_leaf, PyBool_FromLong(is_leaf(t)))
RL_GET(itemsize, PyLong_FromLongLong(size_of(t.dtype())))
RL_GET(nbytes, PyLong_FromLongLong(size_of(t.dtype()) * t.numel()))
RL_GET(version,
       (t->inference ? raise(ErrorKind::Runtime, "Inference tensors do not track version counter.")
                     : void(),
        PyLong_FromUnsignedLong(t->untracked ? 0 : t->storage->version)))
RL_GET(output_nr, PyLong_FromUnsignedLong(t->autograd ? t->autograd->output : 0))
RL_GET(retains_grad, PyBool_FromLong(t->autograd && t->autograd->retains_grad))
RL_GET(is_cuda, PyBool_FromLong(t.device().type == Device::Cuda))
RL_GET(is_meta, PyBool_FromLong(t.device().type == Device::Meta))
RL_GET(T, wrap(call_op<"numpy_T">(t)))
RL_GET(mT, wrap(call_op<"matrix_T">(t)))
RL_GET(H, wrap(call_op<"adjoint">(t)))
RL_GET(real, wrap(call_op<"real">(t)))
RL_GET(imag, wrap(call_op<"imag">(t)))
RL_GET(false_value, Py_NewRef(Py_False))
RL_GET(grad_fn, wrap_node(grad_fn(t)))

/// A grad that will stay None: that of a tensor which an operation made.
bool is_grad_missing(const Tensor& t) {
  return !t->stale_view() && !is_leaf(t) && !(t->autograd && t->autograd->retains_grad);
}
PyObject* get_grad(PyObject* self, void*) {
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const Tensor& t = self_of(self);
    if (t->autograd && t->autograd->grad.defined()) return wrap(t->autograd->grad);
    if (is_grad_missing(t))
      warn_user(
          "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad "
          "attribute won't be populated during autograd.backward(). If you indeed want the .grad "
          "field to be populated for a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. "
          "If you access the non-leaf Tensor by mistake, make sure you access the leaf Tensor "
          "instead. See github.com/pytorch/pytorch/pull/30531 for more information.");
    Py_RETURN_NONE;
  });
}
int set_grad(PyObject* self, PyObject* value, void*) {
  return guarded(-1, [&] {
    const Tensor& t = self_of(self);
    if (!value || value == Py_None) {
      if (t->autograd) t->autograd->grad = Tensor();
      return 0;
    }
    RL_CHECK_TYPE(is_tensor(value),
                  "assigned grad expected to be a Tensor or None but got grad of type ",
                  Py_TYPE(value)->tp_name);
    const Tensor& g = unwrap(value);
    RL_CHECK(self != value, "can't assign Variable as its own grad");
    RL_CHECK(g.device() == t.device(), "attempting to assign a gradient with device type '",
             g.device(), "' to a tensor with device type '", t.device(),
             "'. Please ensure that the gradient and the tensor are on the same device");
    RL_CHECK(g.dtype() == t.dtype(), "attempting to assign a gradient with dtype '",
             info(g.dtype()).alias ? info(g.dtype()).alias : info(g.dtype()).name,
             "' to a tensor with grad_dtype '", info(t.dtype()).type,
             "'. The gradient must match the tensor's grad_dtype (defaults to the tensor's dtype). "
             "You can set the tensor's grad_dtype attribute with a specific dtype, or None to "
             "allow any dtype. Set grad_dtype with caution. Diverging the dtypes of a tensor and "
             "its gradient may break downstream systems that assume they match.");
    RL_CHECK(g.sizes() == t.sizes(), "attempting to assign a gradient of size '", g.sizes(),
             "' to a tensor of size '", t.sizes(),
             "'. Please ensure that the gradient and the tensor are the same size");
    meta(t).grad = g;
    return 0;
  });
}
int set_requires_grad_attr(PyObject* self, PyObject* value, void*) {
  return guarded(-1, [&] {
    RL_CHECK(value && PyBool_Check(value), "requires_grad must be a bool");
    set_requires_grad(self_of(self), value == Py_True);
    return 0;
  });
}
PyObject* get_data(PyObject* self, void*) {
  return guarded<PyObject*>(nullptr, [&] {
    Tensor t = alias(self_of(self));
    t->untracked = true;
    return wrap(t);
  });
}
int set_data(PyObject* self, PyObject* value, void*) {
  return guarded(-1, [&] {
    RL_CHECK_TYPE(value && is_tensor(value), "Variable data has to be a tensor, but got ",
                  value ? Py_TYPE(value)->tp_name : "None");
    const Tensor &t = self_of(self), &s = unwrap(value);
    RL_CHECK(
        is_differentiable(s.dtype()) || !t.requires_grad(),
        "data set to a tensor that requires gradients must be floating point or complex dtype");
    t->storage = s->storage;
    t->offset = s->offset;
    t->sizes = s.sizes();
    t->strides = s.strides();
    t->numel = s.numel();
    t->contiguous = s->contiguous;
    t->dtype = s.dtype();
    t->device = s.device();
    if (t->base) {
      Tensor keep(t->base);
      --t->base->refs;
      t->base = nullptr;
    }
    return 0;
  });
}
PyObject* get_base(PyObject* self, void*) {
  const Tensor& t = self_of(self);
  if (!t->base) Py_RETURN_NONE;
  return guarded<PyObject*>(nullptr, [&] { return wrap(Tensor(t->base)); });
}
PyObject* get_dict(PyObject* self, void*) {
  auto* p = reinterpret_cast<PyTensor*>(self);
  if (!p->dict) p->dict = PyDict_New();
  Py_XINCREF(p->dict);
  return p->dict;
}

PyGetSetDef getset[] = {
    {"shape", get_shape, nullptr, help::shape, nullptr},
    {"dtype", get_dtype, nullptr, help::dtype, nullptr},
    {"device", get_device, nullptr, help::device, nullptr},
    {"ndim", get_ndim, nullptr, help::ndim, nullptr},
    {"requires_grad", get_requires_grad, set_requires_grad_attr, help::requires_grad, nullptr},
    {"is_leaf", get_is_leaf, nullptr, help::is_leaf, nullptr},
    {"grad", get_grad, set_grad, help::grad, nullptr},
    {"_grad", get_grad, set_grad, nullptr, nullptr},
    {"grad_fn", get_grad_fn, nullptr, help::grad_fn, nullptr},
    {"data", get_data, set_data, help::data, nullptr},
    {"itemsize", get_itemsize, nullptr, help::itemsize, nullptr},
    {"nbytes", get_nbytes, nullptr, help::nbytes, nullptr},
    {"_version", get_version, nullptr, "How often it was written in place.", nullptr},
    {"_base", get_base, nullptr, "The tensor this is a view of.", nullptr},
    {"output_nr", get_output_nr, nullptr, help::output_nr, nullptr},
    {"retains_grad", get_retains_grad, nullptr, help::retains_grad, nullptr},
    {"is_cuda", get_is_cuda, nullptr, help::is_cuda, nullptr},
    {"is_meta", get_is_meta, nullptr, help::is_meta, nullptr},
    {"is_sparse", get_false_value, nullptr, help::is_false, nullptr},
    {"is_quantized", get_false_value, nullptr, help::is_false, nullptr},
    {"is_nested", get_false_value, nullptr, help::is_false, nullptr},
    {"is_mkldnn", get_false_value, nullptr, help::is_false, nullptr},
    {"is_mps", get_false_value, nullptr, help::is_false, nullptr},
    {"is_xpu", get_false_value, nullptr, help::is_false, nullptr},
    {"T", get_T, nullptr, help::reversed, nullptr},
    {"mT", get_mT, nullptr, help::mT, nullptr},
    {"H", get_H, nullptr, help::conjugate_transposed, nullptr},
    {"mH", get_H, nullptr, help::mH, nullptr},
    {"real", get_real, nullptr, help::real, nullptr},
    {"imag", get_imag, nullptr, help::imag, nullptr},
    {"__dict__", get_dict, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyMemberDef members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(PyTensor, dict), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(PyTensor, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};

// ---- plain methods ----

/// Is the tensor contiguous once its channels are moved last?
bool is_contiguous_permuted(const Tensor& t) {
  Dims sizes = t.sizes(), strides = t.strides();
  sizes.erase(1);
  strides.erase(1);
  sizes.push_back(t.size(1));
  strides.push_back(t.stride(1));
  return is_contiguous(sizes, strides);
}

PyObject* m_size(PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const Tensor& t = self_of(self);
    const Py_ssize_t total = n + (kwnames ? PyTuple_GET_SIZE(kwnames) : 0);
    if (total == 0 || args[0] == Py_None) return wrap_size(t.sizes());
    int64_t d;
    RL_CHECK_TYPE(as_int(args[0], &d), "size(): argument 'dim' (position 1) must be int, not ",
                  Py_TYPE(args[0])->tp_name);
    const int n_dim = t.dim();
    RL_CHECK_INDEX(
        d >= -n_dim && d < n_dim,
        n_dim ? "Dimension out of range (expected to be in range of [" : "Dimension specified as ",
        n_dim ? str(-n_dim, ", ", n_dim - 1, "], but got ", d, ")")
              : str(d, " but tensor has no dimensions"));
    return PyLong_FromLongLong(t.size(static_cast<int>(d)));
  });
}
PyObject* m_stride(PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const Tensor& t = self_of(self);
    const Py_ssize_t total = n + (kwnames ? PyTuple_GET_SIZE(kwnames) : 0);
    if (total == 0 || args[0] == Py_None) {
      Object r = own(PyTuple_New(t.dim()));
      for (int i = 0; i < t.dim(); ++i)
        PyTuple_SET_ITEM(r.get(), i, PyLong_FromLongLong(t.stride(i)));
      return r.release();
    }
    int64_t d;
    RL_CHECK_TYPE(as_int(args[0], &d), "stride(): argument 'dim' (position 1) must be int, not ",
                  Py_TYPE(args[0])->tp_name);
    RL_CHECK_INDEX(d >= -t.dim() && d < t.dim(),
                   "Dimension out of range (expected to be in range of [", -t.dim(), ", ",
                   t.dim() - 1, "], but got ", d, ")");
    return PyLong_FromLongLong(t.stride(static_cast<int>(d)));
  });
}
#define RL_METHOD(name, expression)                         \
  PyObject* m_##name(PyObject* self, PyObject*) {           \
    return guarded<PyObject*>(nullptr, [&]() -> PyObject* { \
      const Tensor& t = self_of(self);                      \
      return expression;                                    \
    });                                                     \
  }
RL_METHOD(dim, PyLong_FromLong(t.dim()))
RL_METHOD(numel, PyLong_FromLongLong(t.numel()))
RL_METHOD(element_size, PyLong_FromLongLong(size_of(t.dtype())))
RL_METHOD(storage_offset, PyLong_FromLongLong(t->offset))
RL_METHOD(data_ptr, PyLong_FromVoidPtr(t.numel() ? t.raw() : nullptr))
RL_METHOD(is_floating_point, PyBool_FromLong(is_floating(t.dtype())))
RL_METHOD(is_complex, PyBool_FromLong(is_complex(t.dtype())))
RL_METHOD(is_signed, PyBool_FromLong(is_signed(t.dtype())))
RL_METHOD(is_inference, PyBool_FromLong(t->inference))
RL_METHOD(get_device, PyLong_FromLong(t.device().type == Device::Cpu ? -1 : t.device().index))
RL_METHOD(is_view, PyBool_FromLong(t->base != nullptr))
/// is_contiguous(memory_format=...): for channels_last, are the channels innermost and all dense?
PyObject* m_is_contiguous(PyObject* self, PyObject* args, PyObject* kwargs) {
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const Tensor& t = self_of(self);
    PyObject* format = PyTuple_GET_SIZE(args) ? PyTuple_GET_ITEM(args, 0)
                       : kwargs               ? PyDict_GetItemString(kwargs, "memory_format")
                                              : nullptr;
    if (!format || format == Py_None) return PyBool_FromLong(t.is_contiguous());
    Object name = own(PyObject_GetAttrString(format, "_name"));
    const bool last = PyUnicode_CompareWithASCIIString(name.get(), "channels_last") == 0;
    const bool last3 = PyUnicode_CompareWithASCIIString(name.get(), "channels_last_3d") == 0;
    if (!last && !last3) return PyBool_FromLong(t.is_contiguous());
    if (t.dim() != (last ? 4 : 5)) Py_RETURN_FALSE;
    return wrap_scalar(Scalar(is_contiguous_permuted(t)));
  });
}
PyObject* m_requires_grad_(PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
  return guarded<PyObject*>(nullptr, [&] {
    const Py_ssize_t total = n + (kwnames ? PyTuple_GET_SIZE(kwnames) : 0);
    RL_CHECK_TYPE(total <= 1, "requires_grad_() takes from 0 to 1 positional arguments but ", total,
                  " were given");
    RL_CHECK_TYPE(total == 0 || PyBool_Check(args[0]),
                  "requires_grad_(): argument 'requires_grad' (position 1) must be bool, not ",
                  total ? Py_TYPE(args[0])->tp_name : "");
    set_requires_grad(self_of(self), total == 0 || args[0] == Py_True);
    return Py_NewRef(self);
  });
}
PyObject* m_make_subclass(PyObject*, PyObject* args, PyObject* kwargs) {
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    PyObject *cls, *data;
    int requires_grad = 0;
    static const char* names[] = {"cls", "data", "require_grad", nullptr};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|p:_make_subclass", const_cast<char**>(names),
                                     &cls, &data, &requires_grad))
      return nullptr;
    RL_CHECK_TYPE(
        PyType_Check(cls) && PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(cls), TensorType),
        "cls must be a type (got ", Py_TYPE(cls)->tp_name, ")");
    RL_CHECK_TYPE(is_tensor(data), "_make_subclass(): argument 'data' must be Tensor, not ",
                  Py_TYPE(data)->tp_name);
    Tensor t = alias(unwrap(data));
    if (requires_grad) set_requires_grad(t, true);
    return wrap_as(reinterpret_cast<PyTypeObject*>(cls), t);
  });
}

/// as_subclass(cls): the same memory and history as an instance of cls.
PyObject* m_as_subclass(PyObject* self, PyObject* cls) {
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    RL_CHECK_TYPE(
        PyType_Check(cls) && PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(cls), TensorType),
        "cls must be a type (got ", Py_TYPE(cls)->tp_name, ")");
    const Tensor& input = self_of(self);
    return wrap_as(reinterpret_cast<PyTypeObject*>(cls),
                   recording({&input}) ? alias_view(input) : alias(input));
  });
}

#define RL_FAST(f) \
  reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(f)), METH_FASTCALL | METH_KEYWORDS
PyMethodDef methods[] = {
    {"size", RL_FAST(m_size), help::size},
    {"stride", RL_FAST(m_stride), help::stride},
    {"dim", m_dim, METH_NOARGS, help::dim},
    {"ndimension", m_dim, METH_NOARGS, help::dim},
    {"numel", m_numel, METH_NOARGS, help::numel},
    {"nelement", m_numel, METH_NOARGS, help::numel},
    {"element_size", m_element_size, METH_NOARGS, help::element_size},
    {"storage_offset", m_storage_offset, METH_NOARGS, help::storage_offset},
    {"data_ptr", m_data_ptr, METH_NOARGS, help::data_ptr},
    {"is_floating_point", m_is_floating_point, METH_NOARGS, help::is_floating_point},
    {"is_complex", m_is_complex, METH_NOARGS, help::is_complex},
    {"is_signed", m_is_signed, METH_NOARGS, help::is_signed},
    {"is_inference", m_is_inference, METH_NOARGS, help::is_inference},
    {"get_device", m_get_device, METH_NOARGS, help::get_device},
    {"_is_view", m_is_view, METH_NOARGS, nullptr},
    {"is_contiguous", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(m_is_contiguous)),
     METH_VARARGS | METH_KEYWORDS, help::is_contiguous},
    {"requires_grad_", RL_FAST(m_requires_grad_), help::requires_grad_},
    {"as_subclass", m_as_subclass, METH_O, help::as_subclass},
    {"_make_subclass", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(m_make_subclass)),
     METH_VARARGS | METH_KEYWORDS | METH_STATIC, nullptr},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

Tensor alias_view(const Tensor& input) {
  Tensor t = alias(input);
  mark_view(t, input);
  return record(t, "AliasBackward0", {&input},
                [] { return [](const Grads& g, Node&) -> Grads { return {g[0]}; }; });
}

PyObject* wrap_as(PyTypeObject* type, const Tensor& t) {
  PyTensor* p = allocate(type);
  if (!p) throw PythonError{};
  new (&p->tensor) Tensor(t);
  p->dict = p->weakrefs = nullptr;
  t->pyobj = p;
  return reinterpret_cast<PyObject*>(p);
}

PyObject* wrap(const Tensor& t) {
  TensorImpl* i = t.get();
  if (!i->pyobj) return wrap_as(TensorType, t);
  auto* o = static_cast<PyObject*>(i->pyobj);
  if (i->owns_pyobj) {  // hand it back: the object holds the tensor again
    i->owns_pyobj = false;
    ++i->refs;
    return o;
  }
  return Py_NewRef(o);
}

PyObject* wrap_list(const Tensors& v, bool list) {
  const auto n = static_cast<Py_ssize_t>(v.size());
  Object r = own(list ? PyList_New(n) : PyTuple_New(n));
  for (Py_ssize_t i = 0; i < n; ++i) {
    const Tensor& t = v[static_cast<size_t>(i)];
    PyObject* o = t.defined() ? wrap(t) : Py_NewRef(Py_None);
    if (list)
      PyList_SET_ITEM(r.get(), i, o);
    else
      PyTuple_SET_ITEM(r.get(), i, o);
  }
  return r.release();
}

void add_tensor(PyObject* m) {
  release_pyobj = release_object;
  PyType_Slot meta_slots[] = {{Py_tp_init, reinterpret_cast<void*>(meta_init)}, {0, nullptr}};
  PyType_Spec meta_spec = {"torch._C._TensorMeta", 0, 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                           meta_slots};
  Object meta_bases = own(PyTuple_Pack(1, &PyType_Type));
  g_meta =
      reinterpret_cast<PyTypeObject*>(need(PyType_FromSpecWithBases(&meta_spec, meta_bases.get())));
  PyType_Slot slots[64] = {{Py_tp_new, reinterpret_cast<void*>(tensor_new)},
                           {Py_tp_dealloc, reinterpret_cast<void*>(tensor_dealloc)},
                           {Py_tp_traverse, reinterpret_cast<void*>(tensor_traverse)},
                           {Py_tp_clear, reinterpret_cast<void*>(tensor_clear)},
                           {Py_tp_getset, getset},
                           {Py_tp_members, members},
                           {Py_tp_methods, methods},
                           {Py_tp_doc, const_cast<char*>(help::Tensor)}};
  int n = 8;
  add_number_slots(slots, &n);
  slots[n] = {0, nullptr};
  PyType_Spec spec = {"torch.Tensor", sizeof(PyTensor), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};
  TensorType = reinterpret_cast<PyTypeObject*>(need(PyType_FromSpec(&spec)));
  TensorType->tp_name = "Tensor";  // as messages name it; the module is an attribute
  Py_SET_TYPE(reinterpret_cast<PyObject*>(TensorType),
              reinterpret_cast<PyTypeObject*>(Py_NewRef(g_meta)));
  PyModule_AddObject(m, "_TensorMeta", Py_NewRef(g_meta));
  PyModule_AddObject(m, "Tensor", Py_NewRef(TensorType));
  PyModule_AddObject(m, "TensorBase", Py_NewRef(TensorType));
  PyModule_AddObject(m, "_TensorBase", Py_NewRef(TensorType));
}

namespace {
PyObject* legacy_tensor(PyObject*, PyObject* args) {  // (dtype, args, kwargs)
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    PyObject *dtype, *a, *k;
    DType d;
    if (!PyArg_ParseTuple(args, "OO!O", &dtype, &PyTuple_Type, &a, &k)) return nullptr;
    RL_CHECK_TYPE(as_dtype(dtype, &d), "expected a dtype");
    return legacy_new(TensorType, a, k == Py_None ? nullptr : k, d);
  });
}
}  // namespace
PyMethodDef legacy_def = {"_legacy_tensor", legacy_tensor, METH_VARARGS, nullptr};

}  // namespace rl::py
