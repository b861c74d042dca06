"""What each library computes with torch, as plain numbers: run with PyTorch itself to write
`reference.json` (make_reference.py), and with rushlight to compare with it (test_numbers.py).

A case is a function whose name begins with the library's; weights come from seeds. Nothing here
knows which of the two it runs on.
"""

import contextlib
import hashlib
import io
import logging
import os
import tempfile
import warnings

import torch
import torch.nn.functional as F

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def digest(x):
    """A tensor as its shape, dtype, sums (of sizes, of values, weighted) and first elements."""
    x = x.detach()
    flat = x.reshape(-1).to(torch.float64)
    return [list(x.shape), str(x.dtype), sums(flat), flat[:5].tolist()]


def sums(flat):
    """The sizes' sum leads, so that the others are compared at its scale."""
    weights = torch.linspace(-1, 1, flat.numel(), dtype=torch.float64)
    return [flat.abs().sum().item(), flat.sum().item(), (flat * weights).sum().item()]


def gradients(model):
    """{parameter: sums of its gradient}, in the model's order."""
    named = model.named_parameters()
    return {n: sums(p.grad.reshape(-1).double()) for n, p in named if p.grad is not None}


# --- einops, safetensors, tokenizers -------------------------------------------------------------


@case
def einops_functions():
    from einops import asnumpy, einsum, pack, parse_shape, rearrange, reduce, repeat, unpack

    torch.manual_seed(0)
    x = torch.randn(2, 3, 4, 6, requires_grad=True)
    joined, shapes = pack([x, torch.randn(2, 5)], "b *")
    y = [
        rearrange(x, "b c (h p) (w q) -> b (h w) (p q c)", p=2, q=3),
        rearrange([x[0], x[1]], "b c h w -> h (b w) c"),
        *(reduce(x, "b c (h 2) (w 2) -> b c h w", how) for how in ("mean", "max", "min", "sum")),
        reduce(x, "b ... -> ...", "prod"),
        repeat(x, "b c h w -> b c (2 h) (w n)", n=3),
        einsum(x, torch.randn(6, 5), "b c h w, w k -> b h k"),
        joined,
        unpack(joined, shapes, "b *")[0],
    ]
    sum((t.sin()).sum() for t in y).backward()
    return {
        "values": [digest(t) for t in y],
        "grad": digest(x.grad),
        "numpy": asnumpy(x.detach()).shape,
        "parsed": parse_shape(x, "b _ h w"),
    }


@case
def einops_layers():
    from einops.layers.torch import EinMix, Rearrange, Reduce

    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 6, 3),
        Reduce("b c (h 2) (w 2) -> b c h w", "max"),
        Rearrange("b c h w -> b (c h w)"),
        torch.nn.Linear(6 * 3 * 3, 8),
        EinMix("b (g c) -> b (g d)", "g c d", "g d", g=2, c=4, d=3),
    )
    y = model(torch.randn(4, 1, 8, 8))
    y.pow(2).sum().backward()
    return {"y": digest(y), "grads": gradients(model), "repr": repr(model)}


@case
def safetensors_files():
    from safetensors import safe_open
    from safetensors.torch import load, load_file, load_model, save, save_file, save_model

    torch.manual_seed(0)
    kinds = "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool".split()
    tensors = {k: torch.randint(0, 2, (3, 4)).to(getattr(torch, k)) for k in kinds}
    tensors["randn"] = torch.randn(5, 4)
    data = save(tensors, metadata={"format": "pt"})
    result = {"bytes": hashlib.sha256(data).hexdigest()}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.safetensors")
        save_file(tensors, path)
        for loaded in (load_file(path), load(data)):
            assert all(torch.equal(loaded[k], v) for k, v in tensors.items())
            result["dtypes"] = {k: str(v.dtype) for k, v in sorted(loaded.items())}
        with safe_open(path, framework="pt", device="cpu") as f:
            result["keys"] = sorted(f.keys())
            part = f.get_slice("randn")
            result["slice"] = [part.get_shape(), part.get_dtype(), digest(part[1:3, ::2])]
        model = torch.nn.Linear(3, 3)
        model.again = torch.nn.Linear(3, 3)
        model.again.weight = model.weight  # stored once
        save_model(model, path)
        other = torch.nn.Linear(3, 3)
        other.again = torch.nn.Linear(3, 3)
        other.again.weight = other.weight
        result["missing"] = [sorted(x) for x in load_model(other, path)]
        result["weight"] = digest(other.weight)
        with open(path, "rb") as f:
            result["model bytes"] = hashlib.sha256(f.read()).hexdigest()
    return result


@case
def tokenizers_to_tensors():
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = "a rush ##light was candle of the poor it ##s , . in fat dip ##ped one".split()
    vocabulary = {piece: i for i, piece in enumerate([*special, *pieces])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    text = ["A rushlight was a candle of the poor.", "It was a rush, dipped in fat.", "One lit it."]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    names = {f"{x[1:-1].lower()}_token": x for x in special}
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)
    batch = fast(text, padding=True, truncation=True, max_length=12, return_tensors="pt")
    assert all(isinstance(v, torch.Tensor) for v in batch.values())
    pair = fast(text[0], text[1], return_tensors="pt").to("cpu")
    return {
        "batch": {k: v.tolist() for k, v in batch.items()},
        "dtype": str(batch["input_ids"].dtype),
        "pair": {k: v.tolist() for k, v in pair.items()},
        "text": fast.batch_decode(batch["input_ids"], skip_special_tokens=True),
    }


