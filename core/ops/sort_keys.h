// Order-preserving keys: any element as an unsigned number whose order is torch's (NaN last, -0
// equal to 0). A key with its position makes an entry; entries are all different, so any sort is
// stable.
#pragma once
#include <algorithm>
#include <vector>

#include "cpu/dispatch.h"

namespace rl {

template <class T>
inline constexpr int kKeyBits = static_cast<int>(sizeof(T)) * 8;

/// The key, in the low kKeyBits<T> bits.
template <class T>
uint64_t order_key(T v) {
  constexpr int bits = kKeyBits<T>;
  constexpr uint64_t all = ~uint64_t{0} >> (64 - bits), top = uint64_t{1} << (bits - 1);
  if constexpr (std::is_same_v<T, bool>) {
    return v;
  } else if constexpr (std::is_integral_v<T>) {
    const uint64_t u = static_cast<uint64_t>(v) & all;
    return std::is_signed_v<T> ? u ^ top : u;
  } else {
    const auto number = static_cast<Wide<T>>(v);
    if (number != number) return all;
    if (number == 0) return top;
    uint64_t u = 0;
    __builtin_memcpy(&u, &v, sizeof(T));
    return u & top ? ~u & all : u | top;
  }
}

/// Keys of up to 32 bits share a word with the position.
struct NarrowEntry {
  uint64_t word;
  NarrowEntry() = default;
  NarrowEntry(uint64_t key, int64_t position) : word(key << 32 | static_cast<uint64_t>(position)) {}
  int64_t position() const { return static_cast<int64_t>(word & 0xffffffffu); }
  uint64_t key() const { return word >> 32; }
  bool operator<(const NarrowEntry& o) const { return word < o.word; }
};
struct WideEntry {
  uint64_t word;
  int64_t at;
  WideEntry() = default;
  WideEntry(uint64_t key, int64_t position) : word(key), at(position) {}
  int64_t position() const { return at; }
  uint64_t key() const { return word; }
  bool operator<(const WideEntry& o) const { return word != o.word ? word < o.word : at < o.at; }
};

template <class T, class Entry>
void fill_entries(const T* line, int64_t step, int64_t n, bool descending,
                  std::vector<Entry>& out) {
  constexpr uint64_t all = ~uint64_t{0} >> (64 - kKeyBits<T>);
  const uint64_t flip = descending ? all : 0;
  out.resize(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i)
    out[static_cast<size_t>(i)] = Entry(order_key(line[i * step]) ^ flip, i);
}

/// Sorts entries by key; those of one key keep their order, which must be by position.
template <class Entry>
void sort_entries(std::vector<Entry>& entries, int key_bits) {
  const size_t n = entries.size();
  if (n < 256) return std::sort(entries.begin(), entries.end());
  // Radix sort from the lowest digit; a digit that all keys share is skipped.
  constexpr int kDigit = 11;
  constexpr size_t kBuckets = size_t{1} << kDigit;
  const int passes = (key_bits + kDigit - 1) / kDigit;
  static thread_local std::vector<Entry> other;
  std::vector<size_t> counts(kBuckets * static_cast<size_t>(passes), 0);
  for (const Entry& e : entries)
    for (int p = 0; p < passes; ++p)
      ++counts[static_cast<size_t>(p) * kBuckets + (e.key() >> (p * kDigit) & (kBuckets - 1))];
  other.resize(n);
  for (int p = 0; p < passes; ++p) {
    size_t* count = &counts[static_cast<size_t>(p) * kBuckets];
    const auto digit = [p](const Entry& e) { return e.key() >> (p * kDigit) & (kBuckets - 1); };
    if (count[digit(entries[0])] == n) continue;
    size_t sum = 0;
    for (size_t b = 0; b < kBuckets; ++b) sum += std::exchange(count[b], sum);
    for (const Entry& e : entries) other[count[digit(e)]++] = e;
    entries.swap(other);
  }
  if (other.capacity() > (size_t{1} << 20)) other = {};
}

/// f(std::vector<Entry>& scratch): the entry type that fits T and the lines' length.
template <class T, class F>
void with_entries(int64_t n, F f) {
  if (kKeyBits<T> <= 32 && n <= int64_t{0xffffffff}) {
    static thread_local std::vector<NarrowEntry> v;
    f(v);
    if (v.capacity() > (size_t{1} << 20)) v = {};
  } else {
    static thread_local std::vector<WideEntry> v;
    f(v);
    if (v.capacity() > (size_t{1} << 20)) v = {};
  }
}

}  // namespace rl
