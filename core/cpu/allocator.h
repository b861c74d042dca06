// The caching allocator for tensor memory on the CPU: 64-byte aligned blocks that are kept after
// use.
#pragma once
#include <cstddef>
#include <cstdint>

namespace rl::cpu {

/// Never returns null; raises RuntimeError ("DefaultCPUAllocator: can't allocate memory ...").
/// Call with the interpreter lock held: the caches are not locked.
void* allocate(size_t bytes);
void deallocate(void* p, size_t bytes);

struct MemoryStats {
  int64_t in_use, cached, peak;
};
MemoryStats memory_stats();
void reset_peak();
void empty_cache();

}  // namespace rl::cpu
