// What stands between a Python call and an operation's Args: the match of one overload, and the
// stand-ins of the meta device. The Python object that an operation is stands in operation.cpp.
#pragma once
#include "op/registry.h"
#include "python/py.h"

namespace rl::py {

inline constexpr int kMaxArgs = 20;

/// What conversions need to keep alive during one call.
struct Scratch {
  Dims dims[5];  // as many as any operation takes
  Tensors tensors[6];
  std::vector<double> floats[2];
  Tensor numbers[3];
  int used_dims = 0, used_tensors = 0, used_floats = 0, used_numbers = 0;
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
  void reset() { scratch = Scratch(); }

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
