"""Which of the machines of a run this is, as Slurm or torchrun says."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from lightning_fabric.plugins.environments import SLURMEnvironment

ALONE = "127.0.0.1"


@dataclass(frozen=True)
class MachineRank:
    """This machine among those of a run.

    Attributes:
        rank: its number, from 0; machine 0 locks the run, tests it and writes its files.
        address: the address of machine 0.
        port: the port on which machine 0 waits for the others; `None`: any free one, because there are no others.
    """

    rank: int
    address: str = ALONE
    port: int | None = None


def machine_rank(trainer: Mapping, environment: Mapping[str, str] = os.environ) -> MachineRank:
    """Find out which of its `trainer.num_nodes` machines a run is on.

    On each machine, the same command is started once. `srun --ntasks-per-node=1` sets `SLURM_NODEID` for it, and the first host
    of the job is machine 0. `torchrun --nproc-per-node=1` sets `GROUP_RANK`, `MASTER_ADDR` and `MASTER_PORT`. Somebody who
    starts the command by hand sets `NODE_RANK`, `MASTER_ADDR` and `MASTER_PORT`.

    Args:
        trainer: the run's options of the trainer.
        environment: the environment variables.

    Raises:
        ValueError: the run needs several machines, but the environment names another number of them, or none.

    Example:
        >>> machine_rank({"num_nodes": 2}, {"NODE_RANK": "1", "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "29500"})
        MachineRank(rank=1, address='10.0.0.1', port=29500)
    """
    count = trainer.get("num_nodes", 1)
    if count == 1:
        return MachineRank(0)
    if "MASTER_ADDR" in environment and {"NODE_RANK", "GROUP_RANK"} & set(environment):
        _require_one("LOCAL_WORLD_SIZE", "torchrun --nproc-per-node", environment.get("LOCAL_WORLD_SIZE", "1"))
        rank = environment.get("NODE_RANK", environment.get("GROUP_RANK"))
        machines = environment.get("GROUP_WORLD_SIZE", str(count))
        found = MachineRank(int(rank), environment["MASTER_ADDR"], int(environment.get("MASTER_PORT", "29500")))
    elif "SLURM_NODEID" in environment:
        machines = environment["SLURM_NNODES"]
        tasks, rest = divmod(int(environment["SLURM_NTASKS"]), int(machines))
        _require_one("SLURM_NTASKS", "srun --ntasks-per-node", str(tasks + bool(rest)))
        address = SLURMEnvironment.resolve_root_node_address(environment["SLURM_NODELIST"])
        found = MachineRank(int(environment["SLURM_NODEID"]), address, 15000 + int(environment["SLURM_JOB_ID"]) % 10000)
    else:
        raise ValueError(
            f"trainer.num_nodes={count} needs the command to be started once on each machine; got no SLURM_NODEID, GROUP_RANK "
            "or NODE_RANK: start it with srun --ntasks-per-node=1 or torchrun --nproc-per-node=1"
        )
    if int(machines) != count or not found.rank < count:
        raise ValueError(
            f"trainer.num_nodes must be the number of machines that the command was started on, {machines}; got {count} on "
            f"machine {found.rank}"
        )
    return found


def _require_one(variable: str, option: str, number: str) -> None:
    if number != "1":
        raise ValueError(
            f"{option} must be 1, because snnx starts the processes for trainer.devices itself; got {number} by {variable}"
        )
