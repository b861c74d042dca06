// out=: a computed result is written into the caller's tensors, after the checks that PyTorch makes
// of them. What it says of a wrong dtype depends on the operation; that is the table here.
#include <cstring>

#include "op/promote.h"
#include "ops/product.h"
#include "python/py.h"
#include "tensor/layout.h"

namespace rl::py {
namespace {

/// What is asked of the dtype of out=: by default, that the result can be cast to it.
/// In the text %W and %G are the wanted and the given dtype ("Float"), %w and %g in C ("float").
struct OutRule {
  const char* ops;
  bool exact;
  ErrorKind kind;
  const char* text;
};
constexpr auto kRuntime = ErrorKind::Runtime;
const OutRule kRules[] = {
    {" addmm addmv addbmm_ aminmax baddbmm bmm gather index_add index_copy index_reduce isin"
     " log_softmax max.tuple min.tuple mm msort norm scatter scatter_add scatter_reduce softmax "
     "sort"
     " take_along_dim topk tril triu ",
     true, kRuntime, "Expected out tensor to have dtype %w, but got %g instead"},
    {" abs ceil conj_physical floor frac neg round sgn sign trunc ", false, kRuntime,
     "Found dtype %G but expected %W"},
    {" cat concat concatenate stack hstack vstack dstack column_stack row_stack ", false,
     ErrorKind::Type, "torch.cat(): input types can't be cast to the desired output type %G"},
    {" cummax cummin logcumsumexp ", true, kRuntime, "expected scalar_type %W but found %G"},
    {" dot vdot ", true, kRuntime, "result dtype %G does not match input dtype %W"},
    {" nansum nanmean ", false, ErrorKind::NotImplemented,
     "\"nansum_cpu\" not implemented for '%G'"},
    {" amax amin ", true, kRuntime,
     "Expected the dtype for input and out to match, but got %W for input's dtype and %G for out's "
     "dtype."},
    {" complex polar ", true, kRuntime,
     "Expected object of scalar type %W but got scalar type %G for argument 'out'"},
    {" mode ", true, kRuntime, "expected scalar type '%W' but got '%G' for values output"},
    {" mean ", false, kRuntime,
     "mean.dtype_out(): input types can't be cast to the desired output type %G"},
    {" where ", true, kRuntime, "Expected out type to be %W but got %G"},
    {" index_select ", true, kRuntime,
     "index_select(): self and result must have the same scalar type"},
    {" masked_select ", true, kRuntime,
     "masked_select(): self and result must have the same scalar type"},
    {" take ", true, kRuntime,
     "take(): self and out expected to have the same dtype, but got self.dtype = %W and out.dtype "
     "= %G"},
    {" logsumexp ", false, kRuntime,
     "logsumexp(): Expected floating point type for result tensor, but got: %G"},
    {" addbmm ", true, kRuntime, "self and mat2 must have the same dtype, but got %G and %W"},
    {" multinomial ", true, kRuntime, "multinomial expects Long tensor out, got: %G"},
    {" isneginf ", true, kRuntime, "isneginf does not support non-boolean outputs."},
    {" isposinf ", true, kRuntime, "isposinf does not support non-boolean outputs."},
    {" native_batch_norm ", true, kRuntime, "expected scalar type %W but found %G"},
    {" kthvalue ", true, kRuntime, "output values must be of same type as input"},
    {" frexp ", true, kRuntime, "torch.frexp() expects mantissa to have dtype %w but got %g"},
    {" histc ", true, kRuntime,
     "torch.histogram: input tensor and hist tensor should have the same dtype, but got input %w "
     "and hist %g"},
    {" diag ", false, kRuntime, "diag: result type %W can't be cast to the desired out= type %G"},
    {" float_power ", true, kRuntime,
     "the output given to float_power has dtype %G but the operation's result requires dtype %W"},
    {" bernoulli ", false, kRuntime, nullptr},
};
const OutRule kCast = {"", false, kRuntime,
                       "result type %W can't be cast to the desired output type %G"};

/// `several`: the call gives more than one result, as max over a dimension does.
const OutRule& rule_of(const Op& op, bool several) {
  const std::string name = " " + op.name + " ", tuple = " " + op.name + ".tuple ";
  for (const OutRule& rule : kRules)
    if (std::strstr(rule.ops, name.c_str()) || (several && std::strstr(rule.ops, tuple.c_str())))
      return rule;
  return kCast;
}

void check_dtype(const Op& op, DType wanted, DType given, bool several) {
  if (wanted == given) return;
  if (op.name == "all" || op.name == "any")
    RL_CHECK(given == DType::U8, op.name,
             " only supports bool tensor for result, got: ", info(given).type);
  if (given == DType::U8 && wanted == DType::Bool) return;
  const OutRule& rule = rule_of(op, several);
  if (!rule.text) return;
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

/// Operations that may not even write over the very tensor they read.
bool reads_while_writing(const Op& op) {
  static const char* const ops = " cat gather kthvalue masked_select take index_select scatter ";
  return std::strstr(ops, (" " + op.name + " ").c_str()) != nullptr;
}

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
  RL_CHECK(apart || (same && !reads_while_writing(op)),
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

}  // namespace

PyObject* write_out(Result&& r, PyObject* out, const Op& op, const Schema& schema,
                    const Arg* args) {
  const auto put = [&](const Tensor& value, PyObject* o) {
    RL_CHECK_TYPE(is_tensor(o), op.name, "(): argument 'out' must be Tensor, not ",
                  Py_TYPE(o)->tp_name);
    const Tensor& to = unwrap(o);
    RL_CHECK(!(GradMode::enabled && (to.requires_grad() || value.requires_grad())), op.name,
             "(): functions with out=... arguments don't support automatic differentiation, but "
             "one of the arguments requires grad.");
    check_dtype(op, value.dtype(), to.dtype(), r.shape != Result::One);
    const bool fits = to.sizes() == value.sizes();
    if (fits || reads_while_writing(op)) check_memory(op, to, schema, args);
    if (!fits) resize(to, value.sizes());
    GradGuard off(false);
    call_copy_(to, value);
  };
  if (r.shape == Result::One) {
    put(r.tensor, out);
    return Py_NewRef(out);
  }
  RL_CHECK_TYPE(r.shape == Result::Tuple && is_sequence(out) &&
                    PySequence_Fast_GET_SIZE(out) == static_cast<Py_ssize_t>(r.tensors.size()),
                op.name, "(): argument 'out' must be a tuple of ", r.tensors.size(), " Tensors");
  for (size_t i = 0; i < r.tensors.size(); ++i) {
    PyObject* o = PySequence_Fast_GET_ITEM(out, static_cast<Py_ssize_t>(i));
    put(r.tensors[i], o);
    r.tensors[i] = unwrap(o);
  }
  return wrap_result(std::move(r), op.overloads[0].schema.get());
}

}  // namespace rl::py
