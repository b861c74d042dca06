// The table through which winograd.cpp reaches the kernels of one instruction set. Plain data only.
// Of the sixteen numbers of a transformed tile, number p lies p * step elements from the first.
#pragma once
#include <cstdint>

namespace rl::cpu {

/// Neighbouring tiles of one channel: `rows` rows of `cols` tiles each.
struct WinogradTiles {
  int64_t rows, cols;
  const float* from;      ///< tile (i, j) begins at from[2 * i * width + 2 * j]
  int64_t height, width;  ///< of what is read
  float* to;              ///< [rows * cols], sixteen times
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
  /// B^T d B of tiles of 4 x 4. Reads up to 2 * lanes + 2 elements past the last tile.
  void (*input)(const WinogradTiles&);
  /// A y A^T of tiles of 2 x 2, zeros where they stand out.
  void (*grad)(const WinogradTiles&);
  /// A^T m A + bias. Is every result finite?
  bool (*output)(const WinogradOutput&);
  /// G g G^T of `count` filters of 3 x 3, one after the other.
  void (*weights)(const float* from, int64_t count, float* to, int64_t step);
  /// G^T u G, their gradients. Is every result finite?
  bool (*weights_grad)(const WinogradFilters&);
  /// to[i * width + line] = from[line * pitch + i]
  void (*transpose)(const float* from, int64_t pitch, int64_t lines, int64_t n, float* to,
                    int64_t width);
};

}  // namespace rl::cpu
