// The skeleton of reductions. Outputs are made in tiles along one kept dimension; a tile is reduced
// by rows (reduced elements are adjacent) or by columns (outputs are adjacent). What is not dense
// in the kernel's type is loaded by tiles first. Long reductions are cut into segments.
#include "cpu/reduce.h"

#include <memory>

#include "cpu/load_store.h"
#include "cpu/pick.h"
#include "cpu/threads.h"
#include "tensor/layout.h"

RL_PICK(cpu::ReduceTable, reduce_table)

namespace rl::cpu {
namespace {

constexpr int64_t kGrain = 32768;      // elements worth a thread
constexpr int64_t kRun = kGrain / 2;   // elements of a tile of rows, so that threads share evenly
constexpr int64_t kSegment = 100000;   // elements of a segment at least
constexpr int64_t kSegments = 64;      // and so many of them at most
constexpr int64_t kLongColumn = 4096;  // rows summed into one tile of accumulators

struct Axis {
  int64_t size, in, out;
};

struct Plan {
  const ReduceJob* job;
  const ReduceKernel* kernel;
  Axis kept[64], reduced[64];  // innermost first
  int nkept = 0, nreduced = 0;
  bool by_column = false, dense = false;
  int64_t in_size, acc_size, work = 1, tile = 1, outer = 1;  // outer: products of kept[1..]
  LoadFn load = nullptr;
};

/// Dense values of the kernel's input type: the memory itself, or a tile.
const char* fetch(const Plan& p, const char* x, int64_t n, int64_t stride, char* tile) {
  if (p.dense && (stride == 1 || n == 1)) return x;
  p.load(n, x, stride, tile);
  return tile;
}

/// Steps a multi-index over axes [first, n); false when it is through.
bool advance(const Axis* axis, int first, int n, int64_t* index, int64_t* offset) {
  for (int d = first; d < n; ++d) {
    *offset += axis[d].in;
    if (++index[d] < axis[d].size) return true;
    *offset -= index[d] * axis[d].in;
    index[d] = 0;
  }
  return false;
}

void by_row(const Plan& p, const Axis* reduced, const char* x, int64_t n, const char* centre,
            char* acc) {
  const bool direct = p.dense && reduced[0].in == 1;
  if (direct && p.nreduced == 1 && p.kernel->rows)
    return p.kernel->rows(n, reduced[0].size, x, p.kept[0].in, centre, p.kept[0].out, acc);
  alignas(64) char tile[kTile * 8];
  const int64_t chunk = direct ? reduced[0].size : kTile;
  for (int64_t j = 0; j < n; ++j) {
    int64_t index[64], offset = j * p.kept[0].in;
    for (int d = 1; d < p.nreduced; ++d) index[d] = 0;
    const char* c = centre ? centre + j * p.kept[0].out * p.acc_size : nullptr;
    do {
      for (int64_t i = 0; i < reduced[0].size; i += chunk) {
        const int64_t m = reduced[0].size - i < chunk ? reduced[0].size - i : chunk;
        const char* from = x + (offset + i * reduced[0].in) * p.in_size;
        p.kernel->row(m, fetch(p, from, m, reduced[0].in, tile), c, acc + j * p.acc_size);
      }
    } while (advance(reduced, 1, p.nreduced, index, &offset));
  }
}

/// Many rows over a tile of outputs: in pieces with accumulators of their own, for accuracy.
void long_column(const Plan& p, int64_t m, int64_t n, const char* x, int64_t stride, const char* c,
                 char* acc) {
  alignas(64) char piece[kTile * 16];
  for (int64_t i = 0; i < m; i += kLongColumn) {
    const int64_t rows = m - i < kLongColumn ? m - i : kLongColumn;
    p.kernel->init(n, piece);
    p.kernel->column(rows, n, x + i * stride * p.in_size, stride, c, piece);
    p.kernel->merge(n, piece, acc);
  }
}

void by_column(const Plan& p, const Axis* reduced, const char* x, int64_t n, const char* centre,
               char* acc) {
  alignas(64) char tile[kTile * 16], centres[kTile * 16];
  if (centre && p.kept[0].out != 1) {
    for (int64_t j = 0; j < n; ++j)
      __builtin_memcpy(centres + j * p.acc_size, centre + j * p.kept[0].out * p.acc_size,
                       static_cast<size_t>(p.acc_size));
    centre = centres;
  }
  const bool direct = p.dense && (p.kept[0].in == 1 || n == 1);
  int64_t index[64], offset = 0;
  for (int d = 1; d < p.nreduced; ++d) index[d] = 0;
  do {
    const char* from = x + offset * p.in_size;
    if (direct && reduced[0].size > kLongColumn) {
      long_column(p, reduced[0].size, n, from, reduced[0].in, centre, acc);
    } else if (direct) {
      p.kernel->column(reduced[0].size, n, from, reduced[0].in, centre, acc);
    } else {
      const int64_t size = size_of(p.kernel->in), fit = kTile * 16 / (n * size);
      for (int64_t i = 0; i < reduced[0].size; i += fit) {
        const int64_t rows = reduced[0].size - i < fit ? reduced[0].size - i : fit;
        for (int64_t r = 0; r < rows; ++r)
          p.load(n, from + (i + r) * reduced[0].in * p.in_size, p.kept[0].in, tile + r * n * size);
        p.kernel->column(rows, n, tile, n, centre, acc);
      }
    }
  } while (advance(reduced, 1, p.nreduced, index, &offset));
}

/// The first output of tile `unit`, and how many it has.
int64_t locate(const Plan& p, int64_t unit, int64_t* in, int64_t* out) {
  const int64_t tiles = (p.kept[0].size + p.tile - 1) / p.tile;
  const int64_t first = unit % tiles * p.tile;
  int64_t rest = unit / tiles;
  *in = first * p.kept[0].in;
  *out = first * p.kept[0].out;
  for (int d = 1; d < p.nkept; ++d) {
    *in += rest % p.kept[d].size * p.kept[d].in;
    *out += rest % p.kept[d].size * p.kept[d].out;
    rest /= p.kept[d].size;
  }
  return p.kept[0].size - first < p.tile ? p.kept[0].size - first : p.tile;
}

void reduce_tile(const Plan& p, const Axis* reduced, int64_t in, int64_t out, int64_t n,
                 char* acc) {
  const auto* centre = static_cast<const char*>(p.job->centre);
  p.kernel->init(n, acc);
  (p.by_column ? by_column : by_row)(p, reduced,
                                     static_cast<const char*>(p.job->data) + in * p.in_size, n,
                                     centre ? centre + out * p.acc_size : nullptr, acc);
}

template <class T>
void finish_as(const ReduceJob& job, int64_t n, void* acc) {
  T* a = static_cast<T*>(acc);
  for (int64_t i = 0; i < n; ++i) {
    if (job.divide != 1) a[i] /= job.divide;
    if (job.root) a[i] = __builtin_sqrt(a[i]);
  }
}

void finish(const ReduceJob& job, DType acc_dtype, int64_t n, char* acc, int64_t out,
            int64_t stride) {
  if (acc_dtype == DType::F64)
    finish_as<double>(job, n, acc);
  else if (acc_dtype == DType::C128 && job.divide != 1)
    for (int64_t i = 0; i < 2 * n; ++i) reinterpret_cast<double*>(acc)[i] /= job.divide;
  char* to = static_cast<char*>(job.out) + out * size_of(job.out_dtype);
  if (n == 1 && job.out_dtype == DType::F32 && acc_dtype == DType::F64)
    *reinterpret_cast<float*>(to) = static_cast<float>(*reinterpret_cast<double*>(acc));
  else if (n == 1 && job.out_dtype == acc_dtype)
    __builtin_memcpy(to, acc, static_cast<size_t>(size_of(acc_dtype)));
  else
    copy({n}, job.out_dtype, to, {stride}, acc_dtype, acc, {1});
}

void make_plan(const ReduceJob& job, const ReduceKernel& k, Plan& p) {
  p.job = &job;
  p.kernel = &k;
  p.in_size = size_of(job.dtype);
  p.acc_size = size_of(k.acc);
  p.dense = job.dtype == k.in;
  const auto dtype = static_cast<int>(job.dtype);
  p.load = job.op == Reduce::Count
               ? load_store().truth[dtype]
               : load_store().load[dtype][static_cast<int>(compute_of(job.dtype))];
  const Dims* strides[] = {&job.strides, &job.out_strides};
  const LoopNest nest(job.sizes, strides, 2);
  for (int d = 0; d < nest.ndim; ++d) {
    const Axis a{nest.size[d], nest.stride[0][d], nest.stride[1][d]};
    if (a.out)
      p.kept[p.nkept++] = a;
    else
      p.reduced[p.nreduced++] = a;
  }
  if (!p.nkept) p.kept[p.nkept++] = {1, 0, 0};
  if (!p.nreduced) p.reduced[p.nreduced++] = {1, 0, 0};
  const Axis &kept = p.kept[0], &inner = p.reduced[0];
  const bool rows_adjacent = inner.in <= kept.in || kept.size == 1;
  p.by_column =
      rows_adjacent ? inner.size < 8 && kept.size >= 32 : kept.size >= 4 || inner.size < 8;
  for (int d = 0; d < p.nreduced; ++d) p.work *= p.reduced[d].size;
  for (int d = 1; d < p.nkept; ++d) p.outer *= p.kept[d].size;
  const int64_t fit = kRun / (p.work < kRun ? p.work : kRun);
  p.tile = p.by_column || fit > kTile ? kTile : fit;
  if (p.tile > kept.size) p.tile = kept.size;
}

/// Few outputs of many elements each: segments of the outermost reduced dimension, merged pairwise.
void by_segments(const Plan& p, int64_t units, int64_t segments) {
  const Axis& axis = p.reduced[p.nreduced - 1];
  int64_t length = (axis.size + segments - 1) / segments;
  if (p.nreduced == 1 && length > kFolded) length = (length + kFolded - 1) / kFolded * kFolded;
  segments = (axis.size + length - 1) / length;
  const int64_t stride = p.tile * p.acc_size;
  const std::unique_ptr<char[]> partial(new char[static_cast<size_t>(units * segments * stride)]);
  parallel_for(0, units * segments, 1, [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) {
      int64_t in, out;
      const int64_t n = locate(p, i / segments, &in, &out), first = i % segments * length;
      Axis reduced[64];
      for (int d = 0; d < p.nreduced; ++d) reduced[d] = p.reduced[d];
      Axis& a = reduced[p.nreduced - 1];
      a.size = axis.size - first < length ? axis.size - first : length;
      reduce_tile(p, reduced, in + first * axis.in, out, n, partial.get() + i * stride);
    }
  });
  for (int64_t unit = 0; unit < units; ++unit) {
    int64_t in, out;
    const int64_t n = locate(p, unit, &in, &out);
    char* first = partial.get() + unit * segments * stride;
    for (int64_t step = 1; step < segments; step *= 2)
      for (int64_t s = 0; s + step < segments; s += 2 * step)
        p.kernel->merge(n, first + (s + step) * stride, first + s * stride);
    finish(*p.job, p.kernel->acc, n, first, out, p.kept[0].out);
  }
}

const ReduceKernel& kernel_of(Reduce op, DType dtype) {
  return reduce_table().reduce[static_cast<int>(op)][static_cast<int>(compute_of(dtype))];
}

}  // namespace

