"""SummaryWriter and FileWriter: the log that TensorBoard shows. Not here: how files are encoded."""

import os
import time

from . import _events as e


class FileWriter:
    """Appends events to one file in `log_dir`; they are in it after `flush` or `close`.

    Writing happens at every `max_queue` events and `flush_secs` seconds, in the calling thread.
    """

    def __init__(self, log_dir, max_queue=10, flush_secs=120, filename_suffix=""):
        import socket

        self.log_dir = os.fspath(log_dir)
        self.max_queue, self.flush_secs = max_queue, flush_secs
        os.makedirs(self.log_dir, exist_ok=True)
        FileWriter._count = getattr(FileWriter, "_count", -1) + 1
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}"
        self.path = os.path.join(self.log_dir, f"{name}.{FileWriter._count}{filename_suffix}")
        self._file = open(self.path, "ab")
        self._waiting, self._flushed = 0, time.monotonic()
        self._write(e.event(time.time(), content=e.version()))
        self.flush()

    def get_logdir(self):
        return self.log_dir

    def _write(self, event):
        if self._file.closed:  # as PyTorch's, which opens another one
            self._file = open(self.path, "ab")
        self._file.write(e.record(event))
        self._waiting += 1
        if self._waiting >= self.max_queue or time.monotonic() - self._flushed > self.flush_secs:
            self.flush()

    def add_values(self, values, step=None, walltime=None):
        """Writes one event with some encoded Values."""
        when = time.time() if walltime is None else walltime
        self._write(e.event(when, None if step is None else int(step), e.summary(*values)))

    def flush(self):
        if not self._file.closed:
            self._file.flush()
        self._waiting, self._flushed = 0, time.monotonic()

    def close(self):
        self.flush()
        self._file.close()

    def reopen(self):
        """The next event opens the file again by itself."""


