// The one argument parser: Python arguments to Args by an operation's schemas, errors in PyTorch's
// words; and the Python object that an operation is, torch.add and Tensor.add alike.
#include <cstring>
#include <unordered_map>

#include "op/promote.h"
#include "python/py.h"

namespace rl::py {
namespace {

constexpr int kMaxArgs = 20;

/// What conversions need to keep alive during one call.
struct Scratch {
  Dims dims[5];  // as many as any operation takes
  Tensors tensors[6];
  std::vector<double> floats[2];
  Tensor numbers[3];
  int used_dims = 0, used_tensors = 0, used_floats = 0, used_numbers = 0;
};

bool as_tensor_list(PyObject* o, Tensors* out, bool optional) {
  if (!is_sequence(o)) return false;
  const Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyObject* item = PySequence_Fast_GET_ITEM(o, i);
    if (is_tensor(item))
      out->push_back(unwrap(item));
    else if (optional && item == Py_None)
      out->emplace_back();
    else
      return false;
  }
  return true;
}

bool tensor_number(PyObject* o, Scalar* out);

/// One argument. False: of the wrong type. Python exceptions and Errors pass through.
bool convert(PyObject* o, const Param& p, Arg& a, Scratch& s) {
  a.present = true;
  const bool none = o == Py_None;
  switch (p.kind) {
    case Kind::OptTensor:
      if (none) return a.present = false, true;
      [[fallthrough]];
    case Kind::Tensor:
      if (!is_tensor(o)) return false;
      a.tensor = &unwrap(o);
      return true;
    case Kind::OptOperand:
      if (none) return a.present = false, true;
      [[fallthrough]];
    case Kind::Operand:
      if (is_tensor(o)) {
        a.tensor = &unwrap(o);
        return true;
      }
      a.tensor = nullptr;
      return as_scalar(o, &a.number);
    case Kind::OptNumber:
      if (none) return a.present = false, true;
      [[fallthrough]];
    case Kind::Number:
      return as_scalar(o, &a.number) || tensor_number(o, &a.number);
    case Kind::OptInt:
      if (none) return a.present = false, true;
      [[fallthrough]];
    case Kind::Int:
      return as_int(o, &a.i);
    case Kind::OptFloat:
      if (none) return a.present = false, true;
      [[fallthrough]];
    case Kind::Float: {
      Scalar v;
      if (!as_scalar(o, &v) && !tensor_number(o, &v)) return false;
      if (v.kind == Scalar::Complex) return false;
      a.d = v.real();
      return true;
    }
    case Kind::OptBool:
      if (none) return a.present = false, true;
      [[fallthrough]];
    case Kind::Bool:
      if (PyBool_Check(o)) return a.i = o == Py_True, true;
      if (std::strncmp(Py_TYPE(o)->tp_name, "numpy.bool", 10) == 0)
        return a.i = PyObject_IsTrue(o), true;
      return false;
    case Kind::OptInts:
      if (none) return a.present = false, true;
      [[fallthrough]];
    case Kind::Ints: {
      Dims& d = s.dims[s.used_dims];
      int64_t one;
      if (is_sequence(o)) {
        if (!as_ints(o, &d)) return false;
      } else if (as_int(o, &one)) {
        d = {one};
      } else {
        return false;
      }
      a.dims = &d;
      ++s.used_dims;
      return true;
    }
    case Kind::Tensors:
    case Kind::OptTensors: {
      Tensors& v = s.tensors[s.used_tensors++];
      a.tensors = &v;
      return as_tensor_list(o, &v, p.kind == Kind::OptTensors);
    }
    case Kind::OptFloats:
      if (none) return a.present = false, true;
      [[fallthrough]];
    case Kind::Floats: {
      if (!is_sequence(o)) return false;
      auto& v = s.floats[s.used_floats++];
      for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); ++i) {
        Scalar x;
        if (!as_scalar(Object::borrow(PySequence_Fast_GET_ITEM(o, i)).get(), &x)) return false;
        v.push_back(x.real());
      }
      a.floats = &v;
      return true;
    }
    case Kind::OptDType:
      if (none) return a.present = false, true;
      [[fallthrough]];
    case Kind::DType: {
      DType t;
      if (!as_dtype(o, &t)) return false;
      a.i = static_cast<int64_t>(t);
      return true;
    }
    case Kind::OptDevice:
      if (none) return a.present = false, true;
      [[fallthrough]];
    case Kind::Device:
      return as_device(o, &a.device);
    case Kind::OptString:
      if (none) return a.present = false, true;
      [[fallthrough]];
    case Kind::String:
      if (!PyUnicode_Check(o)) return false;
      a.text = PyUnicode_AsUTF8(o);
      if (!a.text) throw PythonError{};
      return true;
    case Kind::Generator:
      if (none) return a.present = false, true;
      a.generator = as_generator(o);
      return a.generator != nullptr;
    case Kind::Format: {
      if (none) return a.present = false, true;
      Object name(PyObject_GetAttrString(o, "_name"));
      if (!name || !PyUnicode_Check(name.get())) return PyErr_Clear(), false;
      a.i = PyUnicode_CompareWithASCIIString(name.get(), "channels_last") == 0      ? 1
            : PyUnicode_CompareWithASCIIString(name.get(), "channels_last_3d") == 0 ? 2
                                                                                    : 0;
      return true;
    }
    case Kind::Any:
      return true;
  }
  return false;
}

