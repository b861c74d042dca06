// A node of the graph as Python sees it, and the node that Python writes (autograd.Function).
#pragma once
#include <string>
#include <vector>

#include "autograd/node.h"
#include "autograd/saved.h"
#include "python/py.h"

namespace rl::py {

struct PyNode {
  PyObject_HEAD Ref<Node> node;
  Node* recorded;  // of a context (autograd.Function): the node that owns it, while that lives
};
extern PyTypeObject* NodeType;

/// The node behind a Python object; TypeError for others, RuntimeError once it is gone.
Node& node_of(PyObject* o);
Object grads_tuple(const Grads& grads);

/// Calls backward of a Python object, what Python calls ctx. The node owns the context; the context
/// knows its node for as long as that lives.
struct PythonNode : Node {
  std::string label;
  Object context;
  std::vector<Saved> saved;
  std::vector<bool> variable;  // which inputs are tensors

  PythonNode(std::string name, PyObject* ctx)
      : label(std::move(name)), context(Object::borrow(ctx)) {
    reinterpret_cast<PyNode*>(ctx)->recorded = this;
  }
  ~PythonNode() override { reinterpret_cast<PyNode*>(context.get())->recorded = nullptr; }
  std::string name() const override { return label; }
  void release() override {
    for (Saved& s : saved) s.release();
  }
  Grads apply(Grads&& grads) override;
};

}  // namespace rl::py
