// Formulas as Python sees them, for tests, documentation and the CUDA backend's compiler: their
// facts, their text, and their two ways to run beside the ordinary one.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include "cpu/load_store.h"
#include "expr/tile.h"
#include "op/cuda_source.h"
#include "python/py.h"

namespace nb = nanobind;

namespace rl::py {
namespace {

const Formula& formula(const std::string& name) {
  const Op* op = registry().find(name);
  if (!op || !op->formula) throw nb::key_error(name.c_str());
  return *op->formula;
}

const Program& program(const Formula& f, int gradient) {
  if (gradient >= f.operands || (gradient >= 0 && !f.differentiable)) throw nb::index_error();
  return gradient < 0 ? f.forward : f.backward[gradient];
}

DType dtype_from(nb::handle h) {
  DType t = DType::F32;
  RL_CHECK_TYPE(h.is_none() || as_dtype(h.ptr(), &t), "dtype must be a torch.dtype");
  return t;
}

nb::dict facts(const std::string& name) {
  const Formula& f = formula(name);
  nb::dict d;
  nb::list dtypes, loads, gradients;
  for (int t = 0; t < kDTypes; ++t)
    if (has_kernel(f, static_cast<DType>(t)))
      dtypes.append(nb::steal(wrap_dtype(static_cast<DType>(t))));
  for (int k = 0; k < f.operands; ++k) {
    nb::list one;
    for (int j = 0; j < f.operands + 2; ++j) one.append(f.loads[k][j]);
    loads.append(one);
    gradients.append(f.differentiable && !f.no_gradient[k]);
  }
  d["operands"] = f.operands;
  d["scalars"] = f.scalars;
  d["differentiable"] = f.differentiable;
  d["mask_first"] = f.mask_first;
  d["checks_zero"] = f.checks_zero;
  d["dtypes"] = dtypes;
  d["loads"] = loads;
  d["gradients"] = gradients;
  return d;
}

std::string source(const std::string& name, int gradient, nb::object dtype, unsigned numbers,
                   bool preamble) {
  const Formula& f = formula(name);
  const DType t = dtype_from(dtype);
  program(f, gradient);
  RL_CHECK_TYPE(has_kernel(f, t) && (gradient < 0 || is_differentiable(t)), "\"", name,
                "\" not implemented for '", info(t).type, "'");
  return (preamble ? cuda_preamble() : std::string()) + cuda_source(f, gradient, t, numbers);
}

std::vector<OptOperand> operands_from(nb::sequence inputs) {
  std::vector<OptOperand> v;
  for (nb::handle h : inputs) {
    Scalar s;
    if (h.is_none()) {
      v.emplace_back();
    } else if (is_tensor(h.ptr())) {
      v.emplace_back(unwrap(h.ptr()));
    } else {
      RL_CHECK_TYPE(as_scalar(h.ptr(), &s), "inputs must be tensors, numbers or None");
      v.emplace_back(s);
    }
  }
  return v;
}

std::vector<Scalar> scalars_from(nb::sequence numbers) {
  std::vector<Scalar> v;
  for (nb::handle h : numbers)
    RL_CHECK_TYPE(as_scalar(h.ptr(), &v.emplace_back()), "scalars must be numbers");
  return v;
}

/// A gradient takes (g, operands..., result).
void check_counts(const Formula& f, int gradient, const std::vector<OptOperand>& in,
                  const std::vector<Scalar>& scalars) {
  const int want = f.operands + (gradient < 0 ? 0 : 2);
  RL_CHECK_VALUE(static_cast<int>(in.size()) == want, "expected ", want, " inputs");
  RL_CHECK_VALUE(static_cast<int>(scalars.size()) == f.scalars, "expected ", f.scalars, " scalars");
}

/// The ordinary, recorded call, for hidden formulas too.
nb::object run_formula(const std::string& name, nb::sequence inputs, nb::sequence numbers) {
  const Formula& f = formula(name);
  const std::vector<OptOperand> in = operands_from(inputs);
  const std::vector<Scalar> scalars = scalars_from(numbers);
  check_counts(f, -1, in, scalars);
  Operand operands[Formula::kOperands];
  for (size_t k = 0; k < in.size(); ++k) {
    RL_CHECK_VALUE(in[k], "a formula needs all of its operands");
    operands[k] = *in[k];
  }
  return nb::steal(wrap(pointwise(f, operands, scalars.data())));
}

/// A program through the tile interpreter: contiguous inputs of one dtype and size, numbers, or
/// None where the program does not look.
nb::object run_program(const std::string& name, int gradient, nb::sequence inputs,
                       nb::sequence numbers) {
  const Formula& f = formula(name);
  const Program& p = program(f, gradient);
  const std::vector<OptOperand> in = operands_from(inputs);
  const std::vector<Scalar> scalars = scalars_from(numbers);
  check_counts(f, gradient, in, scalars);
  const Tensor* like = nullptr;
  for (const OptOperand& o : in)
    if (o && o->tensor && !like) like = o->tensor;
  RL_CHECK_VALUE(like, "one input must be a tensor");
  const Compute c = compute_of(like->dtype());
  const size_t size = static_cast<size_t>(size_of(c));
  std::vector<const void*> data(in.size());
  std::vector<bool> number(in.size());
  std::vector<char> cells((in.size() + scalars.size()) * 16);
  for (size_t j = 0; j < in.size(); ++j) {
    RL_CHECK_VALUE(in[j] || !p.loads(static_cast<int>(j)), "the program reads input ", j);
    if (!in[j]) continue;
    number[j] = !in[j]->tensor;
    if (number[j]) {
      cpu::put(c, cells.data() + j * 16, in[j]->number);
      data[j] = cells.data() + j * 16;
    } else {
      const Tensor& t = *in[j]->tensor;
      RL_CHECK_VALUE(t.dtype() == dtype_of(c) && t.is_contiguous() && t.numel() == like->numel(),
                     "inputs must be contiguous, of one dtype and size");
      data[j] = t.raw();
    }
  }
  char* params = cells.data() + in.size() * 16;
  for (size_t k = 0; k < scalars.size(); ++k) cpu::put(c, params + k * size, scalars[k]);
  const TileProgram tiles(p, c, number);
  Tensor out = empty(like->sizes(), tiles.result());
  tiles.run(out.numel(), out.raw(), data.data(), params);
  return nb::steal(wrap(out));
}

/// The same instruction by instruction on tensors: what create_graph=True does.
nb::object interpret_program(const std::string& name, int gradient, nb::sequence inputs,
                             nb::sequence numbers) {
  const Formula& f = formula(name);
  const Program& p = program(f, gradient);
  const std::vector<OptOperand> in = operands_from(inputs);
  const std::vector<Scalar> scalars = scalars_from(numbers);
  check_counts(f, gradient, in, scalars);
  return nb::steal(wrap(interpret(p, in.data(), scalars.data())));
}

}  // namespace

void add_expr(PyObject* module) {
  nb::module_ m = nb::borrow<nb::module_>(module);
  m.def("_formula", &facts, nb::arg("name"));
  m.def("_cuda_source", &source, nb::arg("name"), nb::arg("gradient") = -1,
        nb::arg("dtype") = nb::none(), nb::arg("numbers") = 0, nb::arg("preamble") = true);
  m.def("_cuda_preamble", [] { return std::string(cuda_preamble()); });
  m.def("_run_formula", &run_formula, nb::arg("name"), nb::arg("inputs"), nb::arg("scalars"));
  m.def("_run_program", &run_program, nb::arg("name"), nb::arg("gradient"), nb::arg("inputs"),
        nb::arg("scalars"));
  m.def("_interpret_program", &interpret_program, nb::arg("name"), nb::arg("gradient"),
        nb::arg("inputs"), nb::arg("scalars"));
}

}  // namespace rl::py