bool has_reduce(Reduce op, DType dtype, DType* acc) {
  const ReduceKernel& k = kernel_of(op, dtype);
  *acc = k.acc;
  return k.row != nullptr;
}

void reduce(const ReduceJob& job) {
  const ReduceKernel& k = kernel_of(job.op, job.dtype);
  if (job.sizes.size() <= 1 && job.dtype == k.in && (job.sizes.empty() || job.strides[0] == 1) &&
      (job.sizes.empty() || (job.out_strides[0] == 0 && job.sizes[0] < kSegment))) {
    alignas(16) char acc[16];  // one short run
    k.init(1, acc);
    k.row(job.sizes.empty() ? 1 : job.sizes[0], job.data, job.centre, acc);
    return finish(job, k.acc, 1, acc, 0, 0);
  }
  Plan p;
  make_plan(job, k, p);
  const int64_t units = (p.kept[0].size + p.tile - 1) / p.tile * p.outer;
  int64_t segments = p.work * p.tile / kSegment;
  if (segments > kSegments) segments = kSegments;
  if (segments > p.reduced[p.nreduced - 1].size) segments = p.reduced[p.nreduced - 1].size;
  if (units < 16 && segments > 1) return by_segments(p, units, segments);
  const int64_t grain = kGrain / (p.work * p.tile < kGrain ? p.work * p.tile : kGrain);
  parallel_for(0, units, grain, [&](int64_t b, int64_t e) {
    alignas(64) char acc[kTile * 16];
    for (int64_t unit = b; unit < e; ++unit) {
      int64_t in, out;
      const int64_t n = locate(p, unit, &in, &out);
      reduce_tile(p, p.reduced, in, out, n, acc);
      finish(job, k.acc, n, acc, out, p.kept[0].out);
    }
  });
}

