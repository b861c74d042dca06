// The tile interpreter: puts values in as few tiles as their lifetimes allow, then runs the steps.
#include "expr/tile.h"

#include <cstring>
#include <memory>
#include <new>

#include "base/error.h"
#include "cpu/load_store.h"
#include "cpu/pick.h"
#include "cpu/threads.h"

RL_PICK(cpu::TileTable, tile_table)

namespace rl {
namespace {

constexpr int64_t kGrain = 16384;  // elements below which a thread is not worth waking

bool is_source(Leaf leaf) {
  return leaf == Leaf::input || leaf == Leaf::param || leaf == Leaf::constant;
}

/// The earlier instructions that i reads.
int operands(const Instruction& i, size_t* from) {
  int n = 0;
  if (!is_source(i.leaf))
    for (int16_t o : {i.a, i.b, i.c})
      if (o >= 0) from[n++] = static_cast<size_t>(o);
  return n;
}

/// The kernels of the formula that is the leaf's operation.
const cpu::FormulaKernels& formula_of(Leaf leaf) {
  static const cpu::FormulaKernels* found[kLeaves] = {};
  const cpu::FormulaKernels*& f = found[static_cast<int>(leaf)];
  const std::string start = str(info(leaf).op, "(");
  for (f = f ? f : cpu::formulas().entry; !std::string_view(f->name).starts_with(start);) ++f;
  return *f;
}

cpu::TileLeaf leaf_of(Leaf leaf, Compute c) {
  const int type = static_cast<int>(c);
  RL_CHECK(type < cpu::TileTable::kTypes, "tiles are real, not ", name_of(dtype_of(c)));
  const cpu::TileLeaf& own = cpu::tile_table().leaf[type][static_cast<int>(leaf)];
  if (own.fn) return own;
  const cpu::FormulaKernels& f = formula_of(leaf);
  RL_CHECK(f.forward[type], "leaf ", info(leaf).name, " is not for ", name_of(dtype_of(c)));
  return {f.forward[type], f.result[type] == static_cast<int>(DType::Bool)};
}

/// Which instructions numbers alone decide.
std::vector<bool> find_numbers(const Program& p, const std::vector<bool>& number_input) {
  std::vector<bool> number(p.code.size());
  for (size_t k = 0; k < p.code.size(); ++k) {
    const Instruction& i = p.code[k];
    size_t from[3];
    const int n = operands(i, from);
    number[k] = i.leaf != Leaf::input || number_input[static_cast<size_t>(i.a)];
    for (int j = 0; j < n; ++j) number[k] = number[k] && number[from[j]];
  }
  return number;
}

std::vector<size_t> find_last_uses(const Program& p) {
  std::vector<size_t> last(p.code.size(), 0);
  for (size_t k = 0; k < p.code.size(); ++k) {
    size_t from[3];
    const int n = operands(p.code[k], from);
    for (int j = 0; j < n; ++j) last[from[j]] = k;
  }
  return last;
}

/// Registers by width, given out again once their value has had its last use.
class Registers {
 public:
  int take(bool mask) {
    std::vector<int>& free = free_[mask];
    if (free.empty()) {
      is_mask.push_back(mask);
      return static_cast<int>(is_mask.size()) - 1;
    }
    const int r = free.back();
    free.pop_back();
    return r;
  }
  void give(int r) { free_[is_mask[static_cast<size_t>(r)]].push_back(r); }
  std::vector<bool> is_mask;

