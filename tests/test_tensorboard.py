"""SummaryWriter: its files are read back here, and by TensorBoard where that is installed."""

import importlib.util
import io
import json
import math
import struct
import wave
import zlib

import pytest

import rushlight as torch
from rushlight.utils.tensorboard import SummaryWriter, _events


def fields(message):
    """{number: [values]} of a protocol buffer message; numbers, or bytes."""
    found, i = {}, 0

    def varint():
        nonlocal i
        number = shift = 0
        while True:
            byte = message[i]
            i, number, shift = i + 1, number | (byte & 127) << shift, shift + 7
            if byte < 128:
                return number

    while i < len(message):
        key = varint()
        if key & 7 == 0:
            value = varint()
        else:
            size = {1: 8, 5: 4}.get(key & 7) or varint()
            value, i = message[i : i + size], i + size
            if key & 7 == 1:
                value = struct.unpack("<d", value)[0]
            elif key & 7 == 5:
                value = struct.unpack("<f", value)[0]
        found.setdefault(key >> 3, []).append(value)
    return found


def events(folder):
    """[(step, tag, fields of the value)] of every file in a folder, in order of their names."""
    found = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        content, i = path.read_bytes(), 0
        while i < len(content):
            (length,) = struct.unpack_from("<Q", content, i)
            assert content[i : i + length + 16] == _events.record(content[i + 12 : i + 12 + length])
            event = fields(content[i + 12 : i + 12 + length])
            i += length + 16
            for summary in event.get(5, []):
                for value in map(fields, fields(summary)[1]):
                    found.append((event.get(2, [0])[0], value[1][0].decode(), value))
    return found


def scalars(folder):
    return [(step, tag, value[2][0]) for step, tag, value in events(folder) if 2 in value]


