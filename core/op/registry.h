// The registry: every operation of rushlight, once. From an entry follow the Python function, the
// method, the in-place and out= forms, the stub, the documentation and the tests' parameters.
#pragma once
#include <deque>
#include <memory>
#include <type_traits>
#include <unordered_map>

#include "base/out_rule.h"
#include "cpu/kernel_table.h"
#include "expr/domain.h"
#include "expr/sym.h"
#include "op/schema.h"

namespace rl {

/// A pointwise operation: its programs, and where its kernels are.
struct Formula {
  static constexpr int kOperands = cpu::FormulaKernels::kOperands;
  int operands = 0, scalars = 0;
  Domain domain{};
  Program forward, backward[kOperands];
  bool differentiable = false;
  bool loads[kOperands][kOperands + 2] = {};  // gradient k loads input j (g, operands..., y)
  // What is raised for a bool operand, for bools only, for complex numbers, and where all operands
  // but the first are integers.
  const char *bool_message = nullptr, *bools_message = nullptr, *int_message = nullptr,
             *complex_message = nullptr;
  ErrorKind complex_error = ErrorKind::Runtime;
  const char* zero_message = nullptr;       // for zero as the first scalar
  const char* same_dtype[kOperands] = {};   // operands that have the dtype of the first
  std::string kernel;                       // what PyTorch says is "not implemented for" a dtype
  bool lacks_bool = false;                  // among them bool
  bool checks_alpha = false;                // the scalar must fit the dtype
  bool bool_as_int = false;                 // True counts as the int64 1
  bool checks_zero = false;                 // an integer divisor must not be zero
  bool mask_first = false;                  // operand 0 is a mask and takes no part in promotion
  std::string name, node;                   // "mul", "MulBackward0"
  const char* no_gradient[kOperands] = {};  // what a gradient raises where there is none
  const cpu::FormulaKernels* kernels = nullptr;
};

/// How an operation works on the meta device, where tensors have shapes and no elements.
enum class OnMeta : uint8_t {
  StandIns,       // the result's shape follows from shapes: runs on tensors of one element each
  FromOne,        // so too; its integers count from one, as LAPACK's pivots do
  WithIndices,    // so too; an index may be on the CPU
  ShapeOfOther,   // so too; of the second tensor only the shape counts, wherever it is
  Itself,         // changes or reads where elements lie: runs as it is
  Makes,          // makes a tensor of a given size: runs as it is, but for a number on meta
  Moves,          // the result is where the call says
  MovesToCpu,     // there is nothing to move
  NeedsElements,  // the result's shape depends on the elements
  NeedsNumber,    // the result is an element
};

struct Overload {
  std::unique_ptr<Schema> schema;
  void* function = nullptr;
  Result (*invoke)(void* function, const Arg* args) = nullptr;
  OutRule out_rule = kOutCast;
};

struct Op {
  std::string name;
  std::string doc;
  std::vector<Overload> overloads;
  std::unique_ptr<Formula> formula;
  // Where it appears.
  bool function = true;            // torch.name
  bool method = true;              // Tensor.name
  bool nn = false;                 // torch._C._nn.name, not torch.name
  bool special = false;            // torch.special.name, not torch.name
  bool linalg = false;             // torch.linalg.name, not torch.name
  bool in_place = false;           // there is name_ too
  bool in_place_function = false;  // and torch.name_
  size_t in_place_aliases = 0;     // the first aliases, of which that holds too
  bool is_in_place = false;        // this is one: "add_"; returns self
  bool makes_out = true;           // takes out=
  bool out_apart = false;          // out= may not even be the very tensor that is read
  bool out_sets_dtype = false;     // computed in the dtype of out=, where none is given
  OnMeta on_meta = OnMeta::StandIns;
  std::vector<std::string> aliases;
};

template <class F>
struct FunctionTraits;
template <class R, class... P>
struct FunctionTraits<R (*)(P...)> {
  static std::vector<Kind> kinds() { return {Read<std::decay_t<P>>::kind...}; }
  static Result invoke(void* f, const Arg* args) {
    auto* fn = reinterpret_cast<R (*)(P...)>(f);
    constexpr int widths[] = {Read<std::decay_t<P>>::width..., 0};
    int at[sizeof...(P) + 1];
    int sum = 0;
    for (size_t i = 0; i < sizeof...(P); ++i) {
      at[i] = sum;
      sum += widths[i];
    }
    return call(fn, args, at, std::index_sequence_for<P...>{});
  }

