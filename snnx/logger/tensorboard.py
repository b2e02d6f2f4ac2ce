"""TensorBoard as a view of a run."""

from torch.utils.tensorboard import SummaryWriter

from snnx.record.job import Job


class TensorBoard:
    """Event files in the run's own folder: `tensorboard --logdir outputs` shows every run by its hash.

    The step is the epoch. An attempt that goes on where another was killed writes all rows anew; TensorBoard shows the newer.

    Args:
        job: the run.
    """

    def __init__(self, *, job: Job) -> None:
        self._writer = SummaryWriter(str(job.folder / "tensorboard"), purge_step=0)
        self._shown = 0

    def show(self, rows: list[dict[str, float]]) -> None:
        """Write the epochs that were not shown yet."""
        for row in rows[self._shown :]:
            for key, value in row.items():
                self._writer.add_scalar(key, value, int(row["epoch"]))
        self._shown = len(rows)

    def close(self, exit_code: int, metrics: dict[str, float]) -> None:
        """Add the final metrics at the last epoch, flush, and close the event file."""
        for key, value in metrics.items():
            if value is not None and key.startswith("test/"):
                self._writer.add_scalar(key, value, self._shown)
        self._writer.close()

    def abandon(self) -> None:
        """Nothing to do: its writer's thread ends with the process."""

    def holds(self) -> int:
        """How many epochs were written."""
        return self._shown
