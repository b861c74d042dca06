// The caching allocator. A fresh large block costs a page fault every 4 KiB, several times the work
// of filling it, so freed blocks are kept by size class and given out again. Classes are powers of
// two cut in eighths: at most 12.5 % is wasted.
#include "cpu/allocator.h"

#include <cstdlib>
#include <vector>

#include "base/error.h"

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace rl::cpu {
namespace {

constexpr size_t kAlign = 64;
constexpr size_t kHuge = size_t{2} << 20;
constexpr int64_t kCacheLimit = int64_t{1} << 30;  // of kept memory; beyond it blocks go back

struct SizeClass {
  int index;
  size_t bytes;
};

SizeClass size_class(size_t n) {
  if (n <= kAlign) return {0, kAlign};
  n = (n + kAlign - 1) & ~(kAlign - 1);
  const int top = 63 - __builtin_clzll(n);  // n in [2^top, 2^(top+1))
  const int shift = top > 9 ? top - 3 : 6;  // eighths, but never finer than 64 bytes
  const size_t unit = size_t{1} << shift;
  const size_t rounded = (n + unit - 1) & ~(unit - 1);
  const int rtop = 63 - __builtin_clzll(rounded);
  const int rshift = rtop > 9 ? rtop - 3 : 6;
  return {rtop * 8 + static_cast<int>((rounded >> rshift) & 7), rounded};
}

std::vector<void*>* caches() {
  static auto* lists = new std::vector<void*>[64 * 8];  // outlives every tensor
  return lists;
}

int64_t g_in_use = 0, g_cached = 0, g_peak = 0;

void* fresh(size_t bytes) {
  const size_t align = bytes >= kHuge ? kHuge : kAlign;
  void* p = nullptr;
  if (posix_memalign(&p, align, bytes) != 0) return nullptr;
#ifdef MADV_HUGEPAGE
  if (bytes >= kHuge) madvise(p, bytes, MADV_HUGEPAGE);
#endif
  return p;
}

/// Gives back kept blocks, the largest first, until so many bytes more are within the limit: sizes
/// that are no longer asked for must not keep new ones out.
void make_room(int64_t bytes) {
  constexpr int kLeast = 9 * 8;  // the class of 512 bytes: smaller ones are cut otherwise, and few
  for (int i = 64 * 8 - 1; i >= kLeast; --i)
    for (auto& list = caches()[i]; !list.empty(); list.pop_back()) {
      if (g_cached + bytes <= kCacheLimit) return;
      std::free(list.back());
      g_cached -= int64_t{8 | (i & 7)} << (i / 8 - 3);  // as size_class cut them
    }
}

}  // namespace

void* allocate(size_t n) {
  if (n > (size_t{1} << 62))
    raise(ErrorKind::Runtime,
          "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate ", n,
          " bytes.");
#ifdef RL_SANITIZE
  void* s = nullptr;
  if (posix_memalign(&s, kAlign, n ? n : 1) == 0) return s;
  raise(ErrorKind::Runtime, "DefaultCPUAllocator: can't allocate memory: you tried to allocate ", n,
        " bytes.");
#endif
  const SizeClass c = size_class(n);
  auto& list = caches()[c.index];
  g_in_use += static_cast<int64_t>(c.bytes);
  if (g_in_use > g_peak) g_peak = g_in_use;
  if (!list.empty()) {
    void* p = list.back();
    list.pop_back();
    g_cached -= static_cast<int64_t>(c.bytes);
    return p;
  }
  void* p = fresh(c.bytes);
  if (!p) {
    empty_cache();
    p = fresh(c.bytes);
  }
  if (!p) {
    g_in_use -= static_cast<int64_t>(c.bytes);
    raise(ErrorKind::Runtime,
          "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate ", n,
          " bytes. Error code 12 (Cannot allocate memory)");
  }
  return p;
}

void deallocate(void* p, size_t n) {
#ifdef RL_SANITIZE
  (void)n;
  std::free(p);
#else
  const SizeClass c = size_class(n);
  g_in_use -= static_cast<int64_t>(c.bytes);
  if (static_cast<int64_t>(c.bytes) > kCacheLimit) return std::free(p);
  if (g_cached + static_cast<int64_t>(c.bytes) > kCacheLimit)
    make_room(static_cast<int64_t>(c.bytes));
  g_cached += static_cast<int64_t>(c.bytes);
  caches()[c.index].push_back(p);
#endif
}

MemoryStats memory_stats() { return {g_in_use, g_cached, g_peak}; }
void reset_peak() { g_peak = g_in_use; }

void empty_cache() {
  for (int i = 0; i < 64 * 8; ++i) {
    for (void* p : caches()[i]) std::free(p);
    caches()[i].clear();
    caches()[i].shrink_to_fit();
  }
  g_cached = 0;
}

}  // namespace rl::cpu
