// The exception classes that an Error can become, apart from Error for kernels, which see no
// strings.
#pragma once

namespace rl {

enum class ErrorKind { Runtime, Type, Value, Index, NotImplemented, Assertion, Overflow, Memory };

}  // namespace rl
