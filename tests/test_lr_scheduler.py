"""Learning-rate schedules against PyTorch's: the same rates, states, warnings and errors."""

import copy
import inspect
import warnings

import pytest
import torch as oracle

import rushlight

BOTH = (rushlight, oracle)


class Decay:
    """A callable object, whose attributes a state dict holds."""

    def __init__(self, rate):
        self.rate = rate

    def __call__(self, x):
        return self.rate**x


def optimizer_of(lib, name="SGD", lr=1.0, groups=2, **options):
    ps = [{"params": [lib.zeros(1, requires_grad=True)]} for _ in range(groups)]
    if groups > 1:
        ps[1]["lr"] = 0.5
    if name == "SGD":
        options.setdefault("momentum", 0.9)
    return getattr(lib.optim, name)(ps, lr=lr, **options)


def chained(sch, o):
    return sch.ChainedScheduler([sch.ConstantLR(o, 0.5, 3), sch.ExponentialLR(o, 0.9)])


def swa_utils(sch):
    lib = rushlight if sch is rushlight.optim.lr_scheduler else oracle
    return lib.optim.swa_utils


SCHEDULES = {
    "lambda": lambda s, o: s.LambdaLR(o, lambda e: 0.9**e),
    "lambdas": lambda s, o: s.LambdaLR(o, [lambda e: 0.9**e, Decay(0.8)]),
    "multiplicative": lambda s, o: s.MultiplicativeLR(o, lambda e: 0.95),
    "multiplicative objects": lambda s, o: s.MultiplicativeLR(o, [Decay(0.9), Decay(0.99)]),
    "step": lambda s, o: s.StepLR(o, 3),
    "step gamma": lambda s, o: s.StepLR(o, step_size=2, gamma=0.7),
    "multistep": lambda s, o: s.MultiStepLR(o, [2, 5, 5, 8], gamma=0.5),
    "constant": lambda s, o: s.ConstantLR(o),
    "constant 4": lambda s, o: s.ConstantLR(o, factor=0.25, total_iters=4),
    "linear": lambda s, o: s.LinearLR(o),
    "linear down": lambda s, o: s.LinearLR(o, 1.0, 0.1, total_iters=7),
    "exponential": lambda s, o: s.ExponentialLR(o, 0.87),
    "polynomial": lambda s, o: s.PolynomialLR(o),
    "polynomial 2": lambda s, o: s.PolynomialLR(o, total_iters=8, power=2.0),
    "cosine": lambda s, o: s.CosineAnnealingLR(o, 6),
    "cosine min": lambda s, o: s.CosineAnnealingLR(o, T_max=5, eta_min=0.1),
    "restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 4),
    "restarts twice": lambda s, o: s.CosineAnnealingWarmRestarts(o, 2, T_mult=2, eta_min=0.05),
    "one cycle": lambda s, o: s.OneCycleLR(o, 0.5, total_steps=20),
    "one cycle linear": lambda s, o: s.OneCycleLR(
        o, [0.5, 2.0], epochs=5, steps_per_epoch=4, anneal_strategy="linear", pct_start=0.4
    ),
    "one cycle three": lambda s, o: s.OneCycleLR(
        o, 0.5, total_steps=20, three_phase=True, base_momentum=[0.7, 0.8], final_div_factor=10
    ),
    "one cycle no momentum": lambda s, o: s.OneCycleLR(
        o, 0.5, total_steps=20, cycle_momentum=False
    ),
    "cyclic": lambda s, o: s.CyclicLR(o, 0.1, 0.9, step_size_up=4),
    "cyclic 2": lambda s, o: s.CyclicLR(o, [0.1, 0.2], 0.9, 3, 2, mode="triangular2"),
    "cyclic exp": lambda s, o: s.CyclicLR(o, 0.1, 0.9, 3, mode="exp_range", gamma=0.9),
    "cyclic function": lambda s, o: s.CyclicLR(o, 0.1, 0.9, 3, scale_fn=lambda x: 0.5**x),
    "cyclic object": lambda s, o: s.CyclicLR(
        o, 0.1, 0.9, 3, scale_fn=Decay(0.9), scale_mode="iterations", cycle_momentum=False
    ),
    "sequential": lambda s, o: s.SequentialLR(
        o, [s.ConstantLR(o, 0.1, 20), s.ExponentialLR(o, 0.9)], milestones=[4]
    ),
    "warmup cosine": lambda s, o: s.SequentialLR(
        o,
        [s.LinearLR(o, 0.1, total_iters=4), s.CosineAnnealingLR(o, 8), s.StepLR(o, 2)],
        milestones=[4, 9],
    ),
    "chained": chained,
    "swa": lambda s, o: swa_utils(s).SWALR(o, 0.05, anneal_epochs=6),
    "swa linear": lambda s, o: swa_utils(s).SWALR(o, [0.05, 0.2], 5, anneal_strategy="linear"),
    "swa at once": lambda s, o: swa_utils(s).SWALR(o, 0.05, anneal_epochs=0),
    "sequential of chained": lambda s, o: s.SequentialLR(
        o, [chained(s, o), s.ExponentialLR(o, 0.5)], milestones=[5]
    ),
}


