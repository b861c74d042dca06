// How messages of errors are put together, and what is written into them.
#include "base/error.h"

#include "base/device.h"
#include "base/dims.h"

namespace rl {

void Part::text(std::string& s, const Part& p) { s += p.text_; }
void Part::integer(std::string& s, const Part& p) { s += std::to_string(p.integer_); }
void Part::natural(std::string& s, const Part& p) {
  s += std::to_string(static_cast<uint64_t>(p.integer_));
}
void Part::real(std::string& s, const Part& p) {
  char buffer[32];
  snprintf(buffer, sizeof buffer, "%g", p.real_);
  s += buffer;
}

std::string join(std::initializer_list<Part> parts) {
  std::string s;
  for (const Part& p : parts) p.write(s);
  return s;
}
void raise_parts(ErrorKind kind, std::initializer_list<Part> parts) {
  throw Error(kind, join(parts));
}

void append(std::string& s, const Dims& d) {
  s += '[';
  for (int i = 0; i < d.size(); ++i) s += str(i ? ", " : "", d[i]);
  s += ']';
}
std::string by_x(const Dims& d) {
  std::string s;
  for (int i = 0; i < d.size(); ++i) s += str(i ? "x" : "", d[i]);
  return s;
}
void append(std::string& s, const Device& d) {
  s += name_of(d.type);
  if (d.index >= 0) s += str(":", d.index);
}

}  // namespace rl
