// out=: a computed result is written into the caller's tensors, after the checks that PyTorch makes
// of them. What an operation asks of the dtype stands in its own definition (base/out_rule.h).
#include "op/promote.h"
#include "ops/product.h"
#include "python/py.h"
#include "tensor/layout.h"

namespace rl::py {

void check_out_dtype(const OutRule& rule, DType wanted, DType given) {
  if (wanted == given || !rule.text || (given == DType::U8 && wanted == DType::Bool)) return;
  if (!rule.exact && can_cast(wanted, given)) return;
  std::string text;
  for (const char* c = rule.text; *c; ++c) {
    if (*c != '%') {
      text += *c;
      continue;
    }
    ++c;
    text += *c == 'W'   ? info(wanted).type
            : *c == 'G' ? info(given).type
            : *c == 'w' ? c_name_of(wanted)
                        : c_name_of(given);
  }
  raise(rule.kind, text);
}

namespace {

/// Raises where out= shares memory with itself, or in part with an input.
void check_overlap(const Op& op, const Tensor& to, const Tensor& from) {
  if (to.numel() == 0 || from.numel() == 0 || !to->storage ||
      to->storage.get() != from->storage.get())
    return;
  if (!is_dense(to.sizes(), to.strides()) || !is_dense(from.sizes(), from.strides())) return;
  const int64_t a = to->offset * size_of(to.dtype()), a_end = a + to.numel() * size_of(to.dtype());
  const int64_t b = from->offset * size_of(from.dtype()),
                b_end = b + from.numel() * size_of(from.dtype());
  const bool same = a == b && a_end == b_end && to.strides() == from.strides();
  const bool apart = a_end <= b || b_end <= a;
  RL_CHECK(apart || (same && !op.out_apart),
           "unsupported operation: some elements of the input tensor and the written-to tensor "
           "refer to a single memory location. Please clone() the tensor before performing the "
           "operation.");
}

void check_memory(const Op& op, const Tensor& to, const Schema& schema, const Arg* args) {
  for (int d = 0; d < to.dim(); ++d)
    RL_CHECK(to.size(d) < 2 || to.stride(d) != 0,
             "unsupported operation: more than one element of the written-to tensor refers to a "
             "single memory location. Please clone() the tensor before performing the operation.");
  for (size_t i = 0; i < schema.params.size(); ++i) {
    const Kind k = schema.params[i].kind;
    if (!args[i].present) continue;
    if ((k == Kind::Tensor || k == Kind::OptTensor || k == Kind::Operand ||
         k == Kind::OptOperand)) {
      if (args[i].tensor) check_overlap(op, to, *args[i].tensor);
    } else if (k == Kind::Tensors) {
      for (const Tensor& t : *args[i].tensors) check_overlap(op, to, t);
    }
  }
}

void resize(const Tensor& to, const Dims& sizes) {
  if (to.numel() != 0 &&
      PyErr_WarnFormat(
          PyExc_UserWarning, 1,
          "An output with one or more elements was resized since it had shape %s, which does "
          "not match the required output shape %s. This behavior is deprecated, and in a "
          "future PyTorch release outputs will not be resized unless they have zero elements. "
          "You can explicitly reuse an out tensor t by resizing it, inplace, to zero elements "
          "with t.resize_(0).",
          str(to.sizes()).c_str(), str(sizes).c_str()) < 0)
    throw PythonError{};
  call_op<"resize_">(to, sizes);
}

/// Checks that are made of any out=, and the writing; `check_memory` runs before anything is
/// changed.
template <class F>
void put(const char* name, PyObject* out, const Tensor& value, const OutRule& rule,
         F&& check_memory) {
  RL_CHECK_TYPE(is_tensor(out), name, "(): argument 'out' must be Tensor, not ",
                Py_TYPE(out)->tp_name);
  const Tensor& to = unwrap(out);
  RL_CHECK(!(GradMode::enabled && (to.requires_grad() || value.requires_grad())), name,
           "(): functions with out=... arguments don't support automatic differentiation, but "
           "one of the arguments requires grad.");
  RL_CHECK(to.device().type == value.device().type, "Expected out tensor to have device ",
           value.device(), ", but got ", to.device(), " instead");
  check_out_dtype(rule, value.dtype(), to.dtype());
  const bool fits = to.sizes() == value.sizes();
  check_memory(to, fits);
  if (!fits) {
    resize(to, value.sizes());
    check_memory(to, fits);
  }
  GradGuard off(false);
  call_copy_(to, value);
}

}  // namespace

void write_out(const char* name, PyObject* out, const Tensor& value, const OutRule& rule) {
  put(name, out, value, rule, [](const Tensor&, bool) {});
}

PyObject* write_out(Result&& r, PyObject* out, const Op& op, const Overload& overload,
                    const Arg* args) {
  const OutRule& rule = overload.out_rule.by ? overload.out_rule.by(args) : overload.out_rule;
  const auto write = [&](const Tensor& value, PyObject* o) {
    put(op.name.c_str(), o, value, rule, [&](const Tensor& to, bool fits) {
      if (fits || op.out_apart) check_memory(op, to, *overload.schema, args);
    });
  };
  if (r.shape == Result::One) {
    write(r.tensor, out);
    return Py_NewRef(out);
  }
  RL_CHECK_TYPE(r.shape == Result::Tuple && is_sequence(out) &&
                    PySequence_Fast_GET_SIZE(out) == static_cast<Py_ssize_t>(r.tensors.size()),
                op.name, "(): argument 'out' must be a tuple of ", r.tensors.size(), " Tensors");
  for (size_t i = 0; i < r.tensors.size(); ++i) {
    PyObject* o = PySequence_Fast_GET_ITEM(out, static_cast<Py_ssize_t>(i));
    write(r.tensors[i], o);
    r.tensors[i] = unwrap(o);
  }
  return wrap_result(std::move(r), overload.schema.get());
}

}  // namespace rl::py
