// The extension module rushlight._C: puts the parts together and holds the process-wide settings.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include "cpu/allocator.h"
#include "cpu/gemm.h"
#include "cpu/kernel_table.h"
#include "cpu/threads.h"
#include "ops/product.h"
#include "python/help.h"
#include "python/py.h"

namespace nb = nanobind;

namespace rl::py {

extern PyMethodDef legacy_def;

namespace {

void add_settings(nb::module_& m) {
  m.def("get_num_threads", [] { return cpu::num_threads(); }, help::get_num_threads);
  m.def(
      "set_num_threads",
      [](int n) {
        if (n < 1) throw std::runtime_error("set_num_threads expects a positive integer");
        cpu::set_num_threads(n);
      },
      help::set_num_threads);
  m.def(
      "get_default_dtype", [] { return nb::steal(wrap_dtype(default_dtype())); },
      help::get_default_dtype);
  m.def("set_default_dtype", [](nb::object d) {
    guarded(0, [&] {
      DType t;
      RL_CHECK_TYPE(
          as_dtype(d.ptr(), &t),
          "invalid dtype object: only floating-point types are supported as the default type");
      RL_CHECK_TYPE(is_floating(t), "only floating-point types are supported as the default type");
      set_default_dtype(t);
      return 0;
    });
    if (PyErr_Occurred()) throw nb::python_error();
  });
  m.def("get_default_device", [] { return nb::steal(wrap_device(default_device())); });
  m.def("_set_default_device", [](nb::object d) {
    Device device;
    guarded(0, [&] {
      as_device(d.ptr(), &device);
      return 0;
    });
    if (PyErr_Occurred()) throw nb::python_error();
    set_default_device(device);
  });
  m.def("_set_blas_path", [](std::string path) { cpu::set_blas_path(path.c_str()); });
  m.def("_isa", [] { return std::string(cpu::isa_name()); });
  m.def("_memory_stats", [] {
    const auto s = cpu::memory_stats();
    return nb::make_tuple(s.in_use, s.cached, s.peak);
  });
  m.def("_reset_peak_memory", [] { cpu::reset_peak(); });
  m.def("_empty_cache", [] { cpu::empty_cache(); });
}

DType dtype_of(nb::handle o) {
  DType t;
  RL_CHECK_TYPE(as_dtype(o.ptr(), &t), "expected a torch.dtype, not ", Py_TYPE(o.ptr())->tp_name);
  return t;
}

/// What composites in Python share with operations: out=, and the names of dtypes in messages. A
/// text that speaks of a cast allows one.
void add_out(nb::module_& m) {
  static const auto rule = [](const char* text) { return OutRule{text, !strstr(text, "cast")}; };
  m.def("_write_out", [](nb::handle out, nb::handle value, const char* name, const char* text) {
    write_out(name, out.ptr(), tensor_of(value.ptr()), rule(text));
  });
  m.def("_check_out_dtype", [](nb::handle wanted, nb::handle given, const char* text) {
    check_out_dtype(rule(text), dtype_of(wanted), dtype_of(given));
  });
  m.def("_type_name", [](nb::handle dtype) { return info(dtype_of(dtype)).type; });
  m.def("_c_type_name", [](nb::handle dtype) { return c_name_of(dtype_of(dtype)); });
}

/// What the registry knows, for documentation, stubs and checks.
void add_introspection(nb::module_& m) {
  m.def("_operations", [] {
    nb::list all;
    for (const Op& op : registry().all()) {
      nb::dict d;
      d["name"] = op.name;
      d["doc"] = op.doc;
      d["function"] = op.function;
      d["method"] = op.method;
      d["nn"] = op.nn;
      d["special"] = op.special;
      d["linalg"] = op.linalg;
      d["in_place"] = op.in_place;
      d["out"] = op.makes_out;
      d["formula"] = op.formula != nullptr;
      if (const Formula* f = op.formula.get()) {
        d["operands"] = f->operands;
        d["scalars"] = f->scalars;
        d["differentiable"] = f->differentiable;
        const Domain& t = f->domain;
        d["domain"] = nb::make_tuple(t.real_float, t.integer, t.complex, t.promotes_int);
        d["rejects_bool"] = f->bool_message || f->lacks_bool;
      }
      nb::list schemas, aliases;
      for (const Overload& o : op.overloads) schemas.append(o.schema->text);
      for (const std::string& a : op.aliases) aliases.append(a);
      d["schemas"] = schemas;
      d["aliases"] = aliases;
      all.append(d);
    }
    return all;
  });
  m.def(
      "_program",
      [](std::string name, int gradient) -> std::string {
        const Op* op = registry().find(name);
        if (!op || !op->formula) throw nb::key_error(name.c_str());
        const Formula& f = *op->formula;
        if (gradient >= f.operands || (gradient >= 0 && !f.differentiable)) throw nb::index_error();
        return (gradient < 0 ? f.forward : f.backward[gradient]).text();
      },
      nb::arg("name"), nb::arg("gradient") = -1);
}

}  // namespace
}  // namespace rl::py

NB_MODULE(_C, m) {
  using namespace rl::py;
  nb::set_leak_warnings(false);
  nb::register_exception_translator([](const std::exception_ptr& p, void*) {
    try {
      std::rethrow_exception(p);
    } catch (const rl::Error&) {
      rl::py::set_python_error();
    } catch (const rl::PythonError&) {
      rl::py::set_python_error();
    }
  });
  add_types(m.ptr());
  add_tensor(m.ptr());
  add_data(m.ptr());
  add_dlpack(m.ptr());
  add_storage(m.ptr());
  add_autograd(m.ptr());
  add_function(m.ptr());
  add_operations(m.ptr());
  add_expr(m.ptr());
  add_settings(m);
  add_out(m);
  add_introspection(m);
  PyModule_AddObject(m.ptr(), "_legacy_tensor", PyCFunction_New(&legacy_def, nullptr));
}
