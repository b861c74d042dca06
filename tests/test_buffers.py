"""asarray takes over the memory of whatever has some: storages, arrays, mapped files."""

import array
import mmap

import pytest
import torch as theirs

import rushlight as ours


def test_storage_and_its_parts_are_shared():
    for torch in (theirs, ours):
        x = torch.arange(4, dtype=torch.int16)
        storage = x.untyped_storage()
        part = torch.asarray(storage[2:6], dtype=torch.uint8)
        assert part.tolist() == [1, 0, 2, 0] and part.data_ptr() == storage.data_ptr() + 2
        part[0] = 9
        assert x.tolist() == [0, 9, 2, 3]
        assert torch.asarray(storage, dtype=torch.int16).data_ptr() == storage.data_ptr()


def test_a_large_storage_is_not_read_byte_by_byte():
    import time

    storage = ours.zeros(20_000_000, dtype=ours.uint8).untyped_storage()
    begun = time.process_time()
    assert ours.asarray(storage[4:], dtype=ours.uint8).numel() == 20_000_000 - 4
    assert time.process_time() - begun < 0.5  # it took several seconds


@pytest.mark.parametrize("torch", [theirs, ours])
def test_other_buffers(torch, tmp_path):
    numbers = array.array("i", [1, 2, 3])
    x = torch.asarray(numbers, dtype=torch.int32)
    x[0] = 7
    assert numbers[0] == 7
    (tmp_path / "file").write_bytes(bytes(range(8)))
    with open(tmp_path / "file", "rb") as f:
        mapped = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_COPY)
    assert torch.asarray(mapped, dtype=torch.int16).tolist() == [256, 770, 1284, 1798]
    assert torch.asarray([1, 2]).dtype == torch.int64 and torch.asarray(3.0).item() == 3.0


def test_nothing_is_an_empty_tensor():
    storage = ours.ones(3).untyped_storage()
    assert ours.asarray(storage[4:4], dtype=ours.uint8).shape == (0,)
    assert storage[4:4].nbytes() == 0
