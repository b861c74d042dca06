// Fills, copies and conversions on top of the per-set load and store loops: loop nests, tiles,
// threads, and the two fast cases, equal dtypes and transposition.
#include "cpu/load_store.h"

#include <algorithm>
#include <cstring>

#include "cpu/kernel_table.h"
#include "cpu/threads.h"
#include "tensor/layout.h"

namespace rl::cpu {
namespace {

constexpr int64_t kGrain = 32768;  // elements below which a thread is not worth waking

template <class T>
void fill_as(void* dst, int64_t n, const void* value) {
  T v;
  std::memcpy(&v, value, sizeof v);
  T* d = static_cast<T*>(dst);
  parallel_for(0, n, kGrain, [=](int64_t b, int64_t e) {
    if constexpr (sizeof(T) == 1)
      std::memset(d + b, v, static_cast<size_t>(e - b));
    else
      for (int64_t i = b; i < e; ++i) d[i] = v;
  });
}

struct Pair128 {
  uint64_t a, b;
};

/// What the kernels transpose and reverse.
template <class T>
constexpr bool kWord = sizeof(T) == 4 || sizeof(T) == 8;

template <class T>
void copy_run(int64_t n, const char* src, int64_t src_stride, char* dst, int64_t dst_stride) {
  const T* s = reinterpret_cast<const T*>(src);
  T* d = reinterpret_cast<T*>(dst);
  if constexpr (kWord<T>)
    if (src_stride == -1 && dst_stride == 1) return load_store().reverse[sizeof(T) / 8](n, s, d);
  if (src_stride == 1 && dst_stride == 1)
    std::memcpy(d, s, static_cast<size_t>(n) * sizeof(T));
  else if (src_stride == 0 && dst_stride == 1)
    std::fill_n(d, n, T(*s));
  else
    for (int64_t i = 0; i < n; ++i) d[i * dst_stride] = s[i * src_stride];
}

/// Squares of registers are faster where both sides lie in the caches: elsewhere their stores hold
/// up the next loads (up to four times slower, at 1000 x 1000).
constexpr int64_t kNearElements = 1 << 18;

/// A 2-d block copy whose source is contiguous along the outer dimension: by 16x16 blocks, so that
/// both sides use whole cache lines.
template <class T>
void copy_transposed(int64_t inner, int64_t outer, const char* src, int64_t src_inner,
                     int64_t src_outer, char* dst, int64_t dst_inner, int64_t dst_outer) {
  constexpr int64_t kBlock = 16;
  const T* s = reinterpret_cast<const T*>(src);
  T* d = reinterpret_cast<T*>(dst);
  if constexpr (kWord<T>)
    if (dst_inner == 1 && src_outer == 1 && inner * outer <= kNearElements)
      return load_store().transpose[sizeof(T) / 8](inner, outer, s, src_inner, d, dst_outer);
  for (int64_t o = 0; o < outer; o += kBlock)
    for (int64_t i = 0; i < inner; i += kBlock) {
      const int64_t oe = o + kBlock < outer ? o + kBlock : outer;
      const int64_t ie = i + kBlock < inner ? i + kBlock : inner;
      for (int64_t y = o; y < oe; ++y)
        for (int64_t x = i; x < ie; ++x)
          d[x * dst_inner + y * dst_outer] = s[x * src_inner + y * src_outer];
    }
}

using RunFn = void (*)(int64_t, const char*, int64_t, char*, int64_t);
using BlockFn = void (*)(int64_t, int64_t, const char*, int64_t, int64_t, char*, int64_t, int64_t);

constexpr RunFn kRun[] = {copy_run<uint8_t>, copy_run<uint16_t>, copy_run<uint32_t>,
                          copy_run<uint64_t>, copy_run<Pair128>};
constexpr BlockFn kBlock[] = {copy_transposed<uint8_t>, copy_transposed<uint16_t>,
                              copy_transposed<uint32_t>, copy_transposed<uint64_t>,
                              copy_transposed<Pair128>};

/// Conversion of one run through a tile.
void convert_run(int64_t n, DType src_dtype, const char* src, int64_t src_stride, DType dst_dtype,
                 char* dst, int64_t dst_stride) {
  alignas(64) char tile[kTile * 16];
  const LoadStoreTable& t = load_store();
  const int64_t src_size = size_of(src_dtype), dst_size = size_of(dst_dtype);
  const LoadFn load = t.load[static_cast<int>(src_dtype)][static_cast<int>(compute_of(dst_dtype))];
  const LoadFn truth = t.truth[static_cast<int>(src_dtype)];
  for (int64_t i = 0; i < n; i += kTile) {
    const int64_t m = n - i < kTile ? n - i : kTile;
    const char* s = src + i * src_stride * src_size;
    char* d = dst + i * dst_stride * dst_size;
    if (dst_dtype == DType::Bool) {
      if (dst_stride == 1) {
        truth(m, s, src_stride, d);
      } else {
        truth(m, s, src_stride, tile);
        for (int64_t k = 0; k < m; ++k) d[k * dst_stride] = tile[k];
      }
    } else if (dst_stride == 1 && dtype_of(compute_of(dst_dtype)) == dst_dtype) {
      load(m, s, src_stride, d);
    } else {
      load(m, s, src_stride, tile);
      t.store[static_cast<int>(dst_dtype)](m, tile, d, dst_stride);
    }
  }
}

}  // namespace

void put(DType dtype, void* dst, const Scalar& v) {
  switch (dtype) {
    case DType::Bool:
      *static_cast<uint8_t*>(dst) = v.boolean();
      break;
    case DType::U8:
      *static_cast<uint8_t*>(dst) = static_cast<uint8_t>(v.integer());
      break;
    case DType::I8:
      *static_cast<int8_t*>(dst) = static_cast<int8_t>(v.integer());
      break;
    case DType::I16:
      *static_cast<int16_t*>(dst) = static_cast<int16_t>(v.integer());
      break;
    case DType::U16:
      *static_cast<uint16_t*>(dst) = static_cast<uint16_t>(v.integer());
      break;
    case DType::I32:
      *static_cast<int32_t*>(dst) = static_cast<int32_t>(v.integer());
      break;
    case DType::U32:
      *static_cast<uint32_t*>(dst) = static_cast<uint32_t>(v.integer());
      break;
    case DType::I64:
    case DType::U64:
      *static_cast<int64_t*>(dst) = v.integer();
      break;
    case DType::F16:
      *static_cast<Half*>(dst) = Half(static_cast<float>(v.real()));
      break;
    case DType::BF16:
      *static_cast<BFloat16*>(dst) = BFloat16(static_cast<float>(v.real()));
      break;
    case DType::F32:
      *static_cast<float*>(dst) = static_cast<float>(v.real());
      break;
    case DType::F64:
      *static_cast<double*>(dst) = v.real();
      break;
    case DType::C64: {
      float* f = static_cast<float*>(dst);
      f[0] = static_cast<float>(v.real());
      f[1] = static_cast<float>(v.imag());
      break;
    }
    case DType::C128: {
      double* f = static_cast<double*>(dst);
      f[0] = v.real();
      f[1] = v.imag();
      break;
    }
  }
}

void put(Compute compute, void* dst, const Scalar& v) { put(dtype_of(compute), dst, v); }

Scalar get(DType dtype, const void* p) {
  switch (dtype) {
    case DType::Bool:
      return Scalar(*static_cast<const uint8_t*>(p) != 0);
    case DType::U8:
      return Scalar(int64_t{*static_cast<const uint8_t*>(p)});
    case DType::I8:
      return Scalar(int64_t{*static_cast<const int8_t*>(p)});
    case DType::I16:
      return Scalar(int64_t{*static_cast<const int16_t*>(p)});
    case DType::U16:
      return Scalar(int64_t{*static_cast<const uint16_t*>(p)});
    case DType::I32:
      return Scalar(int64_t{*static_cast<const int32_t*>(p)});
    case DType::U32:
      return Scalar(int64_t{*static_cast<const uint32_t*>(p)});
    case DType::I64:
    case DType::U64:
      return Scalar(*static_cast<const int64_t*>(p));
    case DType::F16:
      return Scalar(double{static_cast<float>(*static_cast<const Half*>(p))});
    case DType::BF16:
      return Scalar(double{static_cast<float>(*static_cast<const BFloat16*>(p))});
    case DType::F32:
      return Scalar(double{*static_cast<const float*>(p)});
    case DType::F64:
      return Scalar(*static_cast<const double*>(p));
    case DType::C64: {
      const float* f = static_cast<const float*>(p);
      return Scalar(std::complex<double>(f[0], f[1]));
    }
    case DType::C128: {
      const double* f = static_cast<const double*>(p);
      return Scalar(std::complex<double>(f[0], f[1]));
    }
  }
  __builtin_unreachable();
}

void fill(DType dtype, void* dst, int64_t n, const Scalar& value) {
  alignas(16) char one[16];
  put(dtype, one, value);
  switch (size_of(dtype)) {
    case 1:
      return fill_as<uint8_t>(dst, n, one);
    case 2:
      return fill_as<uint16_t>(dst, n, one);
    case 4:
      return fill_as<uint32_t>(dst, n, one);
    case 8:
      return fill_as<uint64_t>(dst, n, one);
    default:
      return fill_as<Pair128>(dst, n, one);
  }
}

void copy(const Dims& sizes, DType dst_dtype, void* dst, const Dims& dst_strides, DType src_dtype,
          const void* src, const Dims& src_strides) {
  for (int64_t s : sizes)
    if (s == 0) return;
  const Dims* strides[] = {&dst_strides, &src_strides};
  const LoopNest nest(sizes, strides, 2);
  const int64_t dst_size = size_of(dst_dtype), src_size = size_of(src_dtype);
  const int64_t inner = nest.size[0];
  const int64_t ds = nest.stride[0][0], ss = nest.stride[1][0];
  const bool same = dst_dtype == src_dtype;
  const int width = __builtin_ctzll(static_cast<uint64_t>(dst_size));  // 1, 2, 4, 8 or 16 bytes
  auto* out = static_cast<char*>(dst);
  auto* in = static_cast<const char*>(src);

  if (nest.ndim == 1) {
    parallel_for(0, inner, kGrain, [&](int64_t b, int64_t e) {
      char* d = out + b * ds * dst_size;
      const char* s = in + b * ss * src_size;
      if (same)
        kRun[width](e - b, s, ss, d, ds);
      else
        convert_run(e - b, src_dtype, s, ss, dst_dtype, d, ds);
    });
    return;
  }
  // Two inner dimensions as one block when the source runs along the second: a transposition.
  const bool block = same && ss != 1 && nest.stride[1][1] == 1 && nest.size[1] >= 4;
  const int first = block ? 2 : 1;
  int64_t outer = 1;
  for (int d = first; d < nest.ndim; ++d) outer *= nest.size[d];
  const int64_t per = block ? inner * nest.size[1] : inner;

  const auto body = [&](int64_t b, int64_t e) {
    int64_t index[64];
    int64_t rest = b, d_off = 0, s_off = 0;
    for (int d = first; d < nest.ndim; ++d) {
      index[d] = rest % nest.size[d];
      rest /= nest.size[d];
      d_off += index[d] * nest.stride[0][d];
      s_off += index[d] * nest.stride[1][d];
    }
    for (int64_t i = b; i < e; ++i) {
      char* dp = out + d_off * dst_size;
      const char* sp = in + s_off * src_size;
      if (block)
        kBlock[width](inner, nest.size[1], sp, ss, nest.stride[1][1], dp, ds, nest.stride[0][1]);
      else if (same)
        kRun[width](inner, sp, ss, dp, ds);
      else
        convert_run(inner, src_dtype, sp, ss, dst_dtype, dp, ds);
      for (int d = first; d < nest.ndim; ++d) {
        d_off += nest.stride[0][d];
        s_off += nest.stride[1][d];
        if (++index[d] < nest.size[d]) break;
        d_off -= index[d] * nest.stride[0][d];
        s_off -= index[d] * nest.stride[1][d];
        index[d] = 0;
      }
    }
  };
  if (block && outer == 1) {  // one big matrix: cut it along the second dimension
    parallel_for(0, nest.size[1], kGrain / (inner > 0 ? inner : 1) + 16, [&](int64_t b, int64_t e) {
      kBlock[width](inner, e - b, in + b * nest.stride[1][1] * src_size, ss, nest.stride[1][1],
                    out + b * nest.stride[0][1] * dst_size, ds, nest.stride[0][1]);
    });
    return;
  }
  parallel_for(0, outer, kGrain / per + 1, body);
}

}  // namespace rl::cpu
