"""Executes one run: from its configuration to its result, in the order in which data flows."""

import time
import traceback
from contextlib import nullcontext
from datetime import UTC, datetime

import pytorch_lightning as pl
from omegaconf import OmegaConf

from snnx.dataset.published import NoData
from snnx.logger.views import views_of
from snnx.method.base import Method
from snnx.method.finite import Diverged
from snnx.metric.layer_values import as_csv
from snnx.record import provenance, result_file, run_folder, source
from snnx.record.checkpoint import CODE, DATA, path_of
from snnx.record.job import Job
from snnx.record.masked import masked
from snnx.record.write import write
from snnx.run import ddp
from snnx.run.allocator import keep_memory
from snnx.run.build import build_data, build_method, build_trainer
from snnx.run.built import built, implementation
from snnx.run.callback.answers import Answers
from snnx.run.callback.epoch_log import EpochLog
from snnx.run.callback.epoch_tests import EpochTests
from snnx.run.callback.first_losses import FirstLosses
from snnx.run.callback.keep import Keep
from snnx.run.callback.locked import Locked
from snnx.run.callback.paths import Paths
from snnx.run.callback.progress import Progress
from snnx.run.callback.prune import Prune
from snnx.run.callback.reseed import Reseed
from snnx.run.callback.silent import Silent
from snnx.run.callback.stop import Stop
from snnx.run.callback.warn import Warn
from snnx.run.cards import take
from snnx.run.component import component
from snnx.run.create import create
from snnx.run.history import finished
from snnx.run.on_one_device import on_one_device
from snnx.run.out_of_memory import evaluated_within_memory, trained_within_memory
from snnx.run.outdated import code_of, require_same_code, write_inputs
from snnx.run.peak_memory import gpu_peak_memory_mb, peak_memory_mb
from snnx.run.reason import with_own_line
from snnx.run.shared_training import SharedTraining
from snnx.run.test import test
from snnx.run.trial import OF_THE_TEST_PART, on_validation, withhold_test


def execute(job: Job) -> dict:
    """Lock a run, execute it and write its result; a run that is done already is not executed again.

    Returns:
        The content of `result.json`; `status` is one of done, failed, diverged, no data, pruned.

    Raises:
        Busy: another process is executing the run. It may have started because somebody has removed this process's lock.
        KeyboardInterrupt: the run was interrupted; no result is written.
    """
    with run_folder.hold(job.folder) as hold:
        if (found := finished(job)) is not None:
            run_folder.link(job.link, job.folder)
            return found
        ddp.require_first_process()
        run_folder.tidy(job.folder)
        take(job.config["trainer"])
        started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
        try:
            run_folder.link(job.link, job.folder)
            (job.folder / "result.json").unlink(missing_ok=True)
            write(job.folder / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(job.config)))
            found = {"status": "done", **compute(job, hold), "error": None}
            hold.require()
        except (Exception, SystemExit) as error:  # if a component calls sys.exit, only this run fails, not the whole sweep
            status = "diverged" if isinstance(error, Diverged) else "no data" if isinstance(error, NoData) else "failed"
            message, trace = masked(with_own_line(error, job.config)), masked("".join(traceback.format_exception(error)))
            found = {"status": status, "error": {"type": type(error).__name__, "message": message, "traceback": trace}}
        finally:
            (job.folder / "progress.json").unlink(missing_ok=True)
        wall_s = time.monotonic() - clock + found.get("before_s", 0.0)
        outcome = {
            **provenance.of(job),
            **found,
            "started": started,
            "wall_s": round(wall_s, 2),
        }
        with nullcontext() if hold.held() else run_folder.hold(job.folder):  # busy if another process has taken the run
            write(job.folder / "result.json", result_file.to_json(outcome))
        return outcome


def assist(job: Job) -> None:
    """Train this machine's part of a run that another machine leads; nothing is written here.

    Raises:
        KeyboardInterrupt: the run was interrupted.
        RuntimeError: a process of another machine ended.
    """
    ddp.require_first_process()
    take(job.config["trainer"])
    compute(ddp.without_views(job))


