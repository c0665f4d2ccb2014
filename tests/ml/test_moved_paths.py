"""Import paths of release 0.6 still work until 0.8."""

from importlib import import_module
from pathlib import Path

import pytest

import gaincell.ml
import gaincell.moved.ml

MOVED = {
    "baselines": ("evaluate.baselines", "attending"),
    "cell": ("attention.numbers", "charge"),
    "checks": ("attention.checks", "start_of_mask"),
    "chosen_heads": ("models.chosen_heads", "by_layer"),
    "codes": ("models.codes", "record_codes"),
    "convert": ("models.convert", "convert"),
    "decode": ("attention.ring_cache", "RingCache"),
    "evaluation": ("evaluate.evaluation", "evaluate"),
    "exact": ("attention.exact", "exact_products"),
    "faults": ("attention.faulty_arrays", "FaultyArrays"),
    "generation": ("generate.generation", "generate"),
    "geometry": ("attention.parts", "ring_part"),
    "hardware_cache": ("models.cache", "HardwareCache"),
    "interface": ("models.layer", "attend_layer"),
    "kernel": ("attention.forward", "attend_part"),
    "linear_kernel": ("evaluate.linear_kernel", "linear_kernel_attention"),
    "matching": ("start.matching", "match_moments"),
    "memory": ("process.memory", "keep_freed_memory"),
    "moments": ("start.moments", "moments_of"),
    "noise": ("models.faults", "set_faults"),
    "perplexity": ("evaluate.perplexity", "perplexity"),
    "pretrained": ("models.load", "load_model"),
    "quantisers": ("attention.quantisers", "quantise"),
    "quiet": ("process.quiet", "quiet"),
    "ranges": ("start.ranges", "fit_ranges"),
    "reference": ("attention.authors", "ReferenceQuirks"),
    "scalers": ("models.scalers", "HeadScalers"),
    "scoring": ("evaluate.scoring", "score"),
    "served_heads": ("generate.served_heads", "ServedCache"),
    "settings": ("models.settings", "Settings"),
    "softmax": ("attention.softmax", "softmax_attention"),
    "tasks": ("evaluate.tasks", "Tasks"),
}
"""Old module of ``gaincell.ml``: its new place, and a public name that users import from it."""


@pytest.mark.parametrize("old", MOVED)
def test_an_old_path_gives_the_object_of_the_new_one(old):
    new, name = MOVED[old]
    moved = getattr(import_module(f"gaincell.ml.{old}"), name)
    assert moved is getattr(import_module(f"gaincell.ml.{new}"), name)


def test_every_old_path_is_tried():
    (folder,) = gaincell.moved.ml.__path__
    assert {path.stem for path in Path(folder).glob("*.py")} == {*MOVED, "__init__"}


def test_a_new_module_wins_over_an_old_path_of_the_same_name():
    new, old = gaincell.ml.__path__[0], gaincell.moved.ml.__path__[0]
    assert list(gaincell.ml.__path__) == [new, old]
    assert {path.stem for path in Path(new).iterdir()}.isdisjoint(MOVED)


def test_the_classes_of_converted_models_are_still_in_models():
    models = import_module("gaincell.ml.models")
    families = import_module("gaincell.ml.models.families")
    base = import_module("gaincell.ml.models.hardware_model")
    assert models.GainCellGPT2LMHeadModel is families.GPT2.hardware
    assert models.GainCellLlamaForCausalLM is families.LLAMA.hardware
    assert models.HardwareModel is base.HardwareModel
