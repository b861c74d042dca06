// Program: building, pruning and printing.
#include "expr/program.h"

#include "base/error.h"

namespace rl {

const LeafInfo& info(Leaf leaf) {
  static constexpr LeafInfo table[] = {
#define X(name, op, cuda) {#name, op, cuda},
      RL_ALL_LEAVES(X)
#undef X
  };
  return table[static_cast<int>(leaf)];
}

int Program::emit(Instruction i) {
  for (size_t k = 0; k < code.size(); ++k)
    if (code[k] == i) return static_cast<int>(k);
  code.push_back(i);
  return static_cast<int>(code.size()) - 1;
}

bool Program::loads(int input) const {
  for (const Instruction& i : code)
    if (i.leaf == Leaf::input && i.a == input) return true;
  return false;
}

void Program::prune() {
  std::vector<int> to(code.size(), -1);
  std::vector<bool> used(code.size(), false);
  used[static_cast<size_t>(result)] = true;
  for (int k = result; k >= 0; --k) {
    const Instruction& i = code[static_cast<size_t>(k)];
    if (!used[static_cast<size_t>(k)] || i.leaf == Leaf::input || i.leaf == Leaf::param) continue;
    for (int16_t o : {i.a, i.b, i.c})
      if (o >= 0) used[static_cast<size_t>(o)] = true;
  }
  std::vector<Instruction> kept;
  for (size_t k = 0; k < code.size(); ++k) {
    if (!used[k]) continue;
    Instruction i = code[k];
    if (i.leaf != Leaf::input && i.leaf != Leaf::param)
      for (int16_t* o : {&i.a, &i.b, &i.c})
        if (*o >= 0) *o = static_cast<int16_t>(to[static_cast<size_t>(*o)]);
    to[k] = static_cast<int>(kept.size());
    kept.push_back(i);
  }
  result = to[static_cast<size_t>(result)];
  code = std::move(kept);
}

std::string Program::text() const {
  std::string s;
  for (size_t k = 0; k < code.size(); ++k) {
    const Instruction& i = code[k];
    s += str("%", k, " = ", info(i.leaf).name);
    if (i.leaf == Leaf::constant) {
      s += str(" ", i.value);
    } else if (i.leaf == Leaf::input || i.leaf == Leaf::param) {
      s += str(" ", i.a);
    } else {
      for (int16_t o : {i.a, i.b, i.c})
        if (o >= 0) s += str(" %", o);
    }
    s += '\n';
  }
  return s + str("return %", result, "\n");
}

}  // namespace rl