bool tensor_number(PyObject* o, Scalar* out) {
  if (!is_tensor(o) || unwrap(o).dim() != 0 || unwrap(o).requires_grad()) return false;
  Object item(PyObject_CallMethod(o, "item", nullptr));
  if (!item) throw PythonError{};
  return as_scalar(item.get(), out);
}

const char* expected(Kind k) {
  switch (k) {
    case Kind::Tensor:
    case Kind::OptTensor:
    case Kind::Operand:
    case Kind::OptOperand:
      return "Tensor";
    case Kind::Number:
    case Kind::OptNumber:
      return "Number";
    case Kind::Int:
    case Kind::OptInt:
      return "int";
    case Kind::Float:
    case Kind::OptFloat:
      return "float";
    case Kind::Bool:
    case Kind::OptBool:
      return "bool";
    case Kind::Ints:
    case Kind::OptInts:
      return "tuple of ints";
    case Kind::Tensors:
    case Kind::OptTensors:
      return "tuple of Tensors";
    case Kind::Floats:
    case Kind::OptFloats:
      return "tuple of floats";
    case Kind::DType:
    case Kind::OptDType:
      return "torch.dtype";
    case Kind::Device:
    case Kind::OptDevice:
      return "torch.device";
    case Kind::String:
    case Kind::OptString:
      return "str";
    case Kind::Generator:
      return "torch.Generator";
    case Kind::Format:
      return "torch.memory_format";
    default:
      return "object";
  }
}

const char* numpy_alias(const std::string& name) {
  if (name == "dim") return "axis";
  if (name == "keepdim") return "keepdims";
  if (name == "input") return "self";
  if (name == "other") return "x2";
  return nullptr;
}

/// Tries one overload. On mismatch returns false with the reason (built only if asked for).
struct Match {
  union {  // not initialised: only as many as the schema has are written
    Arg args[kMaxArgs];
  };
  Scratch scratch;
  std::string reason;
  const int self;  // 1 for a method: its positions are counted behind self

  explicit Match(bool method) : self(method) {}
  ~Match() {}

