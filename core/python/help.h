// What help() says of Tensor's attributes and of the functions that are no operations: text alone.
// The examples run as tests, with PyTorch's output (tests/test_docs_examples.py).
#pragma once

namespace rl::help {

inline constexpr char Tensor[] =
    R"(An array with a dtype, on a device, that can record what is done to it.

Made by torch.tensor, by factories as torch.zeros, and by operations; `torch.Tensor(sizes)` is the old
constructor of uninitialised memory, of the default dtype.

>>> torch.tensor([[1, 2], [3, 4]]).sum(0)
tensor([4, 6]))";

inline constexpr char shape[] = R"(The sizes, as a torch.Size, which is a tuple.

>>> torch.zeros(2, 3).shape
torch.Size([2, 3])
>>> torch.zeros(2, 3).shape.numel()
6)";

inline constexpr char dtype[] = R"(The type of the elements, a torch.dtype.

>>> torch.tensor([1.5]).dtype, torch.tensor([1]).dtype
(torch.float32, torch.int64))";

inline constexpr char device[] = R"(Where the memory is, a torch.device.

>>> torch.ones(2).device
device(type='cpu'))";

inline constexpr char ndim[] = R"(The number of dimensions, 0 for a single number.

>>> torch.zeros(2, 3).ndim, torch.tensor(1.0).ndim
(2, 0))";

inline constexpr char requires_grad[] = R"(Are operations on it recorded? May be set on leaves.

Raises RuntimeError for integers and bool, and where a result of a recorded operation is told no.

>>> w = torch.ones(2, requires_grad=True)
>>> (w * 2).requires_grad
True)";

inline constexpr char is_leaf[] =
    R"(True unless it is the result of a recorded operation: backward() fills the `.grad` of leaves.

>>> w = torch.ones(2, requires_grad=True)
>>> w.is_leaf, (w * 2).is_leaf
(True, False))";

inline constexpr char grad[] =
    R"(The gradients that backward() has added up, of this shape and dtype; None before.

May be set: to None, or to a tensor of the same shape, dtype and device, RuntimeError otherwise.

>>> w = torch.tensor([1.0, 2.0], requires_grad=True)
>>> (w**2).sum().backward()
>>> w.grad
tensor([2., 4.])
>>> w.grad = None)";

inline constexpr char grad_fn[] =
    R"(The node of the recorded graph that made this tensor; None for leaves.

>>> w = torch.ones(2, requires_grad=True)
>>> w.grad_fn is None, (w * 2).grad_fn.name()
(True, 'MulBackward0'))";

inline constexpr char data[] =
    R"(The same memory as a tensor that is not recorded; a change of it is not noticed by autograd.

May be set: the tensor then has the other's memory, size and dtype. `detach()` is the safer name.

>>> w = torch.ones(2, requires_grad=True)
>>> w.data.fill_(3)
tensor([3., 3.])
>>> w.requires_grad
True)";

inline constexpr char itemsize[] = R"(The bytes of one element.

>>> torch.ones(2).itemsize, torch.ones(2, dtype=torch.float64).itemsize
(4, 8))";

inline constexpr char nbytes[] = R"(The bytes of all elements, numel() * itemsize.

>>> torch.zeros(2, 3).nbytes
24)";

inline constexpr char output_nr[] = R"(Which result of the recorded operation this tensor is.

>>> x = torch.tensor([1.0, 2.0], requires_grad=True)
>>> x.unbind()[1].output_nr
1)";

inline constexpr char retains_grad[] =
    R"(Is this a result, no leaf, that keeps its `.grad`? See retain_grad().

>>> w = torch.ones(2, requires_grad=True)
>>> y = w * 2
>>> y.retain_grad()
>>> y.retains_grad, w.retains_grad
(True, False))";

inline constexpr char is_cuda[] = R"(Is the memory a GPU's?

>>> torch.ones(2).is_cuda
False)";

inline constexpr char is_meta[] = R"(Has it a shape and dtype only, and no memory?

>>> torch.ones(2, device="meta").is_meta
True)";

inline constexpr char is_false[] = R"(False: there are no tensors of this kind.

>>> torch.ones(2).is_sparse, torch.ones(2).is_quantized
(False, False))";