 private:
  template <size_t... I>
  static Result call(R (*fn)(P...), [[maybe_unused]] const Arg* args,
                     [[maybe_unused]] const int* at, std::index_sequence<I...>) {
    if constexpr (std::is_void_v<R>) {
      fn(Read<std::decay_t<P>>::from(args + at[I])...);
      return {};
    } else {
      return Result(fn(Read<std::decay_t<P>>::from(args + at[I])...));
    }
  }
};

class Registry {
 public:
  /// Options of an entry, to be chained behind its definition.
  class Entry {
   public:
    Entry(Registry& r, Op& op) : registry_(r), op_(op) {}
    Entry& alias(const char* name);
    Entry& node(const char* name) { return set(op_.formula->node, name); }
    Entry& kernel(const char* name) { return set(op_.formula->kernel, name); }
    Entry& lacks_bool() { return set(op_.formula->lacks_bool, true); }
    Entry& checks_alpha() { return set(op_.formula->checks_alpha, true); }
    Entry& rejects_zero(const char* message) { return set(op_.formula->zero_message, message); }
    Entry& same_dtype(int operand, const char* name) {
      return set(op_.formula->same_dtype[operand], name);
    }
    Entry& rejects_bool(const char* one, const char* all = nullptr) {
      op_.formula->bool_message = one;
      op_.formula->bools_message = all ? all : one;
      return *this;
    }
    Entry& rejects_int(const char* message) { return set(op_.formula->int_message, message); }
    Entry& rejects_complex(const char* message, ErrorKind kind = ErrorKind::Runtime) {
      op_.formula->complex_message = message;
      op_.formula->complex_error = kind;
      return *this;
    }
    Entry& bool_as_int() { return set(op_.formula->bool_as_int, true); }
    Entry& number_first() {  // a Python number may stand for the first operand too
      return set(op_.overloads.back().schema->params[0].kind, Kind::Operand);
    }
    Entry& tensors_only(
        int count = 3) {  // a Python number cannot stand for the first `count` operands
      for (int k = 0; k < op_.formula->operands && k < count; ++k)
        op_.overloads.back().schema->params[static_cast<size_t>(k)].kind = Kind::Tensor;
      return *this;
    }
    Entry& checks_zero() { return set(op_.formula->checks_zero, true); }
    Entry& no_gradient(int operand, const char* message) {
      return set(op_.formula->no_gradient[operand], message);
    }
    Entry& mask_first() { return set(op_.formula->mask_first, true); }
    Entry& nn() { return hidden().set(op_.nn, true); }
    Entry& special() { return hidden().set(op_.special, true); }
    Entry& linalg() { return hidden().set(op_.linalg, true); }
    Entry& hidden() {  // for the core's own use
      op_.function = op_.method = false;
      return *this;
    }
    Entry& not_method() { return set(op_.method, false); }
    Entry& not_function() { return set(op_.function, false); }
    Entry& not_in_place() { return set(op_.in_place, false); }
    Entry& in_place() {  // also name_: computed, then written over self
      return set(op_.in_place, true);
    }
    /// torch.name_, which most forms in place are not; so too for the aliases that stand before.
    Entry& in_place_function() {
      (op_.is_in_place ? op_.function : op_.in_place_function) = true;
      op_.in_place_aliases = op_.aliases.size();
      return *this;
    }
    Entry& out_dtype(const OutRule& rule) {  // of the overload that was just defined
      return set(op_.overloads.back().out_rule, rule);
    }
    Entry& out_apart() { return set(op_.out_apart, true); }
    Entry& out_sets_dtype() { return set(op_.out_sets_dtype, true); }
    Entry& on_meta(OnMeta how) { return set(op_.on_meta, how); }
    Entry& no_out() { return set(op_.makes_out, false); }

   private:
    template <class T>
    Entry& set(T& option, const std::type_identity_t<T>& value) {
      option = value;
      return *this;
    }

    Registry& registry_;
    Op& op_;
  };

  /// An operation that is a C++ function; a second one of the same name is an overload.
  template <class F>
  Entry op(const char* schema, const char* doc, F fn) {
    using Traits = FunctionTraits<decltype(+fn)>;
    return add_function(schema, doc, Traits::kinds(), reinterpret_cast<void*>(+fn), Traits::invoke);
  }

  template <class D, class F, class... B>
  Entry unary(const char* schema, D, const char* doc, F, B...) {
    return add_formula<1, F, B...>(schema, D::value, doc);
  }
  template <class D, class F, class... B>
  Entry binary(const char* schema, D, const char* doc, F, B...) {
    return add_formula<2, F, B...>(schema, D::value, doc);
  }
  template <class D, class F, class... B>
  Entry ternary(const char* schema, D, const char* doc, F, B...) {
    return add_formula<3, F, B...>(schema, D::value, doc);
  }

  Op* find(std::string_view name) const;
  const std::deque<Op>& all() const { return ops_; }

 private:
  Op& get(const std::string& name, const char* doc);
  Entry add_function(const char* schema, const char* doc, const std::vector<Kind>& kinds, void* fn,
                     Result (*invoke)(void*, const Arg*));
  Entry finish_formula(const char* schema, const char* doc, std::unique_ptr<Formula> f);

  // Traces a lambda: N operands as inputs 0.., or (g, operands, y) as inputs 0..N+1; then scalars.
  template <class F, class... S>
  static constexpr int scalars_after(S... s) {
    if constexpr (std::is_invocable_v<F, S...>)
      return 0;
    else
      return 1 + scalars_after<F>(s..., Sym{});
  }
  template <class F, size_t... I, size_t... J>
  static void trace(Program& p, std::index_sequence<I...>, std::index_sequence<J...>) {
    const auto load = [&](Leaf leaf, size_t i) { return sym::node(&p, leaf, static_cast<int>(i)); };
    p.result = F{}(load(Leaf::input, I)..., load(Leaf::param, J)...).id;
    p.prune();
  }
  template <class F, size_t... I>
  static constexpr int count_scalars(std::index_sequence<I...>) {
    return scalars_after<F>((static_cast<void>(I), Sym{})...);
  }

  template <size_t N, class F, class... B>
  Entry add_formula(const char* schema, Domain domain, const char* doc) {
    auto f = std::make_unique<Formula>();
    constexpr int P = count_scalars<F>(std::make_index_sequence<N>{});
    f->operands = N;
    f->scalars = P;
    f->domain = domain;
    trace<F>(f->forward, std::make_index_sequence<N>{}, std::make_index_sequence<P>{});
    f->differentiable = sizeof...(B) > 0;
    [[maybe_unused]] int k = 0;
    (trace<B>(f->backward[k++], std::make_index_sequence<N + 2>{}, std::make_index_sequence<P>{}),
     ...);
    return finish_formula(schema, doc, std::move(f));
  }

  std::deque<Op> ops_;
  std::unordered_map<std::string, Op*> by_name_;
  int formulas_ = 0;
};

Registry& registry();

}  // namespace rl
