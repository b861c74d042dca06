// x[...]: Python index expressions as views and advanced indexing.
#include "ops/ops.h"
#include "python/py.h"
#include "tensor/layout.h"

namespace rl::py {
namespace {

/// What an index expression comes to: a view, and index tensors by its dimensions (undefined:
/// whole).
struct Plan {
  Tensor view;
  Tensors indices;
  bool advanced() const {
    for (const Tensor& t : indices)
      if (t.defined()) return true;
    return false;
  }
};

/// A list or an array; NumPy's scalars are numbers.
bool is_index_list(PyObject* o) {
  return PyList_Check(o) ||
         (!is_tensor(o) && PySequence_Check(o) && PyObject_HasAttrString(o, "__array_interface__"));
}

bool is_mask(const Tensor& t) { return t.dtype() == DType::Bool || t.dtype() == DType::U8; }

int consumed(PyObject* item) {  // dimensions of self an item uses up
  if (item == Py_None || item == Py_Ellipsis || PyBool_Check(item)) return 0;
  if (is_tensor(item)) {
    const Tensor& t = unwrap(item);
    if (t.dtype() == DType::Bool || t.dtype() == DType::U8) return t.dim();
  }
  return 1;
}

OptInt bound(PyObject* o) {
  if (o == Py_None) return std::nullopt;
  int64_t v;
  if (!as_int(o, &v)) {
    PyErr_SetString(PyExc_TypeError,
                    "slice indices must be integers or None or have an __index__ method");
    throw PythonError{};
  }
  return v;
}

Tensor apply_slice(const Tensor& t, int dim, PyObject* item) {
  auto* s = reinterpret_cast<PySliceObject*>(item);
  const OptInt step = bound(s->step);
  RL_CHECK_VALUE(!step || *step != 0, "slice step cannot be zero");
  RL_CHECK_VALUE(!step || *step > 0, "step must be greater than zero");
  const OptInt start = bound(s->start), stop = bound(s->stop);
  if (!start && !stop && !step) return t;
  return slice(t, dim, start, stop, step.value_or(1));
}

Plan make_plan(const Tensor& self, PyObject* const* items, Py_ssize_t n) {
  Plan plan;
  plan.view = self;
  int known = 0;
  bool expanded = false;  // the first ellipsis stands for all that is left
  for (Py_ssize_t i = 0; i < n; ++i) known += consumed(items[i]);
  RL_CHECK_INDEX(self.dim() > 0 || known == 0 || !PyIndex_Check(items[0]) || is_tensor(items[0]),
                 "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or "
                 "`tensor.item<T>()` in C++ to convert a 0-dim tensor to a number");
  RL_CHECK_INDEX(known <= self.dim(), "too many indices for tensor of dimension ", self.dim());
  int dim = 0, extra = 0;  // extra: dimensions that masks use beyond their one place in the list
  int source = 0;          // the same place as dim, in self
  const auto put = [&](const Tensor& index) {
    plan.indices.resize(static_cast<size_t>(dim - extra) + 1);
    plan.indices[static_cast<size_t>(dim - extra)] = index;
    if (is_mask(index)) extra += index.dim() - 1;
  };
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyObject* item = items[i];
    if (item == Py_Ellipsis) {
      const int rest = expanded ? 0 : self.dim() - known;
      expanded = true;
      dim += rest;
      source += rest;
    } else if (item == Py_None) {
      plan.view = unsqueeze(plan.view, dim++);
    } else if (PyBool_Check(item)) {
      plan.view = unsqueeze(plan.view, dim);
      put(full({1}, Scalar(item == Py_True), DType::Bool));
      ++dim;
    } else if (PySlice_Check(item)) {
      RL_CHECK_INDEX(dim < plan.view.dim(), "too many indices for tensor of dimension ",
                     self.dim());
      plan.view = apply_slice(plan.view, dim++, item);
      ++source;
    } else if (is_tensor(item)) {
      const Tensor& t = unwrap(item);
      RL_CHECK_INDEX(is_integral(t.dtype()),
                     "tensors used as indices must be long, int, byte or bool tensors");
      const bool mask = t.dtype() == DType::Bool || t.dtype() == DType::U8;
      if (t.dim() == 0 && mask) {
        plan.view = unsqueeze(plan.view, dim);
        put(reshape(t, {1}));
        ++dim;
      } else if (t.dim() == 0) {
        int64_t v = 0;
        as_int(item, &v);
        plan.view = select(plan.view, dim, v);
        ++source;
      } else {
        put(t);
        dim += mask ? t.dim() : 1;
        source += mask ? t.dim() : 1;
      }
    } else if (int64_t v; !is_index_list(item) && as_int(item, &v)) {
      RL_CHECK_INDEX(dim < plan.view.dim(), "too many indices for tensor of dimension ",
                     self.dim());
      const int64_t size = plan.view.size(dim);
      RL_CHECK_INDEX(v >= -size && v < size, "index ", v, " is out of bounds for dimension ",
                     source, " with size ", size);
      plan.view = select(plan.view, dim, v);
      ++source;
    } else if (is_index_list(item) || PyTuple_Check(item)) {
      Tensor t = tensor_from(item, std::nullopt, true);
      if (t.numel() == 0 && !is_integral(t.dtype())) t = empty(t.sizes(), DType::I64);
      RL_CHECK_INDEX(is_integral(t.dtype()),
                     "tensors used as indices must be long, int, byte or bool tensors");
      const bool mask = t.dtype() == DType::Bool;
      put(t);
      dim += mask ? t.dim() : 1;
      source += mask ? t.dim() : 1;
    } else {
      RL_CHECK_TYPE(!PyUnicode_Check(item), "new(): invalid data type 'str'");
      raise(ErrorKind::Index,
            "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are "
            "valid indices (got ",
            Py_TYPE(item)->tp_name, ")");
    }
  }
  return plan;
}

/// Is a list one index, or (as NumPy once had it) a tuple of indices? A sequence with slices, None,
/// ellipses, tensors or sequences in it is a tuple.
bool as_tuple(PyObject* index) {
  if (PyTuple_Check(index)) return true;
  if (!PyList_Check(index) && !PyUnicode_Check(index)) return false;
  const Py_ssize_t n = PySequence_Size(index);
  if (n >= 32) return false;
  for (Py_ssize_t i = 0; i < n; ++i) {
    const Object held = own(PySequence_GetItem(index, i));
    PyObject* item = held.get();
    if (PySlice_Check(item) || item == Py_None || item == Py_Ellipsis || is_tensor(item) ||
        PySequence_Check(item)) {
      warn_user(
          "Using a non-tuple sequence for multidimensional indexing is deprecated and will be "
          "changed in pytorch 2.9; use x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will "
          "be interpreted as tensor index, x[torch.tensor(seq)], which will result either in an "
          "error or a different result");
      return true;
    }
  }
  return false;
}

Plan plan_of(const Tensor& self, PyObject* index) {
  if (as_tuple(index)) {
    const Object items = own(PySequence_Tuple(index));  // a list may change while it is read
    return make_plan(self, PySequence_Fast_ITEMS(items.get()), PyTuple_GET_SIZE(items.get()));
  }
  return make_plan(self, &index, 1);
}

PyObject* overridden(const char* method, PyObject* self, PyObject* index, PyObject* value) {
  Object m = own(PyImport_ImportModule("rushlight.overrides"));
  return PyObject_CallMethod(m.get(), "_dispatch_method", value ? "sOOO" : "sOO", method, self,
                             index, value);
}

}  // namespace

