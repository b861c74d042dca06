// Pointwise operations: promotion, broadcasting, the loop over memory, and the node that records a
// formula. A kernel sees dense tiles of a compute type; where a tensor already is one, the tile is
// the tensor itself.
#include <algorithm>

#include "cpu/load_store.h"
#include "cpu/threads.h"
#include "op/call.h"
#include "op/promote.h"
#include "op/refuse.h"
#include "tensor/layout.h"

namespace rl {

void* (*LongKernel::release)() = nullptr;
void (*LongKernel::acquire)(void*) = nullptr;

namespace {

constexpr int kMaxInputs = Formula::kOperands + 2;  // g, operands, y
constexpr int64_t kGrain = 16384;
constexpr int64_t kPart = 256;  // lines that the first cache holds

/// One input of a kernel: strided memory, one number, or nothing (not loaded).
struct Input {
  const char* data = nullptr;
  DType dtype = DType::F32;
  const Tensor* tensor = nullptr;
  alignas(16) char number[16];
  bool used = true;
};

void set_tensor(Input& in, const Tensor& t) {
  in.tensor = &t;
  in.dtype = t.dtype();
  in.data = static_cast<const char*>(t.raw());
}

struct Job {
  cpu::PointwiseFn kernel;
  Compute compute;
  const void* scalars;
  Input* in;
  int inputs;
  bool steps;  // the kernel takes a number as step 0 (two operands, forward)
};

bool plain(const Input& i, const Job& job) { return i.dtype == dtype_of(job.compute); }

/// All tensors dense in the same order, or numbers: one long run.
void run_dense(const Job& job, char* out, int64_t out_size, int64_t n) {
  int64_t step[kMaxInputs];
  bool tiles = false;
  const char* any = out;
  for (int k = 0; k < job.inputs; ++k)
    if (job.in[k].tensor) any = job.in[k].data;
  for (int k = 0; k < job.inputs; ++k) {
    Input& i = job.in[k];
    if (!i.used) i.data = any;
    step[k] = i.used && !i.tensor ? 0 : 1;
    if (step[k] == 0) {
      i.data = i.number;
      tiles |= !job.steps;
    }
  }
  const int64_t size = size_of(job.compute);
  const auto body = [&](int64_t b, int64_t e) {
    const void* p[kMaxInputs];
    if (!tiles) {
      for (int k = 0; k < job.inputs; ++k) p[k] = job.in[k].data + b * step[k] * size;
      job.kernel(e - b, out + b * out_size, p, step, job.scalars);
      return;
    }
    alignas(64) char tile[2][cpu::kTile * 16];
    const int64_t ones[kMaxInputs] = {1, 1, 1, 1, 1};
    int used = 0;
    const void* fixed[kMaxInputs] = {};
    for (int k = 0; k < job.inputs; ++k)
      if (step[k] == 0) {
        const int64_t m = e - b < cpu::kTile ? e - b : cpu::kTile;
        cpu::load_store()
            .load[static_cast<int>(dtype_of(job.compute))][static_cast<int>(job.compute)](
                m, job.in[k].number, 0, tile[used & 1]);
        fixed[k] = tile[used++ & 1];
      }
    for (int64_t i = b; i < e; i += cpu::kTile) {
      const int64_t m = e - i < cpu::kTile ? e - i : cpu::kTile;
      for (int k = 0; k < job.inputs; ++k) p[k] = fixed[k] ? fixed[k] : job.in[k].data + i * size;
      job.kernel(m, out + i * out_size, p, ones, job.scalars);
    }
  };
  if (n <= kGrain) return body(0, n);
  LongKernel off(n);
  cpu::parallel_for(0, n, kGrain, body);
}

/// Rows of a loop nest from element `first` to `last`, by tiles.
void run_rows(const Job& job, const Tensor& out, DType kernel_dtype, const LoopNest& nest,
              int64_t first, int64_t last) {
  const int64_t inner = last - first, chunks = (inner + cpu::kTile - 1) / cpu::kTile;
  int64_t rows = 1;
  for (int d = 1; d < nest.ndim; ++d) rows *= nest.size[d];
  const int64_t out_size = size_of(out.dtype());
  char* base = static_cast<char*>(out.raw());
  const bool direct_out = out.dtype() == kernel_dtype && (nest.stride[0][0] == 1 || inner == 1);
  const cpu::LoadStoreTable& table = cpu::load_store();

  const auto body = [&](int64_t b, int64_t e) {
    alignas(64) char tile[kMaxInputs + 1][cpu::kTile * 16];
    int64_t index[64], offset[kMaxInputs + 1] = {};
    int64_t rest = b / chunks, chunk = b % chunks;
    for (int d = 1; d < nest.ndim; ++d) {
      index[d] = rest % nest.size[d];
      rest /= nest.size[d];
      for (int k = 0; k <= job.inputs; ++k) offset[k] += index[d] * nest.stride[k][d];
    }
    bool filled[kMaxInputs] = {};
    for (int64_t item = b; item < e; ++item) {
      const int64_t start = first + chunk * cpu::kTile;
      const int64_t m = last - start < cpu::kTile ? last - start : cpu::kTile;
      const void* p[kMaxInputs];
      int64_t step[kMaxInputs];
      for (int k = 0; k < job.inputs; ++k) {
        const Input& i = job.in[k];
        step[k] = 1;
        if (!i.used) {
          p[k] = tile[k];
          continue;
        }
        if (!i.tensor) {
          if (!filled[k])
            table.load[static_cast<int>(dtype_of(job.compute))][static_cast<int>(job.compute)](
                inner < cpu::kTile ? inner : cpu::kTile, i.number, 0, tile[k]);
          filled[k] = true;
          p[k] = tile[k];
          continue;
        }
        const int64_t s = nest.stride[k + 1][0];
        const char* at = i.data + (offset[k + 1] + start * s) * size_of(i.dtype);
        if (plain(i, job) && (s == 1 || m == 1)) {
          p[k] = at;
        } else if (plain(i, job) && s == 0 && job.steps) {
          p[k] = at;
          step[k] = 0;
        } else {
          table.load[static_cast<int>(i.dtype)][static_cast<int>(job.compute)](m, at, s, tile[k]);
          p[k] = tile[k];
        }
      }
      if (job.steps && step[0] == 0 && step[1] == 0) {  // both repeat: one tile of the first
        table.load[static_cast<int>(dtype_of(job.compute))][static_cast<int>(job.compute)](
            m, p[0], 0, tile[0]);
        p[0] = tile[0];
        step[0] = 1;
      }
      char* o = base + (offset[0] + start * nest.stride[0][0]) * out_size;
      char* to = direct_out ? o : tile[job.inputs];
      job.kernel(m, to, p, step, job.scalars);
      if (!direct_out) {
        const DType d = out.dtype();
        if (kernel_dtype == DType::Bool && d == DType::Bool) {
          for (int64_t i = 0; i < m; ++i) o[i * nest.stride[0][0]] = to[i];
        } else if (dtype_of(compute_of(d)) == kernel_dtype) {
          table.store[static_cast<int>(d)](m, to, o, nest.stride[0][0]);
        } else {
          cpu::copy({m}, d, o, {nest.stride[0][0]}, kernel_dtype, to, {1});
        }
      }
      if (++chunk < chunks) continue;
      chunk = 0;
      for (int d = 1; d < nest.ndim; ++d) {
        for (int k = 0; k <= job.inputs; ++k) offset[k] += nest.stride[k][d];
        if (++index[d] < nest.size[d]) break;
        for (int k = 0; k <= job.inputs; ++k) offset[k] -= index[d] * nest.stride[k][d];
        index[d] = 0;
      }
    }
  };
  const int64_t per = inner < cpu::kTile ? inner : cpu::kTile;
  LongKernel off(rows * inner);
  cpu::parallel_for(0, rows * chunks, kGrain / per + 1, body);
}

/// Any strides, any dtypes. Where an input runs along the second dimension, as in a.t() + b, a part
/// of its rows at a time, whose lines of memory a cache holds for the next row.
void run_strided(const Job& job, const Tensor& out, DType kernel_dtype) {
  Dims strides[kMaxInputs + 1];
  const Dims* ptrs[kMaxInputs + 1];
  strides[0] = out.strides();
  ptrs[0] = &strides[0];
  for (int k = 0; k < job.inputs; ++k) {
    const Input& i = job.in[k];
    strides[k + 1] = i.used && i.tensor
                         ? expand_strides(i.tensor->sizes(), i.tensor->strides(), out.sizes())
                         : Dims::filled(out.dim(), 0);
    ptrs[k + 1] = &strides[k + 1];
  }
  const LoopNest nest(out.sizes(), ptrs, job.inputs + 1);
  int64_t part = nest.size[0];
  for (int k = 1; k <= job.inputs && nest.ndim > 1; ++k)
    if (nest.stride[k][0] > 1 && nest.stride[k][1] == 1 && part > kPart) part = kPart;
  for (int64_t i = 0; i < nest.size[0]; i += part)
    run_rows(job, out, kernel_dtype, nest, i, std::min(i + part, nest.size[0]));
}

void run(const Job& job, const Tensor& out, DType kernel_dtype) {
  if (out.numel() == 0) return;
  bool dense =
      out.dtype() == kernel_dtype && (out.is_contiguous() || is_dense(out.sizes(), out.strides()));
  for (int k = 0; k < job.inputs && dense; ++k) {
    const Input& i = job.in[k];
    if (!i.used || !i.tensor) continue;
    dense = plain(i, job) && i.tensor->sizes() == out.sizes() &&
            ((out.is_contiguous() && i.tensor->is_contiguous()) ||
             i.tensor->strides() == out.strides());
  }
  int numbers = 0;
  for (int k = 0; k < job.inputs; ++k) numbers += job.in[k].used && !job.in[k].tensor;
  if (dense && numbers <= 2 && numbers < job.inputs)
    run_dense(job, static_cast<char*>(out.raw()), size_of(out.dtype()), out.numel());
  else
    run_strided(job, out, kernel_dtype);
}

// ---- types ----

struct Types {
  DType common, result;
  Compute compute;
};

void check_fits(DType result, DType into) {
  RL_CHECK(can_cast(result, into), "result type ", info(result).type,
           " can't be cast to the desired output type ", info(into).type);
}

/// The types of a call; `into`, of an in-place one, must hold the result.
Types types_of(const Formula& f, const Operand* operands, const Tensor* into = nullptr) {
  Types t;
  if (f.mask_first && operands[0].tensor)
    RL_CHECK(operands[0].tensor->dtype() == DType::Bool || operands[0].tensor->dtype() == DType::U8,
             "where expected condition to be a boolean tensor, but got a tensor with dtype ",
             info(operands[0].tensor->dtype()).type);
  t.common = operands[0].tensor && f.operands == 1
                 ? operands[0].tensor->dtype()
                 : result_type(operands + f.mask_first, f.operands - f.mask_first);
  check_refusals(f, operands, t.common);
  if (f.bool_as_int && t.common == DType::Bool) t.common = DType::I64;
  if (f.domain.promotes_int && is_integral(t.common)) t.common = default_dtype();
  t.compute = compute_of(t.common);
  const int c = static_cast<int>(t.compute);
  if (f.kernels->result[c] < 0 || (f.lacks_bool && t.common == DType::Bool)) {
    if (into) check_fits(t.common, into->dtype());
    raise(ErrorKind::NotImplemented, "\"", f.kernel, "\" not implemented for '",
          info(t.common).type, "'");
  }
  const DType k = static_cast<DType>(f.kernels->result[c]);
  t.result = k == DType::Bool ? k : k == dtype_of(t.compute) ? t.common : real_of(t.common);
  if (into) {
    RL_CHECK(!is_complex(t.common) || is_complex(t.result) || t.result == DType::Bool, "In-place ",
             f.name, " is not supported for complex tensors.");
    check_fits(t.result, into->dtype());
  }
  return t;
}

// ---- recording ----

struct PointwiseNode : Node {
  const Formula* formula;
  Saved saved[Formula::kOperands], result;
  Scalar numbers[Formula::kOperands];
  bool is_number[Formula::kOperands] = {};
  Scalar scalars[3];
  Types types;

