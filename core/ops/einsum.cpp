// einsum: every operand is laid out over the same labels, output first, then pairs are contracted
// from left to right, each as one (batched) matrix product. The sublist form and the choice of a
// path are Python's (functional.py).
#include <algorithm>
#include <string>
#include <vector>

#include "op/call.h"
#include "ops/ops.h"

namespace rl {
namespace {

constexpr int kLabels = 52, kEllipsis = -1;
using Subscripts = std::vector<int>;  // labels, and kEllipsis

int label_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  return c >= 'a' && c <= 'z' ? c - 'a' + 26 : -2;
}
char letter_of(int label) { return static_cast<char>(label < 26 ? 'A' + label : 'a' + label - 26); }

struct Equation {
  std::vector<Subscripts> inputs;
  Subscripts output;
  bool has_output = false;

  explicit Equation(std::string_view text) : inputs(1) {
    Subscripts* now = &inputs[0];
    bool ellipsis = false;
    for (size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (c == ' ') continue;
      const std::string where = has_output ? "output" : str("operand ", inputs.size() - 1);
      if (c == '.') {
        RL_CHECK(!ellipsis, "einsum(): found '.' for ", where,
                 has_output ? " but an ellipsis (...) was already found"
                            : " for which an ellipsis was already found");
        RL_CHECK(i + 2 < text.size() && text[i + 1] == '.' && text[i + 2] == '.',
                 "einsum(): found '.' for ", where, " that is not part of any ellipsis (...)");
        now->push_back(kEllipsis);
        ellipsis = true;
        i += 2;
      } else if (c == ',' && !has_output) {
        inputs.emplace_back();
        now = &inputs.back();
        ellipsis = false;
      } else if (c == '-' && !has_output) {
        RL_CHECK(i + 1 < text.size() && text[i + 1] == '>', "einsum(): found '-' at index ", i,
                 " in the equation string that is not part of an arrow ->");
        has_output = true;
        now = &output;
        ellipsis = false;
        ++i;
      } else {
        const int label = label_of(c);
        RL_CHECK(label >= 0, "einsum(): invalid subscript given at index ", i,
                 " in the equation string, subscripts must be in [a-zA-Z]");
        now->push_back(label);
      }
    }
  }
};

/// The common layout: a slot for each label, and some for the dimensions of the ellipsis.
struct Layout {
  int slot[kLabels];
  int ellipsis_slot = 0, ellipsis_dims = 0, output_slots = 0, slots = 0;
};

/// How many dimensions the ellipses cover, with every operand's rank checked.
int count_ellipsis(const Equation& eq, const Tensors& operands) {
  int dims = 0;
  for (size_t k = 0; k < operands.size(); ++k) {
    const Subscripts& s = eq.inputs[k];
    const bool has = std::count(s.begin(), s.end(), kEllipsis) > 0;
    const int labels = static_cast<int>(s.size()) - has, ndim = operands[k].dim();
    RL_CHECK(has ? labels <= ndim : labels == ndim,
             "einsum(): the number of subscripts in the equation (", labels,
             has ? ") is more than the number of dimensions ("
                 : ") does not match the number of dimensions (",
             ndim, ") for operand ", k, has ? "" : " and no ellipsis was given");
    if (has) dims = std::max(dims, ndim - labels);
  }
  return dims;
}

Layout make_layout(const Equation& eq, int ellipsis_dims) {
  Layout l;
  int seen[kLabels] = {};
  for (const Subscripts& s : eq.inputs)
    for (int label : s)
      if (label != kEllipsis) ++seen[label];
  std::fill_n(l.slot, kLabels, -1);
  l.ellipsis_dims = ellipsis_dims;
  bool placed = false;
  if (eq.has_output) {
    for (int label : eq.output) {
      if (label == kEllipsis) {
        l.ellipsis_slot = l.slots;
        l.slots += ellipsis_dims;
        placed = true;
        continue;
      }
      RL_CHECK(l.slot[label] < 0, "einsum(): output subscript ", letter_of(label),
               " appears more than once in the output");
      RL_CHECK(seen[label], "einsum(): output subscript ", letter_of(label),
               " does not appear in the equation for any input operand");
      l.slot[label] = l.slots++;
    }
  } else {  // the ellipsis, then labels seen once, in alphabetic order
    l.slots = ellipsis_dims;
    placed = true;
    for (int label = 0; label < kLabels; ++label)
      if (seen[label] == 1) l.slot[label] = l.slots++;
  }
  l.output_slots = l.slots;
  if (!placed) {
    l.ellipsis_slot = l.slots;
    l.slots += ellipsis_dims;
  }
  for (int label = 0; label < kLabels; ++label)
    if (seen[label] && l.slot[label] < 0) l.slot[label] = l.slots++;
  return l;
}

/// The operand over all slots: repeated labels become diagonals, missing ones size 1.
Tensor lay_out(Tensor t, const Subscripts& subscripts, const Layout& l, size_t k) {
  std::vector<int> from(static_cast<size_t>(l.slots), -1);
  int dim = 0, after = static_cast<int>(subscripts.size());  // labels still to come
  for (int label : subscripts) {
    --after;
    if (label == kEllipsis) {
      const int covered = t.dim() - dim - after;
      for (int i = 0; i < covered; ++i)
        from[static_cast<size_t>(l.ellipsis_slot + l.ellipsis_dims - covered + i)] = dim++;
      continue;
    }
    int& place = from[static_cast<size_t>(l.slot[label])];
    if (place < 0) {
      place = dim++;
      continue;
    }
    RL_CHECK(t.size(place) == t.size(dim), "einsum(): subscript ", letter_of(label),
             " is repeated for operand ", k, " but the sizes don't match, ", t.size(dim),
             " != ", t.size(place));
    // The diagonal of the two dimensions comes last; it goes where the first of them was.
    t = call_op<"diagonal">(t, 0, int64_t{place}, int64_t{dim});
    Dims order;
    for (int d = 0; d + 1 < t.dim(); ++d) order.push_back(d);
    order.insert(place, t.dim() - 1);
    t = permute(t, order);
  }
  Dims order;
  for (int& d : from) {
    if (d < 0) {
      d = t.dim();
      t = unsqueeze(t, d);
    }
    order.push_back(d);
  }
  return permute(t, order);
}

Dims sizes_at(const Tensor& t, const Dims& dims) {
  Dims s;
  for (int64_t d : dims) s.push_back(t.size(static_cast<int>(d)));
  return s;
}
int64_t product_of(const Dims& d) {
  int64_t n = 1;
  for (int64_t s : d) n *= s;
  return n;
}
Dims joined(std::initializer_list<Dims> parts) {
  Dims out;
  for (const Dims& p : parts)
    for (int64_t d : p) out.push_back(d);
  return out;
}

/// a * b summed over the slots that `summed` marks; these have size 1 afterwards.
Tensor contract(Tensor a, Tensor b, const std::vector<bool>& summed) {
  Dims both, only_a, only_b, inner, sum_a, sum_b;
  for (int d = 0; d < a.dim(); ++d) {
    const bool in_a = a.size(d) != 1, in_b = b.size(d) != 1;
    if (summed[static_cast<size_t>(d)]) {
      if (in_a && in_b) {
        inner.push_back(d);
        continue;
      }
      if (in_a) sum_a.push_back(d);
      if (in_b) sum_b.push_back(d);
      both.push_back(d);
    } else {
      (in_a == in_b ? both : in_a ? only_a : only_b).push_back(d);
    }
  }
  if (!sum_a.empty()) a = sum_dims(a, sum_a, true);
  if (!sum_b.empty()) b = sum_dims(b, sum_b, true);
  if (inner.empty()) return call_op<"mul">(a, b);
  const Dims batch = sizes_at(a, both), rows = sizes_at(a, only_a), cols = sizes_at(b, only_b);
  const int64_t n = product_of(batch), m = product_of(rows), p = product_of(cols);
  const int64_t k = product_of(sizes_at(a, inner));
  const Tensor left = permute(a, joined({both, only_a, inner, only_b}));
  const Tensor right = permute(b, joined({both, inner, only_b, only_a}));
  Tensor out = n == 1 && a.dtype() == b.dtype()
                   ? mm(reshape(left, {m, k}), reshape(right, {k, p}))
                   : bmm(reshape(left, {n, m, k}), reshape(right, {n, k, p}));
  const Dims order = joined({both, only_a, only_b, inner});
  out = reshape(out, joined({batch, rows, cols, Dims::filled(inner.size(), 1)}));
  Dims back = order;
  for (int i = 0; i < order.size(); ++i) back[static_cast<int>(order[i])] = i;
  return permute(out, back);
}

void check_sizes(const Equation& eq, const Tensors& operands, const Layout& l) {
  int64_t seen[kLabels];
  std::fill_n(seen, kLabels, 1);
  std::vector<int64_t> covered(static_cast<size_t>(l.ellipsis_dims), 1);
  for (size_t k = 0; k < operands.size(); ++k) {
    const Tensor& t = operands[k];
    const int labels = static_cast<int>(eq.inputs[k].size());
    int dim = 0;
    for (int label : eq.inputs[k]) {
      if (label == kEllipsis) {
        const int count = t.dim() - (labels - 1);
        for (int i = 0; i < count; ++i, ++dim) {
          int64_t& s = covered[static_cast<size_t>(l.ellipsis_dims - count + i)];
          RL_CHECK(s == 1 || t.size(dim) == 1 || s == t.size(dim), "einsum(): dimension ", dim,
                   " covered by ellipsis in operand ", k, "has size ", t.size(dim),
                   " which does not broadcast with previously seen ellipsis with size ", s,
                   " for the respective dimension");
          if (s == 1) s = t.size(dim);
        }
        continue;
      }
      const int64_t n = t.size(dim++);
      RL_CHECK(seen[label] == 1 || n == 1 || n == seen[label], "einsum(): subscript ",
               letter_of(label), " has size ", n, " for operand ", k,
               " which does not broadcast with previously seen size ", seen[label]);
      if (seen[label] == 1) seen[label] = n;
    }
  }
}

Tensor einsum(std::string_view equation, const Tensors& operands) {
  RL_CHECK(!operands.empty(), "einsum(): must provide at least one operand");
  const Equation eq(equation);
  RL_CHECK(eq.inputs.size() >= operands.size(),
           "einsum(): more operands were provided than specified in the equation");
  RL_CHECK(eq.inputs.size() <= operands.size(),
           "einsum(): fewer operands were provided than specified in the equation");
  const Layout l = make_layout(eq, count_ellipsis(eq, operands));
  Tensors parts;
  std::vector<size_t> last(static_cast<size_t>(l.slots), 0);  // the last operand that has the slot
  for (size_t k = 0; k < operands.size(); ++k) {
    parts.push_back(lay_out(operands[k], eq.inputs[k], l, k));
    for (int d = 0; d < l.slots; ++d)
      if (parts[k].size(d) != 1) last[static_cast<size_t>(d)] = k;
  }
  check_sizes(eq, operands, l);
  Tensor out = parts[0];
  for (size_t k = 1; k < parts.size(); ++k) {
    std::vector<bool> summed(static_cast<size_t>(l.slots), false);
    for (int d = l.output_slots; d < l.slots; ++d)
      summed[static_cast<size_t>(d)] = last[static_cast<size_t>(d)] <= k;
    out = contract(out, parts[k], summed);
  }
  if (l.slots == l.output_slots) return out;
  if (parts.size() == 1) {
    Dims rest;
    for (int d = l.output_slots; d < l.slots; ++d) rest.push_back(d);
    return sum_dims(out, rest, false);
  }
  return reshape(out, Dims(out.sizes().data(), l.output_slots));
}

}  // namespace

void define_einsum(Registry& r) {
  r.op("_einsum(equation, operands)",
       "Sums products of the operands' elements as the equation says: 'ij,jk->ik' is a matrix "
       "product. Labels are letters, '...' stands for further dimensions.",
       &einsum)
      .not_method();
}

}  // namespace rl