def pixels(png):
    """(height, width, rows of bytes) of a PNG file whose lines are not filtered."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    i, data = 8, b""
    while i < len(png):
        (length,) = struct.unpack_from(">I", png, i)
        name, body = png[i + 4 : i + 8], png[i + 8 : i + 8 + length]
        assert zlib.crc32(name + body) == struct.unpack_from(">I", png, i + 8 + length)[0]
        if name == b"IHDR":
            width, height = struct.unpack_from(">II", body)
        data += body if name == b"IDAT" else b""
        i += length + 12
    data = zlib.decompress(data)
    step = len(data) // height
    assert all(data[i * step] == 0 for i in range(height))
    return height, width, [list(data[i * step + 1 : (i + 1) * step]) for i in range(height)]


def test_checksum():
    # The check value of CRC-32C, masked as records have it.
    crc = 0xE3069283
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    assert _events._checksum(b"123456789") == struct.pack("<I", masked)


def test_scalars(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalar("a/b", 0.5, 3)
        writer.add_scalar("a/b", torch.tensor(2.0), global_step=300)
        writer.add_scalar("plain", 7)
        writer.add_scalars("both", {"x": 1.0, "y": torch.tensor([2.0])}, 5)
        assert writer.get_logdir() == str(tmp_path)
    writer.add_scalar("after closing", 1.0, 4)
    writer.close()
    found = scalars(tmp_path)
    assert found[:3] == [(3, "a/b", 0.5), (300, "a/b", 2.0), (0, "plain", 7.0)]
    assert found[3:] == [(4, "after closing", 1.0)]
    assert scalars(tmp_path / "both_x") == [(5, "both", 1.0)]
    assert scalars(tmp_path / "both_y") == [(5, "both", 2.0)]


def test_flushing(tmp_path):
    writer = SummaryWriter(tmp_path, max_queue=3, filename_suffix=".mine")
    writer.add_scalar("x", 1.0, 1)
    writer.flush()
    assert scalars(tmp_path) == [(1, "x", 1.0)]
    for step in range(2, 5):
        writer.add_scalar("x", 1.0, step)
    assert len(scalars(tmp_path)) == 4
    writer.close()
    assert next(tmp_path.iterdir()).name.endswith(".mine")


def test_default_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    SummaryWriter(comment="-try").close()
    (run,) = (tmp_path / "runs").iterdir()
    assert run.name.endswith("-try") and events(run) == []


@pytest.mark.parametrize("bins", ["tensorflow", "auto", 12, [-1.0, 0.0, 1.0, 2.0]])
def test_histogram(tmp_path, bins):
    values = torch.tensor([-0.75, 0.0, 0.25, 0.5, 0.5, 1.5, math.nan])
    with SummaryWriter(tmp_path) as writer:
        writer.add_histogram("h", values, 2, bins=bins)
        with pytest.raises(ValueError, match="no element"):
            writer.add_histogram("empty", torch.empty(0))
    ((step, tag, value),) = events(tmp_path)
    content = fields(value[5][0])
    assert [content[i][0] for i in range(1, 6)] == [
        -0.75,
        1.5,
        6,
        2.0,
        0.5625 + 0.0625 + 0.5 + 2.25,
    ]
    limits, counts = (
        torch.tensor([x for (x,) in struct.iter_unpack("<d", content[i][0])]) for i in (6, 7)
    )
    assert counts.sum() == 6 and (limits.diff() > 0).all() and limits[-1] >= 1.5
    for value in values[:6]:
        place = int((limits < value).sum())
        assert counts[place] > 0
    if isinstance(bins, list):
        assert counts.tolist() == [2, 3, 1]


def test_images(tmp_path):
    image = torch.arange(24).view(2, 4, 3).to(torch.uint8)
    with SummaryWriter(tmp_path) as writer:
        writer.add_image("hwc", image, 1, dataformats="HWC")
        writer.add_image("chw", image.permute(2, 0, 1), 1)
        writer.add_image("float", torch.tensor([[0.0, 1.0, 0.5, 2.0]]), 1, dataformats="HW")
        writer.add_images("many", image.permute(2, 0, 1).expand(5, 3, 2, 4), 1)
        with pytest.raises(AssertionError, match="format"):
            writer.add_image("wrong", image, dataformats="HW")
    found = {tag: fields(value[4][0]) for _, tag, value in events(tmp_path)}
    rows = image.flatten(1).tolist()
    assert pixels(found["hwc"][4][0]) == (2, 4, rows)
    assert found["hwc"] == found["chw"] and found["hwc"][3] == [3]
    assert pixels(found["float"][4][0]) == (1, 4, [[0, 255, 127, 255]])
    height, width, grid = pixels(found["many"][4][0])
    assert (height, width) == (4, 12)
    assert grid[0] == rows[0] * 3 and grid[2] == rows[0] * 2 + [0] * 12


def test_text_sound_curve_and_tensor(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_text("note", "*hello*", 3)
        writer.add_audio("sound", torch.tensor([0.0, 0.5, -1.0]), 1, sample_rate=8000)
        writer.add_pr_curve(
            "curve",
            torch.tensor([1, 0, 1, 0]),
            torch.tensor([0.9, 0.6, 0.4, 0.1]),
            1,
            num_thresholds=3,
        )
        writer.add_tensor("numbers", torch.tensor([[1.0, 2.0]]))
    found = {tag: value for _, tag, value in events(tmp_path)}
    note = found["note/text_summary"]
    assert fields(fields(note[9][0])[1][0])[1] == [b"text"]
    assert fields(note[8][0])[8] == [b"*hello*"]
    sound = wave.open(io.BytesIO(fields(found["sound"][6][0])[4][0]))
    assert (sound.getframerate(), sound.getnchannels()) == (8000, 1)
    assert struct.unpack("<3h", sound.readframes(3)) == (0, 16383, -32767)
    curve = fields(found["curve"][8][0])[4][0]
    rows = torch.tensor(struct.unpack("<18f", curve)).view(6, 3).tolist()
    assert rows[:4] == [[2, 1, 0], [2, 1, 0], [0, 1, 2], [0, 1, 2]]
    assert rows[4][:2] == [0.5, 0.5] and rows[5] == [1, 0.5, 0]
    assert struct.unpack("<2f", fields(found["numbers"][8][0])[4][0]) == (1, 2)


def test_settings_and_points(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_hparams({"lr": 0.1, "name": "adam", "flag": True}, {"acc": 0.5}, run_name="one")
        with pytest.raises(TypeError):
            writer.add_hparams([], {})
        with pytest.raises(ValueError):
            writer.add_hparams({"x": object()}, {})
        writer.add_embedding(
            torch.eye(2), metadata=["a", "b"], label_img=torch.rand(2, 1, 3, 3), global_step=2
        )
        with pytest.warns(UserWarning, match="writes nothing"):
            writer.add_graph(torch.nn.Linear(1, 1))
    tags = [tag for _, tag, _ in events(tmp_path / "one")]
    assert tags[:3] == [
        f"_hparams_/{x}" for x in ("experiment", "session_start_info", "session_end_info")
    ]
    assert scalars(tmp_path / "one") == [(0, "acc", 0.5)]
    place = tmp_path / "00002" / "default"
    assert (place / "tensors.tsv").read_text() == "1.0\t0.0\n0.0\t1.0\n"
    assert (place / "metadata.tsv").read_text() == "a\nb\n"
    assert pixels((place / "sprite.png").read_bytes())[:2] == (6, 6)
    assert "00002/default/sprite.png" in (tmp_path / "projector_config.pbtxt").read_text()


def test_figure(tmp_path):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figure = pyplot.figure(figsize=(1, 1), dpi=20)
    with SummaryWriter(tmp_path) as writer:
        writer.add_figure("picture", figure)
    ((_, _, value),) = events(tmp_path)
    height, width, rows = pixels(fields(value[4][0])[4][0])
    assert (height, width) == (20, 20) and rows[0][:3] == [255, 255, 255]
    assert not pyplot.fignum_exists(figure.number)


@pytest.mark.skipif(not importlib.util.find_spec("tensorboard"), reason="TensorBoard not installed")
def test_tensorboard_reads_it(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with SummaryWriter(tmp_path) as writer:
        for step in range(5):
            writer.add_scalar("loss", 1 / (step + 1), step)
        writer.add_histogram("weights", torch.randn(100), 1)
        writer.add_image("image", torch.rand(3, 4, 4), 1)
    read = EventAccumulator(str(tmp_path)).Reload()
    assert [s.value for s in read.Scalars("loss")] == pytest.approx([1 / (i + 1) for i in range(5)])
    assert read.Histograms("weights")[0].histogram_value.num == 100
    assert read.Images("image")[0].width == 4
    assert json.dumps(read.Tags()["scalars"]) == '["loss"]'
