// Points: the engine under every operation that reads or writes at given places of a tensor. A list
// of element offsets ("points") stands between dimensions that are kept before and after it. Not
// here: what an index means, or who may be out of bounds.
#pragma once
#include <vector>

#include "op/call.h"

namespace rl {

struct Points {
  Dims before, before_strides;  // dimensions walked outside of the points
  Dims shape;                   // of the points
  std::vector<int64_t> offset;  // in elements, one per point
  Dims after, after_strides;    // dimensions walked inside

  Dims sizes() const;  // before, shape, after
};

/// All dimensions of t but `dim`, which the points replace: offset[i] = index[i] * stride.
Points points_along(const Tensor& t, int dim, const int64_t* index, int64_t n);

/// to[before, point, after] = from[...]; `to` is contiguous.
void take_points(const Points& p, const Tensor& from, const Tensor& to);
/// The reverse: from contiguous values, adding if `accumulate`. Later points win.
void put_points(const Points& p, const Tensor& to, const Tensor& values, bool accumulate);
void fill_points(const Points& p, const Tensor& to, const Scalar& value);
/// out = mask ? value : self, all of one shape or broadcast to it; the value is of self's kind.
void fill_where(const Tensor& mask, const Scalar& value, const Tensor& self, const Tensor& out);

/// An index as contiguous int64; raises for tensors without data.
Tensor read_index(const Tensor& index);
/// t != 0 as a contiguous bool tensor (t itself if it is one).
Tensor truth_of(const Tensor& t);
/// The offsets, by `strides`, of the true elements of a contiguous mask.
std::vector<int64_t> true_offsets(const Tensor& mask, const Dims& strides);
/// The offset of every element of a shape, in order.
std::vector<int64_t> all_offsets(const Dims& sizes, const Dims& strides);

/// One body for an operation and its in-place form: writes into self, or into a copy of it.
template <class Write, class Builder>
Tensor write_over(const Tensor& self, bool inplace, const char* label,
                  std::initializer_list<const Tensor*> inputs, Write write, Builder build) {
  if (inplace) {
    rl::in_place(self, label, inputs, [&] { write(self); }, build);
    return self;
  }
  Tensor out = copy_of(self);
  write(out);
  return record(out, label, inputs, build);
}

/// t, or a copy of it if it shares memory with a tensor about to be written.
inline Tensor apart_from(const Tensor& t, const Tensor& written) {
  return t->storage == written->storage ? contiguous_copy(t) : t;
}

}  // namespace rl
