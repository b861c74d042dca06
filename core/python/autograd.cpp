// Autograd for Python: grad modes, grad_fn objects, hooks and backward. Nodes written in
// Python stand in function.cpp.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <cstring>
#include <unordered_map>

#include "autograd/engine.h"
#include "python/help.h"
#include "python/node.h"
#include "tensor/layout.h"

namespace nb = nanobind;

namespace rl::py {

PyTypeObject* NodeType = nullptr;

Node& node_of(PyObject* o) {
  RL_CHECK_TYPE(PyObject_TypeCheck(o, NodeType), "expected a node of the graph, not ",
                Py_TYPE(o)->tp_name);
  auto* p = reinterpret_cast<PyNode*>(o);
  Node* n = p->node ? p->node.get() : p->recorded;
  RL_CHECK(n,
           "this node is not part of a graph: its forward was not recorded, or the graph is gone");
  return *n;
}
Object grads_tuple(const Grads& grads) {
  Object t = own(PyTuple_New(static_cast<Py_ssize_t>(grads.size())));
  for (size_t i = 0; i < grads.size(); ++i)
    PyTuple_SET_ITEM(t.get(), static_cast<Py_ssize_t>(i),
                     grads[i].defined() ? wrap(grads[i]) : Py_NewRef(Py_None));
  return t;
}

namespace {

// ---- grad_fn objects: one Python type a node name ----

const Tensor& tensor_of(nb::handle o) { return py::tensor_of(o.ptr()); }

void node_dealloc(PyObject* self) {
  auto* p = reinterpret_cast<PyNode*>(self);
  PyTypeObject* t = Py_TYPE(self);
  if (p->node && p->node->pyobj == self) p->node->pyobj = nullptr;
  p->node.~Ref<Node>();
  t->tp_free(self);
  Py_DECREF(t);
}
PyObject* node_next(PyObject* self, void*) {
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const auto& next = node_of(self).next;
    Object r = own(PyTuple_New(static_cast<Py_ssize_t>(next.size())));
    for (size_t i = 0; i < next.size(); ++i) {
      PyObject* pair = next[i] ? Py_BuildValue("(NI)", wrap_node(next[i].node), next[i].input)
                               : Py_BuildValue("(OI)", Py_None, 0u);
      PyTuple_SET_ITEM(r.get(), static_cast<Py_ssize_t>(i), need(pair));
    }
    return r.release();
  });
}
PyObject* node_metadata(PyObject* self, void*) {
  return guarded<PyObject*>(nullptr, [&] {
    Node& n = node_of(self);
    if (!n.metadata) n.metadata = need(PyDict_New());
    return Py_NewRef(static_cast<PyObject*>(n.metadata));
  });
}
PyObject* node_variable(PyObject* self, void*) {
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    Node& n = node_of(self);
    if (!n.is_accumulate()) {
      PyErr_Format(PyExc_AttributeError, "'%s' object has no attribute 'variable'",
                   n.name().c_str());
      return nullptr;
    }
    return wrap(static_cast<AccumulateGrad&>(n).variable);
  });
}
PyObject* node_name(PyObject* self, PyObject*) {
  return guarded<PyObject*>(nullptr, [&] {
    const Node& n = node_of(self);
    return PyUnicode_FromString(
        (n.is_accumulate() ? "torch::autograd::" + n.name() : n.name()).c_str());
  });
}
PyObject* node_sequence(PyObject* self, PyObject*) {
  return guarded<PyObject*>(nullptr,
                            [&] { return PyLong_FromUnsignedLongLong(node_of(self).sequence); });
}

// ---- hooks ----

int64_t g_hook_key = 0;
using Held = std::shared_ptr<Object>;
Held hold(PyObject* o) { return std::make_shared<Object>(Object::borrow(o)); }

std::string hook_name(PyObject* hook) {
  Object name(PyObject_GetAttrString(hook, "__name__"));
  const char* text = name && PyUnicode_Check(name.get()) ? PyUnicode_AsUTF8(name.get()) : nullptr;
  PyErr_Clear();
  return text ? text : "<unknown>";
}

