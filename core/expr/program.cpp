// Program: building, pruning, printing and hashing.
#include "expr/program.h"

#include <cstring>

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

uint64_t Program::hash() const {
  uint64_t h = 1469598103934665603ull;  // FNV-1a
  const auto mix = [&](uint64_t v) { h = (h ^ v) * 1099511628211ull; };
  for (const Instruction& i : code) {
    mix(static_cast<uint64_t>(i.leaf));
    mix(static_cast<uint16_t>(i.a));
    mix(static_cast<uint16_t>(i.b));
    mix(static_cast<uint16_t>(i.c));
    uint64_t bits;
    std::memcpy(&bits, &i.value, 8);
    mix(bits);
  }
  mix(static_cast<uint64_t>(result));
  return h;
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