# --- torchinfo, torchviz -------------------------------------------------------------------------


class Branches(torch.nn.Module):
    """Many inputs, a recurrent part, a shared layer and a dict as the result."""

    def __init__(self):
        super().__init__()
        self.rnn = torch.nn.LSTM(5, 7, batch_first=True)
        self.shared = torch.nn.Linear(7, 7)
        self.frozen = torch.nn.Conv1d(7, 2, 3)
        self.frozen.requires_grad_(False)

    def forward(self, x, scale=1.0):
        y, (h, _) = self.rnn(x)
        y = self.shared(self.shared(y) * scale)
        return {"y": self.frozen(y.transpose(1, 2)), "h": h}


@case
def torchinfo_summary():
    from torchinfo import summary

    torch.manual_seed(0)
    convs = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, padding=1),
        torch.nn.BatchNorm2d(8),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(8 * 16 * 16, 10),
    )
    columns = ["input_size", "output_size", "num_params", "kernel_size", "mult_adds", "trainable"]
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "convs": str(summary(convs, (2, 3, 16, 16), col_names=columns, verbose=0)),
            "lstm": str(
                summary(Branches(), input_data=[torch.randn(2, 9, 5)], col_names=columns, verbose=0)
            ),
            "transformer": str(summary(layer, (2, 4, 8), depth=4, verbose=0)),
        }


@case
def torchviz_graphs():
    """What is drawn: nodes and edges. Saved tensors have no names on rushlight's nodes, and where
    it has one node for cross_entropy PyTorch has two: neither is used here.
    """
    from torchviz import make_dot

    def drawn(dot):
        nodes = [x.strip() for x in dot.body if "[label=" in x]
        labels = [x.split("label=")[1].split(" fillcolor")[0].strip("]") for x in nodes]
        return sorted(labels), sum("->" in x for x in dot.body), dot.graph_attr["size"]

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten())
    x = torch.randn(2, 1, 4, 4, requires_grad=True)
    loss = (model(x) * 2).sigmoid().pow(3).mean()
    w = torch.randn(3, requires_grad=True)
    return {
        "model": drawn(make_dot(loss, params=dict(model.named_parameters(), x=x))),
        "two": drawn(make_dot((w.exp().sum(), w.view(1, 3)), params={"w": w})),
    }


# --- pytorch-lightning ---------------------------------------------------------------------------


@contextlib.contextmanager
def quiet():
    """No progress, no advice: only errors."""
    for name in ("lightning", "pytorch_lightning", "lightning_fabric", "transformers"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


@case
def pytorch_lightning_trainer():
    with quiet():
        import pytorch_lightning as pl
        from pytorch_lightning.callbacks import EarlyStopping, LearningRateMonitor, ModelCheckpoint
        from pytorch_lightning.loggers import CSVLogger
        from torch.utils.data import DataLoader, TensorDataset

        class Fit(pl.LightningModule):
            def __init__(self, width=8, lr=0.1):
                super().__init__()
                self.save_hyperparameters()
                self.net = torch.nn.Sequential(
                    torch.nn.Linear(4, width), torch.nn.Tanh(), torch.nn.Linear(width, 1)
                )
                self.seen = []

            def forward(self, x):
                return self.net(x)

            def training_step(self, batch, index):
                loss = F.mse_loss(self(batch[0]), batch[1])
                self.log("train", loss, prog_bar=True, on_step=True, on_epoch=True)
                self.seen.append(loss.item())
                return loss

            def validation_step(self, batch, index):
                self.log("val", F.mse_loss(self(batch[0]), batch[1]))

            test_step = validation_step

            def predict_step(self, batch, index):
                return self(batch[0])

            def configure_optimizers(self):
                optimizer = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr)
                scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.9)
                return {"optimizer": optimizer, "lr_scheduler": scheduler}

        pl.seed_everything(0, workers=True, verbose=False)
        x = torch.randn(64, 4)
        data = TensorDataset(x, x @ torch.randn(4, 1))
        train, check = DataLoader(data, 16, shuffle=True), DataLoader(data, 32)
        model = Fit()
        with tempfile.TemporaryDirectory() as folder:
            keep = ModelCheckpoint(folder, monitor="val", filename="best")
            trainer = pl.Trainer(
                max_epochs=4,
                accelerator="cpu",
                devices=1,
                logger=CSVLogger(folder),
                callbacks=[keep, EarlyStopping("val", patience=3), LearningRateMonitor()],
                default_root_dir=folder,
                enable_progress_bar=False,
                gradient_clip_val=1.0,
                accumulate_grad_batches=2,
                deterministic=True,
                log_every_n_steps=1,
            )
            trainer.fit(model, train, check)
            metrics = {k: v.item() for k, v in sorted(trainer.callback_metrics.items())}
            again = Fit.load_from_checkpoint(keep.best_model_path, weights_only=True)
            tested = trainer.test(again, check, verbose=False)
            predicted = torch.cat(trainer.predict(again, check))
            longer = pl.Trainer(
                max_epochs=6,
                accelerator="cpu",
                logger=False,
                default_root_dir=folder,
                enable_progress_bar=False,
                enable_model_summary=False,
            )
            longer.fit(again, train, ckpt_path=keep.best_model_path)
    return {
        "losses": model.seen,
        "metrics": metrics,
        "weights": {k: digest(v) for k, v in model.state_dict().items()},
        "tested": tested,
        "predicted": digest(predicted),
        "resumed": again.seen,
    }