void replace_grads(Grads& grads, PyObject* result, PyObject* hook) {
  if (result == Py_None) return;
  const bool tuple = PyTuple_Check(result);
  const Py_ssize_t n = tuple ? PyTuple_GET_SIZE(result) : 1;
  RL_CHECK(n == static_cast<Py_ssize_t>(grads.size()), "hook '", hook_name(hook),
           "' has returned an incorrect number of values (got ", n, ", but expected ", grads.size(),
           ")");
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyObject* o = tuple ? PyTuple_GET_ITEM(result, i) : result;
    RL_CHECK_TYPE(o == Py_None || is_tensor(o), "expected Variable, but hook returned '",
                  Py_TYPE(o)->tp_name, "'");
    grads[static_cast<size_t>(i)] = o == Py_None ? Tensor() : unwrap(o);
  }
}

// Named types, so that the garbage collector finds the Python function in a std::function.
struct PreCall {
  Held f;
  void operator()(Grads& grads) const {
    Object args = grads_tuple(grads);
    Object r = own(PyObject_CallFunctionObjArgs(f->get(), args.get(), nullptr));
    replace_grads(grads, r.get(), f->get());
  }
};
struct PostCall {
  Held f;
  void operator()(Grads& in, const Grads& out) const {
    Object a = grads_tuple(in), b = grads_tuple(out);
    Object r = own(PyObject_CallFunctionObjArgs(f->get(), a.get(), b.get(), nullptr));
    replace_grads(in, r.get(), f->get());
  }
};
struct TensorCall {
  Held f;
  void operator()(Tensor& g) const {
    Object arg = own(wrap(g));
    Object r = own(PyObject_CallFunctionObjArgs(f->get(), arg.get(), nullptr));
    if (r.get() == Py_None) return;
    RL_CHECK_TYPE(is_tensor(r.get()), "expected Variable, but hook returned '",
                  Py_TYPE(r.get())->tp_name, "'");
    const Tensor& n = unwrap(r.get());
    RL_CHECK(n.sizes() == g.sizes(), "hook '", hook_name(f->get()),
             "' has changed the size of value");
    RL_CHECK(n.dtype() == g.dtype(), "hook '", hook_name(f->get()),
             "' has changed the type of value (was torch.", info(g.dtype()).type,
             "Tensor got torch.", info(n.dtype()).type, "Tensor)");
    g = n;
  }
};
struct AfterCall {
  Held f;
  void operator()(const Tensor& v) const {
    Object arg = own(wrap(v));
    own(PyObject_CallFunctionObjArgs(f->get(), arg.get(), nullptr));
  }
};

int64_t node_add_pre(nb::handle self, nb::object fn) {
  node_of(self.ptr()).hook_list().pre.emplace_back(++g_hook_key, PreCall{hold(fn.ptr())});
  return g_hook_key;
}
int64_t node_add_post(nb::handle self, nb::object fn) {
  node_of(self.ptr()).hook_list().post.emplace_back(++g_hook_key, PostCall{hold(fn.ptr())});
  return g_hook_key;
}
template <class List>
void erase_key(List& list, int64_t key) {
  for (auto it = list.begin(); it != list.end(); ++it)
    if (std::get<0>(*it) == key) {
      list.erase(it);
      return;
    }
}
void node_remove(nb::handle self, int64_t key) {
  auto* p = reinterpret_cast<PyNode*>(self.ptr());
  if (!PyObject_TypeCheck(self.ptr(), NodeType) || !(p->node || p->recorded)) return;
  Node& n = node_of(self.ptr());
  if (!n.hooks) return;
  erase_key(n.hooks->pre, key);
  erase_key(n.hooks->post, key);
}

