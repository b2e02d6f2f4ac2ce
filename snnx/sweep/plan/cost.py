"""The cost of one run on this machine: time, memory and operations."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """The cost of one run; the seconds hold for this machine, with as many runs at a time as during the measurement."""

    parameters: int
    flops: float  # operations of one sample's forward pass over all time steps, as if all inputs were nonzero
    synops: float  # additions for one sample over all time steps, in layers of the untrained network that receive spikes
    peak_mb: int  # peak of main memory
    gpu_peak_mb: int | None  # peak of the GPU that uses most memory; None without a GPU
    start_s: float  # seconds to load the data, build the network and take the first steps
    step_s: float  # seconds per training step
    val_s: float  # seconds per validation batch
    test_s: float  # seconds per test batch, with all metrics
    save_s: float  # seconds per checkpoint
    steps: tuple[int, int, int]  # number of batches in training, validation and test
    epochs: int
    built: dict
    test_only: tuple[str, ...]  # see `own_test_only`

    @property
    def memory(self) -> str:
        """The peak memory, as text."""
        gpu = f", GPU {self.gpu_peak_mb:,} MB" if self.gpu_peak_mb else ""
        return f"{self.peak_mb:,} MB{gpu}"

    @property
    def run_s(self) -> float:
        """Seconds of a whole run."""
        return self.left_s(0)

    def left_s(self, last_epoch: int) -> float:
        """Seconds that a run still takes if `last_epoch` is the last epoch with a checkpoint; 0 for a run that trains anew."""
        train, val, test = self.steps
        epoch = train * self.step_s + val * self.val_s + self.save_s
        return self.start_s + (self.epochs - last_epoch) * epoch + test * (self.test_s + self.val_s)
