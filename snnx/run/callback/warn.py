"""Warnings during a training: of layers that do not fire or emit no spikes, and of networks that do not learn."""

import math
from functools import partial

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from snnx.neuron.cautions import cautions
from snnx.neuron.node import Node
from snnx.neuron.spiking import spiking_layers
from snnx.run.callback.looks import looks
from snnx.spike_time.claimed import are_spikes, claimed_spikes, most_spikes, up_to

NEAR = 0.005  # largest relative difference from log K at which the loss counts as log K
STAYS = 2  # number of epochs in a row that the loss must stay at log K before a warning
SAMPLES = 8  # number of samples of the first batch whose spikes are checked, so that the check takes little memory
SCORES = "scores"  # key of the hook on the network's scores; no layer has this name


class Warn(Checkpoint):
    """Prints a line if a layer did not fire for an epoch, if every sample had equal scores, or if the loss stays at log K.

    Before the first batch, it prints the lines of `snnx.neuron.cautions`. After it, it also prints a line for each layer of
    neurons that emitted other values than spikes, and one if parameters of the trained network got no gradient.

    Only the network that is trained in the present epoch is watched. A method of several stages may train one network first
    and another one later; see `Method.trained`.

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
        self._checked: set[str] = set()  # names of the layers whose first output has been checked
        # for each layer checked since the last look: a value that it emitted and that is no spike, or else 0; on the device
        self._other: dict[str, tuple[nn.Module, Tensor]] = {}
        self._backward: nn.Module | None = None  # the trained network whose gradients have been checked
        self._fired: dict[str, Tensor] = {}  # whether each hooked layer that has run has fired, on the device
        self._at_log_k = 0  # number of epochs for which the loss has been log K

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for text in cautions(pl_module.backbone) if trainer.is_global_zero else ():
            self._warn(text, text)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._remove_hooks()
        waiting = set(spiking_layers(pl_module.backbone).values()) - set(pl_module.trained.modules())
        for name, layer in spiking_layers(pl_module).items():
            if layer in waiting:
                continue
            self._hooks[name] = layer.register_forward_hook(partial(self._see_spikes, name))
        self._hooks[SCORES] = pl_module.decoding.register_forward_hook(self._see_scores)

    def on_after_backward(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        trained = pl_module.trained
        if trained is self._backward:
            return
        self._backward = trained
        names = [name for name, p in trained.named_parameters() if p.requires_grad and p.grad is None]
        if names and trainer.is_global_zero:
            nodes = any(isinstance(layer, Node) for layer in spiking_layers(trained).values())
            hint = "; in a neuron's step, spikes must come from self.fire(h, state)" if nodes else ""
            self._warn(
                "gradient",
                f"the loss gives no gradient to {len(names)} parameters, such as {names[0]}, so they do not learn{hint}",
            )

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs, batch, batch_idx: int) -> None:
        if self._fired and looks(pl_module.device, batch_idx):
            self._look(trainer.is_global_zero)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._look(trainer.is_global_zero)
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
        if not module.training:  # a validation, or a computation between two stages
            return
        self._see(name, (output > 0).any())
        if name not in self._checked and (s := claimed_spikes(module, output)) is not None:
            s = s[:, :SAMPLES].detach()
            other = torch.where(are_spikes(s, most_spikes(module)), 0.0, s).flatten()
            self._other[name] = module, other.take(other.abs().argmax())
            self._checked.add(name)

    def _see_scores(self, module: nn.Module, inputs: tuple[Tensor], scores: Tensor) -> None:
        if module.training:
            self._see(SCORES, (scores.amax(1) > scores.amin(1)).any())

    def _see(self, name: str, fired: Tensor) -> None:
        self._fired[name] = self._fired[name] | fired if name in self._fired else fired

    def _look(self, prints: bool) -> None:
        """Remove the hooks of what has fired, and warn of other values than spikes.

        All values are read at once, so that the host waits for a GPU only once.
        """
        checked, self._other = self._other, {}
        found = [*(value for _, value in checked.values()), *self._fired.values()]
        values = torch.stack([value.float() for value in found]).tolist() if found else []
        for (name, (layer, _)), value in zip(checked.items(), values, strict=False):
            if value and prints:
                self._warn(f"values of {name}", _no_spikes(name.removeprefix("backbone."), layer, value))
        for name, fired in zip(list(self._fired), values[len(checked) :], strict=True):
            if fired:
                del self._fired[name]
                self._hooks.pop(name).remove()

    def _remove_hooks(self) -> None:
        for hook in self._hooks.values():
            hook.remove()
        self._hooks, self._fired = {}, {}


def _no_spikes(name: str, layer: nn.Module, value: float) -> str:
    """Say that a layer emitted a value that is no spike."""
    steps = isinstance(layer, Node) and type(layer).step is not Node.step
    hint = ": step must return h, s and the new State, in this order" if steps else ""
    return f"{name} emitted {value:g}, but spikes must be {up_to(most_spikes(layer))}{hint}"