def compute(job: Job, hold: run_folder.Hold | None = None) -> dict:
    """Build the stages, fit, and test at the last and at the best epoch.

    Args:
        job: the run.
        hold: this process's lock on the run; `None` in the other processes of a run on several devices, which write nothing.
    """
    config, folder, leads = job.config, job.folder, ddp.leads(job)
    require_same_code(job)
    keep_memory()
    pl.seed_everything(config["seed"], workers=True, verbose=False)

    data = build_data(config)
    data.setup()
    if search := config.get("search"):
        withhold_test(data)
    code, content = code_of(config), data.content()
    made_with = {CODE: source.digest(code), DATA: content["content"]}
    if leads:
        write_inputs(folder, code, content)
    method = build_method(config, data)
    as_built = built(method.backbone)
    quantization = component(config, "quantization")
    if quantization is not None:
        with quantization.applied(method.backbone, quantization.bits[0]):  # raises an error now, rather than after the training
            pass

    fit_s = 0.0
    keep = Keep(folder / "ckpt", job.id, made_with, outdated=config["outdated"])
    stop = Stop()
    with views_of(job, create("logger", config["logger"])) as (views, final), stop.listening():
        curves = EpochLog(folder / "metrics.csv", views)
        first, answers, warn, silent, paths = FirstLosses(), Answers(), Warn(), Silent(), Paths()
        prune = [Prune(search, curves)] if search and search["pruner"] else []
        epoch_tests = [EpochTests(method)] if config["test_every_epoch"] else []
        callbacks = [Locked(hold)] if hold else []
        callbacks += [Reseed(config["seed"]), first, answers, Progress(folder / "progress.json"), stop, curves, warn, paths]
        callbacks += [silent, *epoch_tests, *prune, keep]
        callbacks += [metric for metric in method.metrics.values() if isinstance(metric, pl.Callback)]  # they watch training
        with ddp.other_processes(job, compute):
            trainer = build_trainer(config, job.id, folder, callbacks=callbacks, made_with=made_with)
            if trainer.max_epochs:
                shared = SharedTraining(job, method)
                fit(trainer, method, data, keep, shared)
                fit_s = keep.spent_s
        if stop.asked:
            raise KeyboardInterrupt
        if not leads:
            return {}
        if trainer.max_epochs:
            shared.leave(keep)
        if trainer.world_size > 1:  # test in one process, so that each sample counts exactly once
            trainer = build_trainer(on_one_device(config), job.id, folder, callbacks=callbacks, made_with=made_with)
        first_losses, warnings = first.losses, list(warn.found)
        history, best, resumed, before_s = curves.curves(), keep.best_epoch, keep.resumed, keep.before_s  # testing changes them
        if (trained_by := keep.trained_by) is not None:
            before_s = 0.0  # the seconds of the training are the other run's
        other = best and best != trainer.max_epochs  # the last epoch is tested in any case; if it is the best, once is enough
        validated = answers.validated()
        last = {key: values[-1] for key, values in history.items()}
        if accuracies := history.get("val/acc", []):
            last |= {"val/acc_first": accuracies[0], "val/acc_best": max(accuracies), "best_epoch": best}
        if by_epoch := [accuracy for one in epoch_tests for accuracy in one.accuracies]:
            last["test/acc_chosen_on_test"] = max(by_epoch)
        if any(one.pruned for one in prune):
            final |= last
            return {"status": "pruned", "metrics": last, "curves": history, "before_s": round(before_s, 2)}
        at_best = path_of(keep.folder, best) if other and not search else None
        with evaluated_within_memory(trainer, data):
            tested = test(trainer, method, data, answers, at_best, quantization)
        if search:
            tested = on_validation(tested)
        final |= {**last, **tested["metrics"]} | last  # a trial's `val/acc` is that of its training, as in any run

    write(folder / "layers.csv", as_csv(tested["layers"]))
    keep.prune({best, trainer.max_epochs})
    facts = {
        "name": config["dataset"]["_target_"].split(".")[-2],
        **data.split_counts,
        "split": data.split_hash,
        "content": content["content"],
        "chance": data.chance,
        **data.facts,
    }
    return {
        **tested,
        "metrics": final,
        "curves": history,
        **({"epoch_tests": by_epoch} if by_epoch else {}),
        "first_losses": first_losses,
        "warnings": warnings + silent.found,
        "data": {key: value for key, value in facts.items() if not (search and key in OF_THE_TEST_PART)},
        "answers": {
            part: {
                "samples": data.split_counts[part],
                "identity": data.part_hash[part],
                "correct": correct,
                **({"clusters": data.clusters[part]} if part in data.clusters else {}),
            }
            for part, correct in (("val", validated), ("test", tested.pop("answers")))
            if correct
        },
        "exact": [key for key in method.exact if key in final],
        "formulas": {key: text for key, text in method.formulas.items() if key in final},
        "code": made_with[CODE],
        "parameters": sum(p.numel() for p in method.parameters()),
        "paths": paths.found,
        "built": as_built | {"implementation": implementation(method.backbone)},  # known only after a forward pass
        "resumed": resumed,
        **({"trained_by": trained_by} if trained_by else {}),
        "before_s": round(before_s, 2),
        "fit_s": round(fit_s, 2),
        "device": provenance.device(trainer.strategy.root_device),
        "peak_memory_mb": peak_memory_mb(),
        **({"gpu_peak_memory_mb": gpu} if (gpu := gpu_peak_memory_mb()) else {}),
    }


def fit(trainer: pl.Trainer, method: Method, data: pl.LightningDataModule, keep: Keep, shared: SharedTraining) -> None:
    """Train from the newest good checkpoint; without one, take that of a run that has trained the same, or begin anew."""
    checkpoint, complaints = keep.resume_from()
    for complaint in complaints:
        print(f"snnx: {complaint}", flush=True)
    if checkpoint is None:
        checkpoint = shared.take(keep, trainer.max_epochs, provenance.device(trainer.strategy.root_device))
    else:
        print(f"snnx: continuing from {checkpoint}", flush=True)
    try:
        with trained_within_memory(trainer, method, data):
            trainer.fit(method, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):  # Lightning turns Ctrl-C into SystemExit; turn it back
            raise KeyboardInterrupt from None
        raise
