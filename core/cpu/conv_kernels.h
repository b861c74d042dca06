// The table through which conv.cpp reaches the kernels of one instruction set. Plain data only.
//
// Both kernels work on "flat" images: rows of `pitch` elements one after the other, padding
// included, so that the input of a filter tap is the whole image at a constant offset, and a vector
// of neighbouring outputs is one load a tap. Positions between rows are computed and thrown away.
#pragma once
#include <cstdint>

namespace rl::cpu {

/// How flat planes are cut out of NCHW images. Element (i, j) of plane (channel, a, b) is the
/// image's (y0 + i * step_h + a, x0 + j * step_w + b), or zero outside of it.
template <class T>
struct FlatSource {
  const T* data;
  int64_t images, image_step, channels, channel_step;
  int64_t h, w, y0, x0, step_h, step_w;
  int64_t rows, pitch;  ///< of one flat image; the images of a plane follow each other
  int64_t plane;        ///< elements from plane to plane, slack for whole vectors included
  T* to;
};

/// out[row][u][v] = bias[row] + sum over taps of weights[row][tap] * flat[offset[tap] + position].
template <class T>
struct ConvBlock {
  int64_t rows, taps;
  const T *weights, *bias;  ///< packed by pack_weights; bias may be nullptr
  const T* flat;
  const int64_t* offset;
  int64_t images, image_pitch, pitch, u, v;
  T* out;
  int64_t out_image, out_channel, out_row, out_col;
  T* tile;  ///< scratch: tile_rows * (length of the flat images + vector_slack) elements
};

/// out[i][j] += sum over p < length of a[i][p] * b[offset[j] + p]; length counts whole vectors.
template <class T>
struct ConvDots {
  int64_t rows, cols, length;
  const T* a;
  int64_t a_row;
  const T* b;
  const int64_t* offset;
  T* out;
  int64_t out_row;
};

template <class T>
struct ConvKernels {
  int lanes, tile_rows, vector_slack;
  int dot_rows, dot_cols;
  int64_t (*tiles)(int64_t rows);  ///< register tiles that so many output channels make
  int64_t (*packed_size)(int64_t rows, int64_t taps);
  void (*pack_weights)(const T* from, int64_t rows, int64_t taps, T* to, int64_t tile,
                       int64_t end_tile);
  void (*flatten)(const FlatSource<T>&);
  void (*block)(const ConvBlock<T>&);
  void (*dots)(const ConvDots<T>&);
  void (*transpose)(const T* from, int64_t step, int64_t lines, int64_t k, T* to, int64_t width);
  void (*gather)(const ConvBlock<T>&);
};

struct AllConvKernels {
  ConvKernels<float> f32;
  ConvKernels<double> f64;
};

}  // namespace rl::cpu
