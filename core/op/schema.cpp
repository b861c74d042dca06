// Parsing of schema strings. They are our own text, so a mistake in one stops the import.
#include "op/schema.h"

#include <cstdlib>
#include <limits>
#include <string_view>

namespace rl {
namespace {

std::string_view trim(std::string_view s) {
  while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
  while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
  return s;
}

/// Splits at top-level commas.
std::vector<std::string_view> split(std::string_view s) {
  std::vector<std::string_view> parts;
  size_t start = 0;
  int depth = 0;
  for (size_t i = 0; i <= s.size(); ++i) {
    if (i == s.size() || (s[i] == ',' && depth == 0)) {
      if (auto part = trim(s.substr(start, i - start)); !part.empty()) parts.push_back(part);
      start = i + 1;
    } else if (s[i] == '[' || s[i] == '(') {
      ++depth;
    } else if (s[i] == ']' || s[i] == ')') {
      --depth;
    }
  }
  return parts;
}

bool wants_float(Kind k) { return k == Kind::Float || k == Kind::OptFloat; }
bool wants_number(Kind k) {
  return k == Kind::Number || k == Kind::OptNumber || k == Kind::Operand || k == Kind::OptOperand;
}

void set_default(Param& p, std::string_view text) {
  p.has_default = true;
  p.default_text = text;
  Arg& a = p.fallback;
  if (text == "None") return;
  a.present = true;
  if (text == "True" || text == "False") {
    a.i = text == "True";
    if (wants_number(p.kind)) a.number = Scalar(text == "True");
  } else if (text[0] == '[' || text[0] == '(') {
    for (auto part : split(text.substr(1, text.size() - 2)))
      p.default_dims.push_back(std::atoll(std::string(part).c_str()));
  } else if (text[0] == '\'') {
    p.default_string = text.substr(1, text.size() - 2);
  } else if (p.kind == Kind::Ints || p.kind == Kind::OptInts) {
    p.default_dims = {std::atoll(p.default_text.c_str())};
  } else {
    const bool inf = text == "inf" || text == "-inf";
    const double d = inf ? (text[0] == '-' ? -1 : 1) * std::numeric_limits<double>::infinity()
                         : std::strtod(p.default_text.c_str(), nullptr);
    const bool real = inf || text.find_first_of(".e") != std::string_view::npos;
    if (wants_float(p.kind))
      a.d = d;
    else if (wants_number(p.kind))
      a.number = real ? Scalar(d) : Scalar(static_cast<int64_t>(d));
    else
      a.i = static_cast<int64_t>(d);
    if (wants_number(p.kind)) a.tensor = nullptr;
  }
}

}  // namespace

Schema::Schema(const char* source, const std::vector<Kind>& kinds) : text(source) {
  std::string_view s = text;
  const size_t open = s.find('('), arrow = s.find("->");
  const std::string_view head = arrow == std::string_view::npos ? s : s.substr(0, arrow);
  const size_t close = head.rfind(')');
  name = trim(s.substr(0, open));
  if (arrow != std::string_view::npos) {
    std::string_view names = trim(s.substr(arrow + 2));
    for (auto f : split(names.substr(1, names.size() - 2))) fields.emplace_back(f);
  }
  bool keyword_only = false;
  size_t k = 0;
  const auto add = [&](std::string_view part, Kind kind) {
    Param p;
    p.kind = kind;
    p.keyword_only = keyword_only;
    if (part[0] == '*') {
      p.rest = true;
      part.remove_prefix(1);
    }
    const size_t equals = part.find('=');
    p.name = trim(part.substr(0, equals));
    if (!keyword_only) ++positional;
    params.push_back(std::move(p));
    if (equals != std::string_view::npos) set_default(params.back(), trim(part.substr(equals + 1)));
  };
  for (std::string_view part : split(s.substr(open + 1, close - open - 1))) {
    if (part == "*") {
      keyword_only = true;
    } else if (part == "**factory") {
      keyword_only = true;
      add("dtype=None", Kind::OptDType);
      add("layout=None", Kind::Any);
      add("device=None", Kind::OptDevice);
      add("pin_memory=False", Kind::Any);
      add("requires_grad=False", Kind::Bool);
      ++k;
    } else {
      RL_CHECK(k < kinds.size(), "schema has more parameters than its function: ", text);
      add(part, kinds[k++]);
    }
  }
  RL_CHECK(k == kinds.size(), "schema has fewer parameters than its function: ", text);
  for (Param& p : params) {  // pointers into ourselves: valid because a Schema does not move
    if (!p.has_default || !p.fallback.present) continue;
    if (p.kind == Kind::Ints || p.kind == Kind::OptInts) p.fallback.dims = &p.default_dims;
    if (p.kind == Kind::String || p.kind == Kind::OptString)
      p.fallback.text = p.default_string.c_str();
  }
}

}  // namespace rl