PyObject* get_item(PyObject* self, PyObject* index) {
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    if (!is_exact_tensor(self) && has_torch_function(self))
      return overridden("__getitem__", self, index, nullptr);
    const Tensor& t = unwrap(self);
    if (PyLong_CheckExact(index) && t.dim() > 0) {  // the commonest case
      int64_t v;
      as_int(index, &v);
      const int64_t size = t.size(0);
      RL_CHECK_INDEX(v >= -size && v < size, "index ", v,
                     " is out of bounds for dimension 0 with size ", size);
      return wrap(select(t, 0, v));
    }
    Plan plan = plan_of(t, index);
    if (!plan.advanced()) {
      if (plan.view.same(t)) plan.view = t.dim() ? call_op<"slice">(t) : alias_view(t);
      return wrap(plan.view);
    }
    static const Op* op = registry().find("_index_tensors");
    RL_CHECK(op, "advanced indexing is not available");
    Arg args[2];
    to_arg(args[0], plan.view);
    to_arg(args[1], plan.indices);
    return wrap(invoke_with_defaults(*op, args, 2).tensor);
  });
}

int set_item(PyObject* self, PyObject* index, PyObject* value) {
  return guarded(-1, [&]() -> int {
    RL_CHECK_TYPE(value, "Tensor does not support deleting items");
    if ((!is_exact_tensor(self) && has_torch_function(self)) ||
        (!is_exact_tensor(value) && has_torch_function(value))) {
      Object r = own(overridden("__setitem__", self, index, value));
      return 0;
    }
    const Tensor& t = unwrap(self);
    Scalar number;
    Tensor source;
    if (is_tensor(value)) {
      source = unwrap(value);
    } else if (as_scalar(value, &number)) {
      source = scalar_tensor(number, t.dtype());
    } else if (is_sequence(value) || PyObject_HasAttrString(value, "__array_interface__")) {
      source = tensor_from(value, t.dtype(), true);
    } else {
      raise(ErrorKind::Type, "can't assign a ", Py_TYPE(value)->tp_name, " to a torch.",
            info(t.dtype()).type, "Tensor");
    }
    const bool from_meta = source.device().type == Device::Meta;
    RL_CHECK_AS(NotImplemented, !from_meta || t.device().type == Device::Meta,
                "Cannot copy out of meta tensor; no data!");
    const Plan plan = plan_of(t, index);
    if (plan.advanced()) {
      static const Op* op = registry().find("index_put_");
      RL_CHECK(op, "advanced indexing is not available");
      if (source.dtype() != t.dtype()) source = call_to(source, t.dtype());
      Arg args[4];
      to_arg(args[0], plan.view);
      to_arg(args[1], plan.indices);
      to_arg(args[2], source);
      to_arg(args[3], false);
      invoke_with_defaults(*op, args, 4);
      return 0;
    }
    // Leading dimensions of size 1 of the source that the target lacks do not matter.
    while (source.dim() > plan.view.dim() && source.size(0) == 1) source = select(source, 0, 0);
    RL_CHECK(source.dim() <= plan.view.dim(), "shape mismatch: value tensor of shape ",
             source.sizes(), " cannot be broadcast to indexing result of shape ",
             plan.view.sizes());
    if (!can_expand(source.sizes(), plan.view.sizes()))
      call_op<"expand">(source, plan.view.sizes());  // raises
    if (!plan.view.same(t) || !source.same(t)) copy_(plan.view, source);
    return 0;
  });
}

}  // namespace rl::py
