// SmallVector: a vector whose first N elements live inline; edges of nodes, lists of gradients.
#pragma once
#include <cstddef>
#include <initializer_list>
#include <new>
#include <utility>

namespace rl {

template <class T, size_t N>
class SmallVector {
 public:
  SmallVector() = default;
  explicit SmallVector(size_t n) { resize(n); }
  SmallVector(std::initializer_list<T> v) {
    for (const T& x : v) push_back(x);
  }
  SmallVector(const SmallVector& o) {
    for (const T& x : o) push_back(x);
  }
  SmallVector(SmallVector&& o) noexcept { take(o); }
  SmallVector& operator=(const SmallVector& o) {
    if (this != &o) {
      clear();
      for (const T& x : o) push_back(x);
    }
    return *this;
  }
  SmallVector& operator=(SmallVector&& o) noexcept {
    if (this != &o) {
      clear();
      free_heap();
      take(o);
    }
    return *this;
  }
  ~SmallVector() {
    clear();
    free_heap();
  }

  size_t size() const { return n_; }
  bool empty() const { return n_ == 0; }
  T* begin() { return data(); }
  T* end() { return data() + n_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + n_; }
  T& operator[](size_t i) { return data()[i]; }
  const T& operator[](size_t i) const { return data()[i]; }
  T& back() { return data()[n_ - 1]; }
  T* data() { return heap_ ? heap_ : reinterpret_cast<T*>(inline_); }
  const T* data() const { return heap_ ? heap_ : reinterpret_cast<const T*>(inline_); }

  void push_back(T v) {
    if (n_ == capacity_) grow(2 * n_);
    new (data() + n_++) T(std::move(v));
  }
  void resize(size_t n) {
    if (n > capacity_) grow(n);
    while (n_ < n) new (data() + n_++) T();
    while (n_ > n) data()[--n_].~T();
  }
  void clear() { resize(0); }

 private:
  void take(SmallVector& o) {
    if (o.heap_) {
      heap_ = std::exchange(o.heap_, nullptr);
      n_ = std::exchange(o.n_, 0);
      capacity_ = std::exchange(o.capacity_, N);
    } else {
      for (T& x : o) push_back(std::move(x));
      o.clear();
    }
  }
  void grow(size_t capacity) {
    T* p = static_cast<T*>(::operator new(capacity * sizeof(T)));
    for (size_t i = 0; i < n_; ++i) {
      new (p + i) T(std::move(data()[i]));
      data()[i].~T();
    }
    free_heap();
    heap_ = p;
    capacity_ = capacity;
  }
  void free_heap() {
    if (heap_) ::operator delete(heap_);
    heap_ = nullptr;
    capacity_ = N;
  }

  size_t n_ = 0, capacity_ = N;
  T* heap_ = nullptr;
  alignas(T) unsigned char inline_[N * sizeof(T)];
};

}  // namespace rl
