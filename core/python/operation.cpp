// The Python object that an operation is, torch.add and Tensor.add alike: its call, out= and
// in-place forms, results, and the tables it stands in. Arguments are parsed in args.cpp.
#include <cstring>
#include <unordered_map>

#include "op/promote.h"
#include "ops/ops.h"
#include "python/args.h"
#include "python/py.h"

namespace rl::py {
namespace {

PyObject* g_out = nullptr;

// ---- the Python object ----

struct PyOp {
  PyObject_HEAD vectorcallfunc call;
  const Op* op;
  bool method;
};
PyTypeObject* OpType = nullptr;

PyObject* torch_function(PyObject* self, PyObject* const* args, size_t nargs, PyObject* kwnames) {
  static PyObject* dispatch = nullptr;
  if (!dispatch) {
    Object m = own(PyImport_ImportModule("rushlight.overrides"));
    dispatch = need(PyObject_GetAttrString(m.get(), "_dispatch"));
  }
  Object positional = own(PyTuple_New(static_cast<Py_ssize_t>(nargs)));
  for (size_t i = 0; i < nargs; ++i)
    PyTuple_SET_ITEM(positional.get(), static_cast<Py_ssize_t>(i), Py_NewRef(args[i]));
  Object kwargs = own(PyDict_New());
  for (Py_ssize_t k = 0; kwnames && k < PyTuple_GET_SIZE(kwnames); ++k)
    PyDict_SetItem(kwargs.get(), PyTuple_GET_ITEM(kwnames, k),
                   args[nargs + static_cast<size_t>(k)]);
  return PyObject_CallFunctionObjArgs(dispatch, self, positional.get(), kwargs.get(), nullptr);
}

bool any_torch_function(PyObject* const* args, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    PyObject* o = args[i];
    if (is_exact_tensor(o) || PyLong_Check(o) || PyFloat_Check(o) || o == Py_None) continue;
    if (has_torch_function(o)) return true;
    if (is_sequence(o))
      for (Py_ssize_t k = 0; k < PySequence_Fast_GET_SIZE(o); ++k) {
        PyObject* item = PySequence_Fast_GET_ITEM(o, k);
        if (!is_exact_tensor(item) && !PyLong_Check(item) && has_torch_function(item)) return true;
      }
  }
  return false;
}

PyObject* op_vectorcall(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const size_t nargs = static_cast<size_t>(PyVectorcall_NARGS(nargsf));
    const size_t total = nargs + (kwnames ? static_cast<size_t>(PyTuple_GET_SIZE(kwnames)) : 0);
    if (any_torch_function(args, total)) return torch_function(self, args, nargs, kwnames);
    const auto* o = reinterpret_cast<PyOp*>(self);
    return call_op_object(*o->op, args, nargs, kwnames, o->method);
  });
}

PyObject* op_descr_get(PyObject* self, PyObject* object, PyObject*) {
  if (!object || object == Py_None) return Py_NewRef(self);
  return PyMethod_New(self, object);
}
PyObject* op_repr(PyObject* self) {
  return PyUnicode_FromFormat("<built-in method %s of type object>",
                              reinterpret_cast<PyOp*>(self)->op->name.c_str());
}
PyObject* op_name(PyObject* self, void*) {
  return PyUnicode_FromString(reinterpret_cast<PyOp*>(self)->op->name.c_str());
}
PyObject* op_doc(PyObject* self, void*) {
  Object m(PyImport_ImportModule("rushlight._docs"));
  return m ? PyObject_CallMethod(m.get(), "document", "s",
                                 reinterpret_cast<PyOp*>(self)->op->name.c_str())
           : nullptr;
}
PyObject* op_signature(PyObject* self, void*) {
  const auto& text = reinterpret_cast<PyOp*>(self)->op->overloads[0].schema->text;
  return PyUnicode_FromString(text.c_str() + text.find('('));
}
PyObject* op_schemas(PyObject* self, void*) {
  const Op& op = *reinterpret_cast<PyOp*>(self)->op;
  Object list(PyList_New(0));
  for (const Overload& o : op.overloads)
    PyList_Append(list.get(), Object(PyUnicode_FromString(o.schema->text.c_str())).get());
  return list.release();
}
PyObject* op_module(PyObject*, void*) { return PyUnicode_InternFromString("torch"); }
/// Pickled by name; operations outside the torch namespace through rushlight._utils._find_op.
PyObject* op_reduce(PyObject* self, PyObject*) {
  const Op& op = *reinterpret_cast<PyOp*>(self)->op;
  if (op.function) return PyUnicode_FromString(op.name.c_str());
  Object m(PyImport_ImportModule("rushlight._utils"));
  Object find(m ? PyObject_GetAttrString(m.get(), "_find_op") : nullptr);
  return find ? Py_BuildValue("(O(s))", find.get(), op.name.c_str()) : nullptr;
}
void op_dealloc(PyObject* self) {
  PyTypeObject* t = Py_TYPE(self);
  t->tp_free(self);
  Py_DECREF(t);
}

