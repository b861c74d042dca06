// Errors: PyTorch's exception classes as one C++ type, and the checks that raise them.
// The first line of a message is PyTorch's; later lines say why and how to mend it.
#pragma once
#include <complex>
#include <cstdint>
#include <exception>
#include <initializer_list>
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

/// One part of a message: text, a number, or anything with an `append(std::string&, x)` found by
/// lookup. Messages are put together out of line, and numbers held by value, so that a check costs
/// its neighbours nothing.
class Part {
 public:
  Part(const char* v) : Part(std::string_view(v)) {}
  Part(const std::string& v) : Part(std::string_view(v)) {}
  Part(std::string_view v) : write_(text), text_(v) {}
  Part(const char& v) : Part(std::string_view(&v, 1)) {}
  Part(bool v) : Part(v ? "True" : "False") {}
  template <class T>
    requires(std::is_integral_v<T>)
  Part(T v) : write_(std::is_signed_v<T> ? integer : natural), integer_(static_cast<int64_t>(v)) {}
  Part(double v) : write_(real), real_(v) {}
  template <class T>
    requires(!std::is_arithmetic_v<T>)
  Part(const T& v)
      : write_([](std::string& s, const Part& p) { append(s, *static_cast<const T*>(p.other_)); }),
        other_(&v) {}

  void write(std::string& s) const { write_(s, *this); }

 private:
  using Write = void (*)(std::string&, const Part&);
  static void text(std::string&, const Part&);
  static void integer(std::string&, const Part&);
  static void natural(std::string&, const Part&);
  static void real(std::string&, const Part&);

  Write write_;
  union {
    std::string_view text_;
    int64_t integer_;
    double real_;
    const void* other_;
  };
};

std::string join(std::initializer_list<Part> parts);
[[noreturn, gnu::cold]] void raise_parts(ErrorKind kind, std::initializer_list<Part> parts);

template <class... Parts>
std::string str(const Parts&... parts) {
  return join({Part(parts)...});
}
template <class... Parts>
[[noreturn, gnu::cold, gnu::always_inline]] inline void raise(ErrorKind kind,
                                                              const Parts&... parts) {
  raise_parts(kind, {Part(parts)...});
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
