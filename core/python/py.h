// The binding layer's common ground: owning references, error translation, and the Python types.
// Only core/python includes Python.
#pragma once
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <utility>

#include "op/call.h"

namespace rl::py {

/// An owned reference.
class Object {
 public:
  Object() = default;
  explicit Object(PyObject* owned) : p_(owned) {}
  static Object borrow(PyObject* p) {
    Py_XINCREF(p);
    return Object(p);
  }
  Object(const Object& o) : p_(o.p_) { Py_XINCREF(p_); }
  Object(Object&& o) noexcept : p_(std::exchange(o.p_, nullptr)) {}
  Object& operator=(Object o) noexcept {
    std::swap(p_, o.p_);
    return *this;
  }
  ~Object() { Py_XDECREF(p_); }
  PyObject* get() const { return p_; }
  PyObject* release() { return std::exchange(p_, nullptr); }
  explicit operator bool() const { return p_ != nullptr; }

 private:
  PyObject* p_ = nullptr;
};

/// The result of a C API call, or the Python exception as PythonError.
inline PyObject* need(PyObject* p) {
  if (!p) throw PythonError{};
  return p;
}
/// A UserWarning; where warnings are errors, that exception.
inline void warn_user(const char* text) {
  if (PyErr_WarnEx(PyExc_UserWarning, text, 1) < 0) throw PythonError{};
}
inline Object own(PyObject* p) { return Object(need(p)); }

/// Sets the Python exception for whatever is being thrown; call in a catch block.
void set_python_error() noexcept;

/// Runs f; a C++ error becomes the Python exception and `fail` the result.
template <class R, class F>
R guarded(R fail, F&& f) noexcept {
  try {
    return f();
  } catch (...) {
    set_python_error();
    return fail;
  }
}

// ---- the Python types ----

struct PyTensor {
  PyObject_HEAD Tensor tensor;
  PyObject* dict;
  PyObject* weakrefs;
};
extern PyTypeObject* TensorType;
extern PyTypeObject* ParameterType;  // set from Python; may be null

inline bool is_exact_tensor(PyObject* o) {
  return Py_TYPE(o) == TensorType || Py_TYPE(o) == ParameterType;
}
inline bool is_tensor(PyObject* o) {
  return Py_TYPE(o) == TensorType || PyType_IsSubtype(Py_TYPE(o), TensorType);
}
inline const Tensor& unwrap(PyObject* o) { return reinterpret_cast<PyTensor*>(o)->tensor; }
/// The same with a check, for functions that anything can be passed to: TypeError.
inline const Tensor& tensor_of(PyObject* o) {
  RL_CHECK_TYPE(is_tensor(o), "expected a Tensor, not ", Py_TYPE(o)->tp_name);
  return unwrap(o);
}
/// The one Python object of a tensor: the same each time while either lives.
PyObject* wrap(const Tensor& t);
PyObject* wrap_as(PyTypeObject* type, const Tensor& t);
PyObject* wrap_list(const Tensors& v, bool list = false);
/// Must a call with this argument go to __torch_function__?
bool has_torch_function(PyObject* o);

PyObject* wrap_dtype(DType t);
bool as_dtype(PyObject* o, DType* out);  // torch.dtype, or Python's bool, int, float, complex
PyObject* wrap_device(const Device& d);
bool as_device(PyObject* o, Device* out);  // torch.device, "cuda:0", 0; raises on bad text
PyObject* wrap_size(const Dims& d);        // torch.Size
PyObject* wrap_scalar(const Scalar& s);
/// Tensor x seen anew: the same memory and history, another tensor (AliasBackward0).
Tensor alias_view(const Tensor& t);
bool as_scalar(PyObject* o, Scalar* out);  // Python and NumPy numbers; not tensors
bool as_int(PyObject* o, int64_t* out);    // anything with __index__, 0-d integer tensors
bool as_ints(PyObject* o, Dims* out);      // a sequence of such
bool is_sequence(PyObject* o);             // tuple or list
cpu::Generator* as_generator(PyObject* o);
PyObject* wrap_node(const Ref<Node>& n);  // grad_fn
/// The garbage collector's view of a tensor's hooks, grad and node.
int visit_autograd(const Tensor& t, visitproc visit, void* arg);
void clear_autograd(const Tensor& t);

extern PyTypeObject *SizeType, *DTypeType, *DeviceType;

// ---- parts of the module, each in its own file ----

void add_types(PyObject* m);
void add_tensor(PyObject* m);
void add_operations(PyObject* m);
void add_data(PyObject* m);
void add_dlpack(PyObject* m);
void add_storage(PyObject* m);
void add_autograd(PyObject* m);
void add_function(PyObject* m);
void add_expr(PyObject* m);
void add_number_slots(PyType_Slot* slots, int* n);

PyObject* get_item(PyObject* self, PyObject* index);
int set_item(PyObject* self, PyObject* index, PyObject* value);
/// A tensor of Python data: numbers, nested sequences, arrays. dtype empty: inferred.
Tensor tensor_from(PyObject* data, OptDType dtype, bool copy);
/// Calls an operation from Python arguments: what torch.name(...) does.
PyObject* call_op_object(const Op& op, PyObject* const* args, size_t nargs, PyObject* kwnames,
                         bool method = false);
PyObject* wrap_result(Result&& r, const Schema* schema);
/// Raises if results of one dtype may not be written to a tensor of another.
void check_out_dtype(const OutRule& rule, DType wanted, DType given);
/// out= of the composites in Python.
void write_out(const char* name, PyObject* out, const Tensor& value, const OutRule& rule);
/// out=: the result, already computed from `args`, is written where it was asked for.
PyObject* write_out(Result&& r, PyObject* out, const Op& op, const Overload& overload,
                    const Arg* args);

}  // namespace rl::py
