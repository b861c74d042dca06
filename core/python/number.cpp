// Tensor's operators: a + b goes straight to the formula, without the argument parser.
#include "op/promote.h"
#include "python/py.h"

namespace rl::py {
namespace {

const Formula* formula(const char* name) { return registry().find(name)->formula.get(); }

/// A tensor or a number; false for anything else.
bool operand(PyObject* o, Operand* out, bool* overridden) {
  if (is_exact_tensor(o)) {
    out->tensor = &unwrap(o);
    return true;
  }
  if (PyFloat_CheckExact(o)) {
    out->number = Scalar(PyFloat_AS_DOUBLE(o));
    return true;
  }
  if (has_torch_function(o)) *overridden = true;
  if (is_tensor(o)) {
    out->tensor = &unwrap(o);
    return true;
  }
  return as_scalar(o, &out->number);
}

PyObject* call_by_name(const char* name, PyObject* a, PyObject* b) {
  Object f = own(PyObject_GetAttrString(reinterpret_cast<PyObject*>(TensorType), name));
  return b ? PyObject_CallFunctionObjArgs(f.get(), a, b, nullptr)
           : PyObject_CallFunctionObjArgs(f.get(), a, nullptr);
}

/// torch.add(a, b) through the general path, when somebody overrides __torch_function__.
PyObject* overridden_call(const char* name, PyObject* a, PyObject* b) {
  static PyObject* table = nullptr;
  if (!table) {
    Object m = own(PyImport_ImportModule("rushlight._C"));
    table = need(PyObject_GetAttrString(m.get(), "_functions"));
  }
  PyObject* f = PyDict_GetItemString(table, name);
  if (!f) return call_by_name(name, a, b);
  return b ? PyObject_CallFunctionObjArgs(f, a, b, nullptr)
           : PyObject_CallFunctionObjArgs(f, a, nullptr);
}

const Scalar kOne[] = {Scalar(1)};

template <FixedString Name>
PyObject* binary(PyObject* a, PyObject* b) {
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    static const Formula* f = formula(Name.text);
    Operand in[2];
    bool overridden = false;
    if (!operand(a, &in[0], &overridden) || !operand(b, &in[1], &overridden)) {
      if (overridden) return overridden_call(Name.text, a, b);
      Py_RETURN_NOTIMPLEMENTED;
    }
    if (overridden) return overridden_call(Name.text, a, b);
    return wrap(pointwise(*f, in, kOne));
  });
}

/// a - b where a is a number is rsub, for its name in the graph.
PyObject* subtract(PyObject* a, PyObject* b) {
  if (is_tensor(a) || !is_exact_tensor(b)) return binary<"sub">(a, b);
  return binary<"rsub">(b, a);
}

PyObject* divide(PyObject* a, PyObject* b) {
  if (is_tensor(a) || !is_exact_tensor(b)) return binary<"div">(a, b);
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {  // 1 / x: reciprocal times the number
    Scalar s;
    if (!as_scalar(a, &s)) Py_RETURN_NOTIMPLEMENTED;
    return wrap(call_op<"mul">(call_op<"reciprocal">(unwrap(b)), s));
  });
}

template <FixedString Name>
PyObject* in_place(PyObject* a, PyObject* b) {
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    static const Formula* f = formula(Name.text);
    Operand in[2];
    bool overridden = false;
    if (!is_tensor(a) || !operand(a, &in[0], &overridden) || !operand(b, &in[1], &overridden))
      Py_RETURN_NOTIMPLEMENTED;
    if (overridden) return overridden_call(str(Name.text, '_').c_str(), a, b);
    pointwise_(*f, in, kOne);
    return Py_NewRef(a);
  });
}

template <FixedString Name>
PyObject* unary(PyObject* a) {
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    if (has_torch_function(a)) return overridden_call(Name.text, a, nullptr);
    return wrap(call_op<Name>(unwrap(a)));
  });
}

PyObject* invert(PyObject* a) {
  if (is_integral(unwrap(a).dtype()) || has_torch_function(a)) return unary<"bitwise_not">(a);
  PyErr_SetString(PyExc_TypeError,
                  "~ (operator.invert) is only implemented on integer and Boolean-type tensors");
  return nullptr;
}

/// Operators that are operations with more to decide than one formula: **, @, ~, +.
template <FixedString Name>
PyObject* general(PyObject* a, PyObject* b) {
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    static const Op* op = registry().find(Name.text);
    PyObject* args[] = {a, b};
    Operand in[2];
    bool overridden = false;
    if (!operand(a, &in[0], &overridden) || !operand(b, &in[1], &overridden)) {
      if (overridden) return overridden_call(Name.text, a, b);
      Py_RETURN_NOTIMPLEMENTED;
    }
    if (overridden) return overridden_call(Name.text, a, b);
    if (std::string_view(Name.text) == "matmul" && !(in[0].tensor && in[1].tensor))
      Py_RETURN_NOTIMPLEMENTED;
    return call_op_object(*op, args, 2, nullptr);
  });
}
PyObject* power(PyObject* a, PyObject* b, PyObject*) { return general<"pow">(a, b); }
PyObject* power_in_place(PyObject* a, PyObject* b, PyObject*) { return general<"pow_">(a, b); }

PyObject* compare(PyObject* a, PyObject* b, int op) {
  switch (op) {
    case Py_LT:
      return binary<"lt">(a, b);
    case Py_LE:
      return binary<"le">(a, b);
    case Py_GT:
      return binary<"gt">(a, b);
    case Py_GE:
      return binary<"ge">(a, b);
    case Py_EQ:
      return binary<"eq">(a, b);
    default:
      return binary<"ne">(a, b);
  }
}

