// The promotion rule, and the defaults that Python numbers take.
#include "op/promote.h"

namespace rl {
namespace {

DType g_default = DType::F32;
Device g_default_device;

int category(DType t) { return is_complex(t) ? 3 : is_floating(t) ? 2 : t == DType::Bool ? 0 : 1; }

/// Joins two ranks: the lower one counts only if its category is higher.
DType join(bool has_high, DType high, bool has_low, DType low) {
  if (!has_high) return low;
  if (!has_low || category(low) <= category(high)) return high;
  if (is_complex(low) && is_floating(high)) return complex_of(high);
  return low;
}

}  // namespace

DType default_dtype() { return g_default; }
void set_default_dtype(DType t) { g_default = t; }
Device default_device() { return g_default_device; }
void set_default_device(Device d) { g_default_device = d; }

DType promote(DType a, DType b) {
  if (a == b) return a;
  const int ca = category(a), cb = category(b);
  if (ca == 3 || cb == 3) {
    const DType ra = real_of(a), rb = real_of(b);
    return (is_floating(ra) && ra == DType::F64) || (is_floating(rb) && rb == DType::F64)
               ? DType::C128
               : DType::C64;
  }
  if (ca != cb) return ca > cb ? a : b;
  if (ca == 2) {
    if (size_of(a) == size_of(b)) return DType::F32;  // half and bfloat16
    return size_of(a) > size_of(b) ? a : b;
  }
  if (is_signed(a) == is_signed(b)) return size_of(a) > size_of(b) ? a : b;
  const DType s = is_signed(a) ? a : b, u = is_signed(a) ? b : a;  // the signed must hold the other
  if (size_of(s) > size_of(u)) return s;
  switch (size_of(u)) {
    case 1:
      return DType::I16;
    case 2:
      return DType::I32;
    default:
      return DType::I64;
  }
}

DType result_type(const Operand* operands, int n) {
  DType type[3] = {};
  bool has[3] = {};
  for (int i = 0; i < n; ++i) {
    const Operand& o = operands[i];
    const int rank = !o.tensor ? 2 : o.tensor->dim() == 0 ? 1 : 0;
    const DType t = o.tensor ? o.tensor->dtype() : o.number.dtype(g_default);
    type[rank] = has[rank] ? promote(type[rank], t) : t;
    has[rank] = true;
  }
  const DType low = join(has[1], type[1], has[2], type[2]);
  return join(has[0], type[0], has[1] || has[2], low);
}

bool can_cast(DType from, DType to) {
  const int f = category(from), t = category(to);
  return f <= t;
}

}  // namespace rl
