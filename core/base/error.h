// Errors: PyTorch's exception classes as one C++ type, and the checks that raise them.
// The first line of a message is PyTorch's; later lines say why and how to mend it.
#pragma once
#include <complex>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/error_kind.h"

namespace rl {

class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string message) : kind(kind), message(std::move(message)) {}
  const char* what() const noexcept override { return message.c_str(); }
  ErrorKind kind;
  std::string message;
};

/// Thrown through C++ when a Python exception is already set; the binding layer just returns.
struct PythonError {};

namespace detail {
inline void append(std::string& s, std::string_view v) { s += v; }
inline void append(std::string& s, char c) { s += c; }
inline void append(std::string& s, const char* v) { s += v; }
template <class T>
  requires(std::is_same_v<T, bool>)
void append(std::string& s, T b) {
  s += b ? "True" : "False";
}
template <class T>
  requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, char>)
void append(std::string& s, T v) {
  if constexpr (std::is_floating_point_v<T>) {
    char buffer[32];
    snprintf(buffer, sizeof buffer, "%g", static_cast<double>(v));
    s += buffer;
  } else {
    s += std::to_string(v);
  }
}
}  // namespace detail

/// Concatenates text, numbers and anything with an `append(std::string&, x)` found by lookup.
template <class... Parts>
std::string str(const Parts&... parts) {
  std::string s;
  using detail::append;
  (append(s, parts), ...);
  return s;
}

template <class... Parts>
[[noreturn, gnu::cold, gnu::noinline]] void raise(ErrorKind kind, const Parts&... parts) {
  throw Error(kind, str(parts...));
}

}  // namespace rl

#define RL_CHECK_AS(kind, cond, ...)                                                   \
  do {                                                                                 \
    if (__builtin_expect(!(cond), 0)) ::rl::raise(::rl::ErrorKind::kind, __VA_ARGS__); \
  } while (0)
#define RL_CHECK(cond, ...) RL_CHECK_AS(Runtime, cond, __VA_ARGS__)
#define RL_CHECK_TYPE(cond, ...) RL_CHECK_AS(Type, cond, __VA_ARGS__)
#define RL_CHECK_VALUE(cond, ...) RL_CHECK_AS(Value, cond, __VA_ARGS__)
#define RL_CHECK_INDEX(cond, ...) RL_CHECK_AS(Index, cond, __VA_ARGS__)
