// Intrusive reference counting and the small-object pool behind it.
// Counts are plain integers: every count changes while the interpreter lock is held. Kernels that
// run without the lock work on raw pointers and never copy a Ref.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

namespace rl {

/// Free lists of small blocks, by 32-byte classes: a tensor or a node costs no malloc.
class Pool {
 public:
  static constexpr size_t kStep = 32, kClasses = 32;
  static void* allocate(size_t n) {
    const size_t c = (n + kStep - 1) / kStep;
#ifndef RL_SANITIZE
    if (c < kClasses && free_[c]) {
      Block* b = free_[c];
      free_[c] = b->next;
      return b;
    }
#endif
    return std::malloc(c * kStep);
  }
  static void release(void* p, size_t n) {
    [[maybe_unused]] const size_t c = (n + kStep - 1) / kStep;
#ifndef RL_SANITIZE
    if (c < kClasses) {
      Block* b = static_cast<Block*>(p);
      b->next = free_[c];
      free_[c] = b;
      return;
    }
#endif
    std::free(p);
  }

 private:
  struct Block {
    Block* next;
  };
  static inline Block* free_[kClasses] = {};
};

/// Base of everything held by Ref<T>. T may define `static void destroy(T*)`.
struct RefCounted {
  uint32_t refs = 0;
};

template <class T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}
  explicit Ref(T* p) : p_(p) {
    if (p_) ++p_->refs;
  }
  Ref(const Ref& o) : Ref(o.p_) {}
  Ref(Ref&& o) noexcept : p_(std::exchange(o.p_, nullptr)) {}
  Ref& operator=(Ref o) noexcept {
    std::swap(p_, o.p_);
    return *this;
  }
  ~Ref() {
    if (p_ && --p_->refs == 0) T::destroy(p_);
  }
  T* get() const { return p_; }
  T* operator->() const { return p_; }
  T& operator*() const { return *p_; }
  explicit operator bool() const { return p_ != nullptr; }
  bool operator==(const Ref& o) const { return p_ == o.p_; }
  /// Hands the count over to the caller, and takes it back.
  T* release() { return std::exchange(p_, nullptr); }
  static Ref adopt(T* p) {
    Ref r;
    r.p_ = p;
    return r;
  }

 private:
  T* p_ = nullptr;
};

}  // namespace rl