PyObject* node_repr(PyObject* self) {
  const char* dot = std::strrchr(Py_TYPE(self)->tp_name, '.');
  return PyUnicode_FromFormat("<%s object at %p>", dot ? dot + 1 : Py_TYPE(self)->tp_name,
                              static_cast<void*>(self));
}
/// node(*grads): applies it by hand.
PyObject* node_call(PyObject* self, PyObject* args, PyObject*) {
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    Node& n = node_of(self);
    Grads grads;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); ++i) {
      PyObject* o = PyTuple_GET_ITEM(args, i);
      RL_CHECK_TYPE(o == Py_None || is_tensor(o), "expected Tensor or None, got ",
                    Py_TYPE(o)->tp_name);
      grads.push_back(o == Py_None ? Tensor() : unwrap(o));
    }
    RL_CHECK(grads.size() >= n.outputs.size(), n.name(), " expected ", n.outputs.size(),
             " gradients, got ", grads.size());
    Object t = grads_tuple(n.apply(std::move(grads)));
    if (PyTuple_GET_SIZE(t.get()) == 1) return Py_NewRef(PyTuple_GET_ITEM(t.get(), 0));
    return t.release();
  });
}
/// Hooks with a handle are made by rushlight.autograd.graph.
PyObject* node_hook(PyObject* self, PyObject* fn, const char* maker) {
  Object m(PyImport_ImportModule("rushlight.autograd.graph"));
  return m ? PyObject_CallMethod(m.get(), maker, "OO", self, fn) : nullptr;
}
PyObject* node_register_hook(PyObject* self, PyObject* fn) {
  return node_hook(self, fn, "_register_hook");
}
PyObject* node_register_prehook(PyObject* self, PyObject* fn) {
  return node_hook(self, fn, "_register_prehook");
}

PyGetSetDef node_getset[] = {
    {"next_functions", node_next, nullptr, "The nodes of the inputs.", nullptr},
    {"metadata", node_metadata, nullptr, "A dict of one's own.", nullptr},
    {"variable", node_variable, nullptr, "The leaf, of AccumulateGrad.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyMethodDef node_methods[] = {
    {"name", node_name, METH_NOARGS, "The node's name."},
    {"_sequence_nr", node_sequence, METH_NOARGS, nullptr},
    {"register_hook", node_register_hook, METH_O, "fn(grad_inputs, grad_outputs) after the node."},
    {"register_prehook", node_register_prehook, METH_O, "fn(grad_outputs) before the node."},
    {nullptr, nullptr, 0, nullptr}};
PyType_Slot node_slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(node_dealloc)},
                            {Py_tp_getset, node_getset},
                            {Py_tp_methods, node_methods},
                            {Py_tp_repr, reinterpret_cast<void*>(node_repr)},
                            {Py_tp_call, reinterpret_cast<void*>(node_call)},
                            {0, nullptr}};

PyTypeObject* type_of_node(const std::string& name) {
  static auto* types = new std::unordered_map<std::string, PyTypeObject*>;
  PyTypeObject*& t = (*types)[name];
  if (!t) {
    auto* kept = new std::string("torch.autograd." + name);  // lives as long as the type
    PyType_Slot slots[] = {{0, nullptr}};
    PyType_Spec spec = {kept->c_str(), sizeof(PyNode), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                        slots};
    Object bases = own(PyTuple_Pack(1, NodeType));
    t = reinterpret_cast<PyTypeObject*>(need(PyType_FromSpecWithBases(&spec, bases.get())));
  }
  return t;
}

// ---- tensor hooks ----