PyGetSetDef op_getset[] = {{"__name__", op_name, nullptr, nullptr, nullptr},
                           {"__qualname__", op_name, nullptr, nullptr, nullptr},
                           {"__doc__", op_doc, nullptr, nullptr, nullptr},
                           {"__module__", op_module, nullptr, nullptr, nullptr},
                           {"__text_signature__", op_signature, nullptr, nullptr, nullptr},
                           {"_schemas", op_schemas, nullptr, nullptr, nullptr},
                           {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyMemberDef op_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(PyOp, call), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};
PyMethodDef op_methods[] = {{"__reduce__", op_reduce, METH_NOARGS, nullptr},
                            {nullptr, nullptr, 0, nullptr}};

PyObject* make_op(const Op& op, bool method) {
  auto* o = PyObject_New(PyOp, OpType);
  if (!o) throw PythonError{};
  o->call = op_vectorcall;
  o->op = &op;
  o->method = method;
  return reinterpret_cast<PyObject*>(o);
}

/// In-place and named-tuple types, made on demand.
PyTypeObject* tuple_type(const Schema& schema) {
  static auto* types = new std::unordered_map<const Schema*, PyTypeObject*>;
  PyTypeObject*& t = (*types)[&schema];
  if (!t) {
    const size_t n = schema.fields.size();
    auto* fields = new PyStructSequence_Field[n + 1]();  // lives as long as the type
    for (size_t i = 0; i < n; ++i) fields[i].name = schema.fields[i].c_str();
    auto* name = new std::string("torch.return_types." + schema.name);
    PyStructSequence_Desc desc = {name->c_str(), nullptr, fields, static_cast<int>(n)};
    t = reinterpret_cast<PyTypeObject*>(
        need(reinterpret_cast<PyObject*>(PyStructSequence_NewType(&desc))));
    const Object module = own(PyImport_ImportModule("rushlight.return_types"));
    const Object repr = own(PyObject_GetAttrString(module.get(), "_repr"));
    if (PyObject_SetAttrString(reinterpret_cast<PyObject*>(t), "__repr__", repr.get()) < 0)
      throw PythonError{};
  }
  return t;
}

}  // namespace

PyObject* wrap_result(Result&& r, const Schema* schema) {
  switch (r.shape) {
    case Result::None:
      Py_RETURN_NONE;
    case Result::One:
      return r.tensor.defined() ? wrap(r.tensor) : Py_NewRef(Py_None);
    case Result::List:
      return wrap_list(r.tensors, true);
    case Result::Tuple: {
      if (!schema || schema->fields.size() != r.tensors.size()) return wrap_list(r.tensors);
      Object t = own(PyStructSequence_New(tuple_type(*schema)));
      for (size_t i = 0; i < r.tensors.size(); ++i)
        PyStructSequence_SET_ITEM(t.get(), static_cast<Py_ssize_t>(i), wrap(r.tensors[i]));
      return t.release();
    }
    case Result::DTypeValue:
      return wrap_dtype(r.dtype);
    default:
      return wrap_scalar(r.number);
  }
}