class SummaryWriter:
    """Writes scalars, histograms, images, text, sounds, curves and embeddings for TensorBoard.

    `log_dir` is runs/TIME_HOST and `comment` unless given. Needs neither TensorBoard nor protobuf;
    `tensorboard --logdir runs` shows the files. `add_figure` needs matplotlib; graphs, videos,
    meshes and custom layouts are not written (`rushlight.draw` and `rushlight.summary` show models).

    >>> import tempfile
    >>> from rushlight.utils.tensorboard import SummaryWriter
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with SummaryWriter(folder) as writer:
    ...         writer.add_scalar("loss/train", 0.5, global_step=1)
    """

    def __init__(
        self, log_dir=None, comment="", purge_step=None, max_queue=10, flush_secs=120,
        filename_suffix="",
    ):  # fmt: skip
        if not log_dir:
            import socket

            start = time.strftime("%b%d_%H-%M-%S")
            log_dir = os.path.join("runs", f"{start}_{socket.gethostname()}{comment}")
        self.log_dir = os.fspath(log_dir)
        self.purge_step = purge_step
        self._options = (max_queue, flush_secs, filename_suffix)
        self.file_writer = self.all_writers = None
        writer = self._get_file_writer()
        if purge_step is not None:  # SessionLog START: TensorBoard forgets later steps
            start = e.data(7, e.integer(1, 1))
            writer._write(e.event(time.time(), purge_step, start))

    def _get_file_writer(self):
        if self.all_writers is None:
            self.file_writer = FileWriter(self.log_dir, *self._options)
            self.all_writers = {self.log_dir: self.file_writer}
        return self.file_writer

    def _add(self, value, step, walltime):
        self._get_file_writer().add_values([value], step, walltime)

    def get_logdir(self):
        """The folder of the files."""
        return self.log_dir

    def add_scalar(
        self, tag, scalar_value, global_step=None, walltime=None, new_style=False,
        double_precision=False,
    ):  # fmt: skip
        """One number: a Python number, or a tensor or array of one element."""
        number = float(scalar_value)
        if new_style or double_precision:
            kind, width = (e.DOUBLE, 6) if double_precision else (e.FLOAT, 5)
            content = e.doubles(width, [number]) if double_precision else e.single(width, number)
            value = e.metadata("scalars") + e.tensor(kind, (), content)
        else:
            value = e.single(2, number)
        self._add(e.data(1, tag) + value, global_step, walltime)

    def add_scalars(self, main_tag, tag_scalar_dict, global_step=None, walltime=None):
        """Several numbers in one picture: each has a folder and a file of its own."""
        self._get_file_writer()
        for name, number in tag_scalar_dict.items():
            folder = os.path.join(self.log_dir, f"{main_tag.replace('/', '_')}_{name}")
            if folder not in self.all_writers:
                self.all_writers[folder] = FileWriter(folder, *self._options)
            value = e.data(1, main_tag) + e.single(2, float(number))
            self.all_writers[folder].add_values([value], global_step, walltime)

    def add_tensor(self, tag, tensor, global_step=None, walltime=None):
        """A tensor's numbers as they are."""
        numbers = tensor.detach().cpu().float()
        value = e.data(1, tag) + e.float_tensor(numbers.shape, numbers.flatten().tolist())
        self._add(value, global_step, walltime)

    def add_histogram(
        self, tag, values, global_step=None, bins="tensorflow", walltime=None, max_bins=None
    ):
        """How the elements of a tensor are distributed. Raises ValueError if there are none."""
        from ._values import histogram

        value = e.data(1, tag) + e.data(5, histogram(values, bins, max_bins))
        self._add(value, global_step, walltime)

    def add_histogram_raw(
        self, tag, min, max, num, sum, sum_squares, bucket_limits, bucket_counts,
        global_step=None, walltime=None,
    ):  # fmt: skip
        """A histogram that was counted elsewhere."""
        from ._values import raw_histogram

        if len(bucket_limits) != len(bucket_counts):
            raise ValueError("len(bucket_limits) != len(bucket_counts), see the document.")
        content = raw_histogram(min, max, num, sum, sum_squares, bucket_limits, bucket_counts)
        self._add(e.data(1, tag) + e.data(5, content), global_step, walltime)

    def add_image(self, tag, img_tensor, global_step=None, walltime=None, dataformats="CHW"):
        """An image of 0 to 1, or of bytes; `dataformats` names its dimensions."""
        from ._values import image_value

        self._add(image_value(tag, img_tensor, dataformats), global_step, walltime)

    def add_images(self, tag, img_tensor, global_step=None, walltime=None, dataformats="NCHW"):
        """Several images as one, side by side."""
        self.add_image(tag, img_tensor, global_step, walltime, dataformats)

    def add_figure(self, tag, figure, global_step=None, close=True, walltime=None):
        """A figure of matplotlib, or several side by side; closes them unless told not to."""
        import matplotlib.pyplot as plt
        import numpy as np
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        import rushlight as torch

        images = []
        figures = figure if isinstance(figure, list) else [figure]
        for one in figures:
            canvas = FigureCanvasAgg(one)
            canvas.draw()
            images.append(torch.from_numpy(np.array(canvas.buffer_rgba())[:, :, :3].copy()))
            if close:
                plt.close(one)
        if isinstance(figure, list):
            self.add_image(tag, torch.stack(images), global_step, walltime, "NHWC")
        else:
            self.add_image(tag, images[0], global_step, walltime, "HWC")

    def add_text(self, tag, text_string, global_step=None, walltime=None):
        """Text, shown as Markdown."""
        content = e.data(8, str(text_string))
        value = e.data(1, f"{tag}/text_summary") + e.metadata("text")
        self._add(value + e.tensor(e.STRING, (1,), content), global_step, walltime)

    def add_audio(self, tag, snd_tensor, global_step=None, sample_rate=44100, walltime=None):
        """A sound of one channel, numbers from -1 to 1."""
        from ._values import audio_value

        self._add(audio_value(tag, snd_tensor, sample_rate), global_step, walltime)

    def add_pr_curve(
        self, tag, labels, predictions, global_step=None, num_thresholds=127, weights=None,
        walltime=None,
    ):  # fmt: skip
        """Precision and recall of `predictions` (0 to 1) for `labels` (0 or 1)."""
        from ._values import pr_curve_value

        value = pr_curve_value(tag, labels, predictions, num_thresholds, weights)
        self._add(value, global_step, walltime)

    def add_hparams(
        self, hparam_dict, metric_dict, hparam_domain_discrete=None, run_name=None, global_step=None
    ):
        """A run's settings beside what it reached, in a folder of its own."""
        from ._hparams import values

        if not isinstance(hparam_dict, dict) or not isinstance(metric_dict, dict):
            raise TypeError("hparam_dict and metric_dict should be dictionary.")
        folder = os.path.join(self.log_dir, run_name or str(time.time()))
        writer = FileWriter(folder, *self._options)
        for value in values(hparam_dict, metric_dict, hparam_domain_discrete or {}):
            writer.add_values([value])
        for name, number in metric_dict.items():
            writer.add_values([e.data(1, name) + e.single(2, float(number))], global_step)
        writer.close()

    def add_embedding(
        self, mat, metadata=None, label_img=None, global_step=None, tag="default",
        metadata_header=None,
    ):  # fmt: skip
        """Points (N, D) with labels and little images for the projector."""
        from ._projector import write

        write(self.log_dir, mat, metadata, label_img, global_step, tag, metadata_header)

    def _not_written(self, name):
        import warnings

        warnings.warn(f"SummaryWriter.{name} writes nothing here", stacklevel=3)

    def add_graph(self, model, input_to_model=None, verbose=False, use_strict_trace=True):
        """Writes nothing: `rushlight.draw(model, inputs)` draws the graph."""
        self._not_written("add_graph")

    def add_video(self, *args, **kwargs):
        """Writes nothing."""
        self._not_written("add_video")

    def add_mesh(self, *args, **kwargs):
        """Writes nothing."""
        self._not_written("add_mesh")

    def add_custom_scalars(self, layout):
        """Writes nothing: the layout of TensorBoard's page stays as it is."""
        self._not_written("add_custom_scalars")

    def flush(self):
        """Everything so far is in the files."""
        for writer in (self.all_writers or {}).values():
            writer.flush()

    def close(self):
        for writer in (self.all_writers or {}).values():
            writer.close()
        self.file_writer = self.all_writers = None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        self.close()
