// The registry's bookkeeping, and the list of operation families.
#include "op/registry.h"

#include "op/call.h"
#include "ops/families.h"

namespace rl {

#define RL_FAMILIES(X) RL_FORMULA_FAMILIES(X) RL_FUNCTION_FAMILIES(X)
#define X(family) void define_##family(Registry&) __attribute__((weak));
RL_FAMILIES(X)
#undef X

Registry& registry() {
  static Registry* r = [] {
    auto* fresh = new Registry;
#define X(family) \
  if (define_##family) define_##family(*fresh);
    RL_FAMILIES(X)
#undef X
    return fresh;
  }();
  return *r;
}

Op& Registry::get(const std::string& name, const char* doc) {
  if (auto it = by_name_.find(name); it != by_name_.end()) return *it->second;
  Op& op = ops_.emplace_back();
  op.name = name;
  op.doc = doc;
  op.is_in_place = name.back() == '_' && name.size() > 1 && name[name.size() - 2] != '_';
  if (op.is_in_place) op.makes_out = op.function = false;
  by_name_[name] = &op;
  return op;
}

Op* Registry::find(std::string_view name) const {
  const auto it = by_name_.find(std::string(name));
  return it == by_name_.end() ? nullptr : it->second;
}

Registry::Entry& Registry::Entry::alias(const char* name) {
  op_.aliases.push_back(name);
  registry_.by_name_[name] = &op_;
  return *this;
}

Registry::Entry Registry::add_function(const char* text, const char* doc,
                                       const std::vector<Kind>& kinds, void* fn,
                                       Result (*invoke)(void*, const Arg*)) {
  auto schema = std::make_unique<Schema>(text, kinds);
  Op& op = get(schema->name, doc);
  op.overloads.push_back({std::move(schema), fn, invoke});
  return {*this, op};
}

namespace {
/// "leaky_relu" -> "LeakyReluBackward0".
std::string node_name(const std::string& name) {
  std::string s;
  bool upper = true;
  for (char c : name) {
    if (c == '_') {
      upper = true;
      continue;
    }
    s += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    upper = false;
  }
  return s + "Backward0";
}
}  // namespace

Registry::Entry Registry::finish_formula(const char* text, const char* doc,
                                         std::unique_ptr<Formula> f) {
  std::vector<Kind> kinds(static_cast<size_t>(f->operands), Kind::Operand);
  kinds[0] = Kind::Tensor;
  kinds.insert(kinds.end(), static_cast<size_t>(f->scalars), Kind::Number);
  auto schema = std::make_unique<Schema>(text, kinds);
  f->kernels = &cpu::formulas().entry[formulas_++];
  RL_CHECK(std::string_view(f->kernels->name) == text,
           "formulas and kernels were defined in different orders at ", text);
  for (int k = 0; k < f->operands; ++k)
    for (int j = 0; j < f->operands + 2; ++j)
      f->loads[k][j] = f->differentiable && f->backward[k].loads(j);
  f->name = schema->name;
  f->node = node_name(schema->name);
  f->kernel = schema->name.substr(schema->name[0] == '_') + "_cpu";
  Op& op = get(schema->name, doc);
  RL_CHECK(!op.formula, "two formulas are called ", op.name);
  op.in_place = true;
  f->name = op.name;
  op.formula = std::move(f);
  op.overloads.push_back({std::move(schema), op.formula.get(), invoke_formula});
  return {*this, op};
}

}  // namespace rl
