"""A GPU that is none: its tensors say `cuda:0` and compute on the CPU, so that what a run does on CUDA is seen without a card.

It refuses what CUDA refuses, which are operands on two devices and `numpy()`. It notes what makes the host wait for the card,
such as `item()`, copies to the host and masks as indices, and the operations that have no deterministic algorithm on CUDA.
"""

import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import MethodWrapperType, SimpleNamespace
from unittest.mock import patch
from weakref import WeakValueDictionary

import torch
import torch.distributed.tensor  # torch imports it when a module moves, and must not meet what is patched here
from torch.overrides import TorchFunctionMode
from torch.utils._device import DeviceContext
from torch.utils._pytree import tree_leaves, tree_map

import snnx

CUDA = torch.device("cuda", 0)
PEAK_MB = 1536  # the most memory that the card says its tensors have used
PACKAGE = str(Path(snnx.__file__).parent)
WAITS = {"_local_scalar_dense", "nonzero", "masked_select", "equal", "is_nonzero", "_unique2", "unique_dim", "bincount"}
"""Operations whose result, or the size of whose result, the host must know."""
INDEXING = {"index", "index_put_", "_index_put_impl_", "index_put"}
MAY_MIX = {"_to_copy", "copy_", *INDEXING}
"""Operations that take tensors on two devices."""
NOT_DETERMINISTIC = {
    "_adaptive_avg_pool2d_backward", "adaptive_max_pool2d_backward", "avg_pool3d_backward", "fractional_max_pool2d_backward",
    "upsample_bilinear2d_backward", "upsample_bicubic2d_backward", "reflection_pad2d_backward", "nll_loss2d_forward", "histc",
    "put_", "grid_sampler_2d_backward", "max_unpool2d", "_ctc_loss_backward",
}  # fmt: skip
"""Operations that raise on CUDA with `torch.use_deterministic_algorithms(True)`, as torch's documentation of it lists them."""


class Seen:
    """What was noted, by the line of snnx that asked for it; `synchronized` counts the calls of `torch.cuda.synchronize`."""

    def __init__(self) -> None:
        self.waits: Counter[str] = Counter()
        self.not_deterministic: Counter[str] = Counter()
        self.synchronized = 0

    def forget(self) -> None:
        self.waits.clear()
        self.not_deterministic.clear()
        self.synchronized = 0


SEEN = Seen()


def asked_from() -> str:
    """The last line of snnx on the stack, such as `method/base.py:171`."""
    frames = [frame for frame in traceback.extract_stack() if frame.filename.startswith(PACKAGE)]
    return f"{frames[-1].filename.removeprefix(PACKAGE)[1:]}:{frames[-1].lineno}" if frames else "elsewhere"


def waited(what: str) -> None:
    SEEN.waits[f"{what} in {asked_from()}"] += 1


def synchronize(*_: object) -> None:
    SEEN.synchronized += 1


