// How any operation is called from C++: by name (`call_op<"mul">(a, b)`, which records), and the
// few helpers that gradients and the engine need. Also how an operation that is a C++ function
// records.
#pragma once
#include <tuple>

#include "autograd/inplace.h"
#include "autograd/node.h"
#include "autograd/saved.h"
#include "base/mode.h"
#include "op/registry.h"

namespace rl {

// ---- pointwise operations (op/pointwise.cpp) ----

/// Runs a formula with promotion and broadcasting, and records it. `scalars` follow the operands.
Tensor pointwise(const Formula& f, const Operand* operands, const Scalar* scalars);
/// The same over `self` (operand 0), in place.
void pointwise_(const Formula& f, const Operand* operands, const Scalar* scalars);
/// The same into an existing tensor of the right shape, without recording.
void pointwise_out(const Formula& f, const Operand* operands, const Scalar* scalars,
                   const Tensor& out);
/// The same, counted as a write, where nothing has to be converted, resized or recorded; else does
/// nothing and returns false.
bool pointwise_into(const Formula& f, const Operand* operands, const Scalar* scalars,
                    const Tensor& out);
/// The node a recorded call would get, for operations that are a formula and something more (a loss
/// is a formula and a mean): its apply() gives the operands' gradients from that of `result`.
Ref<Node> formula_node(const Formula& f, const Operand* operands, const Scalar* scalars,
                       const Tensor& result);
Result invoke_formula(void* formula, const Arg* args);
Result invoke_formula_(void* formula, const Arg* args);                ///< in place
bool formula_into(void* formula, const Arg* args, const Tensor& out);  ///< as pointwise_into
/// A program run on tensors: differentiable to any order. inputs[j] may be unset where not loaded.
Tensor interpret(const Program& p, const OptOperand* inputs, const Scalar* scalars);

// ---- calls by name ----

template <size_t N>
struct FixedString {
  char text[N];
  constexpr FixedString(const char (&s)[N]) {
    for (size_t i = 0; i < N; ++i) text[i] = s[i];
  }
};

inline void to_arg(Arg& a, const Tensor& t) {
  a.present = t.defined();
  a.tensor = t.defined() ? &t : nullptr;
}
inline void to_arg(Arg& a, const Scalar& v) {
  a.present = a.is_number = true;
  a.number = v;
  a.tensor = nullptr;
}
inline void to_arg(Arg& a, const Dims& v) {
  a.present = true;
  a.dims = &v;
}
inline void to_arg(Arg& a, const Tensors& v) {
  a.present = true;
  a.tensors = &v;
}
inline void to_arg(Arg& a, DType v) {
  a.present = true;
  a.i = static_cast<int64_t>(v);
}

const Op& find_op(const char* name);  ///< NotImplementedError if there is none
Result invoke_with_defaults(const Op& op, Arg* args, size_t given);
Tensor call_with(const Op& op, std::initializer_list<Operand> operands);

/// Calls an operation by its name; trailing parameters take their defaults. Numbers may stand where
/// the operation takes tensors or numbers only in pointwise operations.
template <FixedString Name, class... A>
Tensor call_op(const A&... a) {
  static const Op* op = nullptr;
  if (!op) op = &find_op(Name.text);
  if constexpr ((std::is_convertible_v<A, Operand> && ...) && sizeof...(A) <= 3) {
    return call_with(*op, {Operand(a)...});
  } else {
    Arg args[sizeof...(A)];
    size_t i = 0;
    (to_arg(args[i++], a), ...);
    return invoke_with_defaults(*op, args, i).tensor;
  }
}

// ---- helpers without recording ----

/// dst = src with conversion; shapes must be equal or src broadcastable. Handles overlap.
void write(const Tensor& dst, const Tensor& src);
Tensor copy_of(const Tensor& t);  // contiguous, or t's dense layout
Tensor contiguous_copy(const Tensor& t);
/// t itself if it is contiguous, of this dtype; otherwise a copy. Never records.
Tensor as_contiguous(const Tensor& t);
Tensor as_contiguous(const Tensor& t, DType dtype);
void accumulate_in_place(const Tensor& into, const Tensor& g);  // += for gradients
bool is_dense_like(const Tensor& g, const Tensor& like);
bool has_nan(const Tensor& t);

// ---- helpers that record ----

Tensor op_clone(const Tensor& t);
Tensor call_to(const Tensor& t, DType dtype);
void call_copy_(const Tensor& dst, const Tensor& src);
Tensor call_as_strided(const Tensor& t, const Dims& sizes, const Dims& strides, int64_t offset);
/// g, the gradient of as_strided(base, sizes, strides, offset): scattered into the base's geometry.
Tensor as_strided_backward(const Tensor& g, const Dims& base_sizes, const Dims& base_strides,
                           int64_t base_offset, const Dims& sizes, const Dims& strides,
                           int64_t offset);
/// Sums g over the dimensions that broadcasting repeated.
Tensor sum_to(const Tensor& g, const Dims& sizes);

// ---- recording an operation that is a C++ function ----

[[noreturn]] void raise_freed();  ///< what a node needs for its backward has been freed
/// The node, with edges to where the inputs' gradients go.
Ref<Node> with_edges(Node* node, std::initializer_list<const Tensor*> inputs);

/// A node whose gradient is a closure `Grads(const Grads& grads, Node& self)`. What the closure
/// saved (Saved, tensors) is freed after the backward.
template <class F>
struct ClosureNode : Node {
  ClosureNode(const char* label, F f) : label(label), fn(std::move(f)) {}
  std::string name() const override { return label; }
  Grads apply(Grads&& grads) override {
    if (!fn) raise_freed();
    return (*fn)(grads, *this);
  }
  void release() override {
    if (!keeps) fn.reset();
  }
  const char* label;
  std::optional<F> fn;
  bool keeps = false;  // nothing worth freeing: a second backward is fine
};

template <class F>
Ref<Node> make_node(const char* label, std::initializer_list<const Tensor*> inputs, F f,
                    bool keeps = false) {
  auto* node = new ClosureNode<F>(label, std::move(f));
  node->keeps = keeps;
  return with_edges(node, inputs);
}
/// The same from a builder of the closure: a closure that saved no tensor survives its backward.
template <class Builder>
Ref<Node> build_node(const char* label, std::initializer_list<const Tensor*> inputs,
                     Builder& build) {
  const uint64_t before = Saved::made;
  auto closure = build();
  return make_node(label, inputs, std::move(closure), Saved::made == before);
}

/// Records `out` as made from `inputs` (undefined ones allowed) if grad mode says so. The closure
/// builder is only called then: it saves what backward needs and returns the closure.
///   return record(out, "MmBackward0", {&a, &b}, [&] {
///     return [a = Saved(a), b = Saved(b)](const Grads& g, Node& self) -> Grads { ... };
///   });
template <class Builder>
Tensor record(Tensor out, const char* label, std::initializer_list<const Tensor*> inputs,
              Builder build) {
  if (recording(inputs) && is_differentiable(out.dtype()))
    set_history(out, build_node(label, inputs, build));
  return out;
}
template <class Builder>
Tensors record_all(Tensors outs, const char* label, std::initializer_list<const Tensor*> inputs,
                   Builder build) {
  if (recording(inputs)) {
    Ref<Node> node = build_node(label, inputs, build);
    for (Tensor& t : outs)
      if (is_differentiable(t.dtype())) set_history(t, node);
  }
  return outs;
}

/// An in-place operation: checks self, runs `write_it()`, and records with self as input 0.
template <class Write, class Builder>
void in_place(const Tensor& self, const char* label, std::initializer_list<const Tensor*> inputs,
              Write write_it, Builder build) {
  const bool rec = recording(inputs) && is_differentiable(self.dtype());
  check_inplace(self, rec);
  Ref<Node> node;
  if (rec) node = build_node(label, inputs, build);
  {
    GradGuard off(false);
    write_it();
  }
  bump_version(self);
  if (rec) rebase_history(self, node);
}

/// Inside, kernels keep the interpreter lock: for what threads must not do at the same time.
struct HoldLock {
  HoldLock() { ++count; }
  ~HoldLock() { end(); }
  HoldLock(const HoldLock&) = delete;
  HoldLock& operator=(const HoldLock&) = delete;
  void end() const {
    count -= active;
    active = 0;
  }
  mutable int active = 1;
  static inline int count = 0;  // guarded by the lock
};

/// Lets other Python threads run while a kernel works on raw memory. The binding layer fills it in.
struct LongKernel {
  explicit LongKernel(int64_t work)
      : released(work > kWork && release && !HoldLock::count ? release() : nullptr) {}
  ~LongKernel() {
    if (released) acquire(released);
  }
  LongKernel(const LongKernel&) = delete;
  LongKernel& operator=(const LongKernel&) = delete;
  static constexpr int64_t kWork = 1 << 18;
  static void* (*release)();
  static void (*acquire)(void*);
  void* released;
};

}  // namespace rl