inline constexpr char reversed[] = R"(A view with all dimensions reversed: a matrix transposed.

PyTorch wants `mT` for batches of matrices, and warns for other than two dimensions.

>>> torch.tensor([[1, 2, 3], [4, 5, 6]]).T
tensor([[1, 4],
        [2, 5],
        [3, 6]]))";

inline constexpr char mT[] = R"(A view with the last two dimensions swapped: each matrix transposed.

Raises RuntimeError for fewer than two dimensions.

>>> torch.zeros(5, 2, 3).mT.shape
torch.Size([5, 3, 2]))";

inline constexpr char conjugate_transposed[] =
    R"(The conjugate of a matrix, transposed; a view for real dtypes.

Raises RuntimeError for other than two dimensions, or none.

>>> torch.tensor([[1 + 2j, 3]]).H
tensor([[1.-2.j],
        [3.-0.j]]))";

inline constexpr char mH[] = R"(The conjugate of each matrix, transposed; a view for real dtypes.

Raises RuntimeError for fewer than two dimensions.

>>> torch.zeros(5, 2, 3).mH.shape
torch.Size([5, 3, 2]))";

inline constexpr char real[] = R"(The real parts, as a view; the tensor itself for real dtypes.

>>> torch.tensor([1 + 2j, 3]).real
tensor([1., 3.]))";

inline constexpr char imag[] =
    R"(The imaginary parts, as a view. Raises RuntimeError for real dtypes.

>>> torch.tensor([1 + 2j, 3]).imag
tensor([2., 0.]))";

inline constexpr char size[] = R"(size(dim=None): the sizes, a torch.Size, or one of them, an int.

Raises IndexError for a dimension out of range.

>>> torch.zeros(2, 3).size(), torch.zeros(2, 3).size(-1)
(torch.Size([2, 3]), 3))";

inline constexpr char stride[] =
    R"(stride(dim=None): how many elements lie between neighbours along each dimension, or one of them.

Raises IndexError for a dimension out of range.

>>> torch.zeros(2, 3).stride(), torch.zeros(2, 3).T.stride()
((3, 1), (1, 3)))";

inline constexpr char dim[] =
    R"(dim(): the number of dimensions, 0 for a single number. `ndimension()` is the same.

>>> torch.zeros(2, 3).dim()
2)";

inline constexpr char numel[] =
    R"(numel(): the number of elements, 1 for a single number. `nelement()` is the same.

>>> torch.zeros(2, 3).numel()
6)";

inline constexpr char element_size[] = R"(element_size(): the bytes of one element.

>>> torch.ones(2, dtype=torch.int16).element_size()
2)";

inline constexpr char storage_offset[] =
    R"(storage_offset(): at which element of its storage the tensor begins.

>>> torch.arange(5)[2:].storage_offset()
2)";

inline constexpr char data_ptr[] =
    R"(data_ptr(): the address of the first element, 0 for a tensor without elements.

>>> x = torch.ones(2)
>>> x.data_ptr() == x.view(2, 1).data_ptr()
True)";

inline constexpr char is_floating_point[] =
    R"(is_floating_point(): are the elements float16, bfloat16, float32 or float64?

>>> torch.tensor([1.0]).is_floating_point(), torch.tensor([1]).is_floating_point()
(True, False))";

inline constexpr char is_complex[] = R"(is_complex(): are the elements complex64 or complex128?

>>> torch.tensor([1j]).is_complex(), torch.tensor([1.0]).is_complex()
(True, False))";

inline constexpr char is_signed[] =
    R"(is_signed(): can elements be negative? Not for uint8 and its like, and bool.

>>> torch.tensor([1]).is_signed(), torch.tensor([True]).is_signed()
(True, False))";

inline constexpr char is_inference[] =
    R"(is_inference(): was it made in inference mode? It can then never be part of a recorded graph.

>>> with torch.inference_mode():
...     x = torch.ones(2)
>>> x.is_inference()
True)";

inline constexpr char get_device[] =
    R"(get_device(): the index of the GPU that has the memory, -1 for the CPU.

>>> torch.ones(2).get_device()
-1)";