class OnCard(torch.Tensor):
    """A tensor that says that it is on the card; `elem` holds its values."""

    @staticmethod
    def __new__(cls, elem: torch.Tensor, requires_grad: bool | None = None) -> "OnCard":
        made = torch.Tensor._make_wrapper_subclass(
            cls, elem.shape, strides=elem.stride(), storage_offset=elem.storage_offset(), dtype=elem.dtype, device="cpu",
            requires_grad=elem.requires_grad if requires_grad is None else requires_grad,
        )  # fmt: skip
        made.elem = elem.detach()
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl
    device = property(lambda self: CUDA)
    is_cuda = property(lambda self: True)
    is_cpu = property(lambda self: False)

    def __repr__(self, *, tensor_contents: object = None) -> str:
        return f"OnCard({self.elem})"

    def numpy(self, **_: object) -> None:
        raise TypeError("can't convert cuda:0 device type tensor to numpy")

    __array__ = numpy

    def tolist(self) -> object:
        waited("tolist")
        return self.elem.tolist()

    def data_ptr(self) -> int:
        return self.elem.data_ptr()

    def cpu(self, *_: object, **__: object) -> torch.Tensor:
        return self.to("cpu")

    def __reduce_ex__(self, protocol: int) -> tuple:  # a file of torch keeps the values; they are loaded to the CPU
        waited("saving")
        return self.elem.__reduce_ex__(protocol)

    def __deepcopy__(self, memo: dict) -> "OnCard":
        made = OnCard(self.elem.clone(), self.requires_grad)
        if isinstance(self, torch.nn.Parameter):
            made = torch.nn.Parameter(made, self.requires_grad)
        memo[id(self)] = made
        return made

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = func._schema.name.split("::")[1]
        on_host = [a for a in tree_leaves((args, kwargs)) if isinstance(a, torch.Tensor) and not isinstance(a, OnCard)]
        if name not in MAY_MIX and any(a.ndim for a in on_host) and not made_by_autograd(on_host):
            raise RuntimeError(f"operands of {name} must be on one device; got cuda:0 and cpu, in {asked_from()}")
        if name in WAITS:
            waited(name)
        if name in INDEXING and any(index is not None and index.dtype in (torch.bool, torch.uint8) for index in args[1]):
            waited("mask as index")
        if name in NOT_DETERMINISTIC:
            SEEN.not_deterministic[f"{name} in {asked_from()}"] += 1
        to_host = name == "copy_" and isinstance(args[1], OnCard) and not isinstance(args[0], OnCard)
        if to_host:
            waited("copy to host")
        elif name == "copy_" and not isinstance(args[1], OnCard):
            waited("copy from host")
        plain = tree_map(lambda a: a.elem if isinstance(a, OnCard) else a, (args, kwargs))
        out = func(*plain[0], **(plain[1] | ({"device": "cpu"} if "device" in kwargs else {})))
        if to_host:
            return args[0]
        if func._schema.is_mutable and isinstance(out, torch.Tensor):  # in place: return the same object
            changed = [
                arg
                for arg, of in zip(args, func._schema.arguments, strict=False)
                if of.alias_info is not None and of.alias_info.is_write and isinstance(arg, OnCard)
            ]
            if len(changed) == 1:
                return changed[0]
        return tree_map(lambda a: OnCard(a) if isinstance(a, torch.Tensor) and not isinstance(a, OnCard) else a, out)


def made_by_autograd(tensors: list[torch.Tensor]) -> bool:
    """Whether these are zeros in a backward pass, which C++ makes for results without a gradient, here on the wrong device."""
    return torch._C._current_autograd_node() is not None and not any(bool(one.any()) for one in tensors)


def default_device() -> torch.device | None:
    """The device of the innermost `with torch.device(...)`."""
    modes = [mode for mode in torch.overrides._get_current_function_mode_stack() if isinstance(mode, DeviceContext)]
    return modes[-1].device if modes else None


def is_card(device: object) -> bool:
    return device is not None and not isinstance(device, torch.dtype) and torch.device(device).type == "cuda"


PINNED: WeakValueDictionary[int, torch.Tensor] = WeakValueDictionary()
"""The tensors in pinned memory, by their id."""


def pin_memory(x: torch.Tensor) -> torch.Tensor:
    copied = x.clone()
    PINNED[id(copied)] = copied
    return copied


