"""TensorBoard as a view of a run."""

from pytorch_lightning.loggers import TensorBoardLogger

from snnx.job import Job


class TensorBoard(TensorBoardLogger):
    """Event files in the run's own folder: `tensorboard --logdir outputs` shows every run by its hash.

    Args:
        job: the run.
    """

    def __init__(self, *, job: Job) -> None:
        super().__init__(save_dir=str(job.folder), name="tensorboard", version="")

    def close(self, exit_code: int) -> None:
        """Flush and close the event file."""
        self.experiment.close()
