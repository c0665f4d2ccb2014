"""All runs of the demo, in order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gaincell.ml.demo.material import Material, write_material
from gaincell.ml.demo.results import LABELS, Curve, Results
from gaincell.ml.demo.runs import Plan, run_file, write_run_file
from gaincell.ml.demo.settings import DemoSettings
from gaincell.ml.demo.starts import Change, without_adaptation, without_training
from gaincell.ml.demo.stock import random_model, train_stock
from gaincell.ml.finetune.data.windows import Windows
from gaincell.ml.models.load import load_model
from gaincell.ml.models.saved.write import save_model


def run_demo(
    text: str, settings: DemoSettings, folder: Path, say: Callable[[str], None]
) -> Results:
    """Train and convert everything in an empty folder.

    Every model ends with the same number of training steps, those before it included, but for
    "stock" and "linear", which others go on from. Models that had equally many steps before go on
    with the same windows of text, in the same order.

    Parameters
    ----------
    text : its end is scored, the rest is learnt from
    say : told what begins

    Raises
    ------
    ValueError
        The text is too short for the settings.
    Failed
        A training diverges.
    Unable
        A model cannot be written.
    """
    demo = _Demo(settings, folder, write_material(text, settings, folder), say)
    demo.pretrain()
    first, second = settings.seed + 1, settings.seed + 2
    pretrained, moved = settings.stock_steps, settings.stock_steps + settings.linear_steps
    stock, head = demo.models / "stock", demo.material.head
    both = settings.linear_steps + settings.nonlinear_steps

    rate, last = settings.fine_tuning_rate, settings.nonlinear_steps

    plan = Plan("linear", stock, "linear", settings.linear_steps, rate, first, head)
    demo.train(plan, pretrained)
    linear = demo.runs / "linear" / "model"
    plan = Plan("adapted", linear, "nonlinear", last, rate, second, adapts=True)
    adaptation: str = demo.train(plan, moved)["adaptation"]["summary"]
    unadapted = demo.start("unadapted", linear, without_adaptation)
    demo.train(Plan("unadapted", unadapted, "nonlinear", last, rate, second), moved)

    demo.train(Plan("ranges", stock, "nonlinear", both, rate, first, head), pretrained)
    ours = demo.start("ours", stock, without_training)
    demo.train(Plan("ours", ours, "nonlinear", both, rate, first), pretrained)
    random, full = demo.models / "random", settings.learning_rate
    plan = Plan("scratch", random, "nonlinear", settings.steps, full, settings.seed, head)
    demo.train(plan, 0)
    curves = {name: demo.curves[name] for name in LABELS}
    return Results(settings, curves, adaptation, demo.material.counts)


class _Demo:
    """Trains models one after the other, and keeps their curves."""

    def __init__(
        self,
        settings: DemoSettings,
        folder: Path,
        material: Material,
        say: Callable[[str], None],
    ) -> None:
        self.settings, self.material, self.say = settings, material, say
        self.models, self.runs = folder / "models", folder / "runs"
        self.curves: dict[str, Curve] = {}
        for each in (self.models, self.runs):
            each.mkdir()

    def pretrain(self) -> None:
        """Random and stock model into folders; the stock one then trained on, as a yardstick."""
        settings, tokenizer = self.settings, self.material.tokenizer
        model = random_model(settings)
        millions = sum(each.numel() for each in model.parameters()) / 1e6
        self.say(
            f"GPT-2 with {settings.layers} layers, {settings.heads} heads of {settings.head_dim} "
            f"dimensions and {millions:.2f} million parameters; "
            f"{self.material.counts['train']} tokens of text"
        )
        save_model(model, tokenizer, self.models / "random")
        self._stock(model, "stock", settings.stock_steps, settings.learning_rate, 0)
        save_model(model, tokenizer, self.models / "stock")
        more = settings.linear_steps + settings.nonlinear_steps
        self._stock(model, "softmax", more, settings.fine_tuning_rate, settings.stock_steps)

    def _stock(self, model: Any, name: str, steps: int, rate: float, before: int) -> None:
        self.say(LABELS[name])
        settings, material, found = self.settings, self.material, dict[int, float]()
        # The runs that begin where this one does read the same windows.
        seed = settings.seed + (before > 0)
        data = Windows(material.train, settings.window, seed, 0, steps * settings.batch)
        train_stock(model, data, material.held_out, settings, steps, rate, name, found.__setitem__)
        self.curves[name] = Curve(tuple(before + each for each in found), tuple(found.values()))

    def start(self, name: str, model: Path, change: Change) -> Path:
        """A changed copy of a model; its folder."""
        loaded, tokenizer = load_model(model)
        change(loaded, self.settings, self.material.calibration)
        save_model(loaded, tokenizer, self.models / name)
        return self.models / name

    def train(self, plan: Plan, before: int) -> dict[str, Any]:
        """Run a plan whose model had ``before`` steps of training; its metrics."""
        self.say(LABELS[plan.name])
        path = write_run_file(plan, self.runs, self.material.texts, self.settings)
        metrics = run_file(path)
        self.curves[plan.name] = Curve.of(metrics, before)
        return metrics
