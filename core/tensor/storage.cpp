// Storage's life: allocation through the device's allocator, borrowing, resizing, release.
#include "tensor/storage.h"

#include <cstring>
#include <new>

#include "base/error.h"
#include "cpu/allocator.h"

namespace rl {

namespace {
void release_cpu(void*, void* data, int64_t nbytes) {
  cpu::deallocate(data, static_cast<size_t>(nbytes));
}
}  // namespace

Ref<Storage> Storage::allocate(int64_t nbytes, Device device) {
  RL_CHECK(device.type != Device::Cuda, "Torch not compiled with CUDA enabled");
  auto* s = new (Pool::allocate(sizeof(Storage))) Storage;
  Ref<Storage> ref(s);
  s->nbytes = nbytes;
  s->device = device;
  if (device.type == Device::Cpu && nbytes > 0) {
    s->data = cpu::allocate(static_cast<size_t>(nbytes));
    s->release = release_cpu;
  }
  return ref;
}

Ref<Storage> Storage::borrow(void* data, int64_t nbytes, Device device, void* context,
                             void (*release)(void*, void*, int64_t)) {
  auto* s = new (Pool::allocate(sizeof(Storage))) Storage;
  s->data = data;
  s->nbytes = nbytes;
  s->device = device;
  s->context = context;
  s->release = release;
  return Ref<Storage>(s);
}

void Storage::destroy(Storage* s) {
  if (s->release) s->release(s->context, s->data, s->nbytes);
  s->~Storage();
  Pool::release(s, sizeof(Storage));
}

void Storage::resize(int64_t n) {
  RL_CHECK(!context && exports == 0, "Trying to resize storage that is not resizable");
  if (n == nbytes) return;
  if (device.type == Device::Meta) {
    nbytes = n;
    return;
  }
  void* fresh = n > 0 ? cpu::allocate(static_cast<size_t>(n)) : nullptr;
  const int64_t keep = n < nbytes ? n : nbytes;
  if (keep > 0) std::memcpy(fresh, data, static_cast<size_t>(keep));
  if (n > keep) std::memset(static_cast<char*>(fresh) + keep, 0, static_cast<size_t>(n - keep));
  if (release) release(context, data, nbytes);
  data = fresh;
  nbytes = n;
  release = n > 0 ? release_cpu : nullptr;
}

int64_t checked_bytes(int64_t numel, int64_t itemsize) {
  int64_t bytes;
  RL_CHECK(numel >= 0 && !__builtin_mul_overflow(numel, itemsize, &bytes),
           "Storage size calculation overflowed with ", numel, " elements of ", itemsize, " bytes");
  return bytes;
}

}  // namespace rl