  bool operator()(const Schema& schema, PyObject* const* args_in, size_t nargs, PyObject* kwnames,
                  PyObject* out_name) {
    const auto& params = schema.params;
    const size_t n = params.size();
    PyObject* slot[kMaxArgs];
    for (size_t i = 0; i < n; ++i) slot[i] = nullptr;
    size_t at = 0;
    PyObject* const* rest = nullptr;
    size_t rest_count = 0;
    int rest_param = -1;
    for (size_t i = 0; i < n && at < nargs; ++i) {
      const Param& p = params[i];
      if (p.keyword_only) break;
      if (p.rest && !(is_sequence(args_in[at]) && at + 1 == nargs) && p.kind != Kind::Tensors) {
        if (is_sequence(args_in[at])) {  // view((2, 3), more)
          slot[i] = args_in[at++];
          continue;
        }
        size_t end = at;
        while (end < nargs && is_size(schema, p, args_in[end], end - at)) ++end;
        if (end == at) return fail(schema, i, args_in[at], at);
        rest = args_in + at;
        rest_count = end - at;
        rest_param = static_cast<int>(i);
        at = end;
      } else {
        slot[i] = args_in[at++];
      }
    }
    if (at < nargs && rest_param >= 0) {
      reason = str(schema.name, "(): argument '", params[static_cast<size_t>(rest_param)].name,
                   "' failed to unpack the object at pos ", rest_count + 1,
                   " with error \"type must be tuple of ints,but got ",
                   Py_TYPE(args_in[at])->tp_name, "\"");
      return false;
    }
    if (at < nargs) {
      const int most = schema.positional - self;
      reason = str(schema.name, "() takes ", most, " positional argument", most == 1 ? "" : "s",
                   " but ", static_cast<int>(nargs) - self, " were given");
      return false;
    }
    const Py_ssize_t nkw = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    for (Py_ssize_t k = 0; k < nkw; ++k) {
      PyObject* key = PyTuple_GET_ITEM(kwnames, k);
      if (key == out_name) continue;
      const char* text = PyUnicode_AsUTF8(key);
      if (!text) throw PythonError{};
      size_t i = 0;
      for (; i < n; ++i) {
        if (params[i].name == text) break;
        const char* alias = numpy_alias(params[i].name);
        if (alias && !std::strcmp(alias, text)) break;
      }
      if (i == n) {
        reason = str(schema.name, "() got an unexpected keyword argument '", text, "'");
        return false;
      }
      if (slot[i] || rest_param == static_cast<int>(i)) {
        reason = str(schema.name, "() got multiple values for argument '", params[i].name, "'");
        return false;
      }
      slot[i] = args_in[nargs + static_cast<size_t>(k)];
    }
    for (size_t i = 0; i < n; ++i) {
      const Param& p = params[i];
      new (&args[i]) Arg;
      if (rest_param == static_cast<int>(i)) {
        Dims& d = scratch.dims[scratch.used_dims++];
        d.resize(static_cast<int>(rest_count));
        for (size_t k = 0; k < rest_count; ++k)
          if (!as_int(rest[k], &d[static_cast<int>(k)])) return fail(schema, i, rest[k], i);
        args[i].present = true;
        args[i].dims = &d;
      } else if (slot[i]) {
        if (!convert(slot[i], p, args[i], scratch)) return fail(schema, i, slot[i], i);
      } else if (p.has_default) {
        args[i] = p.fallback;
      } else {
        return missing(schema, p, slot);
      }
    }
    return true;
  }

  void reset() { scratch = Scratch(); }

