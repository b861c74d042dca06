// Copies: clone, contiguous, conversion, copy_, fill_; and the unrecorded writes others build on.
#include "cpu/load_store.h"
#include "op/call.h"
#include "op/promote.h"
#include "ops/format.h"
#include "ops/ops.h"
#include "tensor/layout.h"

namespace rl {

// ---- without recording ----

namespace {
bool overlap(const Tensor& a, const Tensor& b) {
  if (!(a->storage == b->storage) || a.numel() == 0 || b.numel() == 0) return false;
  int64_t al, ah, bl, bh;
  bounds(a.sizes(), a.strides(), &al, &ah);
  bounds(b.sizes(), b.strides(), &bl, &bh);
  const int64_t sa = size_of(a.dtype()), sb = size_of(b.dtype());
  return (a->offset + al) * sa < (b->offset + bh + 1) * sb &&
         (b->offset + bl) * sb < (a->offset + ah + 1) * sa;
}
}  // namespace

void write(const Tensor& dst, const Tensor& src) {
  if (dst.numel() == 0 || dst.device().type == Device::Meta) return;
  RL_CHECK_AS(NotImplemented, src.device().type != Device::Meta,
              "Cannot copy out of meta tensor; no data!");
  if (overlap(dst, src)) {
    if (dst.same(src) || (dst->offset == src->offset && dst.sizes() == src.sizes() &&
                          dst.strides() == src.strides() && dst.dtype() == src.dtype()))
      return;
    return write(dst, contiguous_copy(src));
  }
  if (src.sizes() == dst.sizes() && src.is_contiguous() && dst.is_contiguous() &&
      src.dtype() == dst.dtype() && src.numel() < 4096) {
    __builtin_memcpy(dst.raw(), src.raw(), static_cast<size_t>(src.numel() * size_of(src.dtype())));
    return;
  }
  LongKernel off(dst.numel());
  cpu::copy(dst.sizes(), dst.dtype(), dst.raw(), dst.strides(), src.dtype(), src.raw(),
            src.sizes() == dst.sizes() ? src.strides()
                                       : expand_strides(src.sizes(), src.strides(), dst.sizes()));
}

Tensor contiguous_copy(const Tensor& t) {
  Tensor r = empty(t.sizes(), t.dtype(), t.device());
  write(r, t);
  return r;
}

Tensor copy_of(const Tensor& t) {
  Tensor r = empty_preserving(t, t.dtype());
  write(r, t);
  return r;
}

Tensor as_contiguous(const Tensor& t) { return t.is_contiguous() ? t : contiguous_copy(t); }

Tensor as_contiguous(const Tensor& t, DType dtype) {
  if (t.dtype() == dtype) return as_contiguous(t);
  Tensor r = empty(t.sizes(), dtype, t.device());
  write(r, t);
  return r;
}

bool is_dense_like(const Tensor& g, const Tensor& like) { return g.strides() == like.strides(); }

void accumulate_in_place(const Tensor& into, const Tensor& g) {
  static const Op* add = registry().find("add");
  const Operand operands[] = {Operand(into), Operand(g)};
  const Scalar one[] = {Scalar(1)};
  GradGuard off(false);
  pointwise_out(*add->formula, operands, one, into);
}

// ---- recording ----

Tensor clone(const Tensor& input) {
  return record(copy_of(input), "CloneBackward0", {&input},
                [&] { return [](const Grads& g, Node&) -> Grads { return {g[0]}; }; });
}
Tensor op_clone(const Tensor& t) { return clone(t); }

namespace {

/// Strides with the channels (dimension 1) innermost.
Dims channels_last_strides(const Dims& sizes, bool three) {
  const int n = three ? 5 : 4;
  RL_CHECK(sizes.size() == n, "required rank ", n, " tensor to use channels_last",
           three ? "_3d" : "", " format");
  Dims strides;
  strides.resize(n);
  int64_t step = 1;
  strides[1] = step;
  step *= sizes[1] > 0 ? sizes[1] : 1;
  for (int d = n - 1; d >= 2; --d) {
    strides[d] = step;
    step *= sizes[d] > 0 ? sizes[d] : 1;
  }
  strides[0] = step;
  return strides;
}

/// Whether the strides grow from the channels over the last dimension to the first.
bool has_channels_last(const Tensor& t) {
  const int n = t.dim();
  if ((n != 4 && n != 5) || t.stride(1) == 0) return false;
  int64_t least = 0;
  for (int i = 0; i < n; ++i) {
    const int d = i == 0 ? 1 : i == n - 1 ? 0 : n - i;
    const int64_t size = t.size(d), stride = t.stride(d);
    if (size == 0 || stride < least || (d == 0 && least == t.stride(1))) return false;
    least = size > 1 ? stride * size : stride;
  }
  return true;
}

Tensor clone_with_strides(const Tensor& input, const Dims& strides) {
  Tensor out = empty(input.sizes(), input.dtype(), input.device());
  out->strides = strides;
  out->contiguous = is_contiguous(out.sizes(), strides);
  write(out, input);
  return record(out, "CloneBackward0", {&input},
                [&] { return [](const Grads& g, Node&) -> Grads { return {g[0]}; }; });
}
bool keeps(Format format) { return format == Format::None || format == Format::Preserve; }

Tensor clone_format(const Tensor& input, Format format) {
  if (keeps(format)) return clone(input);
  return clone_with_strides(input, strides_of(input.sizes(), format));
}
Tensor contiguous_format(const Tensor& input, Format format) {
  RL_CHECK(format != Format::Preserve || input.is_contiguous(),
           "preserve memory format is unsupported by the contiguous operator");
  if (keeps(format) || format == Format::Contiguous) return contiguous(input);
  const Dims strides = strides_of(input.sizes(), format);
  return input.strides() == strides ? input : clone_with_strides(input, strides);
}

/// to(): a new tensor of that dtype, or the same one.
Tensor cast(const Tensor& input, DType dtype, bool copy) {
  if (input.dtype() == dtype && !copy) return input;
  if (input.dtype() == dtype) return clone(input);
  Tensor out = empty_preserving(input, dtype);
  write(out, input);
  return record(out, "ToCopyBackward0", {&input}, [&] {
    return [from = input.dtype()](const Grads& g, Node&) -> Grads {
      const Tensor& d = g[0];
      if (is_complex(d.dtype()) && !is_complex(from)) return {call_to(call_op<"real">(d), from)};
      return {call_to(d, from)};
    };
  });
}

void check_device(const OptDevice& device) {
  RL_CHECK_AS(Assertion, !device || device->type != Device::Cuda,
              "Torch not compiled with CUDA enabled");
}

/// What to() gives, `t` being input or a copy of it. Rows as they should lie are not asked of a
/// tensor that only has to stay what it is, unless its channels are last.
Tensor to_format(const Tensor& input, const Tensor& t, Format format) {
  if (keeps(format) || (format == Format::Contiguous && t.same(input) && !has_channels_last(t)))
    return t;
  return contiguous_format(t, format);
}
Tensor to_device_dtype(const Tensor& input, OptDevice device, OptDType dtype, bool, bool copy,
                       Format format) {
  check_device(device);
  return to_format(input, cast(input, dtype.value_or(input.dtype()), copy), format);
}
Tensor to_dtype(const Tensor& input, DType dtype, bool, bool copy, Format format) {
  return to_format(input, cast(input, dtype, copy), format);
}
Tensor to_other(const Tensor& input, const Tensor& other, bool, bool copy, Format format) {
  return to_dtype(input, other.dtype(), false, copy, format);
}
Tensor type_as(const Tensor& input, const Tensor& other) {
  return cast(input, other.dtype(), false);
}
Tensor cpu_copy(const Tensor& input, Any) { return input; }
Tensor cuda_copy(const Tensor&, OptDevice, bool, Any) {
  raise(ErrorKind::Assertion, "Torch not compiled with CUDA enabled");
}

template <DType D>
Tensor convert(const Tensor& input, Format format) {
  return to_dtype(input, D, false, false, format);
}

Tensor copy_nb(const Tensor& self, const Tensor& src, bool) { return copy_(self, src); }

/// The number as self's dtype holds it, or an error: RuntimeError if an integer type overflows.
void check_fits(DType dtype, const Scalar& v) {
  if (!is_integral(dtype, false) || dtype == DType::U64) return;
  const int bits = static_cast<int>(size_of(dtype)) * 8;
  const double x = v.real();
  const double low =
      is_signed(dtype) ? -__builtin_ldexp(1.0, bits - 1) : -__builtin_ldexp(1.0, bits);
  const double high = __builtin_ldexp(1.0, is_signed(dtype) ? bits - 1 : bits);
  RL_CHECK(x >= low && (x < high || (bits == 64 && v.is_integral())),
           "value cannot be converted to type ",
           dtype == DType::U8    ? "uint8_t"
           : dtype == DType::I8  ? "int8_t"
           : dtype == DType::I16 ? "short"
           : dtype == DType::I32 ? "int"
                                 : "int64_t",
           " without overflow");
}

/// Where a dimension repeats memory (as expand makes them) one element is enough: are there any?
bool skip_repeats(const Tensor& t, Dims* sizes) {
  bool any = false;
  for (int d = 0; d < t.dim(); ++d)
    if (t.stride(d) == 0 && t.size(d) > 1) (*sizes)[d] = 1, any = true;
  return any;
}

Tensor fill_number(const Tensor& self, Scalar value) {
  RL_CHECK(is_complex(self.dtype()) || value.kind != Scalar::Complex || value.imag() == 0,
           "value cannot be converted to type ", self.dtype() == DType::F64 ? "double" : "float",
           " without overflow");
  check_fits(self.dtype(), value);
  if (Dims once = self.sizes(); !self.requires_grad() && skip_repeats(self, &once)) {
    fill_number(make_view(self->storage, self.dtype(), once, self.strides(), self->offset), value);
    return self;
  }
  in_place(
      self, "FillBackward0", {&self},
      [&] {
        if (self.is_contiguous())
          cpu::fill(self.dtype(), self.raw(), self.numel(), value);
        else
          write(self, scalar_tensor(value, self.dtype(), self.device()));
      },
      [&] { return [](const Grads& g, Node&) -> Grads { return {call_op<"mul">(g[0], 0.0)}; }; });
  return self;
}

Tensor fill_operand(const Tensor& self, Operand value) {
  if (!value.tensor) return fill_number(self, value.number);
  RL_CHECK(value.tensor->dim() == 0,
           "fill_ only supports 0-dimension value tensor but got tensor with ", value.tensor->dim(),
           " dimensions.");
  return copy_(self, *value.tensor);
}

Tensor zero_(const Tensor& self) { return fill_number(self, Scalar(0)); }

Scalar item(const Tensor& input) {
  RL_CHECK(input.device().type != Device::Meta, "Tensor.item() cannot be called on meta tensors");
  RL_CHECK(input.numel() == 1, "a Tensor with ", input.numel(),
           " elements cannot be converted to Scalar");
  return cpu::get(input.dtype(), input.raw());
}

Tensor resize_(const Tensor& self, const Dims& size, Any) {
  RL_CHECK(!self.requires_grad(), "cannot resize variables that require grad");
  if (size == self.sizes()) return self;
  const int64_t n = checked_numel(size),
                bytes = checked_bytes(n + self->offset, size_of(self.dtype()));
  if (bytes > self->storage->nbytes) self->storage->resize(bytes);
  self->sizes = size;
  self->strides = contiguous_strides(size);
  self->numel = n;
  self->contiguous = true;
  bump_version(self);
  return self;
}

Tensor set_(const Tensor& self, const Tensor& source) {
  check_inplace(self, false);
  RL_CHECK(self.dtype() == source.dtype(), "Could not set tensor of type ",
           info(source.dtype()).type, " to a tensor of type ", info(self.dtype()).type);
  RL_CHECK(!self->base, "set_() is not allowed on a view");
  RL_CHECK(self.device() == source.device(),
           "Attempted to set the storage of a tensor on device \"", self.device(),
           "\" to a storage on different device \"", source.device(),
           "\".  This is no longer allowed; the devices must match.");
  self->device = source->device;
  self->storage = source->storage;
  self->offset = source->offset;
  self->sizes = source.sizes();
  self->strides = source.strides();
  self->numel = source.numel();
  self->contiguous = source->contiguous;
  bump_version(self);
  return self;
}

}  // namespace

Dims strides_of(const Dims& sizes, Format format) {
  RL_CHECK(format != Format::Preserve, "unsupported memory format Preserve");
  if (format == Format::None || format == Format::Contiguous) return contiguous_strides(sizes);
  return channels_last_strides(sizes, format == Format::ChannelsLast3d);
}

Tensor empty_like_in(const Tensor& input, DType dtype, Format format) {
  if (keeps(format)) return empty_preserving(input, dtype);
  const Dims strides = strides_of(input.sizes(), format);
  const Tensor t = empty(input.sizes(), dtype, input.device());
  return make_view(t->storage, dtype, t.sizes(), strides, 0);
}

Tensor in_format_of(const Tensor& out, const Tensor& like) {
  if (out.dim() != like.dim() || !has_channels_last(like)) return out;
  GradGuard off(false);
  return clone_with_strides(out, channels_last_strides(out.sizes(), out.dim() == 5));
}

Tensor contiguous(const Tensor& input) {
  return input.is_contiguous() ? input
                               : record(contiguous_copy(input), "CloneBackward0", {&input}, [&] {
                                   return [](const Grads& g, Node&) -> Grads { return {g[0]}; };
                                 });
}

Tensor call_to(const Tensor& t, DType dtype) { return cast(t, dtype, false); }

Tensor copy_(const Tensor& self, const Tensor& src) {
  RL_CHECK(can_expand(src.sizes(), self.sizes()), "The size of tensor a (",
           self.dim() ? self.sizes().back() : 1, ") must match the size of tensor b (",
           src.dim() ? src.sizes().back() : 1, ") at non-singleton dimension ",
           self.dim() ? self.dim() - 1 : 0);
  if (self.same(src)) return self;
  check_overlap(self, src);
  in_place(
      self, "CopyBackwards", {&self, &src}, [&] { write(self, src); },
      [&] {
        return [](const Grads& g, Node& n) -> Grads {
          Tensor zero;
          if (n.needs(0)) zero = call_op<"zeros_like">(g[0]);
          return {zero, g[0]};
        };
      });
  return self;
}
void call_copy_(const Tensor& dst, const Tensor& src) { copy_(dst, src); }

void define_copy(Registry& r) {
  r.op("clone(input, *, memory_format=None)", "A copy in memory of its own.", &clone_format)
      .no_out();
  r.op("contiguous(input, memory_format=None)", "input itself if it is contiguous, else a copy.",
       &contiguous_format)
      .not_function();
  r.op("to(input, dtype, non_blocking=False, copy=False, *, memory_format=None)",
       "input as another dtype or on another device; input itself if nothing changes.", &to_dtype)
      .not_function()
      .on_meta(OnMeta::Moves);
  r.op("to(input, device=None, dtype=None, non_blocking=False, copy=False, *, memory_format=None)",
       "", &to_device_dtype);
  r.op("to(input, other, non_blocking=False, copy=False, *, memory_format=None)", "", &to_other);
  r.op("type_as(input, other)", "input as the dtype of other.", &type_as)
      .not_function()
      .on_meta(OnMeta::Moves);
  r.op("cpu(input, memory_format=None)", "input in the processor's memory.", &cpu_copy)
      .not_function()
      .on_meta(OnMeta::MovesToCpu);
  r.op("cuda(input, device=None, non_blocking=False, memory_format=None)",
       "input in a GPU's memory.", &cuda_copy)
      .not_function();
#define RL_CONVERT(name, D)                                                                \
  r.op(name "(input, memory_format=None)", "input as torch." name ".", &convert<DType::D>) \
      .not_function();
  RL_CONVERT("float", F32)
  RL_CONVERT("double", F64)
  RL_CONVERT("half", F16)
  RL_CONVERT("bfloat16", BF16)
  RL_CONVERT("long", I64)
  RL_CONVERT("int", I32)
  RL_CONVERT("short", I16)
  RL_CONVERT("char", I8)
  RL_CONVERT("byte", U8)
  RL_CONVERT("bool", Bool)
  RL_CONVERT("cfloat", C64)
  RL_CONVERT("cdouble", C128)
#undef RL_CONVERT
  r.op("copy_(input, src, non_blocking=False)",
       "Writes src into self, converting and broadcasting.", &copy_nb)
      .on_meta(OnMeta::Moves);
  r.op("fill_(input, value)", "Writes one number everywhere.", &fill_operand).in_place_function();
  r.op("zero_(input)", "Writes zero everywhere.", &zero_).in_place_function();
  r.op("item(input)", "The only element, as a Python number.", &item)
      .not_function()
      .on_meta(OnMeta::NeedsNumber);
  r.op("resize_(input, *size, memory_format=None)", "Changes the size, keeping the memory.",
       &resize_)
      .on_meta(OnMeta::Itself);
  r.op("set_(input, source)", "Makes self a view of source's memory.", &set_)
      .on_meta(OnMeta::Itself);
}

}  // namespace rl