namespace {
/// What makes a new tensor takes the dtype of out=, and may change its size freely.
void fill_like_out(const Schema& schema, Arg* args, const Tensor& out, bool sets_dtype) {
  for (size_t i = 0; i < schema.params.size(); ++i) {
    const Param& p = schema.params[i];
    if (p.name == "dtype" && i + 4 < schema.params.size() &&
        schema.params[i + 4].name == "requires_grad") {
      if (!args[i].present) to_arg(args[i], out.dtype());
      RL_CHECK(static_cast<DType>(args[i].i) == out.dtype(), "dtype ",
               info(static_cast<DType>(args[i].i)).type, " does not match dtype of out parameter (",
               info(out.dtype()).type, ")");
      if (out.numel()) call_op<"resize_">(out, Dims{0});
    } else if (p.name == "dtype" && !args[i].present && sets_dtype) {
      to_arg(args[i], out.dtype());  // running sums and products are computed in the dtype of out=
    }
  }
}
}  // namespace

PyObject* call_op_object(const Op& op, PyObject* const* args, size_t nargs, PyObject* kwnames,
                         bool method) {
  PyObject* out = nullptr;
  PyObject* out_key = nullptr;
  if (kwnames && op.makes_out && !method)
    for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(kwnames); ++k)
      if (PyUnicode_Compare(PyTuple_GET_ITEM(kwnames, k), g_out) == 0) {
        out_key = PyTuple_GET_ITEM(kwnames, k);
        out = args[nargs + static_cast<size_t>(k)];
        if (out == Py_None) out = nullptr;
      }
  Match match(method, op.overloads.size() == 1);
  for (size_t i = 0; i < op.overloads.size(); ++i) {
    const Overload& o = op.overloads[i];
    if (i) match.reset();
    if (!match(*o.schema, args, nargs, kwnames, out_key)) continue;
    if (out && is_tensor(out)) {
      if (o.invoke == invoke_formula && !op.out_apart &&
          formula_into(o.function, match.args, unwrap(out)))
        return Py_NewRef(out);
      fill_like_out(*o.schema, match.args, unwrap(out), op.out_sets_dtype);
      if (o.out_rule.always) check_out_dtype(o.out_rule, *o.out_rule.always, unwrap(out).dtype());
    }
    Result r = any_meta(*o.schema, match.args) ? run_meta(op, o, match.args)
                                               : o.invoke(o.function, match.args);
    if (out) return write_out(std::move(r), out, op, o, match.args);
    if (op.is_in_place && nargs && r.shape == Result::One && is_tensor(args[0]) &&
        unwrap(args[0]).same(r.tensor))
      return Py_NewRef(args[0]);
    return wrap_result(std::move(r), o.schema.get());
  }
  if (op.overloads.size() == 1) raise(ErrorKind::Type, match.reason);
  std::string s = op.name + "() received an invalid combination of arguments - got (" +
                  type_list(args, nargs, kwnames) + "), but expected one of:";
  for (const Overload& o : op.overloads) s += "\n * " + o.schema->text;
  raise(ErrorKind::Type, s);
}

namespace {

/// Computed aside, then written over self; recorded as a copy.
Result invoke_in_place_function(void* overload, const Arg* args) {
  const auto* o = static_cast<const Overload*>(overload);
  const Tensor self = *args[0].tensor;
  check_inplace(self, recording({&self}));
  Arg given[kMaxArgs];
  std::memcpy(static_cast<void*>(given), args, o->schema->params.size() * sizeof(Arg));
  Tensor before;  // what the gradient reads is about to be written over
  if (recording({&self})) {
    before = op_clone(self);
    given[0].tensor = &before;
  }
  Result r = o->invoke(o->function, given);
  RL_CHECK(r.shape == Result::One && r.tensor.sizes() == self.sizes(), o->schema->name,
           "_(): result of shape ", r.tensor.defined() ? r.tensor.sizes() : Dims(),
           " does not fit into self of shape ", self.sizes());
  RL_CHECK(can_cast(r.tensor.dtype(), self.dtype()), "result type ", info(r.tensor.dtype()).type,
           " can't be cast to the desired output type ", info(self.dtype()).type);
  call_copy_(self, r.tensor);
  return Result(self);
}

const Op* in_place_form(const Op& op) {
  if (const Op* own_form = registry().find(op.name + "_")) return own_form;
  static auto* made = new std::deque<Op>;
  Op& form = made->emplace_back();
  form.name = op.name + "_";
  form.doc = op.name + ", in place.";
  form.is_in_place = true;
  form.function = op.in_place_function;
  form.makes_out = false;
  for (const Overload& o : op.overloads) {
    std::vector<Kind> kinds;
    for (size_t i = 0; i < o.schema->params.size(); ++i) kinds.push_back(o.schema->params[i].kind);
    kinds[0] = Kind::Tensor;
    std::string text = o.schema->text;
    text.insert(text.find('('), "_");
    const bool formula = o.invoke == invoke_formula;
    form.overloads.push_back({std::make_unique<Schema>(text.c_str(), kinds),
                              formula ? o.function : const_cast<Overload*>(&o),
                              formula ? invoke_formula_ : invoke_in_place_function});
  }
  return &form;
}

void add(PyObject* dict, const std::string& name, const Op& op, bool method = false) {
  Object o(make_op(op, method));
  PyDict_SetItemString(dict, name.c_str(), o.get());
}

}  // namespace

