// Sym: the symbol a formula is run on, once, to become a Program. Every operation appends a leaf.
#pragma once
#include "expr/program.h"

namespace rl {

struct Sym {
  using is_value = void;
  Program* program = nullptr;
  int id = -1;
};

namespace sym {
inline Sym node(Program* p, Leaf leaf, int a = -1, int b = -1, int c = -1) {
  return {p, p->emit({leaf, static_cast<int16_t>(a), static_cast<int16_t>(b),
                      static_cast<int16_t>(c), 0})};
}
inline Sym constant(Program* p, double v) {
  Instruction i{Leaf::constant};
  i.value = v;
  return {p, p->emit(i)};
}
}  // namespace sym

inline Sym like(Sym x, double v) { return sym::constant(x.program, v); }

#define X(name, op, cuda) \
  inline Sym name(Sym a) { return sym::node(a.program, Leaf::name, a.id); }
RL_UNARY_LEAVES(X)
RL_PLAIN_UNARY_LEAVES(X)
#undef X

#define X(name, op, cuda)                                                                \
  inline Sym name(Sym a, Sym b) { return sym::node(a.program, Leaf::name, a.id, b.id); } \
  inline Sym name(Sym a, double b) { return name(a, like(a, b)); }                       \
  inline Sym name(double a, Sym b) { return name(like(b, a), b); }
RL_BINARY_LEAVES(X)
#undef X

#define RL_SYM_OPERATOR(symbol, name)                                         \
  inline Sym operator symbol(Sym a, Sym b) {                                  \
    return sym::node(a.program, Leaf::name, a.id, b.id);                      \
  }                                                                           \
  inline Sym operator symbol(Sym a, double b) { return a symbol like(a, b); } \
  inline Sym operator symbol(double a, Sym b) { return like(b, a) symbol b; }
RL_SYM_OPERATOR(+, add)
RL_SYM_OPERATOR(-, sub)
RL_SYM_OPERATOR(*, mul)
RL_SYM_OPERATOR(/, div)
RL_SYM_OPERATOR(==, eq)
RL_SYM_OPERATOR(!=, ne)
RL_SYM_OPERATOR(<, lt)
RL_SYM_OPERATOR(<=, le)
RL_SYM_OPERATOR(>, gt)
RL_SYM_OPERATOR(>=, ge)
RL_SYM_OPERATOR(&, bit_and)
RL_SYM_OPERATOR(|, bit_or)
RL_SYM_OPERATOR(^, bit_xor)
RL_SYM_OPERATOR(<<, shl)
RL_SYM_OPERATOR(>>, shr)
RL_SYM_OPERATOR(&&, mask_and)
RL_SYM_OPERATOR(||, mask_or)
#undef RL_SYM_OPERATOR
inline Sym operator-(Sym a) { return neg(a); }
inline Sym operator!(Sym a) { return mask_not(a); }
inline Sym operator~(Sym a) { return bit_not(a); }

inline Sym where(Sym m, Sym a, Sym b) {
  return sym::node(m.program, Leaf::select, m.id, a.id, b.id);
}
inline Sym where(Sym m, Sym a, double b) { return where(m, a, like(a, b)); }
inline Sym where(Sym m, double a, Sym b) { return where(m, like(b, a), b); }
/// A mask as the number 1 or 0, in the type of `x`.
inline Sym as_number(Sym mask, Sym x) { return where(mask, like(x, 1.0), like(x, 0.0)); }

}  // namespace rl
