"""TensorBoard's files: protocol buffer messages, written by field number, in checked records.

Field numbers are those of TensorBoard's .proto files (event, summary, tensor, and its plugins'). A
record is its length, a checksum of that, the message, and a checksum of the message.
"""

import struct

# --- protocol buffers: a message is the bytes of its fields, one behind another -------------------


def varint(number):
    """A whole number, seven bits a byte; negative ones as 64-bit two's complement."""
    number &= 0xFFFFFFFFFFFFFFFF
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def integer(field, number):
    return varint(field << 3) + varint(int(number))


def double(field, number):
    return varint(field << 3 | 1) + struct.pack("<d", number)


def single(field, number):
    return varint(field << 3 | 5) + struct.pack("<f", number)


def data(field, content):
    """Bytes, a string, or a message within the message."""
    content = content.encode() if isinstance(content, str) else bytes(content)
    return varint(field << 3 | 2) + varint(len(content)) + content


def doubles(field, numbers):
    numbers = list(numbers)
    return data(field, struct.pack(f"<{len(numbers)}d", *numbers))


# --- the messages --------------------------------------------------------------------------------


def event(time, step=None, content=b""):
    """Event: when, at which step, and one of `file_version` or `summary`."""
    return double(1, time) + (integer(2, step) if step else b"") + content


def version():
    return data(3, "brain.Event:2")


def summary(*values):
    return data(5, b"".join(data(1, value) for value in values))


def metadata(plugin, content=b""):
    """SummaryMetadata: which of TensorBoard's plugins shows the value."""
    return data(9, data(1, data(1, plugin) + (data(2, content) if content else b"")))


def tensor(kind, sizes, content):
    """TensorProto as a value's field: dtype, shape, and the content as it stands."""
    shape = b"".join(data(2, integer(1, size)) for size in sizes)
    return data(8, integer(1, kind) + data(2, shape) + content)


FLOAT, DOUBLE, STRING = 1, 2, 7  # TensorProto's dtypes


def float_tensor(sizes, numbers):
    return tensor(FLOAT, sizes, data(4, struct.pack(f"<{len(numbers)}f", *numbers)))


# --- records -------------------------------------------------------------------------------------


def _crc_table():
    """CRC-32C: the Castagnoli polynomial, reflected."""
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _crc_table()


def _checksum(content):
    crc, table = 0xFFFFFFFF, _TABLE
    for byte in content:
        crc = table[(crc ^ byte) & 255] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def record(content):
    length = struct.pack("<Q", len(content))
    return length + _checksum(length) + content + _checksum(content)
