// The arithmetic of sizes and strides.
#include "tensor/layout.h"

#include "base/error.h"

namespace rl {

int64_t checked_numel(const Dims& sizes) {
  int64_t n = 1;
  bool overflow = false, zero = false;
  for (int64_t s : sizes) {
    RL_CHECK(s >= 0, "Trying to create tensor with negative dimension ", s, ": ", sizes);
    zero |= s == 0;
    overflow |= __builtin_mul_overflow(n, s ? s : 1, &n);
  }
  RL_CHECK(!overflow || zero, "Storage size calculation overflowed with sizes=", sizes);
  return zero ? 0 : n;
}

Dims contiguous_strides(const Dims& sizes) {
  Dims strides;
  strides.resize(sizes.size());
  int64_t step = 1;
  for (int i = sizes.size() - 1; i >= 0; --i) {
    strides[i] = step;
    // Wrap-around is harmless here: it only happens for empty tensors with absurd other sizes.
    step = static_cast<int64_t>(static_cast<uint64_t>(step) *
                                static_cast<uint64_t>(sizes[i] > 0 ? sizes[i] : 1));
  }
  return strides;
}

bool is_contiguous(const Dims& sizes, const Dims& strides) {
  int64_t step = 1;
  for (int i = sizes.size() - 1; i >= 0; --i) {
    if (sizes[i] == 0) return true;
    if (sizes[i] == 1) continue;
    if (strides[i] != step) {
      for (int j = 0; j < i; ++j)
        if (sizes[j] == 0) return true;
      return false;
    }
    step *= sizes[i];
  }
  return true;
}

bool is_dense(const Dims& sizes, const Dims& strides) {
  int order[64];
  int n = 0;
  for (int i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return true;
    if (sizes[i] != 1) order[n++] = i;
  }
  for (int i = 1; i < n; ++i)  // insertion sort by stride
    for (int j = i; j > 0 && strides[order[j]] < strides[order[j - 1]]; --j)
      std::swap(order[j], order[j - 1]);
  int64_t step = 1;
  for (int i = 0; i < n; ++i) {
    if (strides[order[i]] != step) return false;
    step *= sizes[order[i]];
  }
  return true;
}

void bounds(const Dims& sizes, const Dims& strides, int64_t* low, int64_t* high) {
  *low = *high = 0;
  for (int i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) {
      *low = 0;
      *high = -1;
      return;
    }
    int64_t reach;
    int64_t& end = strides[i] < 0 ? *low : *high;
    RL_CHECK(!__builtin_mul_overflow(sizes[i] - 1, strides[i], &reach) &&
                 !__builtin_add_overflow(end, reach, &end),
             "Storage size calculation overflowed with sizes=", sizes, " and strides=", strides);
  }
}

bool may_overlap_itself(const Dims& sizes, const Dims& strides) {
  int order[64];
  int n = 0;
  for (int i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return false;
    if (sizes[i] != 1) order[n++] = i;
  }
  for (int i = 1; i < n; ++i)
    for (int j = i; j > 0 && strides[order[j]] < strides[order[j - 1]]; --j)
      std::swap(order[j], order[j - 1]);
  int64_t reach = 0;
  for (int i = 0; i < n; ++i) {
    if (strides[order[i]] <= reach) return true;
    reach += (sizes[order[i]] - 1) * strides[order[i]];
  }
  return false;
}

Dims broadcast(const Dims& a, const Dims& b) {
  const int n = a.size() > b.size() ? a.size() : b.size();
  Dims out;
  out.resize(n);
  for (int i = 0; i < n; ++i) {
    const int ia = a.size() - 1 - i, ib = b.size() - 1 - i;
    const int64_t sa = ia >= 0 ? a[ia] : 1, sb = ib >= 0 ? b[ib] : 1;
    RL_CHECK(sa == sb || sa == 1 || sb == 1, "The size of tensor a (", sa,
             ") must match the size of tensor b (", sb, ") at non-singleton dimension ", n - 1 - i,
             "\nwhy: ", a, " and ", b,
             " are aligned from the right, and a pair of sizes must be equal or hold a 1."
             "\nfix: unsqueeze, transpose or reshape one of them so that the sizes line up.");
    out[n - 1 - i] = sa == 1 ? sb : sa;
  }
  return out;
}

bool can_expand(const Dims& from, const Dims& to) {
  if (from.size() > to.size()) return false;
  const int shift = to.size() - from.size();
  for (int i = 0; i < from.size(); ++i)
    if (from[i] != to[i + shift] && from[i] != 1) return false;
  return true;
}

Dims expand_strides(const Dims& sizes, const Dims& strides, const Dims& to) {
  Dims out;
  out.resize(to.size());
  const int shift = to.size() - sizes.size();
  for (int i = 0; i < to.size(); ++i)
    out[i] = i < shift || (sizes[i - shift] == 1 && to[i] != 1) ? 0 : strides[i - shift];
  return out;
}