inline constexpr char is_contiguous[] =
    R"(is_contiguous(memory_format=torch.contiguous_format): are the elements in the order of the indices,
without gaps? With channels_last or channels_last_3d: with the channels, dimension 1, innermost.

>>> torch.zeros(2, 3).is_contiguous(), torch.zeros(2, 3).T.is_contiguous()
(True, False))";

inline constexpr char requires_grad_[] =
    R"(requires_grad_(requires_grad=True): sets requires_grad; returns the tensor.

Raises RuntimeError for integers and bool, TypeError for what is no bool.

>>> torch.ones(2).requires_grad_().requires_grad
True)";

inline constexpr char as_subclass[] =
    R"(as_subclass(cls): the same memory and history as an instance of a subclass of Tensor.

Raises TypeError for what is no such class.

>>> type(torch.ones(2).as_subclass(torch.nn.Parameter)) is torch.nn.Parameter
True)";

inline constexpr char from_numpy[] =
    R"(A tensor over the memory of a NumPy array: a change of either is seen in both.

Shape and dtype are the array's. Raises TypeError for what is no array, or a dtype that tensors
lack; ValueError for negative strides.

>>> import numpy
>>> a = numpy.zeros(2)
>>> torch.from_numpy(a)[0] = 5
>>> a
array([5., 0.]))";

inline constexpr char frombuffer[] =
    R"(A vector over the memory of an object with a buffer, as bytearray or mmap.

`count` elements of `dtype` from byte `offset` on, all that are left by default. Raises ValueError
for a buffer that is too short or empty, TypeError for what has no buffer; warns if it is read-only.

>>> torch.frombuffer(bytearray(b"abc"), dtype=torch.uint8, offset=1)
tensor([98, 99], dtype=torch.uint8))";

inline constexpr char get_default_dtype[] =
    R"(The dtype of floats that have none of their own, float32 at first.

>>> torch.get_default_dtype()
torch.float32)";

inline constexpr char get_num_threads[] = R"(How many threads work on one operation.

>>> torch.get_num_threads() >= 1
True)";

inline constexpr char set_num_threads[] =
    R"(Sets how many threads work on one operation. Raises an error unless positive.)";

inline constexpr char is_grad_enabled[] = R"(Are operations recorded in this thread? See no_grad.

>>> with torch.no_grad():
...     print(torch.is_grad_enabled())
False)";

inline constexpr char is_inference_mode_enabled[] = R"(Is inference mode on in this thread?

>>> torch.is_inference_mode_enabled()
False)";

inline constexpr char is_anomaly_enabled[] = R"(Is torch.autograd.detect_anomaly on?

>>> torch.is_anomaly_enabled()
False)";

inline constexpr char is_anomaly_check_nan_enabled[] =
    R"(Does torch.autograd.detect_anomaly look for NaN too?

>>> torch.is_anomaly_check_nan_enabled()
True)";

inline constexpr char Generator[] =
    R"(A stream of random numbers of its own, the same as PyTorch's on the CPU for the same seed.

Operations that draw take it as `generator=`.

>>> g = torch.Generator().manual_seed(0)
>>> torch.rand(2, generator=g)
tensor([0.4963, 0.7682]))";

inline constexpr char UntypedStorage[] =
    R"(Bytes that tensors view: their number, 0 by default, is the argument.

>>> torch.ones(2).untyped_storage().nbytes()
8)";

inline constexpr char Size[] =
    R"(A shape: a tuple of ints. A part of it and a sum of two are shapes too.

>>> torch.Size([2, 3]) + (4,), torch.Size([2, 3]).numel()
(torch.Size([2, 3, 4]), 6))";

inline constexpr char device_type[] =
    R"(Where tensors are: "cpu", "cuda", "cuda:1" or "meta", or a type and an index.

Raises RuntimeError for an unknown type.

>>> torch.device("cuda:1").type, torch.device("cuda", 1).index
('cuda', 1))";

inline constexpr char dtype_type[] =
    R"(The type of a tensor's elements: torch.float32 and its like. Cannot be made.

>>> torch.float32.itemsize, torch.int8.is_signed, torch.complex64.is_complex
(4, True, True))";

}  // namespace rl::help