 private:
  /// Is it an int, as one of the sizes given without brackets?
  static bool is_size(const Schema& schema, const Param& p, PyObject* o, size_t position) {
    int64_t ignored;
    try {
      return as_int(o, &ignored);
    } catch (const PythonError&) {
      if (!PyErr_ExceptionMatches(PyExc_ValueError)) throw;
      PyErr_Clear();
    }
    raise(ErrorKind::Type, schema.name, "(): argument '", p.name,
          "' failed to unpack the object at pos ", position + 1,
          " with error \"Overflow when unpacking long long\n\"");
  }
  bool missing(const Schema& schema, const Param& p, PyObject* const* slot) {
    int count = 0;  // p is the first of those that are missing
    std::string names;
    for (const Param* q = &p; q < schema.params.data() + schema.params.size(); ++q) {
      if (q->has_default || (q->rest && q != &p) || slot[q - schema.params.data()]) continue;
      names += str(count++ ? ", \"" : "\"", q->name, "\"");
    }
    reason = str(schema.name, "() missing ", count, " required positional argument",
                 count == 1 ? "s" : "", ": ", names);
    return false;
  }
  bool fail(const Schema& schema, size_t i, PyObject* got, size_t position) {
    const Param& p = schema.params[i];
    const bool list =
        (p.kind == Kind::Ints || p.kind == Kind::OptInts || p.kind == Kind::Tensors) &&
        is_sequence(got);
    if (list && PySequence_Fast_GET_SIZE(got) > 0) {
      Py_ssize_t bad = 0;
      const Object items = own(PySequence_Tuple(got));  // reading an item may change the list
      for (; bad < PyTuple_GET_SIZE(items.get()); ++bad) {
        PyObject* item = PyTuple_GET_ITEM(items.get(), bad);
        int64_t v;
        if (p.kind == Kind::Tensors ? !is_tensor(item) : !as_int(item, &v)) break;
      }
      if (bad < PyTuple_GET_SIZE(items.get())) {
        const char* found = Py_TYPE(PyTuple_GET_ITEM(items.get(), bad))->tp_name;
        if (bad > 0) {
          reason = p.kind == Kind::Tensors
                       ? str("expected Tensor as element ", bad, " in argument ",
                             static_cast<int>(position) - self, ", but got ", found)
                       : str(schema.name, "(): argument '", p.name,
                             "' failed to unpack the object at pos ", bad + 1,
                             " with error \"type must be tuple of ints,but got ", found, "\"");
          return false;
        }
        reason = str(schema.name, "(): argument '", p.name, "' (position ",
                     static_cast<int>(position) + 1 - self, ") must be ", expected(p.kind),
                     p.kind == Kind::Tensors ? "" : "", ", but found element of type ", found,
                     " at pos ", bad);
        return false;
      }
    }
    if (p.keyword_only)
      reason = str(schema.name, "(): argument '", p.name, "' must be ", expected(p.kind), ", not ",
                   Py_TYPE(got)->tp_name);
    else
      reason = str(schema.name, "(): argument '", p.name, "' (position ",
                   static_cast<int>(position) + 1 - self, ") must be ", expected(p.kind), ", not ",
                   Py_TYPE(got)->tp_name);
    return false;
  }
};

std::string type_list(PyObject* const* args, size_t nargs, PyObject* kwnames) {
  std::string s;
  for (size_t i = 0; i < nargs; ++i) s += (i ? ", " : "") + std::string(Py_TYPE(args[i])->tp_name);
  const Py_ssize_t nkw = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
  for (Py_ssize_t k = 0; k < nkw; ++k)
    s += (s.empty() ? "" : ", ") + std::string(PyUnicode_AsUTF8(PyTuple_GET_ITEM(kwnames, k))) +
         "=" + Py_TYPE(args[nargs + static_cast<size_t>(k)])->tp_name;
  return s;
}

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
  const Op& op = *reinterpret_cast<PyOp*>(self)->op;
  std::string s;
  for (const Overload& o : op.overloads) s += o.schema->text + "\n";
  return PyUnicode_FromString((s + "\n" + op.doc).c_str());
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
/// Of the forms in place, PyTorch has only these as functions.
bool method_only(const std::string& name) {
  if (name.back() != '_' || name[0] == '_') return false;
  static const std::string functions =
      " abs_ acos_ acosh_ addmv_ arccos_ arccosh_ arcsin_ arcsinh_ arctan_ arctanh_ asin_ asinh_ "
      "atan_ atanh_ ceil_ "
      "celu_ clamp_ clamp_max_ clamp_min_ clip_ conj_physical_ cos_ cosh_ deg2rad_ detach_ "
      "dropout_ embedding_renorm_ "
      "erf_ erfc_ exp2_ exp_ expm1_ feature_dropout_ fill_ fix_ floor_ frac_ i0_ index_put_ log10_ "
      "log1p_ log2_ log_ "
      "logit_ neg_ negative_ rad2deg_ reciprocal_ relu_ round_ rrelu_ rsqrt_ selu_ sigmoid_ sin_ "
      "sinc_ sinh_ sqrt_ "
      "square_ tan_ tanh_ threshold_ trunc_ xlogy_ zero_ ";
  return functions.find(" " + name + " ") == std::string::npos;
}

