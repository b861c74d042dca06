// The thread pool behind parallel_for: persistent workers that spin briefly, then sleep.
// A job is cut into one range a thread; a long one into some more, so that a thread that another
// program slows down does less. A thread first runs the same share of every job: its cache may hold
// what the last one left there. Results never depend on who ran what: a body must not let the cut
// positions change its arithmetic (reductions cut at fixed places of their own).
#include "cpu/threads.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace rl::cpu {
namespace {

thread_local bool t_inside = false;

int cgroup_limit() {
  long long quota = -1, period = 0;
  if (FILE* f = std::fopen("/sys/fs/cgroup/cpu.max", "r")) {
    if (std::fscanf(f, "%lld %lld", &quota, &period) != 2) quota = -1;
    std::fclose(f);
  } else if (FILE* q = std::fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "r")) {
    if (std::fscanf(q, "%lld", &quota) != 1) quota = -1;
    std::fclose(q);
    if (FILE* p = std::fopen("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "r")) {
      if (std::fscanf(p, "%lld", &period) != 1) period = 0;
      std::fclose(p);
    }
  }
  if (quota <= 0 || period <= 0) return 1 << 20;
  return static_cast<int>((quota + period - 1) / period);
}

int default_threads() {
  for (const char* name : {"RUSHLIGHT_NUM_THREADS", "OMP_NUM_THREADS"})
    if (const char* v = std::getenv(name))
      if (int n = std::atoi(v); n > 0) return n;
  int n = static_cast<int>(std::thread::hardware_concurrency());
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) n = CPU_COUNT(&set);
#endif
  const int limit = cgroup_limit();
  return n < 1 ? 1 : n < limit ? n : limit;
}

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

constexpr int kShares = 64;

struct Job {
  detail::RangeFn fn;
  void* ctx;
  int64_t begin, end, chunk;
  int parts, shares;
  std::atomic<int> next[kShares], done{0};  // next: of each share
  std::exception_ptr error;
  std::mutex error_mutex;

  int first(int share) const { return static_cast<int>(int64_t{parts} * share / shares); }

  /// The parts of the thread's own share, then those that others have not come to.
  void work(int thread) {
    const Alone inside;
    for (int i = 0, p; i < shares; ++i) {
      const int share = (thread + i) % shares, last = first(share + 1);
      while ((p = next[share].fetch_add(1, std::memory_order_relaxed)) < last) {
        const int64_t b = begin + p * chunk, e = b + chunk < end ? b + chunk : end;
        try {
          if (b < e) fn(ctx, b, e);
        } catch (...) {
          std::lock_guard<std::mutex> lock(error_mutex);
          if (!error) error = std::current_exception();
        }
        done.fetch_add(1, std::memory_order_release);
      }
    }
  }
};

class Pool {
 public:
  int size = default_threads();

  void run(Job& job) {
    std::unique_lock<std::mutex> only(run_mutex_, std::try_to_lock);
    if (!only.owns_lock()) return job.work(0);  // another Python thread has the pool: run alone
    start();
    job_.store(&job, std::memory_order_release);
    epoch_.fetch_add(1, std::memory_order_seq_cst);
    if (sleepers_.load(std::memory_order_seq_cst) > 0) {
      std::lock_guard<std::mutex> lock(mutex_);
      wake_.notify_all();
    }
    job.work(0);
    while (job.done.load(std::memory_order_acquire) < job.parts) relax();
    job_.store(nullptr, std::memory_order_seq_cst);
    while (users_.load(std::memory_order_seq_cst) != 0) relax();  // nobody still looks at `job`
  }

 private:
  void start() {
    while (static_cast<int>(workers_) < size - 1) {
      std::thread([this, n = workers_ + 1, seen = epoch_.load()] { loop(n, seen); }).detach();
      ++workers_;
    }
  }
  void loop(int thread, uint64_t seen) {
    for (;;) {
      for (int spin = 0; epoch_.load(std::memory_order_acquire) == seen; ++spin) {
        if (spin < 2000) {
          relax();
          continue;
        }
        std::unique_lock<std::mutex> lock(mutex_);
        sleepers_.fetch_add(1, std::memory_order_seq_cst);
        wake_.wait(lock, [&] { return epoch_.load(std::memory_order_seq_cst) != seen; });
        sleepers_.fetch_sub(1, std::memory_order_seq_cst);
      }
      seen = epoch_.load(std::memory_order_acquire);
      users_.fetch_add(1, std::memory_order_seq_cst);
      if (Job* job = job_.load(std::memory_order_seq_cst)) job->work(thread);
      users_.fetch_sub(1, std::memory_order_seq_cst);
    }
  }

  std::mutex run_mutex_, mutex_;
  std::condition_variable wake_;
  std::atomic<uint64_t> epoch_{0};
  std::atomic<Job*> job_{nullptr};
  std::atomic<int> users_{0}, sleepers_{0};
  int workers_ = 0;
};

// Never destroyed: workers may outlive static destruction. A forked child gets a new one, because
// threads do not survive fork.
Pool* g_pool = nullptr;
std::once_flag g_once;

Pool& pool() {
  std::call_once(g_once, [] {
    g_pool = new Pool;
    pthread_atfork(nullptr, nullptr, [] {
      const int size = g_pool->size;
      g_pool = new Pool;
      g_pool->size = size;
      t_inside = false;
    });
  });
  return *g_pool;
}

}  // namespace

int num_threads() { return pool().size; }
void set_num_threads(int n) { pool().size = n < 1 ? 1 : n > 1024 ? 1024 : n; }
bool in_parallel() { return t_inside; }
Alone::Alone() : before_(t_inside) { t_inside = true; }
Alone::~Alone() { t_inside = before_; }

void detail::parallel(int64_t begin, int64_t end, int64_t grain, RangeFn fn, void* ctx) {
  Pool& p = pool();
  const int64_t n = end - begin;
  const int64_t least = grain < 1 ? 1 : grain;
  int64_t parts = (n + least - 1) / least;
  if (grain > 0 && parts > p.size) parts = parts >= 16 * p.size ? 4 * p.size : p.size;
  Job job;
  job.fn = fn;
  job.ctx = ctx;
  job.begin = begin;
  job.end = end;
  job.chunk = (n + parts - 1) / parts;
  job.parts = static_cast<int>(parts);
  job.shares = p.size < kShares ? p.size : kShares;
  for (int i = 0; i < job.shares; ++i) job.next[i].store(job.first(i), std::memory_order_relaxed);
  p.run(job);
  if (job.error) std::rethrow_exception(job.error);
}

}  // namespace rl::cpu
