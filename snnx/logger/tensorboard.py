"""The logger that writes TensorBoard event files."""

from torch.utils.tensorboard import SummaryWriter

from snnx.record.job import Job


class TensorBoard:
    """Write event files into the run's folder; `tensorboard --logdir outputs` shows every run by its hash.

    The step is the epoch. A run that continues after it was killed writes all its epochs again; TensorBoard shows the newer
    ones.

    Args:
        job: the run to log.
    """

    def __init__(self, *, job: Job) -> None:
        self._writer = SummaryWriter(str(job.folder / "tensorboard"), purge_step=0)
        self._shown = 0

    def show(self, rows: list[dict[str, float]]) -> None:
        """Write the epochs that have not been written yet."""
        for row in rows[self._shown :]:
            for key, value in row.items():
                self._writer.add_scalar(key, value, int(row["epoch"]))
        self._shown = len(rows)

    def close(self, exit_code: int, metrics: dict[str, float]) -> None:
        """Write the final test metrics at the last epoch, and close the event file."""
        for key, value in metrics.items():
            if value is not None and key.startswith("test/"):
                self._writer.add_scalar(key, value, self._shown)
        self._writer.close()

    def abandon(self) -> None:
        """Do nothing: the thread of the writer ends with the process."""

    def stored_epochs(self) -> int:
        """The number of epochs that were written."""
        return self._shown