def plain(x):
    if hasattr(x, "tolist"):
        return x.tolist()
    if isinstance(x, dict):
        return {key: plain(value) for key, value in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(value) for value in x]
    return x


def options_of(optimizer):
    return [
        {key: plain(value) for key, value in group.items() if key != "params"}
        for group in optimizer.param_groups
    ]


def same(run):
    ours, theirs = run(rushlight), run(oracle)
    assert ours == theirs


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_rates_and_states(name, optimizer):
    """Every option of every group after each of 18 steps, and the scheduler's state."""

    def run(lib):
        o = optimizer_of(lib, optimizer)
        scheduler = SCHEDULES[name](lib.optim.lr_scheduler, o)
        seen = [options_of(o), plain(scheduler.get_last_lr())]
        for _ in range(18):
            o.step()
            scheduler.step()
            seen += [options_of(o), plain(scheduler.get_last_lr()), plain(scheduler.state_dict())]
        return seen

    same(run)


@pytest.mark.parametrize("name", SCHEDULES)
def test_interrupted_schedules_go_on(name):
    def run(lib, interrupted):
        o = optimizer_of(lib)
        scheduler = SCHEDULES[name](lib.optim.lr_scheduler, o)
        seen = []
        for i in range(14):
            if interrupted and i == 6:
                states = copy.deepcopy([o.state_dict(), scheduler.state_dict()])
                o = optimizer_of(lib, lr=3.0)
                scheduler = SCHEDULES[name](lib.optim.lr_scheduler, o)
                o.load_state_dict(states[0])
                scheduler.load_state_dict(states[1])
            o.step()
            scheduler.step()
            seen.append(options_of(o))
        return seen

    assert run(rushlight, True) == run(oracle, False)


CLOSED = ["step", "multistep", "constant 4", "linear", "exponential", "polynomial", "cosine",
          "cosine min", "lambda", "restarts", "restarts twice"]  # fmt: skip


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", CLOSED)
def test_steps_to_an_epoch(name):
    def run(lib):
        o = optimizer_of(lib)
        scheduler = SCHEDULES[name](lib.optim.lr_scheduler, o)
        seen = []
        for epoch in (0, 1, 3, 4, 7, 2, 12):
            scheduler.step(epoch)
            seen.append([options_of(o), scheduler.last_epoch])
        if "restarts" in name:
            scheduler.step(5.5)
            seen.append(options_of(o))
        return seen

    same(run)


@pytest.mark.parametrize(
    "name", ["step", "cosine", "linear", "exponential", "lambda", "polynomial"]
)
def test_resume_from_last_epoch(name):
    arguments = {
        "step": ("StepLR", (2,)),
        "cosine": ("CosineAnnealingLR", (6,)),
        "linear": ("LinearLR", ()),
        "exponential": ("ExponentialLR", (0.9,)),
        "lambda": ("LambdaLR", (lambda e: 0.9**e,)),
        "polynomial": ("PolynomialLR", (9,)),
    }
    cls, args = arguments[name]

    def run(lib):
        o = optimizer_of(lib, groups=1)
        o.param_groups[0]["initial_lr"] = 1.0
        scheduler = getattr(lib.optim.lr_scheduler, cls)(o, *args, last_epoch=3)
        seen = [options_of(o)]
        for _ in range(4):
            o.step()
            scheduler.step()
            seen.append(options_of(o))
        return seen

    same(run)


