// Storages and generators for Python: the bytes that tensors view, and streams of random numbers.
#include <nanobind/nanobind.h>

#include "cpu/load_store.h"
#include "cpu/random.h"
#include "python/help.h"
#include "python/py.h"
#include "tensor/layout.h"

namespace nb = nanobind;

namespace rl {
cpu::Generator& default_generator();
}

namespace rl::py {
namespace {

struct PyStorage {
  Ref<Storage> s;
};
int storage_buffer(PyObject* self, Py_buffer* view, int flags) {
  const auto* s = nb::inst_ptr<PyStorage>(self);
  static char nothing[1];
  const int failed =
      PyBuffer_FillInfo(view, self, s->s->data ? s->s->data : nothing, s->s->nbytes, 0, flags);
  if (!failed) ++s->s->exports;
  return failed;
}
void storage_buffer_done(PyObject* self, Py_buffer*) {
  --nb::inst_ptr<PyStorage>(self)->s->exports;
}
PyType_Slot storage_slots[] = {{Py_bf_getbuffer, reinterpret_cast<void*>(storage_buffer)},
                               {Py_bf_releasebuffer, reinterpret_cast<void*>(storage_buffer_done)},
                               {0, nullptr}};

nb::object tensor_from_storage(const PyStorage& s, nb::object dtype, int64_t offset,
                               nb::object size, nb::object stride) {
  return guarded(nb::object(), [&] {
    DType d;
    Dims sizes, strides;
    RL_CHECK_TYPE(
        as_dtype(dtype.ptr(), &d) && as_ints(size.ptr(), &sizes) && as_ints(stride.ptr(), &strides),
        "_tensor_from_storage(): wrong argument types");
    RL_CHECK(sizes.size() == strides.size() && sizes.size() <= 64,
             "mismatch in length of strides and shape");
    RL_CHECK(offset >= 0, "Tensor: invalid storage offset ", offset);
    for (int64_t x : strides)
      RL_CHECK(x >= 0, "Tensor: negative strides are not supported: ", strides);
    checked_numel(sizes);
    int64_t low, high, last, bytes;
    bounds(sizes, strides, &low, &high);
    RL_CHECK(
        high < 0 || (!__builtin_add_overflow(offset, high + 1, &last) &&
                     !__builtin_mul_overflow(last, size_of(d), &bytes) && bytes <= s.s->nbytes),
        "setStorage: sizes ", sizes, ", strides ", strides, ", storage offset ", offset,
        ", and itemsize ", size_of(d), " are out of bounds for storage of size ", s.s->nbytes);
    return nb::steal(wrap(make_view(s.s, d, sizes, strides, offset)));
  });
}

void add_generator(nb::module_& m) {
  nb::class_<cpu::Generator>(m, "Generator", help::Generator)
      .def(
          "__init__",
          [](cpu::Generator* g, nb::object device) {
            if (!device.is_none()) {
              Device d;
              guarded(0, [&] {
                as_device(device.ptr(), &d);
                return 0;
              });
              if (PyErr_Occurred()) throw nb::python_error();
            }
            new (g) cpu::Generator;
          },
          nb::arg("device") = nb::none())
      .def("manual_seed",
           [](nb::object self, nb::object seed) {
             auto* g = nb::inst_ptr<cpu::Generator>(self);
             nb::object i = nb::steal(PyNumber_Index(seed.ptr()));
             if (!i.is_valid()) throw nb::python_error();
             int overflow;
             const long long v = PyLong_AsLongLongAndOverflow(i.ptr(), &overflow);
             uint64_t s = static_cast<uint64_t>(v);
             if (overflow > 0) s = PyLong_AsUnsignedLongLong(i.ptr());
             if (overflow < 0 || PyErr_Occurred()) {
               PyErr_Clear();
               PyErr_SetString(PyExc_ValueError, "Overflow when unpacking long long");
               throw nb::python_error();
             }
             g->seed(s);
             return self;
           })
      .def("initial_seed", &cpu::Generator::initial_seed)
      .def("seed",
           [](cpu::Generator& g) {
             uint64_t s = 0;
             if (FILE* f = std::fopen("/dev/urandom", "rb")) {
               if (std::fread(&s, 1, 8, f) != 8) s = 0;
               std::fclose(f);
             }
             s &= (uint64_t{1} << 53) - 1;
             g.seed(s);
             return s;
           })
      .def("get_state",
           [](cpu::Generator& g) {
             Tensor t = empty({cpu::Generator::kStateBytes}, DType::U8);
             g.get_state(t.raw());
             return nb::steal(wrap(t));
           })
      .def("set_state",
           [](nb::object self, nb::object state) {
             auto* g = nb::inst_ptr<cpu::Generator>(self);
             guarded(0, [&] {
               RL_CHECK_TYPE(is_tensor(state.ptr()), "expected a torch.ByteTensor, but got ",
                             Py_TYPE(state.ptr())->tp_name);
               const Tensor& t = unwrap(state.ptr());
               RL_CHECK_TYPE(t.dtype() == DType::U8, "RNG state must be a torch.ByteTensor");
               RL_CHECK(t.numel() == cpu::Generator::kStateBytes,
                        "Expected a CPUGeneratorImplState of size 5056 but found the input RNG "
                        "state size to be ",
                        t.numel());
               RL_CHECK(g->set_state(as_contiguous(t).raw()), "Invalid mt19937 state");
               return 0;
             });
             if (PyErr_Occurred()) throw nb::python_error();
             return self;
           })
      .def_prop_ro("device", [](cpu::Generator&) { return nb::steal(wrap_device({})); });
  m.attr("default_generator") = nb::cast(&default_generator(), nb::rv_policy::reference);
}

}  // namespace

cpu::Generator* as_generator(PyObject* o) {
  cpu::Generator* g = nullptr;
  return nb::try_cast(nb::handle(o), g) ? g : nullptr;
}

void add_storage(PyObject* module) {
  nb::module_ m = nb::borrow<nb::module_>(module);
  add_generator(m);
  nb::class_<PyStorage>(m, "UntypedStorage", nb::type_slots(storage_slots), help::UntypedStorage)
      .def(
          "__init__",
          [](PyStorage* s, int64_t n) {
            if (n < 0) throw nb::value_error("UntypedStorage: the size must not be negative");
            new (s) PyStorage{Storage::allocate(n, {})};
          },
          nb::arg("size") = 0)
      .def("nbytes", [](PyStorage& s) { return s.s->nbytes; })
      .def("size", [](PyStorage& s) { return s.s->nbytes; })
      .def("__len__", [](PyStorage& s) { return s.s->nbytes; })
      .def("data_ptr", [](PyStorage& s) { return reinterpret_cast<uintptr_t>(s.s->data); })
      .def_prop_ro("_cdata", [](PyStorage& s) { return reinterpret_cast<uintptr_t>(s.s.get()); })
      .def_prop_ro("device", [](PyStorage& s) { return nb::steal(wrap_device(s.s->device)); })
      .def("is_shared", [](PyStorage& s) { return s.s->shared; })
      .def("resize_", [](nb::object self, int64_t n) {
        auto* s = nb::inst_ptr<PyStorage>(self);
        guarded(0, [&] {
          RL_CHECK(n >= 0, "storage resize: the size must not be negative");
          RL_CHECK(n >= s->s->nbytes || s->s->refs == 1,
                   "resize_ to fewer bytes would leave tensors without memory");
          s->s->resize(n);
          return 0;
        });
        if (PyErr_Occurred()) throw nb::python_error();
        return self;
      });
  m.def("_storage_of", [](nb::object t) { return PyStorage{tensor_of(t.ptr())->storage}; });
  m.def("_tensor_from_storage", &tensor_from_storage);
}

}  // namespace rl::py
