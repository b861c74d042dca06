// Nodes written in Python: what autograd.Function records, and how its backward is called.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include "autograd/engine.h"
#include "autograd/inplace.h"
#include "python/node.h"

namespace nb = nanobind;

namespace rl::py {

Grads PythonNode::apply(Grads&& grads) {
  Object args = grads_tuple(grads), keep = context;
  Object r = own(PyObject_CallMethod(context.get(), "_run_backward", "(O)", args.get()));
  Grads out(next.size());
  RL_CHECK_TYPE(PyTuple_Check(r.get()), label, ": backward must return a tuple");
  const Py_ssize_t n = PyTuple_GET_SIZE(r.get());
  RL_CHECK(n <= static_cast<Py_ssize_t>(next.size()), "function ", label,
           " returned an incorrect number of gradients (expected ", next.size(), ", got ", n, ")");
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyObject* o = PyTuple_GET_ITEM(r.get(), i);
    RL_CHECK(o == Py_None || is_tensor(o), "expected Variable or None (got ", Py_TYPE(o)->tp_name,
             ")");
    if (o == Py_None) continue;
    RL_CHECK(variable[static_cast<size_t>(i)], "function ", label,
             " returned a gradient different than None at position ", i + 1,
             ", but the corresponding forward input was not a Variable");
    out[static_cast<size_t>(i)] = unwrap(o);
  }
  return out;
}

namespace {

/// One output of a function becomes an output of its node; returns what the caller gets.
Object record_output(const Ref<Node>& node, PyObject* o, PyObject* inputs, bool dirty,
                     bool differentiable) {
  if (!is_tensor(o) || !differentiable) {
    if (is_tensor(o))
      node->add_output(unwrap(o));
    else
      node->outputs.push_back({});
    return Object::borrow(o);
  }
  Tensor t = unwrap(o);
  if (dirty) {
    RL_CHECK(!(t.requires_grad() && is_leaf(t)),
             "a leaf Variable that requires grad has been used in an in-place operation.");
    check_inplace(t, true);
    bump_version(t);
    if (t->base)
      rebase_history(t, node);
    else
      set_history(t, node);
    return Object::borrow(o);
  }
  bool is_input = false;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(inputs); ++i)
    is_input |= PyTuple_GET_ITEM(inputs, i) == o;
  const bool own_tensor = !is_input && is_leaf(t) && !t->base;
  if (!own_tensor) t = alias(t);  // an input passed through, a view, a tensor with a past
  set_history(t, node);
  return own(own_tensor ? Py_NewRef(o) : wrap(t));
}

/// Records outputs as made by ctx: (ctx, name, inputs, outputs, dirty flags, differentiable flags,
/// tensors to save). Returns the outputs, recorded.
nb::object record_function(nb::object ctx, std::string name, nb::tuple inputs, nb::tuple outputs,
                           nb::tuple dirty, nb::tuple differentiable, nb::tuple saved) {
  return guarded(nb::object(), [&] {
    RL_CHECK_TYPE(PyObject_TypeCheck(ctx.ptr(), NodeType) && dirty.size() == outputs.size() &&
                      differentiable.size() == outputs.size(),
                  "_record_function(): wrong arguments");
    auto* node = new PythonNode(name, ctx.ptr());
    Ref<Node> ref(node);
    for (nb::handle i : inputs) {
      node->variable.push_back(is_tensor(i.ptr()));
      node->next.push_back(is_tensor(i.ptr()) ? gradient_edge(unwrap(i.ptr())) : Edge{});
    }
    Object result = own(PyTuple_New(static_cast<Py_ssize_t>(outputs.size())));
    for (size_t k = 0; k < outputs.size(); ++k)
      PyTuple_SET_ITEM(result.get(), static_cast<Py_ssize_t>(k),
                       record_output(ref, outputs[k].ptr(), inputs.ptr(), dirty[k].ptr() == Py_True,
                                     differentiable[k].ptr() == Py_True)
                           .release());
    for (nb::handle s : saved) {
      if (s.is_none()) {
        node->saved.emplace_back();
        continue;
      }
      RL_CHECK_TYPE(is_tensor(s.ptr()), "save_for_backward can only save variables, but argument ",
                    node->saved.size(), " is of type ", Py_TYPE(s.ptr())->tp_name);
      // An output is saved as what it became; without a past of its own, or node and output would
      // own each other.
      size_t k = 0;
      while (k < outputs.size() && outputs[k].ptr() != s.ptr()) ++k;
      const bool is_output =
          k < outputs.size() && is_tensor(outputs[k].ptr()) && differentiable[k].ptr() == Py_True;
      node->saved.emplace_back(
          unwrap(is_output ? PyTuple_GET_ITEM(result.get(), static_cast<Py_ssize_t>(k)) : s.ptr()),
          is_output);
    }
    return nb::steal(result.release());
  });
}

/// ctx.saved_tensors
nb::object saved_tensors(nb::handle ctx) {
  return guarded(nb::object(), [&]() -> nb::object {
    if (PyObject_TypeCheck(ctx.ptr(), NodeType) && !reinterpret_cast<PyNode*>(ctx.ptr())->recorded)
      return nb::steal(PyTuple_New(0));
    auto* node = dynamic_cast<PythonNode*>(&node_of(ctx.ptr()));
    RL_CHECK_TYPE(node, "not the context of a Function");
    Tensors all;
    for (const Saved& s : node->saved) all.push_back(s.unpack(node));
    return nb::steal(wrap_list(all));
  });
}

}  // namespace

void add_function(PyObject* module) {
  nb::module_ m = nb::borrow<nb::module_>(module);
  m.def("_record_function", &record_function);
  m.def("_saved_tensors", &saved_tensors, nb::arg("ctx").none());
}

}  // namespace rl::py