  std::string name() const override { return formula->node; }
  void release() override {
    for (Saved& s : saved)
      if (s.defined()) s.release();
    if (result.defined()) result.release();
  }

  Grads apply(Grads&& grads) override {
    const Formula& f = *formula;
    Grads out(next.size());
    const Tensor& g = grads[0];
    Tensor x[Formula::kOperands], y;
    for (int k = 0; k < f.operands; ++k)
      if (loaded(1 + k)) x[k] = saved[k].unpack(this);
    if (loaded(1 + f.operands)) y = result.unpack(this);
    for (int k = 0; k < f.operands; ++k) {
      if (!needs(static_cast<size_t>(k))) continue;
      if (f.no_gradient[k]) raise(ErrorKind::NotImplemented, f.no_gradient[k]);
      out[static_cast<size_t>(k)] =
          GradMode::enabled ? interpreted(k, g, x, y) : computed(k, g, x, y);
    }
    return out;
  }

  bool loaded(int input) const {
    for (int k = 0; k < formula->operands; ++k)
      if (needs(static_cast<size_t>(k)) && formula->loads[k][input]) return true;
    return false;
  }

 private:
  /// The gradient is g itself, or g times a scalar that is one.
  bool is_identity(int k) const {
    const Program& p = formula->backward[k];
    if (p.code.size() == 1) return p.code[0].leaf == Leaf::input && p.code[0].a == 0;
    if (p.code.size() != 3 || p.code[2].leaf != Leaf::mul) return false;
    const Instruction& s = p.code[1].leaf == Leaf::param ? p.code[1] : p.code[0];
    const Instruction& i = p.code[1].leaf == Leaf::param ? p.code[0] : p.code[1];
    return s.leaf == Leaf::param && i.leaf == Leaf::input && i.a == 0 && scalars[s.a].real() == 1 &&
           scalars[s.a].imag() == 0;
  }

