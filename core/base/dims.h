// Dims: a short list of int64, inline up to four; sizes, strides and integer-list arguments.
#pragma once
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>

namespace rl {

class Dims {
 public:
  static constexpr int kInline = 4;

  Dims() = default;
  Dims(std::initializer_list<int64_t> v) : Dims(v.begin(), static_cast<int>(v.size())) {}
  Dims(const int64_t* p, int n) {
    resize(n);
    if (n) std::memcpy(data(), p, sizeof(int64_t) * static_cast<size_t>(n));
  }
  static Dims filled(int n, int64_t v) {
    Dims d;
    d.resize(n);
    for (int i = 0; i < n; ++i) d[i] = v;
    return d;
  }
  Dims(const Dims& o) : Dims(o.data(), o.n_) {}
  Dims(Dims&& o) noexcept : n_(o.n_), capacity_(o.capacity_) {
    std::memcpy(inline_, o.inline_, sizeof inline_);
    o.n_ = 0;
    o.capacity_ = kInline;
  }
  Dims& operator=(const Dims& o) {
    if (this != &o) {
      resize(o.n_);
      if (n_) std::memcpy(data(), o.data(), sizeof(int64_t) * static_cast<size_t>(n_));
    }
    return *this;
  }
  Dims& operator=(Dims&& o) noexcept {
    if (this != &o) {
      free_heap();
      n_ = o.n_;
      capacity_ = o.capacity_;
      std::memcpy(inline_, o.inline_, sizeof inline_);
      o.n_ = 0;
      o.capacity_ = kInline;
    }
    return *this;
  }
  ~Dims() { free_heap(); }

  int size() const { return n_; }
  bool empty() const { return n_ == 0; }
  int64_t* data() { return capacity_ > kInline ? heap_ : inline_; }
  const int64_t* data() const { return capacity_ > kInline ? heap_ : inline_; }
  int64_t& operator[](int i) { return data()[i]; }
  int64_t operator[](int i) const { return data()[i]; }
  int64_t& back() { return data()[n_ - 1]; }
  int64_t back() const { return data()[n_ - 1]; }
  int64_t* begin() { return data(); }
  int64_t* end() { return data() + n_; }
  const int64_t* begin() const { return data(); }
  const int64_t* end() const { return data() + n_; }

  void resize(int n) {
    if (n > capacity_) {
      int64_t* p = new int64_t[static_cast<size_t>(n)];
      if (n_) std::memcpy(p, data(), sizeof(int64_t) * static_cast<size_t>(n_));
      free_heap();
      heap_ = p;
      capacity_ = n;
    }
    n_ = n;
  }
  void push_back(int64_t v) {
    if (n_ == capacity_) {
      const int n = n_;
      resize(2 * n);
      n_ = n;
    }
    data()[n_++] = v;
  }
  void insert(int at, int64_t v) {
    push_back(v);
    for (int i = n_ - 1; i > at; --i) data()[i] = data()[i - 1];
    data()[at] = v;
  }
  void erase(int at) {
    for (int i = at; i + 1 < n_; ++i) data()[i] = data()[i + 1];
    --n_;
  }
  bool operator==(const Dims& o) const {
    if (n_ != o.n_) return false;
    for (int i = 0; i < n_; ++i)
      if (data()[i] != o.data()[i]) return false;
    return true;
  }

 private:
  void free_heap() {
    if (capacity_ > kInline) delete[] heap_;
    capacity_ = kInline;
  }
  int32_t n_ = 0, capacity_ = kInline;
  union {
    int64_t inline_[kInline];
    int64_t* heap_;
  };
};

/// "[2, 3]", as in PyTorch's messages.
void append(std::string& s, const Dims& d);
/// "2x3", the form of PyTorch's matrix-product messages.
std::string by_x(const Dims& d);

}  // namespace rl
