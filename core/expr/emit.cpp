// Emission: one line of CUDA an instruction, numbers written where they are used.
#include "expr/emit.h"

#include <cmath>
#include <cstdio>

#include "base/error.h"
#include "cuda/preamble.h"
#include "expr/special.h"

namespace rl {
namespace {

const char* storage_type(DType t) {
  constexpr const char* names[kDTypes] = {"bool",
                                          "unsigned char",
                                          "signed char",
                                          "short",
                                          "int",
                                          "long long",
                                          "unsigned short",
                                          "unsigned",
                                          "unsigned long long",
                                          "rl_half",
                                          "rl_bfloat16",
                                          "float",
                                          "double",
                                          "rl_complex<float>",
                                          "rl_complex<double>"};
  return names[static_cast<int>(t)];
}

const char* compute_type(Compute c) { return storage_type(dtype_of(c)); }

Compute real_part(Compute c) { return compute_of(real_of(dtype_of(c))); }

/// What an input is computed as: the kernel's type, but a real number beside complex ones stays so.
Compute loaded_as(DType t, Compute c) { return is_floating(t) ? real_part(c) : c; }

/// A constant that reads back as the same number.
std::string literal(double v, Compute c) {
  const bool single = c == Compute::F32 || c == Compute::C64;
  if (c == Compute::I32 || c == Compute::I64) {
    const auto whole = str(static_cast<int64_t>(v), c == Compute::I64 ? "LL" : "");
    return v < 0 ? "(" + whole + ")" : whole;
  }
  std::string s;
  if (std::isfinite(v)) {
    char text[40];
    std::snprintf(text, sizeof text, "%.*g", single ? 9 : 17,
                  single ? static_cast<double>(static_cast<float>(v)) : v);
    s = text;
    if (s.find_first_of(".e") == std::string::npos) s += ".0";
    if (single) s += "f";
    if (std::signbit(v)) s = "(" + s + ")";
  } else {
    s = str(single ? "float(" : "(", std::signbit(v) && v == v ? "-" : "",
            v == v ? "RL_INF)" : "RL_NAN)");
  }
  return is_complex(dtype_of(c)) ? str(compute_type(c), "(", s, ")") : s;
}

/// A leaf's spelling with the operands in the places of {0}, {1}, {2}.
std::string spell(const char* pattern, const std::string* operands) {
  std::string s;
  for (const char* p = pattern; *p; ++p) {
    if (*p == '{' && p[1] >= '0' && p[1] <= '2' && p[2] == '}') {
      s += operands[p[1] - '0'];
      p += 2;
    } else {
      s += *p;
    }
  }
  return s;
}

std::string arguments(const Program& program, const CudaSignature& sig) {
  std::string s = str("long long n, ", storage_type(sig.result), "* out");
  for (size_t j = 0; j < sig.inputs.size(); ++j) {
    const CudaInput& in = sig.inputs[j];
    if (!program.loads(static_cast<int>(j))) continue;
    s += in.number ? str(", ", compute_type(loaded_as(in.dtype, sig.compute)), " in", j)
                   : str(", const ", storage_type(in.dtype), "* in", j);
  }
  for (int k = 0; k < sig.scalars; ++k) s += str(", ", compute_type(sig.compute), " s", k);
  return s;
}

/// A value in the text; a constant takes the type of what it meets.
struct Value {
  std::string text;
  Compute type;
  bool constant = false;
};

Value load(const CudaInput& in, int j, Compute c) {
  const Compute as = loaded_as(in.dtype, c);
  const std::string s =
      in.number ? str("in", j) : str("rl_load<", compute_type(as), ">(in", j, "[i])");
  return {in.conjugate ? "rl_conj(" + s + ")" : s, as};
}

Value apply(const Program& p, const Instruction& i, const std::vector<Value>& value, Compute c) {
  const int16_t from[] = {i.a, i.b, i.c};
  const auto operand = [&](int j) -> const Value& { return value[static_cast<size_t>(from[j])]; };
  const int first = i.leaf == Leaf::select;  // a mask has no part in the type
  Compute type = c;
  bool real = false, complex = false;
  for (int j = first; j < 3 && from[j] >= 0; ++j)
    if (!operand(j).constant) (operand(j).type == c ? complex : real) = true;
  if (real && !complex) type = real_part(c);
  std::string texts[3];
  for (int j = 0; j < 3 && from[j] >= 0; ++j)
    texts[j] = operand(j).constant ? literal(p.code[static_cast<size_t>(from[j])].value, type)
                                   : operand(j).text;
  return {spell(info(i.leaf).cuda, texts), i.leaf == Leaf::abs ? real_part(c) : type};
}

}  // namespace

std::string cuda_kernel(const Program& program, const CudaSignature& sig) {
  std::string body;
  std::vector<Value> value;
  for (const Instruction& i : program.code) {
    if (i.leaf == Leaf::constant) {
      value.push_back({literal(i.value, sig.compute), sig.compute, true});
    } else if (i.leaf == Leaf::param) {
      value.push_back({str("s", i.a), sig.compute});
    } else {
      Value v = i.leaf == Leaf::input ? load(sig.inputs[static_cast<size_t>(i.a)], i.a, sig.compute)
                                      : apply(program, i, value, sig.compute);
      const std::string name = str("v", value.size());
      body += str("    const auto ", name, " = ", v.text, ";\n");
      value.push_back({name, v.type});
    }
  }
  const std::string& result = value[static_cast<size_t>(program.result)].text;
  return str("extern \"C\" __global__ void ", sig.name, "(", arguments(program, sig), ") {\n",
             "  const long long step = (long long)gridDim.x * blockDim.x;\n",
             "  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;\n",
             "  for (; i < n; i += step) {\n", body, "    rl_store(out + i, ",
             sig.conjugate_result ? "rl_conj(" + result + ")" : result, ");\n  }\n}\n");
}

const char* cuda_preamble() {
  static const std::string text =
      str(kCudaPreamble, "// ---- Special functions (expr/special.h) ----\n", kSpecialText,
          kBesselText, kPolynomialText,
#define X(name) "RL_FN float rl_" #name "(float x) { return float(rl_" #name "(double(x))); }\n"
          RL_SPECIAL_UNARY(X)
#undef X
#define X(name)                                                         \
  "RL_FN float rl_" #name "(float x, float y) { return float(rl_" #name \
  "(double(x), double(y))); }\n"
              RL_SPECIAL_BINARY(X)
#undef X
                  "// ---- Kernels ----\n");
  return text.c_str();
}

}  // namespace rl