def test_tensor_rates_keep_their_identity():
    def run(lib):
        o = lib.optim.SGD([lib.zeros(1, requires_grad=True)], lr=lib.tensor(1.0))
        lr = o.param_groups[0]["lr"]
        scheduler = lib.optim.lr_scheduler.ExponentialLR(o, 0.5)
        first = scheduler.get_last_lr()
        for _ in range(3):
            o.step()
            scheduler.step()
        return [o.param_groups[0]["lr"] is lr, plain(lr), plain(first), plain(scheduler.base_lrs)]

    same(run)


PLATEAU = {
    "default": {},
    "patience": {"patience": 1},
    "max": {"mode": "max", "patience": 1, "factor": 0.5},
    "abs": {"patience": 0, "threshold": 0.3, "threshold_mode": "abs"},
    "max abs": {"mode": "max", "patience": 0, "threshold": 0.3, "threshold_mode": "abs"},
    "rel": {"patience": 0, "threshold": 0.3},
    "cooldown": {"patience": 0, "cooldown": 2},
    "min lr": {"patience": 0, "min_lr": 0.05},
    "min lrs": {"patience": 0, "min_lr": [0.05, 0.2]},
    "eps": {"patience": 0, "eps": 0.1},
}


@pytest.mark.parametrize("name", PLATEAU)
def test_plateau(name):
    losses = [3.0, 2.0, 2.1, 2.0, 2.5, 1.9, 1.9, 1.9, 1.89, 2.0, 1.0, 1.0, 1.0, float("nan"), 5.0]

    def run(lib):
        o = optimizer_of(lib)
        scheduler = lib.optim.lr_scheduler.ReduceLROnPlateau(o, **PLATEAU[name])
        seen = [scheduler.state_dict()]
        for i, loss in enumerate(losses):
            o.step()
            scheduler.step(lib.tensor(loss) if i % 2 else loss)
            state = scheduler.state_dict()
            seen.append([options_of(o), scheduler.in_cooldown, list(state), repr(state)])
        return seen

    same(run)


def test_user_written_schedule():
    def run(lib):
        class Half(lib.optim.lr_scheduler.LRScheduler):
            def get_lr(self):
                return [base / (self.last_epoch + 1) for base in self.base_lrs]

        o = optimizer_of(lib)
        scheduler = Half(o)
        for _ in range(3):
            o.step()
            scheduler.step()
        return [options_of(o), scheduler.state_dict()]

    same(run)


