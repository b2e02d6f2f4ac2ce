"""The losses of the first training steps, which `snnx replay` later compares with a new training."""

import pytorch_lightning as pl

COUNT = 10  # number of losses that are kept


class FirstLosses(pl.Callback):
    """Keeps the loss of each of the first ten training batches, as `training_step` returned it.

    Attributes:
        losses: at most `COUNT` numbers, in order; they are stored in the checkpoint, so that a resumed run still has them.
    """

    def __init__(self) -> None:
        self.losses: list[float] = []

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: dict, *_: object) -> None:
        if len(self.losses) < COUNT and trainer.global_step == len(self.losses) + 1:
            self.losses.append(float(outputs["loss"]))

    def state_dict(self) -> dict:
        return {"losses": self.losses}

    def load_state_dict(self, state_dict: dict) -> None:
        self.losses = list(state_dict["losses"])