class Placing(TorchFunctionMode):
    """Answers what torch decides before a tensor's own class is asked: where a tensor is made, and where it is copied to."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs, name = dict(kwargs or {}), getattr(func, "__name__", "")
        if isinstance(func, MethodWrapperType) or name in ("__get__", "__set__"):
            of = getattr(getattr(func, "__self__", None), "__name__", "")
            if args and isinstance(args[0], OnCard) and of in ("device", "is_cuda", "is_cpu"):
                return {"device": CUDA, "is_cuda": True, "is_cpu": False}[of]
            return func(*args, **kwargs)
        if name == "to":
            return self.moved(func, args, kwargs)
        if name in ("item", "__bool__", "__int__", "__float__", "__index__") and isinstance(args[0], OnCard):
            waited(name)
            return func(args[0].elem)
        if name == "new_tensor" and isinstance(args[0], OnCard):
            waited("new_tensor")
            return OnCard(args[0].elem.new_tensor(*args[1:], **kwargs))
        if is_card(kwargs.get("device")):
            if name in ("tensor", "as_tensor"):
                waited(name)
            made = func(*args, **(kwargs | {"device": "cpu"}))
            return made if isinstance(made, OnCard) else OnCard(made, kwargs.get("requires_grad", False))
        return func(*args, **kwargs)

    def moved(self, func, args, kwargs):
        first, *rest = args
        if rest and isinstance(rest[0], torch.Tensor):  # to the device and type of another tensor
            rest = [CUDA if isinstance(rest[0], OnCard) else torch.device("cpu"), rest[0].dtype]
        rest += [value for key, value in kwargs.items() if key in ("device", "dtype") and value is not None]
        device = next((a for a in rest if isinstance(a, str | torch.device)), None)
        dtype = next((a for a in rest if isinstance(a, torch.dtype)), first.dtype)
        if is_card(device) and not isinstance(first, OnCard):
            if not (id(first) in PINNED and kwargs.get("non_blocking")):
                waited("copy from host")
            return OnCard(first.to(dtype).clone(memory_format=torch.preserve_format), first.requires_grad and first.is_leaf)
        if device is not None and not is_card(device) and isinstance(first, OnCard):
            waited("copy to host")
            return first.elem.detach().clone().to(dtype)
        return func(first, dtype) if dtype != first.dtype else first


def _one_hot(function, x, classes):  # it makes a tensor on what C++ believes to be the device
    return OnCard(function(x.elem, classes)) if isinstance(x, OnCard) else function(x, classes)


@contextmanager
def pretended_gpu() -> Iterator[Seen]:
    """Within this context there is one card; what it notes is in the value."""
    generator, autocast, one_hot = torch.Generator, torch.autocast.__init__, torch.nn.functional.one_hot

    def made_on_card(function):  # autograd's threads know no modes
        def made(*args, **kwargs):
            if not is_card(kwargs.get("device") or default_device()):
                return function(*args, **kwargs)
            return OnCard(function(*args, **(kwargs | {"device": "cpu"})), kwargs.get("requires_grad", False))

        return made

    cuda = {
        "is_available": lambda: True, "is_initialized": lambda: True, "device_count": lambda: 1, "current_device": lambda: 0,
        "set_device": lambda *_: None, "synchronize": synchronize, "mem_get_info": lambda *_: (80 << 30, 80 << 30),
        "get_device_name": lambda *_: "a pretended card", "max_memory_allocated": lambda *_: PEAK_MB << 20,
        "get_device_properties": lambda *_: SimpleNamespace(name="pretended", major=9, minor=0, total_memory=80 << 30),
        "is_current_stream_capturing": lambda: False, "reset_peak_memory_stats": lambda *_: None,
    }  # fmt: skip
    stream = SimpleNamespace(is_capturing=lambda: False)  # an optimizer asks before each step
    makers = ("arange", "zeros", "ones", "full", "empty", "rand", "randn", "linspace", "eye")
    SEEN.forget()
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    try:
        with (
            patch.multiple(torch.cuda, **cuda),
            patch.object(torch.accelerator, "current_stream", lambda *_: stream),
            patch.multiple(torch, **{name: made_on_card(getattr(torch, name)) for name in makers}),
            patch.object(torch.Tensor, "pin_memory", pin_memory),
            patch.object(torch, "Generator", lambda device="cpu": generator("cpu")),
            patch.object(torch, "inference_mode", lambda mode=True: torch.no_grad() if mode else nullcontext()),
            patch.object(torch.nn.functional, "one_hot", lambda x, classes=-1: _one_hot(one_hot, x, classes)),
            patch.object(torch.autocast, "__init__", lambda self, device_type, *a, **k: autocast(self, "cpu", *a, **k)),
            Placing(),
        ):
            yield SEEN
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(False)