def outcome(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            call()
            text = "no error"
        except Exception as error:  # noqa: BLE001 - compared with PyTorch's
            text = f"{type(error).__name__}: {error}"
    return [text, [[w.category.__name__, str(w.message)] for w in caught]]


def _cases(lib):
    s = lib.optim.lr_scheduler

    def o(**options):
        return optimizer_of(lib, **options)

    def early():
        s.StepLR(o(), 2).step()

    def in_order():
        opt = o()
        scheduler = s.StepLR(opt, 2)
        opt.step()
        scheduler.step()
        scheduler.step(5)

    def overridden():
        opt = o()
        scheduler = s.StepLR(opt, 2)
        opt.step = lambda: None
        scheduler.step()

    def too_far():
        opt = o()
        scheduler = s.OneCycleLR(opt, 0.5, total_steps=2)
        for _ in range(4):
            opt.step()
            scheduler.step()

    def grown():
        opt = o()
        scheduler = s.ReduceLROnPlateau(opt, patience=0, min_lr=[0.1, 0.1])
        opt.add_param_group({"params": [lib.ones(1)]})
        scheduler.step(1.0)
        scheduler.step(2.0)

    def other():
        return s.SequentialLR(o(), [s.StepLR(o(), 2)], [])

    def too_many():
        opt = o()
        s.SequentialLR(opt, [s.StepLR(opt, 2)], [3])

    adagrad = {"name": "Adagrad"}
    return {
        "early": early,
        "in order": in_order,
        "overridden": overridden,
        "get_lr": lambda: s.StepLR(o(), 2).get_lr(),
        "cosine get_lr": lambda: s.CosineAnnealingLR(o(), 2).get_lr(),
        "cyclic get_lr": lambda: s.CyclicLR(o(), 0.1, 0.2).get_lr(),
        "no get_lr": lambda: s.LRScheduler(o()),
        "no optimizer": lambda: s.StepLR(3, 2),
        "plateau optimizer": lambda: s.ReduceLROnPlateau(3),
        "cyclic optimizer": lambda: s.CyclicLR(3, 0.1, 0.2),
        "one cycle optimizer": lambda: s.OneCycleLR(3, 0.1, 2),
        "resume": lambda: s.StepLR(o(), 2, last_epoch=3),
        "lambdas": lambda: s.LambdaLR(o(), [lambda e: 1.0]),
        "multiplicative": lambda: s.MultiplicativeLR(o(), 0.9),
        "constant": lambda: s.ConstantLR(o(), 1.5),
        "linear start": lambda: s.LinearLR(o(), 0.0),
        "linear end": lambda: s.LinearLR(o(), 0.5, 1.5),
        "T_0": lambda: s.CosineAnnealingWarmRestarts(o(), 0),
        "T_0 float": lambda: s.CosineAnnealingWarmRestarts(o(), 1.5),
        "T_mult": lambda: s.CosineAnnealingWarmRestarts(o(), 1, 0),
        "eta_min": lambda: s.CosineAnnealingWarmRestarts(o(), 1, 1, "0"),
        "restart epoch": lambda: s.CosineAnnealingWarmRestarts(o(), 3).step(-1),
        "factor": lambda: s.ReduceLROnPlateau(o(), factor=1.0),
        "mode": lambda: s.ReduceLROnPlateau(o(), mode="least"),
        "threshold mode": lambda: s.ReduceLROnPlateau(o(), threshold_mode="far"),
        "min_lrs": lambda: s.ReduceLROnPlateau(o(), min_lr=[1.0]),
        "plateau epoch": lambda: s.ReduceLROnPlateau(o()).step(1.0, 3),
        "grown": grown,
        "cyclic mode": lambda: s.CyclicLR(o(), 0.1, 0.2, mode="square"),
        "cyclic momentum": lambda: s.CyclicLR(o(**adagrad), 0.1, 0.2),
        "cyclic lengths": lambda: s.CyclicLR(o(), [0.1], 0.2),
        "one cycle nothing": lambda: s.OneCycleLR(o(), 0.1),
        "one cycle steps": lambda: s.OneCycleLR(o(), 0.1, total_steps=-1),
        "one cycle epochs": lambda: s.OneCycleLR(o(), 0.1, epochs=0, steps_per_epoch=2),
        "one cycle per epoch": lambda: s.OneCycleLR(o(), 0.1, epochs=2, steps_per_epoch=1.5),
        "one cycle pct": lambda: s.OneCycleLR(o(), 0.1, 5, pct_start=1.5),
        "one cycle anneal": lambda: s.OneCycleLR(o(), 0.1, 5, anneal_strategy="log"),
        "one cycle momentum": lambda: s.OneCycleLR(o(**adagrad), 0.1, 5),
        "one cycle lengths": lambda: s.OneCycleLR(o(), [0.1], 5),
        "too far": too_far,
        "sequential none": lambda: s.SequentialLR(o(), [], []),
        "sequential other": other,
        "sequential object": lambda: s.SequentialLR(o(), [3], []),
        "sequential plateau": lambda: s.SequentialLR(o(), [s.ReduceLROnPlateau(o())], []),
        "chained none": lambda: s.ChainedScheduler([]),
        "chained plateau": lambda: s.ChainedScheduler([s.ReduceLROnPlateau(o())]),
        "milestones": too_many,
    }


@pytest.mark.parametrize("case", list(_cases(oracle)))
def test_errors_and_warnings(case):
    same(lambda lib: outcome(_cases(lib)[case]))


@pytest.mark.parametrize("name", oracle.optim.lr_scheduler.__all__)
def test_signatures_and_modules(name):
    classes = [getattr(lib.optim.lr_scheduler, name) for lib in BOTH]
    signatures = [
        [(p.name, p.default, p.kind) for p in inspect.signature(cls).parameters.values()]
        for cls in classes
    ]
    assert signatures[0] == signatures[1]
    assert classes[0].__module__.split(".", 1)[1] == classes[1].__module__.split(".", 1)[1]


def test_optimizer_with_a_schedule_can_be_copied():
    o = optimizer_of(rushlight)
    rushlight.optim.lr_scheduler.StepLR(o, 2)
    twin = copy.deepcopy(o)
    twin.step()
    assert not hasattr(o, "_opt_called")
