"""Warnings during a training: of layers that do not fire, and of networks that do not learn."""

import math
from functools import partial

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from snnx.neuron.spiking import spiking_layers
from snnx.run.callback.looks import looks

NEAR = 0.005  # largest relative difference from log K at which the loss counts as log K
STAYS = 2  # number of epochs in a row that the loss must stay at log K before a warning
SCORES = "scores"  # key of the hook on the network's scores; no layer has this name


class Warn(Checkpoint):
    """Prints a line if a layer did not fire for an epoch, if every sample had equal scores, or if the loss stays at log K.

    With K classes, log K is the loss of equal scores. Each warning is printed once, with the number of the epoch. A layer is
    watched until its first spike in an epoch is found, and the scores until two classes of a sample differ. On a GPU this is
    looked for after 1, 2, 4, 8, ... batches only, since the host waits for each look. In a training on several devices, each
    process sees its part of each batch, and the first process prints the warnings.

    It is a `Checkpoint` because Lightning calls checkpoint callbacks after the module's own epoch end, which logs the loss. It
    must come before the callback that saves the checkpoint (`Keep`), so that the checkpoint contains the warnings.

    Attributes:
        found: the warnings, in the order in which they were given.
    """

    def __init__(self) -> None:
        self.found: list[str] = []
        self._seen: set[str] = set()
        self._hooks: dict[str, RemovableHandle] = {}  # the hook of each layer that has not fired in this epoch, by its name
        self._fired: dict[str, Tensor] = {}  # whether each hooked layer that has run has fired, on the device
        self._at_log_k = 0  # number of epochs for which the loss has been log K

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._remove_hooks()
        for name, layer in spiking_layers(pl_module).items():
            self._hooks[name] = layer.register_forward_hook(partial(self._see_spikes, name))
        self._hooks[SCORES] = pl_module.decoding.register_forward_hook(self._see_scores)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs, batch, batch_idx: int) -> None:
        if self._fired and looks(pl_module.device, batch_idx):
            self._look()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._look()
        tied = SCORES in self._fired
        silent = [name.removeprefix("backbone.") for name in self._hooks if name != SCORES]
        self._remove_hooks()
        loss, classes = float(trainer.callback_metrics["train/loss"]), trainer.datamodule.classes
        at_log_k = isinstance(pl_module.loss, nn.CrossEntropyLoss) and abs(loss / math.log(classes) - 1) <= NEAR
        self._at_log_k = self._at_log_k + 1 if at_log_k else 0
        if not trainer.is_global_zero:
            return
        epoch = trainer.current_epoch + 1
        for layer in silent:
            self._warn(layer, f"{layer} did not fire in epoch {epoch}")
        if tied:
            self._warn(SCORES, f"in epoch {epoch}, every sample had the same score for all classes")
        if self._at_log_k >= STAYS:
            log_k = f"log {classes} = {math.log(classes):.3f}, the loss of equal scores"
            self._warn("loss", f"the training loss was {log_k}, for {STAYS} epochs up to epoch {epoch}")

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        self._remove_hooks()

    def state_dict(self) -> dict:
        return {"found": self.found, "seen": sorted(self._seen), "at_log_k": self._at_log_k}

    def load_state_dict(self, state_dict: dict) -> None:
        self.found, self._seen = list(state_dict["found"]), set(state_dict["seen"])
        self._at_log_k = state_dict["at_log_k"]

    def _warn(self, what: str, text: str) -> None:
        if what not in self._seen:
            self._seen.add(what)
            self.found.append(text)
            print(f"snnx: warning: {text}", flush=True)

    def _see_spikes(self, name: str, module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        self._see(name, (output > 0).any())

    def _see_scores(self, module: nn.Module, inputs: tuple[Tensor], scores: Tensor) -> None:
        self._see(SCORES, (scores.amax(1) > scores.amin(1)).any())

    def _see(self, name: str, fired: Tensor) -> None:
        self._fired[name] = self._fired[name] | fired if name in self._fired else fired

    def _look(self) -> None:
        """Remove the hooks of what has fired; all flags are read at once, so that the host waits for a GPU only once."""
        flags = torch.stack([*self._fired.values()]).tolist() if self._fired else []
        for name, fired in zip(list(self._fired), flags, strict=True):
            if fired:
                del self._fired[name]
                self._hooks.pop(name).remove()

    def _remove_hooks(self) -> None:
        for hook in self._hooks.values():
            hook.remove()
        self._hooks, self._fired = {}, {}