int64_t register_hook(nb::handle tensor, nb::object fn) {
  const Tensor& t = tensor_of(tensor);
  const TensorCall call{hold(fn.ptr())};
  const int64_t key = ++g_hook_key;
  if (Ref<Node> node = grad_fn(t))
    node->hook_list().tensor.emplace_back(key, t->autograd->output, call);
  else
    meta(t).hooks.emplace_back(key, call);
  return key;
}
void remove_hook(nb::handle tensor, int64_t key) {
  const Tensor& t = tensor_of(tensor);
  if (!t->autograd) return;
  erase_key(t->autograd->hooks, key);
  erase_key(t->autograd->post_accumulate, key);
  if (t->autograd->grad_fn && t->autograd->grad_fn->hooks)
    erase_key(t->autograd->grad_fn->hooks->tensor, key);
}
int64_t register_post_accumulate(nb::handle tensor, nb::object fn) {
  meta(tensor_of(tensor)).post_accumulate.emplace_back(++g_hook_key, AfterCall{hold(fn.ptr())});
  return g_hook_key;
}
void retain_grad(nb::handle tensor) {
  guarded(0, [&] {
    const Tensor& t = tensor_of(tensor);
    RL_CHECK(t.requires_grad(), "can't retain_grad on Tensor that has requires_grad=False");
    Ref<Node> node = grad_fn(t);
    if (!node || t->autograd->retains_grad) return 0;
    t->autograd->retains_grad = true;
    // The node must not own the tensor it belongs to: the hook finds it through a bare pointer that
    // a weak reference guards.
    auto weak = std::make_shared<Object>(own(PyWeakref_NewRef(tensor.ptr(), nullptr)));
    node->hook_list().retain.emplace_back(t->autograd->output, [weak](Tensor& g) {
      PyObject* o = PyWeakref_GetObject(weak->get());
      if (!o || o == Py_None) return;
      AutogradMeta& m = meta(unwrap(o));
      m.grad = m.grad.defined() ? call_op<"add">(m.grad, g)
                                : (GradMode::enabled ? call_op<"clone">(g) : copy_of(g));
    });
    return 0;
  });
  if (PyErr_Occurred()) throw nb::python_error();
}

// ---- backward ----

/// A tensor's edge, or that of a GradientEdge: (node, number of its output).
Edge edge_of(PyObject* o, const char* what) {
  if (is_tensor(o)) return gradient_edge(unwrap(o));
  RL_CHECK_TYPE(PyTuple_Check(o) && PyTuple_GET_SIZE(o) == 2 &&
                    PyObject_TypeCheck(PyTuple_GET_ITEM(o, 0), NodeType) &&
                    PyLong_Check(PyTuple_GET_ITEM(o, 1)),
                what, " must be Tensors, got ", Py_TYPE(o)->tp_name);
  Node& n = node_of(PyTuple_GET_ITEM(o, 0));
  const int64_t output = PyLong_AsLongLong(PyTuple_GET_ITEM(o, 1));
  const auto count = static_cast<int64_t>(n.outputs.size());
  if (output < 0 || output >= count) PyErr_Clear();  // it may not have fitted
  RL_CHECK_INDEX(output >= 0 && output < count, "GradientEdge: node ", n.name(), " has ", count,
                 " outputs, not one of number ", output);
  return {Ref<Node>(&n), static_cast<uint32_t>(output)};
}
std::vector<Edge> edges_of(nb::handle list, const char* what) {
  std::vector<Edge> edges;
  for (nb::handle o : list) edges.push_back(edge_of(o.ptr(), what));
  return edges;
}

/// What the gradient of an output must look like.
OutputInfo info_of(PyObject* o, const Edge& e) {
  if (!is_tensor(o)) return e.node->outputs[e.input];
  const Tensor& t = unwrap(o);
  return {t.sizes(), t.dtype(), t.device()};
}

/// The gradient that an output starts with: the given one, or one for a number.
Tensor first_gradient(const OutputInfo& output, nb::handle given, size_t i) {
  if (given.is_none()) {
    RL_CHECK(
        checked_numel(output.sizes) == 1, "grad can be implicitly created only for scalar outputs",
        "\nwhy: the output has shape ", output.sizes, ", and a gradient is that of one number.",
        "\nfix: reduce it with .mean() or .sum(), or pass gradient= of the output's shape.");
    RL_CHECK(is_floating(output.dtype),
             "grad can be implicitly created only for real scalar outputs but got torch.",
             name_of(output.dtype));
    return full(output.sizes, Scalar(1.0), output.dtype, output.device);
  }
  RL_CHECK_TYPE(is_tensor(given.ptr()), "gradients can be either Tensors or None, but got ",
                Py_TYPE(given.ptr())->tp_name);
  const Tensor& g = unwrap(given.ptr());
  RL_CHECK(g.sizes() == output.sizes, "Mismatch in shape: grad_output[", i,
           "] has a shape of torch.Size(", g.sizes(), ") and output[", i,
           "] has a shape of torch.Size(", output.sizes, ").");
  RL_CHECK(is_complex(g.dtype()) == is_complex(output.dtype),
           "For complex Tensors, both grad_output and output are required to have the same dtype. "
           "Mismatch in dtype: grad_output[",
           i, "] has a dtype of torch.", name_of(g.dtype()), " and output[", i,
           "] has a dtype of torch.", name_of(output.dtype), ".");
  return g;
}

/// (tensors, grads or Nones, retain_graph, create_graph, inputs or (), accumulate) -> gradients of
/// inputs.
nb::object engine_run(nb::tuple tensors, nb::tuple grads, bool retain, bool create,
                      nb::tuple inputs, bool accumulate) {
  return guarded(nb::object(), [&] {
    const std::vector<Edge> roots = edges_of(tensors, "tensors");
    std::vector<Tensor> given;
    for (size_t i = 0; i < std::min(roots.size(), grads.size()); ++i)
      given.push_back(!roots[i] && grads[i].is_none()
                          ? Tensor()
                          : first_gradient(info_of(tensors[i].ptr(), roots[i]), grads[i], i));
    RL_CHECK(grads.size() == roots.size(), "got ", roots.size(), " tensors and ", grads.size(),
             " gradients");
    for (size_t i = 0; i < roots.size(); ++i)
      RL_CHECK(roots[i], "element ", i,
               " of tensors does not require grad and does not have a grad_fn"
               "\nwhy: nothing that led to this tensor was recorded: no input requires grad, or "
               "the graph was cut "
               "by .detach(), .item(), torch.tensor(x), argmax or torch.no_grad()."
               "\nfix: check that the model's parameters have requires_grad=True and reach the "
               "loss by operations.");
    const std::vector<Edge> targets = edges_of(inputs, "inputs");
    for (size_t k = 0; k < targets.size(); ++k)
      RL_CHECK(targets[k], "One of the differentiated Tensors does not require grad");
    BackwardOptions options;
    options.retain_graph = retain;
    options.create_graph = create;
    options.accumulate = accumulate;
    std::vector<Tensor> result = run_backward(roots, std::move(given), targets, options);
    if (accumulate) return nb::object(nb::none());
    return nb::object(nb::steal(wrap_list(result)));
  });
}

// ---- saved tensor hooks ----

thread_local std::vector<std::pair<Object, Object>> t_saved_hooks;

std::shared_ptr<void> pack_hook(const Tensor& t) {
  Object arg = own(wrap(t));
  Object f = t_saved_hooks.back().first, unpack = t_saved_hooks.back().second;
  auto pack = Saved::pack;
  Saved::pack = nullptr;  // what the hook computes is not packed again
  Object packed(PyObject_CallFunctionObjArgs(f.get(), arg.get(), nullptr));
  Saved::pack = t_saved_hooks.empty() ? nullptr : pack;
  need(packed.get());
  return std::make_shared<std::pair<Object, Object>>(packed, unpack);
}
Tensor unpack_saved(void* p) {
  auto* pair = static_cast<std::pair<Object, Object>*>(p);
  Object r = own(PyObject_CallFunctionObjArgs(pair->second.get(), pair->first.get(), nullptr));
  RL_CHECK_TYPE(
      is_tensor(r.get()),
      "Output of saved tensor unpack_hook expected to be a Tensor but got result of type ",
      Py_TYPE(r.get())->tp_name);
  return unwrap(r.get());
}

// ---- anomaly mode ----

void node_created(Node* n) {
  Object m(PyImport_ImportModule("rushlight.autograd.anomaly_mode"));
  Object trace(m ? PyObject_CallMethod(m.get(), "_creation_trace", nullptr) : nullptr);
  if (!trace) return PyErr_Clear();
  if (!n->metadata) n->metadata = PyDict_New();
  PyDict_SetItemString(static_cast<PyObject*>(n->metadata), "traceback_", trace.get());
}
/// A node's gradient failed in anomaly mode: where was it recorded?
void node_failed(Node* n) {
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  Object made = Object::borrow(
      n->metadata ? PyDict_GetItemString(static_cast<PyObject*>(n->metadata), "traceback_")
                  : nullptr);
  Object m(PyImport_ImportModule("rushlight.autograd.anomaly_mode"));
  Object r(m ? PyObject_CallMethod(m.get(), "_explain", "sO", n->name().c_str(),
                                   made ? made.get() : Py_None)
             : nullptr);
  if (!r && !type) throw PythonError{};  // the warning itself was made an error
  if (!r) PyErr_Clear();
  PyErr_Restore(type, value, trace);
}
void metadata_gone(void* p) { Py_DECREF(static_cast<PyObject*>(p)); }

void* release_gil() { return PyGILState_Check() ? PyEval_SaveThread() : nullptr; }
void acquire_gil(void* state) { PyEval_RestoreThread(static_cast<PyThreadState*>(state)); }

thread_local bool t_functions_off = false;

}  // namespace

PyObject* wrap_node(const Ref<Node>& n) {
  if (!n) Py_RETURN_NONE;
  if (n->pyobj) return Py_NewRef(static_cast<PyObject*>(n->pyobj));
  if (auto* p = dynamic_cast<PythonNode*>(n.get())) return Py_NewRef(p->context.get());
  PyTypeObject* type = type_of_node(n->name());
  auto* o = reinterpret_cast<PyNode*>(need(type->tp_alloc(type, 0)));
  new (&o->node) Ref<Node>(n);
  n->pyobj = o;
  return reinterpret_cast<PyObject*>(o);
}

// What only this tensor holds is the tensor's own, and may be part of a cycle through it: its
// hooks, its grad, and its node with the node's hooks and context.

int visit_autograd(const Tensor& t, visitproc visit, void* arg) {
  if (t->refs != 1 || !t->autograd) return 0;
  const AutogradMeta& m = *t->autograd;
  const auto each = [&](const auto& list, auto* kind) -> int {
    for (const auto& entry : list)
      if (const auto* call = std::get<std::tuple_size_v<std::decay_t<decltype(entry)>> - 1>(entry)
                                 .template target<std::decay_t<decltype(*kind)>>())
        if (call->f.use_count() == 1) Py_VISIT(call->f->get());
    return 0;
  };
  if (int r = each(m.hooks, static_cast<TensorCall*>(nullptr))) return r;
  if (int r = each(m.post_accumulate, static_cast<AfterCall*>(nullptr))) return r;
  if (m.grad.defined() && m.grad->refs == 1 && m.grad->owns_pyobj)
    Py_VISIT(static_cast<PyObject*>(m.grad->pyobj));
  Node* n = m.grad_fn.get();
  if (!n || n->refs != 1) return 0;
  if (auto* p = dynamic_cast<PythonNode*>(n)) Py_VISIT(p->context.get());
  if (!n->hooks) return 0;
  if (int r = each(n->hooks->tensor, static_cast<TensorCall*>(nullptr))) return r;
  if (int r = each(n->hooks->pre, static_cast<PreCall*>(nullptr))) return r;
  return each(n->hooks->post, static_cast<PostCall*>(nullptr));
}

void clear_autograd(const Tensor& t) {
  if (t->refs != 1 || !t->autograd) return;
  AutogradMeta& m = *t->autograd;
  const auto hooks = std::move(m.hooks);  // emptied first: what dies may look at the tensor
  const auto after = std::move(m.post_accumulate);
  const Tensor grad = std::move(m.grad);
  m.hooks.clear();
  m.post_accumulate.clear();
  if (m.grad_fn && m.grad_fn->refs == 1) const Ref<Node> node = std::move(m.grad_fn);
}

bool has_torch_function(PyObject* o) {
  if (is_exact_tensor(o) || t_functions_off) return false;
  PyTypeObject* t = Py_TYPE(o);
  if (t == &PyLong_Type || t == &PyFloat_Type || t == &PyBool_Type || t == &PyTuple_Type ||
      t == &PyList_Type || t == &PyUnicode_Type || t == &PySlice_Type || o == Py_None ||
      t == DTypeType || t == DeviceType || t == SizeType)
    return false;
  static PyObject* name = PyUnicode_InternFromString("__torch_function__");
  PyObject* f = _PyType_Lookup(t, name);  // borrowed
  if (!f) return false;
  static PyObject* disabled = nullptr;
  if (!disabled) {
    Object m(PyImport_ImportModule("rushlight._C"));
    disabled = m ? PyObject_GetAttrString(m.get(), "_disabled_torch_function_impl") : nullptr;
    PyErr_Clear();
  }
  return f != disabled;
}

void add_autograd(PyObject* module) {
  on_node_created = node_created;
  drop_metadata = metadata_gone;
  on_node_failed = node_failed;
  LongKernel::release = release_gil;
  LongKernel::acquire = acquire_gil;
  PyType_Spec spec = {"torch.autograd.graph.Node", sizeof(PyNode), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, node_slots};
  NodeType = reinterpret_cast<PyTypeObject*>(need(PyType_FromSpec(&spec)));
  PyModule_AddObject(module, "Node", Py_NewRef(NodeType));
  nb::module_ m = nb::borrow<nb::module_>(module);
  m.def("is_grad_enabled", [] { return GradMode::enabled; }, help::is_grad_enabled);
  m.def("_set_grad_enabled", [](bool v) { GradMode::enabled = v; });
  m.def(
      "is_inference_mode_enabled", [] { return GradMode::inference; },
      help::is_inference_mode_enabled);
  m.def("_set_inference", [](bool v) { GradMode::inference = v; });
  m.def("is_anomaly_enabled", [] { return GradMode::anomaly; }, help::is_anomaly_enabled);
  m.def(
      "is_anomaly_check_nan_enabled", [] { return GradMode::anomaly_check_nan; },
      help::is_anomaly_check_nan_enabled);
  m.def(
      "set_anomaly_enabled",
      [](bool v, bool check) {
        GradMode::anomaly = v;
        GradMode::anomaly_check_nan = check;
      },
      nb::arg("mode"), nb::arg("check_nan") = true);
  m.def("_run_backward", &engine_run);
  m.def("_register_hook", &register_hook);
  m.def("_register_post_accumulate", &register_post_accumulate);
  m.def("_remove_hook", &remove_hook);
  m.def("_retain_grad", &retain_grad);
  m.def("_node_add_pre_hook", &node_add_pre);
  m.def("_node_add_post_hook", &node_add_post);
  m.def("_node_remove_hook", &node_remove);
  m.def("_gradient_edge", [](nb::handle t) {
    const Edge e = gradient_edge(tensor_of(t));
    return nb::make_tuple(nb::steal(wrap_node(e.node)), e.input);
  });
  m.def("_queue_callback", [](nb::object f) {
    queue_callback([h = hold(f.ptr())] { own(PyObject_CallNoArgs(h->get())); });
  });
  m.def("_in_backward", [] { return in_backward(); });
  m.def("_push_saved_tensors_hooks", [](nb::object pack, nb::object unpack) {
    t_saved_hooks.emplace_back(Object::borrow(pack.ptr()), Object::borrow(unpack.ptr()));
    Saved::pack = pack_hook;
    Saved::unpack_hook = unpack_saved;
  });
  m.def("_pop_saved_tensors_hooks", [] {
    if (!t_saved_hooks.empty()) t_saved_hooks.pop_back();
    if (t_saved_hooks.empty()) Saved::pack = nullptr;
  });
  m.def("_torch_function_enabled", [] { return !t_functions_off; });
  m.def("_set_torch_function_enabled", [](bool v) { t_functions_off = !v; });
  m.def("_set_parameter_type", [](nb::handle t) {
    RL_CHECK_TYPE(PyType_Check(t.ptr()) &&
                      PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(t.ptr()), TensorType),
                  "expected a subclass of Tensor");
    ParameterType = reinterpret_cast<PyTypeObject*>(t.ptr());
  });
  m.def(
      "_has_torch_function", [](nb::handle o) { return has_torch_function(o.ptr()); },
      nb::arg("object").none());
  m.def("_bump_version", [](nb::handle t) { bump_version(tensor_of(t)); });
}

}  // namespace rl::py
