// Storage: a block of memory that tensors view, with the version counter of in-place writes.
#pragma once
#include "base/device.h"
#include "base/ref.h"

namespace rl {

struct Storage : RefCounted {
  void* data = nullptr;
  int64_t nbytes = 0;
  Device device;
  uint32_t version = 0;     // bumped by every in-place write that autograd must notice
  int exports = 0;          // others that know the address: NumPy, DLPack, buffers; it stays put
  bool shared = false;      // in memory shared between processes
  void* context = nullptr;  // what release gets: the owner of borrowed memory
  void (*release)(void* context, void* data, int64_t nbytes) = nullptr;

  static Ref<Storage> allocate(int64_t nbytes, Device device);
  /// Memory that somebody else owns (NumPy, DLPack, a buffer); `release` lets go of it.
  static Ref<Storage> borrow(void* data, int64_t nbytes, Device device, void* context,
                             void (*release)(void*, void*, int64_t));
  static void destroy(Storage* s);
  /// Replaces the memory by a larger or smaller block, keeping the common prefix.
  void resize(int64_t nbytes);
};

/// A storage never outgrows what a signed 64-bit size can say; raises RuntimeError if it would.
int64_t checked_bytes(int64_t numel, int64_t itemsize);

}  // namespace rl