 private:
  std::vector<int> free_[2];
};

}  // namespace

TileProgram::TileProgram(const Program& p, Compute compute, const std::vector<bool>& number_input)
    : compute_(compute),
      result_(dtype_of(compute)),
      inputs_(static_cast<int>(number_input.size())) {
  const std::vector<bool> number = find_numbers(p, number_input);
  const std::vector<size_t> last = find_last_uses(p);
  const size_t size = p.code.size(), result = static_cast<size_t>(p.result);
  RL_CHECK(result + 1 == size, "internal error: a program whose result is not last");
  std::vector<int> slot(size), reg(size, -1);
  std::vector<bool> mask(size);
  for (size_t k = 0; k < size; ++k) {
    if (!is_source(p.code[k].leaf)) mask[k] = leaf_of(p.code[k].leaf, compute).mask;
    if (!number[k]) continue;
    slot[k] = cell_slot(cell_of_.size());
    cell_of_.push_back(p.code[k]);
  }
  Registers registers;
  constexpr int kResult = -1;  // the last slot, whose place is known when all registers are
  for (size_t k = 0; k < size; ++k) {
    const Instruction& i = p.code[k];
    if (i.leaf == Leaf::input && !number[k]) slot[k] = i.a;
    if (is_source(i.leaf)) continue;
    Step step{leaf_of(i.leaf, compute).fn, slot[k], {0, 0, 0}, {1, 1, 1}};
    size_t from[3];
    const int n = operands(i, from);
    for (int j = 0; j < n; ++j) {
      step.in[j] = slot[from[j]];
      step.step[j] = number[k] || !number[from[j]];
    }
    if (number[k]) {
      number_steps_.push_back(step);
      continue;
    }
    // A tile may be overwritten by the step that reads it last, if the elements are as wide.
    const auto release = [&](bool as_wide) {
      for (int j = 0; j < n; ++j) {
        int& r = reg[from[j]];
        if (r < 0 || last[from[j]] != k || (mask[from[j]] == mask[k]) != as_wide) continue;
        registers.give(r);
        r = -1;  // an operand may stand twice
      }
    };
    release(true);
    if (k != result) reg[k] = registers.take(mask[k]);
    release(false);
    step.out = slot[k] = k == result ? kResult : register_slot(static_cast<size_t>(reg[k]));
    steps_.push_back(step);
  }
  for (bool m : registers.is_mask) register_size_.push_back(m ? 1 : size_of(compute));
  if (mask[result]) result_ = DType::Bool;
  result_slot_ = slot[result];
  if (result_slot_ == kResult)
    steps_.back().out = result_slot_ = register_slot(register_size_.size());
}

/// The cells, filled in.
TileProgram::Cells TileProgram::numbers(const void* const* in, const void* params) const {
  Cells cells(cell_of_.size());
  const auto size = static_cast<size_t>(size_of(compute_));
  size_t next = 0;
  for (size_t k = 0; k < cells.size(); ++k) {
    const Instruction& i = cell_of_[k];
    char* to = cells[k].bytes;
    if (i.leaf == Leaf::constant) {
      cpu::put(compute_, to, Scalar(i.value));
    } else if (i.leaf == Leaf::param) {
      std::memcpy(to, static_cast<const char*>(params) + static_cast<size_t>(i.a) * size, size);
    } else if (i.leaf == Leaf::input) {
      std::memcpy(to, in[i.a], size);
    } else {
      const Step& s = number_steps_[next++];
      const void* from[3];
      for (int j = 0; j < 3; ++j)
        from[j] = s.in[j] < inputs_ ? nullptr : cells[static_cast<size_t>(s.in[j] - inputs_)].bytes;
      s.fn(1, to, from, s.step, nullptr);
    }
  }
  return cells;
}

void TileProgram::tiles(int64_t begin, int64_t end, char* out, const void* const* in,
                        const Cells& cells) const {
  const int64_t tile = end - begin < cpu::kTile ? end - begin : cpu::kTile;
  const int64_t size = size_of(compute_), out_size = size_of(result_);
  int64_t bytes = 0;
  for (int64_t s : register_size_) bytes += (s * tile + 63) / 64 * 64;
  struct Free {
    void operator()(char* p) const { ::operator delete(p, std::align_val_t(64)); }
  };
  const std::unique_ptr<char, Free> memory(
      static_cast<char*>(::operator new(static_cast<size_t>(bytes), std::align_val_t(64))));

  std::vector<char*> at(static_cast<size_t>(register_slot(register_size_.size())) + 1);
  for (size_t c = 0; c < cells.size(); ++c)
    at[static_cast<size_t>(cell_slot(c))] = const_cast<char*>(cells[c].bytes);
  char* next = memory.get();
  for (size_t r = 0; r < register_size_.size(); ++r) {
    at[static_cast<size_t>(register_slot(r))] = next;
    next += (register_size_[r] * tile + 63) / 64 * 64;
  }
  for (int64_t i = begin; i < end; i += tile) {
    const int64_t m = end - i < tile ? end - i : tile;
    for (size_t j = 0; j < static_cast<size_t>(inputs_); ++j)
      at[j] = in[j] ? static_cast<char*>(const_cast<void*>(in[j])) + i * size : nullptr;
    at.back() = out + i * out_size;
    for (const Step& s : steps_) {
      const void* from[3];
      for (int j = 0; j < 3; ++j) from[j] = at[static_cast<size_t>(s.in[j])];
      s.fn(m, at[static_cast<size_t>(s.out)], from, s.step, nullptr);
    }
  }
}

void TileProgram::run(int64_t n, void* out, const void* const* in, const void* params) const {
  if (n == 0) return;
  const Cells cells = numbers(in, params);
  if (!steps_.empty()) {
    cpu::parallel_for(0, n, kGrain, [&](int64_t b, int64_t e) {
      tiles(b, e, static_cast<char*>(out), in, cells);
    });
  } else if (result_slot_ < inputs_) {
    const void* from = in[result_slot_];
    if (from != out) std::memcpy(out, from, static_cast<size_t>(n * size_of(result_)));
  } else {
    const char* number = cells[static_cast<size_t>(result_slot_ - inputs_)].bytes;
    cpu::fill(result_, out, n, cpu::get(result_, number));
  }
}

}  // namespace rl
