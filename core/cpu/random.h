// The CPU random number generator and the streams drawn from it, bit for bit PyTorch 2.13's on x86
// with AVX2 and FMA (and the same bits here on any machine with the same libm). Raw pointers only:
// argument checks, tensors and the choice of memory order belong to the operations.
//
// Every filler writes n consecutive elements. PyTorch visits a strided tensor in the order of its
// memory: dimensions sorted by stride, the largest outermost, whatever their index order (a
// transposed matrix is filled along its rows in memory). For a tensor that is not contiguous, fill
// a buffer, copy it into the tensor in that order, and pass contiguous=false where that is asked.
// Nothing here locks: hold the generator's lock around a call, as operations do. No result depends
// on the number of threads.
#pragma once
#include <cstdint>

#include "base/dtype.h"

namespace rl::cpu {

/// mt19937 with the two cached normals of torch.Generator(device="cpu").
class Generator {
 public:
  static constexpr uint64_t kDefaultSeed = 67280421310721ull;
  static constexpr int64_t kStateBytes = 5056;  ///< length of torch.get_rng_state()

  explicit Generator(uint64_t seed = kDefaultSeed) { this->seed(seed); }

  void seed(uint64_t seed);  ///< manual_seed: the low 32 bits choose the stream
  uint64_t initial_seed() const { return seed_; }

  uint32_t random();                      ///< one draw of 32 bits
  uint64_t random64();                    ///< two draws, the high half first
  void random(uint32_t* out, int64_t n);  ///< the same draws as n calls of random()
  double normal();                        ///< N(0, 1): Box-Muller, the sine half is cached

  void get_state(void* bytes) const;  ///< writes kStateBytes bytes in PyTorch's layout
  bool set_state(const void* bytes);  ///< false, and unchanged: "Invalid mt19937 state"

 private:
  static constexpr int kWords = 624;

  uint64_t seed_ = 0;
  uint32_t words_[kWords];
  int32_t left_ = 1;   // draws until the next refill, plus one
  uint32_t next_ = 0;  // index of the next word
  bool has_normal_ = false, has_float_normal_ = false;
  double normal_ = 0;
  float float_normal_ = 0;  // nothing on the CPU draws it: carried for the state's sake
};

// Floating types only (complex: uniform and normal, each part on its own).

/// Tensor.uniform_(from, to); rand is (0, 1). 24 bits a float, 53 a double; 16-bit types as float.
void fill_uniform(Generator&, DType, void* out, int64_t n, double from, double to);
/// Tensor.normal_(mean, std); randn is (0, 1). Contiguous tensors of 16 elements or more go in
/// blocks of 16, all others by Generator::normal(). Complex: std is that of the whole number.
void fill_normal(Generator&, DType, void* out, int64_t n, double mean, double std,
                 bool contiguous = true);
/// Tensor.exponential_(lambda). multinomial without replacement, or of one sample, is
/// argmax (topk) of probabilities / exponential_(1) drawn in the probabilities' dtype.
void fill_exponential(Generator&, DType, void* out, int64_t n, double lambda);
/// Tensor.cauchy_(median, sigma).
void fill_cauchy(Generator&, DType, void* out, int64_t n, double median, double sigma);
/// Tensor.log_normal_(mean, std): always by Generator::normal().
void fill_log_normal(Generator&, DType, void* out, int64_t n, double mean, double std);

// Floating and integral types.

/// Tensor.geometric_(p), 0 < p < 1.
void fill_geometric(Generator&, DType, void* out, int64_t n, double p);
/// Tensor.random_(): [0, max] of an integral type, [0, 2^digits] of a floating type.
void fill_random(Generator&, DType, void* out, int64_t n);
/// Tensor.random_(from, to) and randint, with range = to - from: from 2^28 on it draws 64 bits.
/// range 0 stands for 2^64: random_(-2^63, None). Any other random_(from, None) has to = the type's
/// max + 1, or 2^digits + 1. Of a floating type, call round_random_bounds first.
void fill_random_range(Generator&, DType, void* out, int64_t n, int64_t from, uint64_t range);
/// Moves from and to inwards to where no draw rounds to a value outside [from, to); for integral
/// types it does nothing. PyTorch's error for from >= to comes after it ("casted to dtype").
void round_random_bounds(DType, int64_t* from, int64_t* to);
/// randperm(n): values 0 .. n - 1 (the dtype must hold them). From 214748364 on it draws 64 bits.
void fill_randperm(Generator&, DType, void* out, int64_t n);

/// Tensor.bernoulli_(p) with a number, bernoulli(input, p); dropout draws its mask with 1 - p.
void fill_bernoulli(Generator&, DType, void* out, int64_t n, double p);
/// Tensor.bernoulli_(p) with a tensor, bernoulli(input), p of n elements in a floating type.
/// Returns false, with nothing drawn, if some p is outside [0, 1].
bool fill_bernoulli_tensor(Generator&, DType, void* out, DType p_type, const void* p, int64_t n);

/// multinomial(weights, samples, replacement=True) with samples > 1: weights is [rows, categories]
/// of a floating type, contiguous, out [rows, samples]. Returns nullptr, or PyTorch's message.
const char* fill_multinomial(Generator&, DType, const void* weights, int64_t rows,
                             int64_t categories, int64_t* out, int64_t samples);

}  // namespace rl::cpu