void find_first(const FindJob& job) {
  const Compute compute = compute_of(job.dtype);
  const FindKernel& k = reduce_table().find[static_cast<int>(compute)];
  const LoadFn load = load_store().load[static_cast<int>(job.dtype)][static_cast<int>(compute)];
  const bool same = job.dtype == k.in;
  const int64_t in_size = size_of(job.dtype);
  const int last = job.others.size() - 1;
  const int64_t width = last < 0 ? 1 : job.others[last], step = last < 0 ? 0 : job.strides[last];
  int64_t rows = 1;
  for (int d = 0; d < last; ++d) rows *= job.others[d];
  const bool column = width >= 4 && (step < job.stride || job.size < 8);
  const int64_t tiles = column ? (width + kTile - 1) / kTile : width, tile = column ? kTile : 1;
  const int64_t per = job.size * (column && width > kTile ? kTile : column ? width : 1);
  parallel_for(0, rows * tiles, kGrain / (per < kGrain ? per : kGrain), [&](int64_t b, int64_t e) {
    alignas(64) char buffer[kTile * 8], wanted[kTile * 8];
    for (int64_t unit = b; unit < e; ++unit) {
      const int64_t row = unit / tiles, first = unit % tiles * tile;
      const int64_t n = width - first < tile ? width - first : tile;
      int64_t offset = first * step, rest = row;
      for (int d = last - 1; d >= 0; --d) {
        offset += rest % job.others[d] * job.strides[d];
        rest /= job.others[d];
      }
      const char* x = static_cast<const char*>(job.data) + offset * in_size;
      char* value = static_cast<char*>(job.value) + (row * width + first) * in_size;
      if (job.extremum) {
        const ReduceKernel& extremum = kernel_of(*job.extremum, job.dtype);
        extremum.init(1, value);
        extremum.row(job.size, x, nullptr, value);
      }
      if (!same) {
        load(n, value, 1, wanted);
        value = wanted;
      }
      int64_t* index = job.index + row * width + first;
      if (column) {
        for (int64_t j = 0; j < n; ++j) index[j] = -1;
        for (int64_t i = 0; i < job.size; ++i) {
          const char* from = x + i * job.stride * in_size;
          if (!same || step != 1) {
            load(n, from, step, buffer);
            from = buffer;
          }
          k.column(n, from, value, i, index);
        }
        continue;
      }
      const int64_t chunk = same && job.stride == 1 ? job.size : kTile;
      *index = 0;
      for (int64_t i = 0; i < job.size; i += chunk) {
        const int64_t m = job.size - i < chunk ? job.size - i : chunk;
        const char* from = x + i * job.stride * in_size;
        if (chunk == kTile && !(same && job.stride == 1)) {
          load(m, from, job.stride, buffer);
          from = buffer;
        }
        const int64_t at = k.row(m, from, value);
        if (at < m) {
          *index = i + at;
          break;
        }
      }
    }
  });
}

}  // namespace rl::cpu
