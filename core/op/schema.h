// Schema: an operation's signature, written once as text and parsed once:
//   "sum(input, dim=None, keepdim=False, *, dtype=None)"
// It is the binding, the stub, the signature in the documentation and the error prefix. "*size"
// takes the rest of the positional arguments; "**factory" stands for dtype, layout, device,
// pin_memory and requires_grad; "-> (values, indices)" names the fields of a tuple.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "op/arg.h"

namespace rl {

struct Param {
  std::string name;
  const char* interned = nullptr;  // set by the binding layer: the name as an interned object
  Kind kind = Kind::Any;
  bool keyword_only = false, has_default = false, rest = false;
  Arg fallback;  // the default
  std::string default_text;
  Dims default_dims;
  std::string default_string;
};

struct Schema {
  std::string name, text;
  std::vector<Param> params;
  std::vector<std::string> fields;  // of the returned tuple
  int positional = 0;               // how many parameters may be given by position

  Schema() = default;
  Schema(const Schema&) = delete;
  /// Kinds come from the C++ function; there is one for each parameter.
  Schema(const char* text, const std::vector<Kind>& kinds);
};

}  // namespace rl