namespace {
Tensor nuclear_norm_of(const Tensor& input, const Dims& dim, bool keepdim) {
  const Object module = own(PyImport_ImportModule("rushlight.linalg"));
  const Object dims = own(PyTuple_New(dim.size())), given = own(wrap(input));
  for (int i = 0; i < dim.size(); ++i)
    PyTuple_SET_ITEM(dims.get(), i, need(PyLong_FromLongLong(dim[i])));
  const Object norm = own(PyObject_CallMethod(module.get(), "matrix_norm", "OsOO", given.get(),
                                              "nuc", dims.get(), keepdim ? Py_True : Py_False));
  return unwrap(norm.get());
}
}  // namespace

/// Puts every operation where it appears: the function table, the class, and the name spaces.
void add_operations(PyObject* m) {
  nuclear_norm = nuclear_norm_of;
  g_out = PyUnicode_InternFromString("out");
  PyType_Slot slots[] = {{Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                         {Py_tp_descr_get, reinterpret_cast<void*>(op_descr_get)},
                         {Py_tp_repr, reinterpret_cast<void*>(op_repr)},
                         {Py_tp_dealloc, reinterpret_cast<void*>(op_dealloc)},
                         {Py_tp_getset, op_getset},
                         {Py_tp_members, op_members},
                         {Py_tp_methods, op_methods},
                         {0, nullptr}};
  PyType_Spec spec = {
      "torch.builtin_function", sizeof(PyOp), 0,
      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR, slots};
  OpType = reinterpret_cast<PyTypeObject*>(need(PyType_FromSpec(&spec)));
  PyObject* functions = PyModule_GetDict(m);
  Object tables[4];
  const char* names[] = {"_nn", "_special", "_linalg", "_hidden"};
  for (int i = 0; i < 4; ++i) {
    Object sub = own(PyModule_New((std::string("rushlight._C.") + names[i]).c_str()));
    PyModule_AddObject(m, names[i], Py_NewRef(sub.get()));
    tables[i] = Object::borrow(PyModule_GetDict(sub.get()));
  }
  Object op_table = own(PyDict_New());  // torch.name functions
  for (const Op& op : registry().all()) {
    std::vector<std::string> all = op.aliases;
    all.insert(all.begin() + static_cast<int64_t>(op.in_place_aliases), op.name);
    PyObject* table = op.nn         ? tables[0].get()
                      : op.special  ? tables[1].get()
                      : op.linalg   ? tables[2].get()
                      : op.function ? op_table.get()
                      : op.method   ? nullptr
                                    : tables[3].get();
    const Op* in_place = op.in_place && !op.is_in_place ? in_place_form(op) : nullptr;
    for (size_t i = 0; i < all.size(); ++i) {
      const std::string& name = all[i];
      if (table) add(table, name, op);
      if (table == tables[3].get() && name.starts_with("_fused")) add(functions, name, op);
      if (op.method) add(TensorType->tp_dict, name, op, true);
      if (in_place && !registry().find(name + "_")) {
        const bool function = in_place->function && i <= op.in_place_aliases;
        if (table && (table != op_table.get() || function)) add(table, name + "_", *in_place);
        if (op.method) add(TensorType->tp_dict, name + "_", *in_place, true);
      }
    }
  }
  PyType_Modified(TensorType);
  PyDict_SetItemString(functions, "_functions", op_table.get());
}

}  // namespace rl::py
