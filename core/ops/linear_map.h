// Linear maps and their transposes (averages over windows, resizing, folding, picking): the
// gradient of either is the other, so that derivatives of every order need no further formula.
#pragma once
#include "op/call.h"

namespace rl {

/// Map has `Tensor run(const Tensor& x, bool transposed) const`, the computation without recording,
/// and `const char* label(bool transposed) const`, the node's name.
template <class Map>
Tensor linear_map(const Map& map, const Tensor& x, bool transposed = false) {
  Tensor out;
  {
    GradGuard off(false);
    out = map.run(x, transposed);
  }
  return record(out, map.label(transposed), {&x}, [&] {
    return [map, transposed](const Grads& g, Node&) -> Grads {
      return {linear_map(map, g[0], !transposed)};
    };
  });
}

}  // namespace rl
