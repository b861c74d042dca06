"""Cases of timm and torchmetrics. As in cases.py, nothing here knows what torch is."""

import torch
from cases import case, digest, gradients, quiet


def one_step(model, x, classes=5):
    """A pass in training mode with its gradients, then one in eval mode."""
    out = model.train()(x)
    torch.nn.functional.cross_entropy(out, torch.arange(len(x)) % classes).backward()
    grads = list(gradients(model).items())
    with torch.no_grad():
        after = model.eval()(x)
    return {"out": digest(out), "grads": dict(grads[:3] + grads[-3:]), "eval": digest(after)}


@case
def timm_models():
    with quiet():
        import timm

        result = {}
        names = "resnet18 mobilenetv3_small_050 convnext_atto efficientnet_b0 regnetx_002".split()
        for name in names:
            torch.manual_seed(0)
            model = timm.create_model(name, num_classes=5, drop_rate=0.1)
            result[name] = one_step(model, torch.randn(2, 3, 64, 64))
        for name in ("vit_tiny_patch16_224", "deit_tiny_patch16_224"):
            torch.manual_seed(0)
            model = timm.create_model(name, num_classes=5, img_size=32, drop_path_rate=0.1, depth=3)
            result[name] = one_step(model, torch.randn(2, 3, 32, 32))
        model = timm.create_model("resnet18", features_only=True, out_indices=(1, 3))
        result["features"] = [list(t.shape) for t in model(torch.randn(1, 3, 64, 64))]
    return result


@case
def timm_optimizers_and_schedules():
    with quiet():
        from timm.optim import create_optimizer_v2
        from timm.scheduler import CosineLRScheduler
        from timm.utils import ModelEmaV2

        result = {}
        for name in ("sgd", "adamw", "lamb", "lion", "rmsproptf", "nadamw", "adabelief", "madgrad"):
            torch.manual_seed(0)
            model = torch.nn.Sequential(
                torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2)
            )
            ema = ModelEmaV2(model, decay=0.5)
            optimizer = create_optimizer_v2(model, opt=name, lr=1e-2, weight_decay=0.05)
            schedule = CosineLRScheduler(optimizer, t_initial=10, warmup_t=2, warmup_lr_init=1e-3)
            x = torch.randn(16, 4)
            for step in range(5):
                optimizer.zero_grad()
                (model(x) - x[:, :2]).pow(2).mean().backward()
                optimizer.step()
                schedule.step(step + 1)
                ema.update(model)
            result[name] = [digest(model[0].weight), digest(ema.module[0].weight)]
    return result


@case
def timm_training_parts():
    with quiet():
        import numpy
        from timm.data import Mixup
        from timm.layers import DropPath, create_act_layer, resample_abs_pos_embed
        from timm.loss import (
            AsymmetricLossMultiLabel,
            LabelSmoothingCrossEntropy,
            SoftTargetCrossEntropy,
        )
        from timm.utils import AverageMeter, accuracy

        torch.manual_seed(0)
        numpy.random.seed(0)
        x, y = torch.randn(4, 3, 8, 8), torch.tensor([0, 1, 2, 1])
        mixed, target = Mixup(mixup_alpha=0.4, cutmix_alpha=1.0, num_classes=3)(x.clone(), y)
        logits = torch.randn(4, 3)
        meter = AverageMeter()
        meter.update(accuracy(logits, y, topk=(1, 2))[1].item(), 4)
        names = (
            "relu",
            "gelu",
            "silu",
            "mish",
            "hard_swish",
            "hard_sigmoid",
            "gelu_tanh",
            "quick_gelu",
        )
        return {
            "mixup": [digest(mixed), digest(target)],
            "losses": [
                SoftTargetCrossEntropy()(logits, target).item(),
                LabelSmoothingCrossEntropy()(logits, y).item(),
                AsymmetricLossMultiLabel()(logits, (logits > 0).float()).item(),
            ],
            "activations": {n: digest(create_act_layer(n)(x.clone())) for n in names},
            "drop path": digest(DropPath(0.5).train()(x)),
            "position": digest(resample_abs_pos_embed(torch.randn(1, 17, 6), (6, 5))),
            "accuracy": meter.avg,
        }


def flat(value):
    if isinstance(value, torch.Tensor):
        return digest(value) if value.numel() > 1 else value.item()
    if isinstance(value, dict):
        return {k: flat(v) for k, v in value.items()}
    return [flat(v) for v in value] if isinstance(value, (list, tuple)) else value


