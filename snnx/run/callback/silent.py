"""Warns of a network that does not spike in the test."""

import pytorch_lightning as pl
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from snnx.neuron.spiking import spiking_layers
from snnx.record.summary import SILENT
from snnx.run.callback.looks import looks


class Silent(pl.Callback):
    """Prints a line if no layer of neurons fired in the whole test.

    The layers are watched until the first spike is found, which is looked for rarely on a GPU; see `looks`. A network without
    spiking neurons is not judged. The last validation uses the same weights, so it is not watched.

    Attributes:
        found: the warning, or nothing.
    """

    def __init__(self) -> None:
        self.found: list[str] = []
        self._hooks: list[RemovableHandle] = []  # the hooks that watch the layers; they are removed at the first spike
        self._fired: Tensor | None = None  # whether a layer has fired, on the device; `None` if no layer has computed anything

    def on_test_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: object, batch_idx: int) -> None:
        if batch_idx == 0:  # a method converts its network at the start of the epoch
            self._watch(pl_module.tested)

    def on_test_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: object, batch: object, batch_idx: int
    ) -> None:
        if self._hooks and self._fired is not None and looks(pl_module.device, batch_idx) and bool(self._fired):
            self._remove_hooks()

    def on_test_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        silent = bool(self._hooks) and self._fired is not None and not bool(self._fired)
        self._remove_hooks()
        if silent and trainer.is_global_zero and not self.found:  # a run may have several tests
            self.found.append(SILENT)
            print(f"snnx: warning: {SILENT}", flush=True)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        self._remove_hooks()

    def _watch(self, network: nn.Module) -> None:
        self._remove_hooks()
        self._fired = None
        self._hooks = [layer.register_forward_hook(self._see) for layer in spiking_layers(network).values()]

    def _see(self, module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        fired = (output > 0).any()
        self._fired = fired if self._fired is None else self._fired | fired

    def _remove_hooks(self) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks = []
