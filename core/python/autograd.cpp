// Autograd for Python: grad modes, grad_fn objects, hooks, backward, and nodes written in Python.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <unordered_map>

#include "autograd/engine.h"
#include "python/py.h"

namespace nb = nanobind;

namespace rl::py {
namespace {

// ---- grad_fn objects: one Python type a node name ----

struct PyNode {
  PyObject_HEAD
  Ref<Node> node;
};
PyTypeObject* NodeType = nullptr;

Node& node_of(PyObject* o) { return *reinterpret_cast<PyNode*>(o)->node; }

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
      PyObject* pair = next[i] ? Py_BuildValue("(NI)", wrap_node(next[i].node), next[i].input) : Py_BuildValue("(OI)", Py_None, 0u);
      PyTuple_SET_ITEM(r.get(), static_cast<Py_ssize_t>(i), need(pair));
    }
    return r.release();
  });
}
PyObject* node_metadata(PyObject* self, void*) {
  Node& n = node_of(self);
  if (!n.metadata) n.metadata = PyDict_New();
  return Py_XNewRef(static_cast<PyObject*>(n.metadata));
}
PyObject* node_variable(PyObject* self, void*) {
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    Node& n = node_of(self);
    if (!n.is_accumulate()) {
      PyErr_Format(PyExc_AttributeError, "'%s' object has no attribute 'variable'", n.name().c_str());
      return nullptr;
    }
    return wrap(static_cast<AccumulateGrad&>(n).variable);
  });
}
PyObject* node_name(PyObject* self, PyObject*) { return PyUnicode_FromString(node_of(self).name().c_str()); }
PyObject* node_sequence(PyObject* self, PyObject*) { return PyLong_FromUnsignedLongLong(node_of(self).sequence); }

Object grads_tuple(const Grads& grads) {
  Object t = own(PyTuple_New(static_cast<Py_ssize_t>(grads.size())));
  for (size_t i = 0; i < grads.size(); ++i)
    PyTuple_SET_ITEM(t.get(), static_cast<Py_ssize_t>(i), grads[i].defined() ? wrap(grads[i]) : Py_NewRef(Py_None));
  return t;
}
void replace_grads(Grads& grads, PyObject* result, const char* what) {
  if (result == Py_None) return;
  const bool tuple = PyTuple_Check(result);
  const Py_ssize_t n = tuple ? PyTuple_GET_SIZE(result) : 1;
  RL_CHECK(n == static_cast<Py_ssize_t>(grads.size()), what, " hook has returned an incorrect number of values (got ", n, ", but expected ", grads.size(), ")");
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyObject* o = tuple ? PyTuple_GET_ITEM(result, i) : result;
    RL_CHECK_TYPE(o == Py_None || is_tensor(o), "expected Variable, but hook returned '", Py_TYPE(o)->tp_name, "'");
    grads[static_cast<size_t>(i)] = o == Py_None ? Tensor() : unwrap(o);
  }
}

int64_t g_hook_key = 0;
using Held = std::shared_ptr<Object>;
Held hold(PyObject* o) { return std::make_shared<Object>(Object::borrow(o)); }

nb::object node_add_pre(nb::handle self, nb::object fn) {
  const int64_t key = ++g_hook_key;
  node_of(self.ptr()).hook_list().pre.emplace_back(key, [f = hold(fn.ptr())](Grads& grads) {
    Object args = grads_tuple(grads);
    Object r = own(PyObject_CallFunctionObjArgs(f->get(), args.get(), nullptr));
    replace_grads(grads, r.get(), "prehook");
  });
  return nb::int_(key);
}
nb::object node_add_post(nb::handle self, nb::object fn) {
  const int64_t key = ++g_hook_key;
  node_of(self.ptr()).hook_list().post.emplace_back(key, [f = hold(fn.ptr())](Grads& in, const Grads& out) {
    Object a = grads_tuple(in), b = grads_tuple(out);
    Object r = own(PyObject_CallFunctionObjArgs(f->get(), a.get(), b.get(), nullptr));
    replace_grads(in, r.get(), "hook");
  });
  return nb::int_(key);
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
  Node& n = node_of(self.ptr());
  if (!n.hooks) return;
  erase_key(n.hooks->pre, key);
  erase_key(n.hooks->post, key);
}

PyObject* node_repr(PyObject* self) {
  return PyUnicode_FromFormat("<%s object at %p>", node_of(self).name().c_str(), static_cast<void*>(self));
}
/// node(*grads): applies it by hand.
PyObject* node_call(PyObject* self, PyObject* args, PyObject*) {
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    Node& n = node_of(self);
    Grads grads;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); ++i) {
      PyObject* o = PyTuple_GET_ITEM(args, i);
      RL_CHECK_TYPE(o == Py_None || is_tensor(o), "expected Tensor or None, got ", Py_TYPE(o)->tp_name);
      grads.push_back(o == Py_None ? Tensor() : unwrap(o));
    }
    RL_CHECK(grads.size() >= n.outputs.size(), n.name(), " expected ", n.outputs.size(), " gradients, got ", grads.size());
    Object t = grads_tuple(n.apply(std::move(grads)));
    if (PyTuple_GET_SIZE(t.get()) == 1) return Py_NewRef(PyTuple_GET_ITEM(t.get(), 0));
    return t.release();
  });
}
PyGetSetDef node_getset[] = {{"next_functions", node_next, nullptr, "The nodes of the inputs.", nullptr},
                             {"metadata", node_metadata, nullptr, "A dict of one's own.", nullptr},
                             {"variable", node_variable, nullptr, "The leaf, of AccumulateGrad.", nullptr},
                             {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyMethodDef node_methods[] = {{"name", node_name, METH_NOARGS, "The node's name."},
                              {"_sequence_nr", node_sequence, METH_NOARGS, nullptr},
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
    PyType_Spec spec = {kept->c_str(), sizeof(PyNode), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
    Object bases = own(PyTuple_Pack(1, NodeType));
    t = reinterpret_cast<PyTypeObject*>(need(PyType_FromSpecWithBases(&spec, bases.get())));
  }
  return t;
}

// ---- nodes written in Python: autograd.Function ----

/// Calls `backward(*grads)` of a Python object; `context` is what Python calls ctx.
struct PythonNode : Node {
  std::string label;
  Object context;      // has _backward(grads) -> sequence
  std::vector<std::pair<bool, Tensor>> unused;
  bool released = false;

  std::string name() const override { return label; }
  void release() override {
    Object r(PyObject_CallMethod(context.get(), "_release", nullptr));
    if (!r) PyErr_Clear();
  }
  Grads apply(Grads&& grads) override {
    Object args = grads_tuple(grads);
    Object r = own(PyObject_CallMethod(context.get(), "_run_backward", "(O)", args.get()));
    Grads out(next.size());
    RL_CHECK_TYPE(PyTuple_Check(r.get()), label, ": backward must return a tuple");
    const Py_ssize_t n = PyTuple_GET_SIZE(r.get());
    RL_CHECK(n <= static_cast<Py_ssize_t>(next.size()), "function ", label, " returned an incorrect number of gradients (expected ", next.size(), ", got ", n, ")");
    for (Py_ssize_t i = 0; i < n; ++i) {
      PyObject* o = PyTuple_GET_ITEM(r.get(), i);
      RL_CHECK_TYPE(o == Py_None || is_tensor(o), "function ", label, " returned a gradient of type ", Py_TYPE(o)->tp_name);
      if (o != Py_None) out[static_cast<size_t>(i)] = unwrap(o);
    }
    return out;
  }
};

/// Records outputs as made by ctx: (ctx, name, inputs, outputs, dirty flags, differentiable flags).
nb::object record_function(nb::object ctx, std::string name, nb::tuple inputs, nb::tuple outputs, nb::tuple dirty, nb::tuple differentiable) {
  return guarded(nb::object(), [&] {
    auto* node = new PythonNode;
    Ref<Node> ref(node);
    node->label = name;
    node->context = Object::borrow(ctx.ptr());
    for (nb::handle i : inputs)
      node->next.push_back(is_tensor(i.ptr()) ? gradient_edge(unwrap(i.ptr())) : Edge{});
    nb::list result;
    size_t k = 0;
    for (nb::handle o : outputs) {
      if (!is_tensor(o.ptr()) || !nb::cast<bool>(differentiable[k])) {
        if (is_tensor(o.ptr())) node->add_output(unwrap(o.ptr()));
        else node->outputs.push_back({});
        result.append(o);
        ++k;
        continue;
      }
      Tensor t = unwrap(o.ptr());
      bool is_input = false;
      for (nb::handle i : inputs) is_input |= i.ptr() == o.ptr();
      if (nb::cast<bool>(dirty[k])) {
        check_inplace(t, true);
        bump_version(t);
        if (t->base) {
          rebase_history(t, ref);
        } else {
          set_history(t, ref);
        }
        result.append(o);
      } else {
        if (is_input || !is_leaf(t) || t->base) t = alias(t);  // an input passed through is a new tensor
        set_history(t, ref);
        result.append(nb::steal(wrap(t)));
      }
      ++k;
    }
    return nb::object(nb::tuple(result));
  });
}

// ---- tensor hooks ----

std::function<void(Tensor&)> tensor_hook(PyObject* fn) {
  return [f = hold(fn)](Tensor& g) {
    Object arg = own(wrap(g));
    Object r = own(PyObject_CallFunctionObjArgs(f->get(), arg.get(), nullptr));
    if (r.get() == Py_None) return;
    RL_CHECK_TYPE(is_tensor(r.get()), "expected Variable, but hook returned '", Py_TYPE(r.get())->tp_name, "'");
    const Tensor& n = unwrap(r.get());
    RL_CHECK(n.sizes() == g.sizes(), "hook '", "' has changed the size of value");
    g = n;
  };
}

int64_t register_hook(nb::handle tensor, nb::object fn) {
  const Tensor& t = unwrap(tensor.ptr());
  const int64_t key = ++g_hook_key;
  if (Ref<Node> node = grad_fn(t)) node->hook_list().tensor.emplace_back(key, t->autograd->output, tensor_hook(fn.ptr()));
  else meta(t).hooks.emplace_back(key, tensor_hook(fn.ptr()));
  return key;
}
void remove_hook(nb::handle tensor, int64_t key) {
  const Tensor& t = unwrap(tensor.ptr());
  if (!t->autograd) return;
  erase_key(t->autograd->hooks, key);
  erase_key(t->autograd->post_accumulate, key);
  if (t->autograd->grad_fn && t->autograd->grad_fn->hooks) erase_key(t->autograd->grad_fn->hooks->tensor, key);
}
int64_t register_post_accumulate(nb::handle tensor, nb::object fn) {
  const Tensor& t = unwrap(tensor.ptr());
  const int64_t key = ++g_hook_key;
  meta(t).post_accumulate.emplace_back(key, [f = hold(fn.ptr())](const Tensor& v) {
    Object arg = own(wrap(v));
    own(PyObject_CallFunctionObjArgs(f->get(), arg.get(), nullptr));
  });
  return key;
}
void retain_grad(nb::handle tensor) {
  guarded(0, [&] {
    const Tensor& t = unwrap(tensor.ptr());
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
      m.grad = m.grad.defined() ? call_op<"add">(m.grad, g) : (GradMode::enabled ? call_op<"clone">(g) : copy_of(g));
    });
    return 0;
  });
  if (PyErr_Occurred()) throw nb::python_error();
}

// ---- backward ----

std::vector<Edge> edges_of(nb::handle list, const char* what) {
  std::vector<Edge> edges;
  for (nb::handle o : list) {
    RL_CHECK_TYPE(is_tensor(o.ptr()), what, " must be Tensors, got ", Py_TYPE(o.ptr())->tp_name);
    edges.push_back(gradient_edge(unwrap(o.ptr())));
  }
  return edges;
}

/// (tensors, grads, retain_graph, create_graph, inputs or (), accumulate) -> gradients of inputs.
nb::object engine_run(nb::tuple tensors, nb::tuple grads, bool retain, bool create, nb::tuple inputs, bool accumulate) {
  return guarded(nb::object(), [&] {
    std::vector<Edge> roots = edges_of(tensors, "tensors");
    size_t i = 0;
    for (nb::handle o : tensors) {
      RL_CHECK(roots[i], "element ", i, " of tensors does not require grad and does not have a grad_fn"
               "\nwhy: nothing that led to this tensor was recorded: no input requires grad, or the graph was cut "
               "by .detach(), .item(), torch.tensor(x), argmax or torch.no_grad()."
               "\nfix: check that the model's parameters have requires_grad=True and reach the loss by operations.");
      static_cast<void>(o);
      ++i;
    }
    std::vector<Tensor> given;
    for (nb::handle g : grads) given.push_back(g.is_none() ? Tensor() : unwrap(g.ptr()));
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

std::vector<std::pair<Object, Object>> g_saved_hooks;

std::shared_ptr<void> pack_hook(const Tensor& t) {
  Object arg = own(wrap(t));
  Object f = g_saved_hooks.back().first, unpack = g_saved_hooks.back().second;
  auto pack = Saved::pack;
  Saved::pack = nullptr;  // what the hook computes is not packed again
  Object packed(PyObject_CallFunctionObjArgs(f.get(), arg.get(), nullptr));
  Saved::pack = pack;
  need(packed.get());
  return std::make_shared<std::pair<Object, Object>>(packed, unpack);
}
Tensor unpack_saved(void* p) {
  auto* pair = static_cast<std::pair<Object, Object>*>(p);
  Object r = own(PyObject_CallFunctionObjArgs(pair->second.get(), pair->first.get(), nullptr));
  RL_CHECK_TYPE(is_tensor(r.get()), "Output of saved tensor unpack_hook expected to be a Tensor but got result of type ", Py_TYPE(r.get())->tp_name);
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

bool has_torch_function(PyObject* o) {
  if (is_exact_tensor(o) || t_functions_off) return false;
  PyTypeObject* t = Py_TYPE(o);
  if (t == &PyLong_Type || t == &PyFloat_Type || t == &PyBool_Type || t == &PyTuple_Type || t == &PyList_Type ||
      t == &PyUnicode_Type || t == &PySlice_Type || o == Py_None || t == DTypeType || t == DeviceType || t == SizeType)
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
  LongKernel::release = release_gil;
  LongKernel::acquire = acquire_gil;
  PyType_Spec spec = {"torch.autograd.graph.Node", sizeof(PyNode), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, node_slots};
  NodeType = reinterpret_cast<PyTypeObject*>(need(PyType_FromSpec(&spec)));
  PyModule_AddObject(module, "Node", Py_NewRef(NodeType));
  nb::module_ m = nb::borrow<nb::module_>(module);
  m.def("is_grad_enabled", [] { return GradMode::enabled; });
  m.def("_set_grad_enabled", [](bool v) { GradMode::enabled = v; });
  m.def("is_inference_mode_enabled", [] { return GradMode::inference; });
  m.def("_set_inference", [](bool v) { GradMode::inference = v; });
  m.def("is_anomaly_enabled", [] { return GradMode::anomaly; });
  m.def("is_anomaly_check_nan_enabled", [] { return GradMode::anomaly_check_nan; });
  m.def("set_anomaly_enabled", [](bool v, bool check) { GradMode::anomaly = v; GradMode::anomaly_check_nan = check; }, nb::arg("mode"), nb::arg("check_nan") = true);
  m.def("_run_backward", &engine_run);
  m.def("_record_function", &record_function);
  m.def("_register_hook", &register_hook);
  m.def("_register_post_accumulate", &register_post_accumulate);
  m.def("_remove_hook", &remove_hook);
  m.def("_retain_grad", &retain_grad);
  m.def("_node_add_pre_hook", &node_add_pre);
  m.def("_node_add_post_hook", &node_add_post);
  m.def("_node_remove_hook", &node_remove);
  m.def("_gradient_edge", [](nb::handle t) {
    const Edge e = gradient_edge(unwrap(t.ptr()));
    return nb::make_tuple(nb::steal(wrap_node(e.node)), e.input);
  });
  m.def("_queue_callback", [](nb::object f) { queue_callback([h = hold(f.ptr())] { own(PyObject_CallNoArgs(h->get())); }); });
  m.def("_in_backward", [] { return in_backward(); });
  m.def("_push_saved_tensors_hooks", [](nb::object pack, nb::object unpack) {
    g_saved_hooks.emplace_back(Object::borrow(pack.ptr()), Object::borrow(unpack.ptr()));
    Saved::pack = pack_hook;
    Saved::unpack_hook = unpack_saved;
  });
  m.def("_pop_saved_tensors_hooks", [] {
    g_saved_hooks.pop_back();
    if (g_saved_hooks.empty()) Saved::pack = nullptr;
  });
  m.def("_torch_function_enabled", [] { return !t_functions_off; });
  m.def("_set_torch_function_enabled", [](bool v) { t_functions_off = !v; });
  m.def("_set_parameter_type", [](nb::handle t) { ParameterType = reinterpret_cast<PyTypeObject*>(t.ptr()); });
  m.def("_has_torch_function", [](nb::handle o) { return has_torch_function(o.ptr()); });
  m.def("_bump_version", [](nb::handle t) { bump_version(unwrap(t.ptr())); });
}

}  // namespace rl::py
