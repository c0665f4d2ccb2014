"""The base class of converted models: attention on the arrays, saved and loaded with its scalers.

``gaincell.ml.models.families`` makes one subclass for each stock class and registers it:
``AutoModelForCausalLM`` then loads what it saved. Without that import the ``model_type`` is unknown
and loading fails; a stock class finds a sentence in the place of a number, and fails as well.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel

from gaincell.ml.models.anatomy import Family
from gaincell.ml.models.cache import HardwareCache
from gaincell.ml.models.layer import NAME, register
from gaincell.ml.models.positions import place_tokens
from gaincell.ml.models.saved.guard import guarded, unguarded, write_card
from gaincell.ml.models.saved.weights import check_weights
from gaincell.ml.models.scalers import SUBMODULE, HeadMaps, HeadScalers
from gaincell.ml.models.settings import Settings


class HardwareConfig(PreTrainedConfig):
    """Config of a converted model; ``gaincell`` is the table of ``Settings``."""

    def to_json_file(self, json_file_path: Any, use_diff: bool = True) -> None:
        """As of a stock config, but no stock class makes a model from the file."""
        table = guarded(json.loads(self.to_json_string(use_diff)))
        text = json.dumps(table, indent=2, sort_keys=True)
        Path(json_file_path).write_text(f"{text}\n", encoding="utf-8")

    def save_pretrained(self, save_directory: Any, *args: Any, **kwargs: Any) -> None:
        """As of a stock config, with a model card that says how to load the model."""
        super().save_pretrained(save_directory, *args, **kwargs)
        write_card(Path(save_directory))

    @classmethod
    def from_dict(cls, config_dict: Mapping[str, Any], **kwargs: Any) -> Any:
        """From the table of config.json."""
        return super().from_dict(unguarded(config_dict), **kwargs)


class HardwareModel(PreTrainedModel):
    """What a converted model adds to its stock class.

    family : the record of the model's family, set when the family is registered
    """

    config: Any
    family: ClassVar[Family]

    def __init__(self, config: Any, *args: Any, **kwargs: Any) -> None:
        settings = Settings.of(config)
        named = config._attn_implementation
        if named not in (None, NAME):
            raise ValueError(
                f'attn_implementation is "{named}", but this is a hardware model: convert it with '
                'kind="softmax" instead'
            )
        config._attn_implementation = NAME
        super().__init__(config, *args, **kwargs)
        self.hook_layers()
        self.attach(settings)

    @classmethod
    def from_pretrained(cls, *args: Any, output_loading_info: bool = False, **kwargs: Any) -> Any:
        """As the stock class's ``from_pretrained``, but from safetensors only.

        Raises
        ------
        ValueError
            Weights or scalers are missing, have another shape or no place in the model, or another
            attention is asked for.
        """
        kwargs |= {"use_safetensors": True, "ignore_mismatched_sizes": True}
        load = super().from_pretrained
        model, info = load(*args, output_loading_info=True, **kwargs)
        check_weights(args[0], info)
        return (model, info) if output_loading_info else model

    def set_attn_implementation(self, *args: Any, **kwargs: Any) -> None:
        """Refuse: ``convert`` changes what layers compute.

        Raises
        ------
        ValueError
            Always.
        """
        raise ValueError("this is a hardware model: change what layers compute with convert")

    def attention_layers(self) -> list[nn.Module]:
        """The attention module of each layer, in order."""
        return self.family.attention_layers(self)

    def scalers(self, layer: int) -> HeadScalers:
        """Scalers of a layer that is not of kind "stock"."""
        scalers = getattr(self.attention_layers()[layer], SUBMODULE)
        assert isinstance(scalers, HeadScalers)
        return scalers

    def hook_layers(self) -> None:
        """Add the hooks of the model and of every attention layer; call once for each model."""
        names = tuple(inspect.signature(self.base_model.forward).parameters)
        self.base_model.register_forward_pre_hook(partial(place_tokens, names), with_kwargs=True)
        for module in self.attention_layers():
            module.register_forward_pre_hook(_hand_over_arrays, with_kwargs=True)
            module.register_forward_hook(_finish_output)

    def attach(self, settings: Settings) -> None:
        """Give layers on hardware the scalers that ``settings`` says, and remove all others."""
        for layer, (module, kind) in enumerate(
            zip(self.attention_layers(), settings.kinds, strict=True)
        ):
            present = getattr(module, SUBMODULE, None)
            if kind == "stock":
                if present is not None:
                    delattr(module, SUBMODULE)
                continue
            mapped, first = layer in settings.maps, layer in settings.first
            recent, shared = (settings.recent, settings.shared) if mapped else (0, True)
            if present is None or (
                isinstance(present, HeadMaps),
                present.first_weight is not None,
                present.recent,
                present.shared,
            ) != (mapped, first, recent, shared):
                present = self._new_scalers(settings, mapped, first)
                weight = next(module.parameters())
                module.add_module(SUBMODULE, present.to(weight.device, weight.dtype))
            present.lead_to(settings.head)
            present.digital = settings.digital_of(layer)
            present.kept = settings.kept_of(layer)

    def _new_scalers(self, settings: Settings, mapped: bool, first: bool) -> HeadScalers:
        """Scalers of a layer, which ``reset`` or a load fills."""
        heads, kv_heads = _head_counts(self.config)
        dims, levels = settings.head.head_dim, settings.head.readout_max
        width = int(self.config.hidden_size)
        shape = (width, heads * dims) if first else None
        if not mapped:
            return HeadScalers(heads, kv_heads, levels, shape)
        return HeadMaps(
            heads,
            kv_heads,
            levels,
            shape,
            dims=dims,
            width=width,
            recent=settings.recent,
            shared=settings.shared,
        )

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, HeadScalers):
            module.reset()
        else:
            super()._init_weights(module)

    def _prepare_cache_for_generation(
        self, generation_config: Any, model_kwargs: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        on_arrays = generation_config.cache_implementation in (None, "hardware")
        if (
            on_arrays
            and generation_config.use_cache is not False
            and not generation_config.is_assistant
            and model_kwargs.get("past_key_values") is None
        ):
            model_kwargs["past_key_values"] = HardwareCache(self.config)
            return None
        return super()._prepare_cache_for_generation(
            generation_config, model_kwargs, *args, **kwargs
        )


def _head_counts(config: Any) -> tuple[int, int]:
    """Number of query heads, and of key and value heads, in a layer."""
    heads: int = config.num_attention_heads
    if not hasattr(type(config), "num_key_value_heads"):
        return heads, heads  # a stray entry of config.json is ignored by its class
    return heads, config.num_key_value_heads or heads


def _hand_over_arrays(
    module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Pass the cache to ``layer.attend_layer`` in an argument that the stock layer hands on."""
    for name in ("past_key_values", "layer_past"):  # the latter in GPT-NeoX
        cache = kwargs.get(name)
        if isinstance(cache, HardwareCache):
            own = cache.of(module)
            kwargs = kwargs | {name: own, "hardware_cache": own}
    return args, kwargs


def _finish_output(
    module: nn.Module, _: tuple[Any, ...], output: tuple[torch.Tensor, Any]
) -> tuple[torch.Tensor, Any] | None:
    """Add the layer's bias to its output, and put in the first tokens' outputs."""
    scalers = getattr(module, SUBMODULE, None)
    if scalers is None or (scalers.out_bias is None and scalers.first_tokens is None):
        return None
    return scalers(_with_bias, output[0]), *output[1:]


def _with_bias(scalers: HeadScalers, whole: torch.Tensor) -> torch.Tensor:
    if scalers.out_bias is not None:
        whole = whole + scalers.out_bias.to(whole)
    if scalers.first_tokens is not None:
        (here, first), scalers.first_tokens = scalers.first_tokens, None
        whole = torch.where(here[:, :, None], first[:, None].to(whole), whole)
    return whole


register()
