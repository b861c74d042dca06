// The one thread pool: parallel_for over index ranges. Sized by affinity and cgroup quota, safe
// across fork, silent when work is small. Not a task system: there are no futures here.
#pragma once
#include <cstdint>

namespace rl::cpu {

int num_threads();            ///< threads a parallel_for may use, the caller included
void set_num_threads(int n);  ///< n >= 1
bool in_parallel();           ///< true inside a parallel_for body: nested calls run inline

/// While it lives, the loops of this thread run inline.
class Alone {
 public:
  Alone();
  ~Alone();
  Alone(const Alone&) = delete;
  Alone& operator=(const Alone&) = delete;

 private:
  bool before_;
};

namespace detail {
using RangeFn = void (*)(void* ctx, int64_t begin, int64_t end);
void parallel(int64_t begin, int64_t end, int64_t grain, RangeFn fn, void* ctx);  ///< grain 0: each

template <class F>
void run(int64_t begin, int64_t end, int64_t grain, F& body) {
  if (end - begin <= (grain ? grain : 1) || num_threads() == 1 || in_parallel()) {
    if (end > begin) body(begin, end);
    return;
  }
  parallel(
      begin, end, grain, [](void* ctx, int64_t b, int64_t e) { (*static_cast<F*>(ctx))(b, e); },
      const_cast<void*>(static_cast<const void*>(&body)));
}
}  // namespace detail

/// Calls body(b, e) on disjoint ranges that cover [begin, end). A range is never shorter than
/// `grain`, except the last. An exception in a body is rethrown here, after all bodies have ended.
template <class F>
void parallel_for(int64_t begin, int64_t end, int64_t grain, F&& body) {
  detail::run(begin, end, grain, body);
}

/// The same for `count` heavy items, one at a time to whichever thread is free.
template <class F>
void parallel_each(int64_t count, F&& body) {
  detail::run(0, count, 0, body);
}

}  // namespace rl::cpu