@case
def torchmetrics_metrics():
    with quiet():
        import torchmetrics as tm
        from torchmetrics import classification as c

        torch.manual_seed(0)
        scores, classes = torch.randn(40, 4).softmax(1), torch.randint(0, 4, (40,))
        chance, truth = torch.rand(40), torch.randint(0, 2, (40,))
        a, b = torch.randn(40), torch.randn(40)
        picture = torch.rand(2, 3, 32, 32)
        pictures = picture, 0.8 * picture + 0.2 * torch.rand(2, 3, 32, 32)
        many = {"task": "multiclass", "num_classes": 4}
        queries = torch.arange(40) // 8
        metrics = {
            "accuracy": (tm.Accuracy(**many, average="macro"), scores, classes),
            "top2": (tm.Accuracy(**many, top_k=2), scores, classes),
            "f1": (tm.F1Score(**many, average=None), scores, classes),
            "auroc": (tm.AUROC(**many), scores, classes),
            "precision": (tm.AveragePrecision(**many), scores, classes),
            "confusion": (tm.ConfusionMatrix(**many), scores, classes),
            "kappa": (tm.CohenKappa(**many), scores, classes),
            "matthews": (tm.MatthewsCorrCoef(**many), scores, classes),
            "calibration": (tm.CalibrationError(task="binary"), chance, truth),
            "curve": (c.BinaryPrecisionRecallCurve(thresholds=5), chance, truth),
            "roc": (c.BinaryROC(), chance, truth),
            "multilabel": (c.MultilabelF1Score(4), scores, (scores > 0.3).long()),
            "mse": (tm.MeanSquaredError(), a, b),
            "r2": (tm.R2Score(), a, b),
            "pearson": (tm.PearsonCorrCoef(), a, b),
            "spearman": (tm.SpearmanCorrCoef(), a, b),
            "cosine": (tm.CosineSimilarity(), a.view(10, 4), b.view(10, 4)),
            "psnr": (tm.image.PeakSignalNoiseRatio(data_range=1.0), *pictures),
            "ssim": (tm.image.StructuralSimilarityIndexMeasure(data_range=1.0), *pictures),
            "snr": (tm.audio.SignalNoiseRatio(), a, b),
            "perplexity": (tm.text.Perplexity(), scores.log().view(2, 20, 4), classes.view(2, 20)),
            "mean": (tm.MeanMetric(), a),
            "map": (tm.retrieval.RetrievalMAP(), chance, truth, queries),
            "ndcg": (tm.retrieval.RetrievalNormalizedDCG(), chance, truth, queries),
            "bleu": (tm.text.BLEUScore(2), ["a rush in fat"], [["a rush dipped in fat"]]),
            "wer": (tm.text.WordErrorRate(), ["a rush in fat"], ["a rush dipped in fat"]),
        }
        result = {}
        for name, (metric, *inputs) in metrics.items():
            for _ in range(2):  # the state adds up over batches
                metric.update(*inputs)
            result[name] = flat(metric.compute())
        both = tm.MetricCollection([tm.MeanSquaredError(), tm.MeanAbsoluteError()], prefix="v_")
        result["collection"] = flat(both(a, b))
        both.reset()
        tracker = tm.MetricTracker(tm.MeanSquaredError(), maximize=False)
        for step in range(3):
            tracker.increment()
            tracker.update(a * step, b)
        result["best"] = list(map(flat, tracker.best_metric(return_step=True)))
        f = tm.functional
        result["distance"] = flat(f.pairwise_euclidean_distance(a.view(10, 4), b.view(10, 4)))
        metric = tm.Accuracy(**many)
        metric.persistent(True)
        metric.update(scores, classes)
        result["state"] = sorted(metric.state_dict())
    return result


@case
def torchvision_models():
    with quiet():
        from torchvision import models, ops

        result = {}
        for name in ("resnet18", "mobilenet_v3_small", "shufflenet_v2_x0_5", "squeezenet1_1"):
            torch.manual_seed(0)
            model = models.get_model(name, num_classes=5)
            result[name] = one_step(model, torch.randn(2, 3, 64, 64))
        torch.manual_seed(0)
        vit = models.VisionTransformer(32, 8, 2, 4, 32, 64, num_classes=5, dropout=0.1)
        with torch.no_grad():  # torchvision starts the last layer at zero
            vit.heads.head.weight.normal_()
        result["vit"] = one_step(vit, torch.randn(2, 3, 32, 32))
        corners = torch.rand(30, 2) * 20
        boxes = torch.cat([corners, corners + 1 + torch.rand(30, 2) * 10], 1)
        result["boxes"] = digest(ops.generalized_box_iou(boxes, boxes))
    return result


@case
def torchvision_transforms():
    with quiet():
        import random

        import numpy
        from PIL import Image
        from torchvision import transforms, tv_tensors
        from torchvision.transforms import v2
        from torchvision.utils import make_grid

        random.seed(0)
        torch.manual_seed(0)
        pixels = (numpy.arange(48 * 40 * 3) * 7 % 251).astype(numpy.uint8).reshape(48, 40, 3)
        picture = Image.fromarray(pixels)
        first = transforms.Compose(
            [
                transforms.RandomResizedCrop(32),
                transforms.RandomHorizontalFlip(),
                transforms.ColorJitter(0.1, 0.1, 0.1, 0.1),
                transforms.RandomRotation(10),
                transforms.ToTensor(),
                transforms.Normalize([0.5] * 3, [0.5] * 3),
                transforms.RandomErasing(1.0),
            ]
        )
        second = v2.Compose(
            [
                v2.ToImage(),
                v2.RandomResizedCrop(32, antialias=True),
                v2.RandomAffine(10),
                v2.GaussianBlur(3),
                v2.ToDtype(torch.float32, scale=True),
            ]
        )
        boxes = tv_tensors.BoundingBoxes(
            [[1, 2, 10, 20]], format="XYXY", canvas_size=(48, 40), dtype=torch.float32
        )
        image = v2.PILToTensor()(picture)
        flipped, moved = v2.RandomHorizontalFlip(1.0)(tv_tensors.Image(image), boxes)
        return {
            "first": digest(first(picture)),
            "second": digest(second(picture)),
            "types": [type(flipped).__name__, type(moved).__name__],
            "boxes": moved.tolist(),
            "grid": digest(make_grid(torch.rand(5, 3, 8, 8), nrow=3, normalize=True)),
            "back": digest(transforms.ToTensor()(transforms.ToPILImage()(first(picture)))),
        }
