// The one argument parser: Python arguments to Args by an operation's schemas, errors in PyTorch's
// words.
#include "python/args.h"

#include <cstring>

namespace rl::py {
namespace {

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
      Dims& d = s.dims.next();
      int64_t one;
      if (is_sequence(o)) {
        if (!as_ints(o, &d)) return false;
      } else if (as_int(o, &one)) {
        d = {one};
      } else {
        return false;
      }
      a.dims = &d;
      return true;
    }
    case Kind::Tensors:
    case Kind::OptTensors: {
      Tensors& v = s.tensors.next();
      a.tensors = &v;
      return as_tensor_list(o, &v, p.kind == Kind::OptTensors);
    }
    case Kind::OptFloats:
      if (none) return a.present = false, true;
      [[fallthrough]];
    case Kind::Floats: {
      if (!is_sequence(o)) return false;
      auto& v = s.floats.next();
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
      const auto is = [&](const char* s) {
        return PyUnicode_CompareWithASCIIString(name.get(), s) == 0;
      };
      a.i = static_cast<int64_t>(is("channels_last")       ? Format::ChannelsLast
                                 : is("channels_last_3d")  ? Format::ChannelsLast3d
                                 : is("contiguous_format") ? Format::Contiguous
                                                           : Format::Preserve);
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

/// May a parameter be called so as well? NumPy's names, and PyTorch's older ones.
bool is_alias(const std::string& name, std::string_view text) {
  if (name == "dim") return text == "axis";
  if (name == "keepdim") return text == "keepdims";
  if (name == "input") return text == "self" || text == "x" || text == "a" || text == "x1";
  return name == "other" && text == "x2";
}

/// Is it an int, as one of the sizes given without brackets?
bool is_size(const Schema& schema, const Param& p, PyObject* o, size_t position) {
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

}  // namespace

bool Match::operator()(const Schema& schema, PyObject* const* args_in, size_t nargs,
                       PyObject* kwnames, PyObject* out_name) {
  const auto& params = schema.params;
  const size_t n = params.size();
  PyObject* slot[kMaxArgs];
  size_t at = 0, next = 0;  // of the arguments and of the parameters
  PyObject* const* rest = nullptr;
  size_t rest_count = 0;
  int rest_param = -1;
  for (; next < n && at < nargs && !params[next].keyword_only; ++next) {
    const Param& p = params[next];
    slot[next] = nullptr;
    if (p.rest && !(is_sequence(args_in[at]) && at + 1 == nargs) && p.kind != Kind::Tensors) {
      if (is_sequence(args_in[at])) {  // view((2, 3), more)
        slot[next] = args_in[at++];
        continue;
      }
      size_t end = at;
      while (end < nargs && is_size(schema, p, args_in[end], end - at)) ++end;
      if (end == at) return fail(schema, next, args_in[at], at);
      rest = args_in + at;
      rest_count = end - at;
      rest_param = static_cast<int>(next);
      at = end;
    } else {
      slot[next] = args_in[at++];
    }
  }
  for (; next < n; ++next) slot[next] = nullptr;
  if (at < nargs && rest_param >= 0) {
    if (explain)
      reason = str(schema.name, "(): argument '", params[static_cast<size_t>(rest_param)].name,
                   "' failed to unpack the object at pos ", rest_count + 1,
                   " with error \"type must be tuple of ints,but got ",
                   Py_TYPE(args_in[at])->tp_name, "\"");
    return false;
  }
  if (at < nargs) {
    const int most = schema.positional - self;
    if (explain)
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
      if (is_alias(params[i].name, text)) break;
    }
    if (i == n) {
      if (explain) reason = str(schema.name, "() got an unexpected keyword argument '", text, "'");
      return false;
    }
    if (slot[i] || rest_param == static_cast<int>(i)) {
      if (explain)
        reason = str(schema.name, "() got multiple values for argument '", params[i].name, "'");
      return false;
    }
    slot[i] = args_in[nargs + static_cast<size_t>(k)];
  }
  for (size_t i = 0; i < n; ++i) {
    const Param& p = params[i];
    new (&args[i]) Arg;
    if (rest_param == static_cast<int>(i)) {
      Dims& d = scratch.dims.next();
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

bool Match::missing(const Schema& schema, const Param& p, PyObject* const* slot) {
  if (!explain) return false;
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

bool Match::fail(const Schema& schema, size_t i, PyObject* got, size_t position) {
  if (!explain) return false;
  const Param& p = schema.params[i];
  const bool list = (p.kind == Kind::Ints || p.kind == Kind::OptInts || p.kind == Kind::Tensors) &&
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

std::string type_list(PyObject* const* args, size_t nargs, PyObject* kwnames) {
  std::string s;
  for (size_t i = 0; i < nargs; ++i) s += (i ? ", " : "") + std::string(Py_TYPE(args[i])->tp_name);
  const Py_ssize_t nkw = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
  for (Py_ssize_t k = 0; k < nkw; ++k)
    s += (s.empty() ? "" : ", ") + std::string(PyUnicode_AsUTF8(PyTuple_GET_ITEM(kwnames, k))) +
         "=" + Py_TYPE(args[nargs + static_cast<size_t>(k)])->tp_name;
  return s;
}

}  // namespace rl::py
