// What stands between a Python call and an operation's Args: the match of one overload, and the
// stand-ins of the meta device. The Python object that an operation is stands in operation.cpp.
#pragma once
#include <new>

#include "op/registry.h"
#include "python/py.h"

namespace rl::py {

inline constexpr int kMaxArgs = 20;

/// Up to N values that are made one by one, so that a call that needs none pays for none.
template <class T, int N>
class Shelf {
 public:
  Shelf() = default;
  Shelf(const Shelf&) = delete;
  ~Shelf() { clear(); }
  T& next() {
    RL_CHECK(used_ < N, "internal error: more arguments of one kind than any operation takes");
    return *new (room_ + sizeof(T) * used_++) T();
  }
  void clear() {
    while (used_) std::launder(reinterpret_cast<T*>(room_ + sizeof(T) * --used_))->~T();
  }

 private:
  alignas(T) unsigned char room_[sizeof(T) * N];
  size_t used_ = 0;
};

/// What conversions need to keep alive during one call.
struct Scratch {
  Shelf<Dims, 5> dims;  // as many as any operation takes
  Shelf<Tensors, 6> tensors;
  Shelf<std::vector<double>, 2> floats;
  Shelf<Tensor, 3> numbers;

  void clear() {
    dims.clear();
    tensors.clear();
    floats.clear();
    numbers.clear();
  }
};

/// Tries one overload. On mismatch returns false, with the reason where it will be read.
struct Match {
  union {  // not initialised: only as many as the schema has are written
    Arg args[kMaxArgs];
  };
  Scratch scratch;
  std::string reason;
  const int self;      // 1 for a method: its positions are counted behind self
  const bool explain;  // a reason costs more than the call that may follow it

  Match(bool method, bool explained) : self(method), explain(explained) {}
  ~Match() {}
  Match(const Match&) = delete;

  bool operator()(const Schema& schema, PyObject* const* args_in, size_t nargs, PyObject* kwnames,
                  PyObject* out_name);
  void reset() { scratch.clear(); }

 private:
  bool missing(const Schema& schema, const Param& p, PyObject* const* slot);
  bool fail(const Schema& schema, size_t i, PyObject* got, size_t position);
};

/// The types of a call's arguments, for messages: "Tensor, int, dim=str".
std::string type_list(PyObject* const* args, size_t nargs, PyObject* kwnames);

// ---- meta.cpp ----

bool any_meta(const Schema& schema, const Arg* args);
/// Runs an operation on stand-ins, to learn what it would return.
Result run_meta(const Op& op, const Overload& o, Arg* args);

}  // namespace rl::py