int truth(PyObject* self) {
  return guarded(-1, [&] {
    const Tensor& t = unwrap(self);
    RL_CHECK(t.numel() != 0, "Boolean value of Tensor with no values is ambiguous");
    RL_CHECK(t.numel() == 1,
             "Boolean value of Tensor with more than one value is ambiguous"
             "\nwhy: the tensor has size ",
             t.sizes(),
             ", and only one element can be true or false."
             "\nfix: say what you mean with .any() or .all().");
    return invoke_with_defaults(
               *registry().find("item"),
               [&] {
                 static Arg a[1];
                 to_arg(a[0], t);
                 return a;
               }(),
               1)
                   .number.boolean()
               ? 1
               : 0;
  });
}

Scalar item_of(PyObject* self, const char* what) {
  const Tensor& t = unwrap(self);
  RL_CHECK_AS(Type, t.numel() == 1, "only ", what,
              " tensors with one element can be converted to Python scalars");
  Arg a[1];
  to_arg(a[0], t);
  return invoke_with_defaults(*registry().find("item"), a, 1).number;
}
Scalar one_item(PyObject* self) {
  const Tensor& t = unwrap(self);
  RL_CHECK_VALUE(t.numel() == 1, "only one element tensors can be converted to Python scalars");
  Arg a[1];
  to_arg(a[0], t);
  return invoke_with_defaults(*registry().find("item"), a, 1).number;
}
PyObject* to_float(PyObject* self) {
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const Scalar s = one_item(self);
    RL_CHECK(s.kind != Scalar::Complex || s.imag() == 0,
             "value cannot be converted to type double without overflow");
    return PyFloat_FromDouble(s.real());
  });
}
PyObject* to_int(PyObject* self) {
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const Scalar s = one_item(self);
    if (s.is_integral()) return PyLong_FromLongLong(s.integer());
    return PyLong_FromDouble(s.real());
  });
}
PyObject* to_index(PyObject* self) {
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const Tensor& t = unwrap(self);
    RL_CHECK_TYPE(t.numel() == 1 && is_integral(t.dtype()),
                  "only integer tensors of a single element can be converted to an index");
    return PyLong_FromLongLong(item_of(self, "integer").integer());
  });
}

Py_ssize_t length(PyObject* self) {
  return guarded<Py_ssize_t>(-1, [&] {
    const Tensor& t = unwrap(self);
    RL_CHECK_TYPE(t.dim() > 0, "len() of a 0-d tensor");
    return static_cast<Py_ssize_t>(t.size(0));
  });
}
PyObject* iterate(PyObject* self) {
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const Tensor& t = unwrap(self);
    RL_CHECK_TYPE(t.dim() > 0, "iteration over a 0-d tensor");
    static const Op* unbind = registry().find("unbind");
    Arg a[4];
    to_arg(a[0], t);
    Object list(wrap_list(invoke_with_defaults(*unbind, a, 1).tensors));
    return PyObject_GetIter(list.get());
  });
}
Py_hash_t hash(PyObject* self) {
  return static_cast<Py_hash_t>(reinterpret_cast<intptr_t>(self) >> 4);
}

}  // namespace

void add_number_slots(PyType_Slot* s, int* n) {
  const auto add = [&](int slot, auto f) { s[(*n)++] = {slot, reinterpret_cast<void*>(f)}; };
  add(Py_nb_add, binary<"add">);
  add(Py_nb_subtract, subtract);
  add(Py_nb_multiply, binary<"mul">);
  add(Py_nb_true_divide, divide);
  add(Py_nb_floor_divide, binary<"floor_divide">);
  add(Py_nb_remainder, binary<"remainder">);
  add(Py_nb_and, binary<"bitwise_and">);
  add(Py_nb_or, binary<"bitwise_or">);
  add(Py_nb_xor, binary<"bitwise_xor">);
  add(Py_nb_lshift, binary<"bitwise_left_shift">);
  add(Py_nb_rshift, binary<"bitwise_right_shift">);
  add(Py_nb_inplace_add, in_place<"add">);
  add(Py_nb_inplace_subtract, in_place<"sub">);
  add(Py_nb_inplace_multiply, in_place<"mul">);
  add(Py_nb_inplace_true_divide, in_place<"div">);
  add(Py_nb_inplace_floor_divide, in_place<"floor_divide">);
  add(Py_nb_inplace_remainder, in_place<"remainder">);
  add(Py_nb_inplace_and, in_place<"bitwise_and">);
  add(Py_nb_inplace_or, in_place<"bitwise_or">);
  add(Py_nb_inplace_xor, in_place<"bitwise_xor">);
  add(Py_nb_inplace_lshift, in_place<"bitwise_left_shift">);
  add(Py_nb_inplace_rshift, in_place<"bitwise_right_shift">);
  add(Py_nb_power, power);
  add(Py_nb_inplace_power, power_in_place);
  add(Py_nb_matrix_multiply, general<"matmul">);
  add(Py_nb_negative, unary<"neg">);
  add(Py_nb_positive, unary<"positive">);
  add(Py_nb_absolute, unary<"abs">);
  add(Py_nb_invert, invert);
  add(Py_nb_bool, truth);
  add(Py_nb_float, to_float);
  add(Py_nb_int, to_int);
  add(Py_nb_index, to_index);
  add(Py_tp_richcompare, compare);
  add(Py_tp_hash, hash);
  add(Py_tp_iter, iterate);
  add(Py_mp_length, length);
  add(Py_mp_subscript, get_item);
  add(Py_mp_ass_subscript, set_item);
}

}  // namespace rl::py
