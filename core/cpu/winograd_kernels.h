// The table through which winograd.cpp reaches the kernels of one instruction set. Plain data only.
// Of the sixteen numbers of a transformed tile, number p lies p * step elements from the first.
#pragma once
#include <cstdint>

namespace rl::cpu {

/// Neighbouring tiles of one channel: `rows` rows of `cols` tiles each.
struct WinogradTiles {
  int64_t rows, cols;
  const float* from;
  int64_t pitch;  ///< of the plane that is read: tile (i, j) begins at from[2 * i * pitch + 2 * j]
  float* to;      ///< [rows * cols], sixteen times
  int64_t step;
};

/// Sixteen times [rows * cols] back to a plane of height x width, at most twice the tiles.
struct WinogradOutput {
  int64_t rows, cols;
  const float* from;
  int64_t step;
  float* to;
  int64_t height, width;
  float bias;
};

/// `count` transformed filters, each the sum of `slices`, back to filters.
struct WinogradFilters {
  int64_t count, slices, apart;
  const float* from;
  int64_t step;
  float* to;
};

struct WinogradKernels {
  /// B^T d B of tiles of 4 x 4, and A y A^T of tiles of 2 x 2. They read up to 2 * lanes + 2
  /// elements past the last tile.
  void (*input)(const WinogradTiles&);
  void (*grad)(const WinogradTiles&);
  /// A^T m A + bias. Is every result finite?
  bool (*output)(const WinogradOutput&);
  /// G g G^T of `count` filters of 3 x 3, one after the other.
  void (*weights)(const float* from, int64_t count, float* to, int64_t step);
  /// G^T u G, their gradients. Is every result finite?
  bool (*weights_grad)(const WinogradFilters&);
};

}  // namespace rl::cpu
