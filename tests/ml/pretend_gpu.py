"""A pretended GPU: computing happens on the CPU, and tensors of two devices must not meet.

In a ``PretendedGpu`` every tensor is on the GPU, device "cuda", unless it was made on the CPU: by a
function that makes tensors and was not given the GPU, or by a move there. The rules are torch's for
CUDA. Only a tensor without dimensions may meet tensors of another device, and only an index may be
on the CPU.
"""

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

GPU, CPU = torch.device("cuda", 0), torch.device("cpu")
NAMES = "arange empty eye full linspace ones rand randint randn randperm tensor zeros"
MAKERS = {getattr(torch, name) for name in NAMES.split()}
MOVES = {Tensor.to, Tensor.cpu}
MIXED = {Tensor.__getitem__, Tensor.__setitem__, Tensor.copy_}
"""Their operands may be on two devices."""

UNASKED = {torch.device, torch._has_compatible_shallow_copy_type, torch._C._nn._parse_to}


class PretendedGpu(TorchFunctionMode):
    """Inside this context, ``on_gpu`` models have a device of their own."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func in UNASKED:
            return func(*args, **kwargs)
        if func == Tensor.data.__set__:
            func(*args)
            return _on(args[0], CPU if on_cpu(args[1]) else GPU)
        if func == Tensor.device.__get__:
            return CPU if on_cpu(args[0]) else GPU
        if func == Tensor.is_meta.__get__:
            return False
        if func in MOVES:
            place = _place(args[1:], kwargs) if func is Tensor.to else CPU
            found = func(*_real(args), **_real(kwargs))
            place = place or (CPU if on_cpu(args[0]) else GPU)
            return _on(found.view_as(found) if found is args[0] else found, place)
        if func in MAKERS:
            place = torch.device(kwargs.pop("device", None) or torch.get_default_device())
            generator = kwargs.get("generator")
            if generator is not None and place == GPU:
                raise RuntimeError(f"{func.__name__} on the GPU has a generator of the CPU")
            return _on(func(*args, device=CPU, **kwargs), place)
        if func is Tensor.numpy and not on_cpu(args[0]):
            raise RuntimeError("numpy reads no tensor on the GPU")
        places = {on_cpu(x) for x in _tensors((args, kwargs)) if x.dim()}
        if len(places) > 1 and func not in MIXED:
            raise RuntimeError(f"{getattr(func, '__name__', func)} has tensors of two devices")
        found = func(*_real(args), **_real(kwargs))
        cpu = on_cpu(args[0]) if func in MIXED else places == {True}
        return tree_map(lambda x: _on(x, CPU) if isinstance(x, Tensor) and cpu else x, found)


def on_cpu(tensor: Tensor) -> bool:
    return vars(tensor).get("on_cpu", False)


def given(tensor: Tensor) -> Tensor:
    """A tensor that is on the CPU."""
    return _on(tensor, CPU)


def on_gpu(model, monkeypatch):
    """The model, which says that it is on the GPU."""
    monkeypatch.setattr(type(model), "device", property(lambda _: GPU))
    return model


def _on(tensor: Tensor, place: torch.device) -> Tensor:
    tensor.on_cpu = place == CPU
    return tensor


def _tensors(values) -> list[Tensor]:
    return [x for x in tree_leaves(values) if isinstance(x, Tensor)]


def _place(args, kwargs) -> torch.device | None:
    """Where ``Tensor.to`` moves its tensor; None: it stays."""
    for x in (*args, *kwargs.values()):
        if isinstance(x, Tensor):
            return CPU if on_cpu(x) else GPU
        if isinstance(x, torch.device | str):
            return torch.device(x)
    return None


def _real(values):
    """Arguments with the CPU in the GPU's place."""
    return tree_map(lambda x: CPU if isinstance(x, torch.device) and x == GPU else x, values)
