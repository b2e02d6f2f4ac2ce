"""Reports a trial's validation accuracy to its search, and stops a trial that the search's pruner gives up."""

from collections.abc import Mapping

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint

from snnx.options.tune import ACCURACY
from snnx.run.callback.epoch_log import EpochLog
from snnx.run.create import create


class Prune(Checkpoint):
    """After each epoch, reports `val/acc` to the trial's study, and ends the training if the study's pruner says so.

    It never ends the last epoch, after which a trial is complete. A resumed run also reports the epochs before, because its
    trial may have a new number. It is a `Checkpoint` because Lightning calls checkpoint callbacks after the module's own epoch
    end; it must come after `EpochLog`, which has the accuracies, and after `Stop`, which also decides whether to end.

    Args:
        search: `study`, `trial`, `storage` and `pruner` of the trial, as `hydra/sweeper=snnx_tune` sets them.
        curves: the record of the training's epochs.

    Attributes:
        pruned: whether the training was ended.

    Raises:
        ModuleNotFoundError: optuna is not installed.
    """

    def __init__(self, search: Mapping, curves: EpochLog) -> None:
        self.search, self.curves = search, curves
        self.pruned = False

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        stop = trainer.is_global_zero and self._hopeless() and trainer.current_epoch + 1 < trainer.max_epochs
        self.pruned = trainer.strategy.reduce_boolean_decision(stop, all=False)
        trainer.should_stop = trainer.should_stop or self.pruned

    def _hopeless(self) -> bool:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        storage = create("search.storage", self.search["storage"])
        study = optuna.load_study(
            study_name=self.search["study"], storage=storage, pruner=create("search.pruner", self.search["pruner"])
        )
        number = storage.get_study_id_from_name(self.search["study"]), self.search["trial"]
        own = storage.get_trial_id_from_study_id_trial_number(*number)
        known, trial = storage.get_trial(own), optuna.Trial(study, own)
        if known.state.is_finished():  # its sweeper died, and another one has asked for these settings again
            return False
        for row in self.curves.rows:
            if (epoch := int(row["epoch"])) not in known.intermediate_values:
                trial.report(row[ACCURACY], epoch)
        return trial.should_prune()