  Tensor interpreted(int k, const Tensor& g, const Tensor* x, const Tensor& y) {
    OptOperand inputs[kMaxInputs];
    const bool holomorphic = is_complex(types.common) && is_complex(types.result);
    const Tensor cg = holomorphic ? call_op<"conj_physical">(g) : g;
    inputs[0] = Operand(cg);
    for (int j = 0; j < formula->operands; ++j)
      if (is_number[j])
        inputs[1 + j] = Operand(numbers[j]);
      else if (x[j].defined())
        inputs[1 + j] = Operand(x[j]);
    if (y.defined()) inputs[1 + formula->operands] = Operand(y);
    Tensor r = interpret(formula->backward[k], inputs, scalars);
    return holomorphic ? call_op<"conj_physical">(r) : r;
  }

  Tensor computed(int k, const Tensor& g, const Tensor* x, const Tensor& y) {
    if (is_identity(k)) return g;
    Input in[kMaxInputs];
    const int n = formula->operands + 2, c = static_cast<int>(types.compute);
    const DType gtype = types.result;
    // Kernels read g and y as the result's compute type; a half is widened by the tile loader.
    Tensor wide_g = g;
    if (compute_of(g.dtype()) != compute_of(gtype)) wide_g = call_to(g, gtype);
    set_tensor(in[0], wide_g);
    for (int j = 0; j < formula->operands; ++j) {
      Input& i = in[1 + j];
      i.used = formula->loads[k][1 + j];
      if (!i.used) continue;
      if (is_number[j]) {
        cpu::put(types.compute, i.number, numbers[j]);
      } else {
        set_tensor(i, x[j]);
      }
    }
    in[n - 1].used = formula->loads[k][n - 1];
    if (in[n - 1].used) set_tensor(in[n - 1], y);
    alignas(16) char params[3][16];
    char packed[48];
    const int64_t size = size_of(types.compute);
    for (int j = 0; j < formula->scalars; ++j) {
      cpu::put(types.compute, params[j], scalars[j]);
      __builtin_memcpy(packed + j * size, params[j], static_cast<size_t>(size));
    }
    const bool mixed = is_complex(types.common) && !is_complex(types.result);
    if (mixed) return interpreted(k, wide_g, x, y);  // tiles have one type, so use tensors
    Tensor out = g.is_contiguous() ? empty(g.sizes(), types.common, g.device())
                                   : empty_preserving(g, types.common);
    Job job{formula->kernels->backward[k][c], types.compute, packed, in, n, false};
    run(job, out, dtype_of(types.compute));
    return out;
  }
};

Ref<Node> make_pointwise_node(const Formula& f, const Operand* operands, const Scalar* scalars,
                              const Types& types, const Tensor* replaced) {
  auto* node = new PointwiseNode;
  Ref<Node> ref(node);
  node->formula = &f;
  node->types = types;
  for (int k = 0; k < f.operands; ++k)
    node->next.push_back(operands[k].tensor ? gradient_edge(*operands[k].tensor) : Edge{});
  for (int k = 0; k < f.operands; ++k) {
    if (!operands[k].tensor) {
      node->is_number[k] = true;
      node->numbers[k] = operands[k].number;
    } else if (node->loaded(1 + k)) {
      node->saved[k] = Saved(replaced && k == 0 ? *replaced : *operands[k].tensor);
    }
  }
  for (int k = 0; k < f.scalars; ++k) node->scalars[k] = scalars[k];
  return ref;
}

bool wants_recording(const Formula& f, const Operand* operands, DType result) {
  if (!GradMode::enabled || !f.differentiable || !is_differentiable(result)) return false;
  for (int k = 0; k < f.operands; ++k)
    if (operands[k].requires_grad()) return true;
  return false;
}

/// True if an operand is on the meta device, where there is no memory to compute on.
bool check_devices(const Formula& f, const Operand* operands) {
  const Tensor* first = nullptr;
  for (int k = 0; k < f.operands; ++k) {
    const Tensor* t = operands[k].tensor;
    if (!t) continue;
    if (!first || first->dim() == 0) first = t;
    RL_CHECK(t->device().type == first->device().type ||
                 (t->dim() == 0 && t->device().type == Device::Cpu),
             "Expected all tensors to be on the same device, but found at least two devices, ",
             first->device(), " and ", t->device(), "!");
    RL_CHECK(t->device().type != Device::Cuda, "\"", f.name, "\" is not implemented for device ",
             t->device());
  }
  return first && first->device().type == Device::Meta;
}

void execute(const Formula& f, const Operand* operands, const Scalar* scalars, const Types& types,
             const Tensor& out) {
  if (f.checks_zero && is_integral(types.common)) check_divisor(operands[1]);
  Input in[kMaxInputs];
  for (int k = 0; k < f.operands; ++k) {
    const Tensor* t = operands[k].tensor;
    if (t && !(t->dim() == 0 && f.operands > 1 && out.numel() != 1)) {
      set_tensor(in[k], *t);
    } else if (t) {  // a 0-d tensor beside larger ones: one number
      cpu::put(types.compute, in[k].number, cpu::get(t->dtype(), t->raw()));
    } else {
      cpu::put(types.compute, in[k].number, operands[k].number);
    }
  }
  char packed[64];
  const int64_t size = size_of(types.compute);
  for (int j = 0; j < f.scalars; ++j) {
    alignas(16) char one[16];
    cpu::put(types.compute, one, scalars[j]);
    __builtin_memcpy(packed + j * size, one, static_cast<size_t>(size));
  }
  const int c = static_cast<int>(types.compute);
  Job job{f.kernels->forward[c], types.compute, packed, in, f.operands, f.operands == 2};
  run(job, out, static_cast<DType>(f.kernels->result[c]));
}

/// The shape that the operands broadcast to.
Dims result_shape(const Formula& f, const Operand* operands) {
  Dims shape;
  for (int k = 0; k < f.operands; ++k)
    if (operands[k].tensor) shape = broadcast(shape, operands[k].tensor->sizes());
  return shape;
}

Tensor new_output(const Formula& f, const Operand* operands, DType dtype) {
  const Tensor* first = nullptr;
  bool same = true;
  for (int k = 0; k < f.operands; ++k) {
    const Tensor* t = operands[k].tensor;
    if (!t) continue;
    if (!first)
      first = t;
    else if (!(t->sizes() == first->sizes()))
      same = false;
  }
  RL_CHECK_TYPE(first, f.name.c_str() + (f.name[0] == '_'),
                "() received an invalid combination of arguments - got (int, int), but expected "
                "at least one Tensor");
  if (same) {
    return first->is_contiguous() ? empty(first->sizes(), dtype, first->device())
                                  : empty_preserving(*first, dtype);
  }
  const Dims shape = result_shape(f, operands);
  for (int k = 0; k < f.operands; ++k)  // keep the memory order of an operand of the full shape
    if (operands[k].tensor && operands[k].tensor->sizes() == shape)
      return operands[k].tensor->is_contiguous() ? empty(shape, dtype, first->device())
                                                 : empty_preserving(*operands[k].tensor, dtype);
  return empty(shape, dtype, first->device());
}

/// Does t lie over the same memory as `out`, but not element by element?
bool overlaps(const Tensor& t, const Tensor& out) {
  return t->storage == out->storage && !(t->offset == out->offset && t.sizes() == out.sizes() &&
                                         t.strides() == out.strides() && t.dtype() == out.dtype());
}

}  // namespace

Tensor pointwise(const Formula& f, const Operand* operands, const Scalar* scalars) {
  const bool meta = check_devices(f, operands);
  const Types types = types_of(f, operands);
  check_scalars(f, scalars, types.common);
  Tensor out = new_output(f, operands, types.result);
  if (!meta) execute(f, operands, scalars, types, out);
  if (wants_recording(f, operands, types.result)) {
    Ref<Node> node = make_pointwise_node(f, operands, scalars, types, nullptr);
    auto* n = static_cast<PointwiseNode*>(node.get());
    if (n->loaded(1 + f.operands)) n->result = Saved(out, true);
    set_history(out, node);
  }
  return out;
}

Ref<Node> formula_node(const Formula& f, const Operand* operands, const Scalar* scalars,
                       const Tensor& result) {
  Ref<Node> node = make_pointwise_node(f, operands, scalars, types_of(f, operands), nullptr);
  auto* n = static_cast<PointwiseNode*>(node.get());
  if (n->loaded(1 + f.operands)) n->result = Saved(result, true);
  return node;
}

void pointwise_out(const Formula& f, const Operand* operands, const Scalar* scalars,
                   const Tensor& out) {
  const Types types = types_of(f, operands);
  check_scalars(f, scalars, types.common);
  execute(f, operands, scalars, types, out);
}

void pointwise_(const Formula& f, const Operand* operands, const Scalar* scalars) {
  const bool meta = check_devices(f, operands);
  RL_CHECK_TYPE(operands[0].tensor, f.name, "_(): argument 'self' must be Tensor");
  const Tensor& self = *operands[0].tensor;
  check_refusals(f, operands, self.dtype());
  Dims shape = self.sizes();
  for (int k = 1; k < f.operands; ++k)
    if (operands[k].tensor) shape = broadcast(shape, operands[k].tensor->sizes());
  RL_CHECK(shape == self.sizes(), "output with shape ", self.sizes(),
           " doesn't match the broadcast shape ", shape);
  if (meta) return;
  const Types types = types_of(f, operands, &self);
  check_scalars(f, scalars, types.common);
  Operand in[Formula::kOperands];
  Tensor copies[Formula::kOperands];
  for (int k = 0; k < f.operands; ++k) {
    in[k] = operands[k];
    if (k == 0 || !in[k].tensor) continue;
    const Tensor& t = *in[k].tensor;
    check_overlap(self, t);
    if (overlaps(t, self)) {
      copies[k] = copy_of(t);
      in[k] = Operand(copies[k]);
    }
  }
  const bool rec = wants_recording(f, operands, self.dtype());
  const bool cuts =
      !rec && !f.differentiable && recording({&self}) && is_differentiable(self.dtype());
  check_inplace(self, rec || cuts);
  Ref<Node> node;
  if (cuts)  // a comparison, say: what is written does not depend on self
    node = make_node(
        f.node.c_str(), {&self},
        [](const Grads& g, Node&) -> Grads { return {call_op<"mul">(g[0], 0.0)}; }, true);
  if (rec) {  // the gradient may need what is about to be overwritten
    Tensor before = self.requires_grad()
                        ? op_clone(self)
                        : copy_of(self);  // with its history, for second derivatives
    node = make_pointwise_node(f, operands, scalars, types, &before);
  }
  execute(f, in, scalars, types, self);
  bump_version(self);
  if (!node) return;
  auto* n = static_cast<PointwiseNode*>(node.get());
  if (rec && n->loaded(1 + f.operands)) n->result = Saved(self, true);
  rebase_history(self, node);
}

bool pointwise_into(const Formula& f, const Operand* operands, const Scalar* scalars,
                    const Tensor& out) {
  bool apart = true;
  for (int k = 0; k < f.operands; ++k) {
    const Operand& o = operands[k];
    if (o.requires_grad()) return false;
    if (o.tensor) apart &= o.tensor->device().type == Device::Cpu && !overlaps(*o.tensor, out);
  }
  if (!apart || out.device().type != Device::Cpu || out.requires_grad() || !out.is_contiguous() ||
      out->inference || types_of(f, operands).result != out.dtype() ||
      !(result_shape(f, operands) == out.sizes()))
    return false;
  pointwise_out(f, operands, scalars, out);
  bump_version(out);
  return true;
}

}  // namespace rl