/// Pickled by name; operations outside the torch namespace through rushlight._utils._find_op.
PyObject* op_reduce(PyObject* self, PyObject*) {
  const Op& op = *reinterpret_cast<PyOp*>(self)->op;
  if (op.function && !method_only(op.name)) return PyUnicode_FromString(op.name.c_str());
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
    t = PyStructSequence_NewType(&desc);
  }
  return t;
}

// ---- the meta device: shapes without memory ----

bool is_meta(const Tensor& t) { return t.defined() && t.device().type == Device::Meta; }

/// A CPU tensor of the same size and dtype that costs one element.
Tensor stand_in(const Tensor& t) {
  return make_view(zeros({1}, t.dtype())->storage, t.dtype(), t.sizes(), Dims::filled(t.dim(), 0),
                   0);
}
Tensor as_meta(const Tensor& t) {
  return t.defined() ? empty(t.sizes(), t.dtype(), Device{Device::Meta, -1}) : t;
}

/// Runs an operation on stand-ins, to learn what it would return.
Result run_meta(const Op& op, const Overload& o, Arg* args) {
  GradGuard off(false);
  const size_t n = o.schema->params.size();
  std::deque<Tensor> keep;
  std::deque<Tensors> lists;
  const bool copies_out = op.name == "item" || op.name == "tolist" || op.name == "equal";
  RL_CHECK(!copies_out, "Tensor.", op.name, "() cannot be called on meta tensors");
  if (op.name == "to")
    for (size_t i = 0; i < n; ++i)
      RL_CHECK_AS(NotImplemented,
                  o.schema->params[i].kind != Kind::OptDevice || !args[i].present ||
                      args[i].device.type == Device::Meta,
                  "Cannot copy out of meta tensor; no data!");
  if (op.is_in_place && args[0].tensor && is_meta(*args[0].tensor)) return Result(*args[0].tensor);
  for (size_t i = 0; i < n; ++i) {
    const Kind k = o.schema->params[i].kind;
    if (!args[i].present) continue;
    if (k == Kind::Tensor || k == Kind::OptTensor || k == Kind::Operand || k == Kind::OptOperand) {
      if (args[i].tensor && is_meta(*args[i].tensor))
        args[i].tensor = &keep.emplace_back(stand_in(*args[i].tensor));
    } else if (k == Kind::Tensors || k == Kind::OptTensors) {
      Tensors& list = lists.emplace_back(*args[i].tensors);
      for (Tensor& t : list)
        if (is_meta(t)) t = stand_in(t);
      args[i].tensors = &list;
    }
  }
  Result r = o.invoke(o.function, args);
  if (r.shape == Result::One) r.tensor = as_meta(r.tensor);
  for (Tensor& t : r.tensors) t = as_meta(t);
  return r;
}

bool any_meta(const Schema& schema, const Arg* args) {
  for (size_t i = 0; i < schema.params.size(); ++i) {
    const Kind k = schema.params[i].kind;
    if (!args[i].present) continue;
    if (k == Kind::Tensor || k == Kind::OptTensor || k == Kind::Operand || k == Kind::OptOperand) {
      if (args[i].tensor && is_meta(*args[i].tensor)) return true;
    } else if (k == Kind::Tensors || k == Kind::OptTensors) {
      for (const Tensor& t : *args[i].tensors)
        if (is_meta(t)) return true;
    }
  }
  return false;
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
void fill_like_out(const Schema& schema, Arg* args, const Tensor& out) {
  for (size_t i = 0; i < schema.params.size(); ++i) {
    const Param& p = schema.params[i];
    if (p.name == "dtype" && i + 4 < schema.params.size() &&
        schema.params[i + 4].name == "requires_grad") {
      if (!args[i].present) to_arg(args[i], out.dtype());
      RL_CHECK(static_cast<DType>(args[i].i) == out.dtype(), "dtype ",
               info(static_cast<DType>(args[i].i)).type, " does not match dtype of out parameter (",
               info(out.dtype()).type, ")");
      if (out.numel()) call_op<"resize_">(out, Dims{0});
    } else if (p.name == "dtype" && !args[i].present && schema.name.starts_with("cum")) {
      to_arg(args[i], out.dtype());  // running sums and products are computed in the dtype of out=
    }
  }
}
}  // namespace

