// Arg: one argument of a call, after the parser and before the C++ function; and the types a
// function of the core may take, with how each is read from an Arg.
#pragma once
#include <optional>
#include <string_view>
#include <tuple>
#include <vector>

#include "tensor/tensor.h"

namespace rl {

namespace cpu {
class Generator;
}

/// What the parser accepts for a parameter. Opt* kinds also take None.
enum class Kind : uint8_t {
  Tensor,
  OptTensor,
  Operand,
  OptOperand,  // a tensor or a number
  Number,
  OptNumber,
  Int,
  OptInt,
  Float,
  OptFloat,
  Bool,
  OptBool,
  Ints,
  OptInts,     // one int is a list of one
  Tensors,     // a sequence of tensors
  OptTensors,  // of tensors or None (advanced indexing)
  Floats,
  OptFloats,
  DType,
  OptDType,
  Device,
  OptDevice,
  String,
  OptString,
  Generator,
  Format,  // torch.memory_format or None
  Any      // accepted and not looked at (layout, pin_memory, names)
};

using Tensors = std::vector<Tensor>;

struct Arg {
  bool present = false;    // false: None
  bool is_number = false;  // made from a C++ number: which member counts, the parameter's kind says
  union {
    int64_t i;
    double d;
    const Tensor* tensor;
    const Dims* dims;
    const Tensors* tensors;
    const std::vector<double>* floats;
    const char* text;
    cpu::Generator* generator;
    void* any = nullptr;
  };
  Scalar number;  // Number, and an Operand that is a number (then tensor is null)
  Device device;
};

struct Operand {
  const Tensor* tensor = nullptr;
  Scalar number;
  Operand() = default;
  Operand(const Tensor& t) : tensor(&t) {}
  Operand(const Scalar& s) : number(s) {}
  Operand(double v) : number(v) {}
  Operand(int v) : number(v) {}
  Operand(int64_t v) : number(v) {}
  Operand(bool v) : number(v) {}
  bool requires_grad() const { return tensor && tensor->requires_grad(); }
};

using OptInt = std::optional<int64_t>;
using OptFloat = std::optional<double>;
using OptBool = std::optional<bool>;
using OptNumber = std::optional<Scalar>;
using OptDType = std::optional<DType>;
using OptDevice = std::optional<Device>;
using OptDims = std::optional<Dims>;
using OptOperand = std::optional<Operand>;
using OptString = std::optional<std::string_view>;
struct Any {};
/// A memory format: only the two that put channels last change anything.
enum class Format { None, Preserve, Contiguous, ChannelsLast, ChannelsLast3d };
/// A tensor that may be None: then it is not defined().
struct OptTensor : Tensor {
  using Tensor::Tensor;
  OptTensor(const Tensor& t) : Tensor(t) {}
};
using Floats = std::vector<double>;
/// Tensors of which some may be undefined.
struct OptTensors : Tensors {
  using Tensors::Tensors;
};

/// The five trailing parameters of a factory: "*, dtype=None, layout=None, device=None,
/// pin_memory=False, requires_grad=False".
struct Factory {
  OptDType dtype;
  Device device;
  bool requires_grad = false;
};

DType default_dtype();
void set_default_dtype(DType t);
Device default_device();
void set_default_device(Device d);

template <class T>
struct Read;
#define RL_READ(TYPE, KIND, ...)                                     \
  template <>                                                        \
  struct Read<TYPE> {                                                \
    static constexpr Kind kind = Kind::KIND;                         \
    static constexpr int width = 1;                                  \
    static TYPE from([[maybe_unused]] const Arg* a) { __VA_ARGS__; } \
  };
RL_READ(Operand, Operand, if (a->tensor) return *a->tensor; return a->number)
RL_READ(OptOperand, OptOperand, if (!a->present) return std::nullopt;
        if (a->tensor) return Operand(*a->tensor); return Operand(a->number))
RL_READ(OptTensor, OptTensor, return a->present ? OptTensor(*a->tensor) : OptTensor())
RL_READ(Scalar, Number, return a->number)
RL_READ(OptNumber, OptNumber, if (a->present) return a->number; return std::nullopt)
RL_READ(int64_t, Int, return a->i)
RL_READ(OptInt, OptInt, if (a->present) return a->i; return std::nullopt)
RL_READ(double, Float, return a->d)
RL_READ(OptFloat, OptFloat, if (a->present) return a->d; return std::nullopt)
RL_READ(bool, Bool, return a->i != 0)
RL_READ(OptBool, OptBool, if (a->present) return a->i != 0; return std::nullopt)
RL_READ(OptDims, OptInts, if (a->present) return *a->dims; return std::nullopt)
RL_READ(DType, DType, return static_cast<DType>(a->i))
RL_READ(OptDType, OptDType, if (a->present) return static_cast<DType>(a->i); return std::nullopt)
RL_READ(Device, Device, return a->device)
RL_READ(OptDevice, OptDevice, if (a->present) return a->device; return std::nullopt)
RL_READ(std::string_view, String, return a->text)
RL_READ(OptString, OptString, if (a->present) return std::string_view(a->text); return std::nullopt)
RL_READ(cpu::Generator*, Generator, return a->present ? a->generator : nullptr)
RL_READ(Any, Any, return {})
RL_READ(Format, Format, return a->present ? static_cast<Format>(a->i) : Format::None)
#undef RL_READ

template <>
struct Read<Tensor> {
  static constexpr Kind kind = Kind::Tensor;
  static constexpr int width = 1;
  static const Tensor& from(const Arg* a) { return *a->tensor; }
};
template <>
struct Read<Dims> {
  static constexpr Kind kind = Kind::Ints;
  static constexpr int width = 1;
  static const Dims& from(const Arg* a) { return *a->dims; }
};
template <>
struct Read<Tensors> {
  static constexpr Kind kind = Kind::Tensors;
  static constexpr int width = 1;
  static const Tensors& from(const Arg* a) { return *a->tensors; }
};
template <>
struct Read<OptTensors> {
  static constexpr Kind kind = Kind::OptTensors;
  static constexpr int width = 1;
  static const OptTensors& from(const Arg* a) {
    return static_cast<const OptTensors&>(*a->tensors);
  }
};
template <>
struct Read<Floats> {
  static constexpr Kind kind = Kind::Floats;
  static constexpr int width = 1;
  static const Floats& from(const Arg* a) { return *a->floats; }
};
template <>
struct Read<Factory> {
  static constexpr Kind kind = Kind::OptDType;
  static constexpr int width = 5;
  static Factory from(const Arg* a) {
    Factory f;
    if (a[0].present) f.dtype = static_cast<DType>(a[0].i);
    f.device = a[2].present ? a[2].device : default_device();
    f.requires_grad = a[4].present && a[4].i;
    return f;
  }
};

/// What a function returned, on its way to Python.
struct Result {
  enum Shape : uint8_t {
    None,
    One,
    Tuple,
    List,
    Bool,
    Int,
    Float,
    Number,
    DTypeValue
  } shape = None;
  Tensor tensor;
  Tensors tensors;
  Scalar number;
  DType dtype = DType::F32;

  Result() = default;
  Result(Tensor t) : shape(One), tensor(std::move(t)) {}
  Result(Tensors v) : shape(Tuple), tensors(std::move(v)) {}
  template <class... T>
  Result(std::tuple<T...> t) : shape(Tuple) {
    std::apply([this](auto&... x) { (tensors.push_back(std::move(x)), ...); }, t);
  }
  Result(bool b) : shape(Bool), number(b) {}
  Result(int64_t i) : shape(Int), number(i) {}
  Result(double d) : shape(Float), number(d) {}
  Result(Scalar s) : shape(Number), number(s) {}
  Result(DType t) : shape(DTypeValue), dtype(t) {}
};

}  // namespace rl
