// The table through which winograd.cpp reaches the kernels of one instruction set. Plain data only.
#pragma once
#include <cstdint>

namespace rl::cpu {

/// Neighbouring tiles of one channel, `rows` rows of `cols`: from a plane, whose tile (i, j) begins
/// at element [2 * i][2 * j], to sixteen times [rows * cols], `step` elements apart; or back.
struct WinogradTiles {
  int64_t rows, cols;
  int64_t height, width;  ///< of the plane
  const float* from;
  float* to;
  int64_t step;
  float bias = 0;
};

/// `count` filters of 3 x 3, one after the other, to sixteen times [count]; or back.
struct WinogradFilters {
  int64_t count;
  const float* from;
  float* to;
  int64_t step;
  int64_t slices = 1, apart = 0;  ///< on the way back: the sum of so many
};

struct WinogradKernels {
  /// B^T d B of tiles of 4 x 4. Reads up to 2 * lanes + 2 elements past the last tile.
  void (*input)(const WinogradTiles&);
  /// A y A^T of tiles of 2 x 2, zeros where they stand out.
  void (*grad)(const WinogradTiles&);
  /// A^T m A + bias. Is every result finite?
  bool (*output)(const WinogradTiles&);
  /// G g G^T
  void (*weights)(const WinogradFilters&);
  /// G^T u G. Is every result finite?
  bool (*weights_grad)(const WinogradFilters&);
};

}  // namespace rl::cpu