PyObject* call_op_object(const Op& op, PyObject* const* args, size_t nargs, PyObject* kwnames,
                         bool method) {
  PyObject* out = nullptr;
  PyObject* out_key = nullptr;
  if (kwnames && op.makes_out)
    for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(kwnames); ++k)
      if (PyUnicode_Compare(PyTuple_GET_ITEM(kwnames, k), g_out) == 0) {
        out_key = PyTuple_GET_ITEM(kwnames, k);
        out = args[nargs + static_cast<size_t>(k)];
        if (out == Py_None) out = nullptr;
      }
  Match match(method);
  std::string reasons;
  for (size_t i = 0; i < op.overloads.size(); ++i) {
    const Overload& o = op.overloads[i];
    if (i) match.reset();
    if (!match(*o.schema, args, nargs, kwnames, out_key)) {
      reasons = match.reason;
      continue;
    }
    if (out && is_tensor(out)) fill_like_out(*o.schema, match.args, unwrap(out));
    Result r = any_meta(*o.schema, match.args) ? run_meta(op, o, match.args)
                                               : o.invoke(o.function, match.args);
    if (out) return write_out(std::move(r), out, op, *o.schema, match.args);
    if (op.is_in_place && nargs && r.shape == Result::One && is_tensor(args[0]) &&
        unwrap(args[0]).same(r.tensor))
      return Py_NewRef(args[0]);
    return wrap_result(std::move(r), o.schema.get());
  }
  if (op.overloads.size() == 1) raise(ErrorKind::Type, reasons);
  std::string s = op.name + "() received an invalid combination of arguments - got (" +
                  type_list(args, nargs, kwnames) + "), but expected one of:";
  for (const Overload& o : op.overloads) s += "\n * " + o.schema->text;
  raise(ErrorKind::Type, s);
}

namespace {

/// name_ of an operation that has no in-place function of its own.
struct InPlaceOps {
  std::deque<Op> ops;
};

Result invoke_in_place_formula(void* f, const Arg* args) {
  const Formula& formula = *static_cast<const Formula*>(f);
  Operand operands[Formula::kOperands];
  Scalar scalars[4];
  for (int k = 0; k < formula.operands; ++k)
    operands[k] = args[k].tensor ? Operand(*args[k].tensor) : Operand(args[k].number);
  for (int k = 0; k < formula.scalars; ++k) scalars[k] = args[formula.operands + k].number;
  pointwise_(formula, operands, scalars);
  return Result(*operands[0].tensor);
}

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
  static auto* made = new InPlaceOps;
  Op& form = made->ops.emplace_back();
  form.name = op.name + "_";
  form.doc = op.name + ", in place.";
  form.is_in_place = true;
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
                              formula ? invoke_in_place_formula : invoke_in_place_function});
  }
  return &form;
}

void add(PyObject* dict, const std::string& name, const Op& op, bool method = false) {
  Object o(make_op(op, method));
  PyDict_SetItemString(dict, name.c_str(), o.get());
}

}  // namespace

/// Puts every operation where it appears: the function table, the class, and the name spaces.
void add_args(PyObject* m) {
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
    all.push_back(op.name);
    PyObject* table = op.nn         ? tables[0].get()
                      : op.special  ? tables[1].get()
                      : op.linalg   ? tables[2].get()
                      : op.function ? op_table.get()
                      : op.method   ? nullptr
                                    : tables[3].get();
    const Op* in_place = op.in_place && !op.is_in_place ? in_place_form(op) : nullptr;
    for (const std::string& name : all) {
      if (table && !(table == op_table.get() && method_only(name))) add(table, name, op);
      if (table == tables[3].get() && name.starts_with("_fused")) add(functions, name, op);
      if (op.method) add(TensorType->tp_dict, name, op, true);
      if (in_place && !registry().find(name + "_")) {
        if (table && !(table == op_table.get() && method_only(name + "_")))
          add(table, name + "_", *in_place);
        if (op.method) add(TensorType->tp_dict, name + "_", *in_place, true);
      }
    }
  }
  PyType_Modified(TensorType);
  PyDict_SetItemString(functions, "_functions", op_table.get());
}

}  // namespace rl::py
