// Grad mode: whether operations record. Per thread, as in PyTorch.
#pragma once

namespace rl {

struct GradMode {
  static inline thread_local bool enabled = true;
  static inline thread_local bool inference = false;
  static inline thread_local bool anomaly = false;
  static inline thread_local bool anomaly_check_nan = true;
};

/// Sets grad mode for a scope.
class GradGuard {
 public:
  explicit GradGuard(bool enabled) : previous_(GradMode::enabled) { GradMode::enabled = enabled; }
  ~GradGuard() { GradMode::enabled = previous_; }
  GradGuard(const GradGuard&) = delete;
  GradGuard& operator=(const GradGuard&) = delete;

 private:
  bool previous_;
};

}  // namespace rl
