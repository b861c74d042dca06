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

/// The unsigned type of a key.
template <class T>
using Key =
    std::conditional_t<sizeof(T) == 1, uint8_t,
                       std::conditional_t<sizeof(T) == 2, uint16_t,
                                          std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>>;

/// Without branches: loops over it become vector code.
template <class T>
Key<T> order_key(T v) {
  using K = Key<T>;
  constexpr K all = static_cast<K>(~K{0}), top = static_cast<K>(K{1} << (kKeyBits<T> - 1));
  if constexpr (std::is_same_v<T, bool>) {
    return v;
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<K>(std::is_signed_v<T> ? static_cast<K>(v) ^ top : v);
  } else {
    const auto number = static_cast<Wide<T>>(v);
    K u;
    __builtin_memcpy(&u, &v, sizeof(T));
    const K negative = static_cast<K>(-(u >> (kKeyBits<T> - 1)));
    const K ordered = number == 0 ? top : static_cast<K>(u ^ (negative | top));
    return number != number ? all : ordered;
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

/// How the keys of a dtype are read, as 32 bits where that is enough. Whoever sorts by them needs
/// to know no more of it.
template <class K>
struct KeyReader {
  using key = K;
  /// keys[i] is that of element i * step of the line, with the bits of `flip` turned over.
  void (*read)(const void* line, int64_t step, int64_t n, K flip, K* keys);
  int bits;
  bool has_nan;
  int64_t size;  // bytes of an element

  K all() const { return static_cast<K>(~K{0}) >> (sizeof(K) * 8 - static_cast<size_t>(bits)); }
  K flip(bool descending) const { return descending ? all() : K{0}; }
  bool is_nan(K k) const { return has_nan && k == all(); }
};
template <class T, class K>
void read_keys(const void* from, int64_t step, int64_t n, K flip, K* keys) {
  const T* line = static_cast<const T*>(from);
  if (step == 1)
    for (int64_t i = 0; i < n; ++i) keys[i] = order_key(line[i]) ^ flip;
  else
    for (int64_t i = 0; i < n; ++i) keys[i] = order_key(line[i * step]) ^ flip;
}
/// f(KeyReader) for a dtype that has an order.
template <class F>
decltype(auto) with_keys(DType t, F&& f) {
  return dispatch_real(t, [&](auto tag) -> decltype(auto) {
    using T = typename decltype(tag)::type;
    using K = std::conditional_t<sizeof(T) <= 4, uint32_t, uint64_t>;
    return f(KeyReader<K>{read_keys<T, K>, kKeyBits<T>, !std::is_integral_v<T>, sizeof(T)});
  });
}

template <class K, class Entry>
void fill_entries(const KeyReader<K>& keys, const void* line, int64_t step, int64_t n,
                  bool descending, std::vector<Entry>& out) {
  constexpr int64_t kBlock = 512;
  K block[kBlock];
  out.resize(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t m = std::min(kBlock, n - i);
    keys.read(static_cast<const char*>(line) + i * step * keys.size, step, m, keys.flip(descending),
              block);
    for (int64_t j = 0; j < m; ++j) out[static_cast<size_t>(i + j)] = Entry(block[j], i + j);
  }
}

template <class K>
struct KeptKeys {
  const K* keys;
  K operator()(int64_t i) const { return keys[i]; }
};

/// The key of rank k (from 0) among the n numbers that key(i) names, and how many equal ones have
/// lower ranks. Large sets are narrowed digit by digit from the top, as in a radix sort.
template <class K, class F>
std::pair<K, int64_t> select_key(F key, int64_t n, int64_t k, int shift = sizeof(K) * 8) {
  std::vector<K> kept;
  if (n > 4096 && shift > 0) {
    constexpr int kDigit = 11;
    const int bits = std::min(shift, kDigit);
    shift -= bits;
    const auto digit = [=](K x) { return static_cast<size_t>(x >> shift) & ((1u << bits) - 1); };
    int64_t count[2][1 << kDigit] = {};  // two, because equal neighbours would wait for each other
    for (int64_t i = 0; i < n; ++i) ++count[i & 1][digit(key(i))];
    size_t bucket = 0;
    int64_t size;
    for (; k >= (size = count[0][bucket] + count[1][bucket]); ++bucket) k -= size;
    kept.resize(static_cast<size_t>(size) + 1);  // one more: every key is written, few are kept
    K* to = kept.data();
    for (int64_t i = 0; i < n; ++i) {
      const K x = key(i);
      *to = x;
      to += digit(x) == bucket;
    }
    return select_key<K>(KeptKeys<K>{kept.data()}, size, k, shift);
  }
  for (int64_t i = 0; i < n; ++i) kept.push_back(key(i));
  std::nth_element(kept.begin(), kept.begin() + k, kept.end());
  const K found = kept[static_cast<size_t>(k)];
  for (const K x : kept) k -= x < found;
  return {found, k};
}

/// The k least entries of a line in order, k much less than n; false if two of their keys, or the
/// next, are equal: which of those comes first is then for the caller to say.
template <class K, class Entry>
bool find_least(const KeyReader<K>& reader, const void* line, int64_t step, int64_t n,
                bool descending, int64_t k, std::vector<Entry>& out) {
  constexpr int64_t kLanes = 16, kRows = 16;
  const int64_t blocks = (n + kLanes - 1) / kLanes;
  static thread_local std::vector<K> key_store, minima;
  key_store.assign(static_cast<size_t>(blocks * kLanes), reader.all());
  K* const keys = key_store.data();
  reader.read(line, step, n, reader.flip(descending), keys);
  // The k-th least of many minima bounds the k-th least of all from above.
  minima.clear();
  for (int64_t b = 0; b < blocks; b += kRows) {
    K least[kLanes];
    std::fill_n(least, kLanes, reader.all());
    const K* const end = keys + std::min(b + kRows, blocks) * kLanes;
    for (const K* row = keys + b * kLanes; row < end; row += kLanes)
      for (int64_t j = 0; j < kLanes; ++j) least[j] = least[j] < row[j] ? least[j] : row[j];
    minima.insert(minima.end(), least, least + kLanes);
  }
  std::nth_element(minima.begin(), minima.begin() + k, minima.end());
  const K most = minima[k];
  out.clear();
  for (int64_t i = 0; i < n; i += kLanes) {
    bool any = false;
    for (int64_t j = 0; j < kLanes; ++j) any |= keys[i + j] <= most;
    for (int64_t j = 0; any && j < std::min(kLanes, n - i); ++j)
      if (keys[i + j] <= most) out.push_back(Entry(keys[i + j], i + j));
    if (static_cast<int64_t>(out.size()) > 8 * k + 64) return false;
  }
  std::sort(out.begin(), out.end());
  for (int64_t i = 0; i < k; ++i)
    if (out[i].key() == out[i + 1].key()) return false;
  return true;
}

/// Sorts entries by key; those of one key keep their order, which must be by position. `varying`:
/// the bits in which keys differ.
template <class Entry>
void sort_entries(std::vector<Entry>& entries, uint64_t varying) {
  const size_t n = entries.size();
  if (n < 256) return std::sort(entries.begin(), entries.end());
  // Radix sort from the lowest digit; a digit that all keys share is skipped.
  constexpr int kDigit = 11;
  constexpr size_t kBuckets = size_t{1} << kDigit;
  const auto digit = [](const Entry& e, int shift) { return e.key() >> shift & (kBuckets - 1); };
  int shifts[64 / kDigit + 1], passes = 0;
  for (int shift = 0; shift < 64; shift += kDigit)
    if (varying >> shift & (kBuckets - 1)) shifts[passes++] = shift;
  static thread_local std::vector<Entry> other;
  std::vector<size_t> counts(kBuckets * static_cast<size_t>(passes), 0);
  for (const Entry& e : entries)
    for (int p = 0; p < passes; ++p)
      ++counts[static_cast<size_t>(p) * kBuckets + digit(e, shifts[p])];
  other.resize(n);
  for (int p = 0; p < passes; ++p) {
    size_t *count = &counts[static_cast<size_t>(p) * kBuckets], sum = 0;
    for (size_t b = 0; b < kBuckets; ++b) sum += std::exchange(count[b], sum);
    for (const Entry& e : entries) other[count[digit(e, shifts[p])]++] = e;
    entries.swap(other);
  }
  if (other.capacity() > (size_t{1} << 20)) other = {};
}

template <class Entry, class F>
void with_scratch(F f) {
  static thread_local std::vector<Entry> v;
  f(v);
  if (v.capacity() > (size_t{1} << 20)) v = {};
}
/// f(std::vector<Entry>& scratch): the entry type that fits keys of type K and the lines' length.
template <class K, class F>
void with_entries(int64_t n, F f) {
  if constexpr (sizeof(K) == 4)
    if (n <= int64_t{0xffffffff}) return with_scratch<NarrowEntry>(f);
  with_scratch<WideEntry>(f);
}

/// f(entries): a line's, sorted. Integers of 64 bits that differ in the low half only are taken for
/// shorter ones: key() is then that half.
template <class K, class F>
void with_sorted(const KeyReader<K>& keys, const void* line, int64_t step, int64_t n,
                 bool descending, F f) {
  constexpr int64_t kBlock = 512;
  K block[kBlock], first{}, varying{};
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t m = std::min(kBlock, n - i);
    keys.read(static_cast<const char*>(line) + i * step * keys.size, step, m, K{0}, block);
    if (i == 0) first = block[0];
    for (int64_t j = 0; j < m; ++j) varying |= block[j] ^ first;
  }
  const auto sorted = [&](auto& entries) {
    fill_entries(keys, line, step, n, descending, entries);
    sort_entries(entries, varying);
    f(entries);
  };
  if constexpr (sizeof(K) == 8)
    if (!keys.has_nan && varying >> 32 == 0 && n <= int64_t{0xffffffff})
      return with_scratch<NarrowEntry>(sorted);
  with_entries<K>(n, sorted);
}

}  // namespace rl