Dims infer_size(const Dims& shape, int64_t numel) {
  Dims out = shape;
  int unknown = -1;
  int64_t known = 1;
  bool overflow = false;
  for (int i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1) {
      RL_CHECK(unknown < 0, "only one dimension can be inferred");
      unknown = i;
    } else {
      RL_CHECK(shape[i] >= 0, "invalid shape dimension ", shape[i], " at index ", i, " of shape ",
               shape);
      overflow |= __builtin_mul_overflow(known, shape[i], &known);
    }
  }
  if (!overflow && unknown >= 0) {
    RL_CHECK(known != 0 || numel != 0, "cannot reshape tensor of 0 elements into shape ", shape,
             " because the unspecified dimension size -1 can be any value and is ambiguous");
    RL_CHECK(known != 0 || numel == 0, "shape '", shape, "' is invalid for input of size ", numel);
    RL_CHECK(known != 0, "cannot reshape tensor of 0 elements into shape ", shape,
             " because the unspecified dimension size -1 can be any value and is ambiguous");
    if (numel % known == 0) {
      out[unknown] = numel / known;
      return out;
    }
  }
  RL_CHECK(!overflow && unknown < 0 && known == numel, "shape '", shape,
           "' is invalid for input of size ", numel);
  return out;
}

bool view_strides(const Dims& sizes, const Dims& strides, const Dims& shape, Dims* out) {
  out->resize(shape.size());
  int64_t numel = 1;
  for (int64_t s : sizes) numel *= s;
  if (numel == 0) {
    *out = sizes == shape ? strides : contiguous_strides(shape);
    return true;
  }
  int v = shape.size() - 1;
  int64_t chunk_base = sizes.size() ? strides[sizes.size() - 1] : 1;
  int64_t chunk = 1, viewed = 1;
  for (int t = sizes.size() - 1; t >= 0; --t) {
    chunk *= sizes[t];
    if (t > 0 && (sizes[t - 1] == 1 || strides[t - 1] == chunk * chunk_base)) continue;
    while (v >= 0 && (viewed < chunk || shape[v] == 1)) {
      (*out)[v] = viewed * chunk_base;
      viewed *= shape[v--];
    }
    if (viewed != chunk) return false;
    if (t > 0) {
      chunk_base = strides[t - 1];
      chunk = viewed = 1;
    }
  }
  for (; v >= 0; --v) {
    if (shape[v] != 1) return false;
    (*out)[v] = sizes.size() ? viewed * chunk_base : 1;
  }
  return true;
}

int wrap_dim(int64_t dim, int ndim, bool wrap_scalar) {
  const int n = ndim == 0 && wrap_scalar ? 1 : ndim;
  RL_CHECK_INDEX(n > 0, "Dimension specified as ", dim, " but tensor has no dimensions");
  RL_CHECK_INDEX(dim >= -n && dim < n, "Dimension out of range (expected to be in range of [", -n,
                 ", ", n - 1, "], but got ", dim, ")");
  return static_cast<int>(dim < 0 ? dim + n : dim);
}

uint64_t dim_mask(const Dims& dims, int ndim) {
  RL_CHECK(ndim <= 64, "only tensors with up to 64 dims are supported");
  if (dims.empty()) return ndim == 64 ? ~uint64_t{0} : (uint64_t{1} << ndim) - 1;
  uint64_t mask = 0;
  for (int64_t d : dims) {
    const int w = wrap_dim(d, ndim);
    RL_CHECK(!(mask >> w & 1), "dim ", w, " appears multiple times in the list of dims");
    mask |= uint64_t{1} << w;
  }
  return mask;
}

LoopNest::LoopNest(const Dims& sizes, const Dims* const* strides, int operands)
    : operands(operands) {
  RL_CHECK(sizes.size() <= kMaxDims, "only tensors with up to 64 dims are supported");
  int order[kMaxDims];
  int n = 0;
  for (int i = sizes.size() - 1; i >= 0; --i)
    if (sizes[i] != 1) order[n++] = i;
  // Innermost is the dimension with operand 0's smallest stride; ties keep the given order.
  const auto key = [&](int d) {
    for (int k = 0; k < operands; ++k)
      if (const int64_t s = (*strides[k])[d]) return s < 0 ? -s : s;
    return int64_t{INT64_MAX};
  };
  for (int i = 1; i < n; ++i)
    for (int j = i; j > 0 && key(order[j]) < key(order[j - 1]); --j)
      std::swap(order[j], order[j - 1]);
  for (int i = 0; i < n; ++i) {
    const int d = order[i];
    bool merge = ndim > 0;
    for (int k = 0; k < operands && merge; ++k)
      merge = (*strides[k])[d] == stride[k][ndim - 1] * size[ndim - 1];
    if (merge) {
      size[ndim - 1] *= sizes[d];
      continue;
    }
    size[ndim] = sizes[d];
    for (int k = 0; k < operands; ++k) stride[k][ndim] = (*strides[k])[d];
    ++ndim;
  }
  if (ndim == 0) {
    size[0] = 1;
    for (int k = 0; k < operands; ++k) stride[k][0] = 0;
    ndim = 1;
  }
}

}  // namespace rl
