"""Runs command lines in processes that are forked from one that has imported torch and Lightning.

Importing them takes several seconds, and tests run hundreds of command lines. A process forked from here is like a new one in
that it imports snnx itself, reads its options from its own folder, and ends through Python's normal exit. It differs in that
these libraries are loaded already and that all children have the same hash seed. The same holds for the fork server that a
sweep starts for its runs, and which would import them again.
"""

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

LIMIT_S = 600
SERVER = """
import gc, json, os, runpy, signal, sys, traceback
from multiprocessing import util
import torch, pytorch_lightning, spikingjelly.activation_based.neuron, hydra, numba

def spawn(path, words, descriptors):
    "Start a fork server as multiprocessing.util.spawnv_passfds does, but in a fork of this process instead of a new Python."
    child = os.fork()
    if child:
        return child
    try:
        kept = {0, 1, 2, *descriptors}
        for descriptor in map(int, os.listdir("/proc/self/fd")):
            if descriptor not in kept:
                try:
                    os.close(descriptor)
                except OSError:  # the one that listed the folder
                    pass
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        sys.argv = ["-c"]
        exec(words[-1], {"__name__": "__main__"})
    except SystemExit:
        pass
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)

util.spawnv_passfds = spawn

def command(asked):
    os.setsid()
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    for number, path in enumerate((os.devnull, asked["out"], asked["err"])):
        os.dup2(os.open(path, os.O_RDWR), number)
    here = [] if os.environ.get("PYTHONSAFEPATH") else [asked["cwd"]]
    sys.path[:1] = [*here, *os.environ["PYTHONPATH"].split(os.pathsep)]
    try:
        if asked["argv"][0] == "-m":
            sys.argv = asked["argv"][1:]
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        else:
            sys.argv = asked["argv"]
            runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as exit:
        return exit.code
    except BaseException:
        traceback.print_exc()
        return 1
    return 0

def serve():
    answer, asked = os.fdopen(os.dup(1), "w"), os.fdopen(os.dup(0))
    gc.freeze()  # so that the children's garbage collection does not copy the pages of what is imported
    for line in asked:
        child = os.fork()
        if not child:
            answer.close()
            asked.close()
            return command(json.loads(line))
        print(child, file=answer, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=answer, flush=True)
    return 0

sys.exit(serve())
"""


@cache
def _server() -> subprocess.Popen:
    """The process that the others are forked from."""
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    for name in ("PYTHONPATH", "PYTHONSAFEPATH"):  # each command has its own
        env.pop(name, None)
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, bufsize=0)

    def close() -> None:
        server.stdin.close()
        server.stdout.close()
        server.wait()

    atexit.register(close)
    return server


def python(words: list[str], folder: Path, package: Path, **variables: str) -> subprocess.CompletedProcess:
    """Run `python WORDS`, which begin with `-m MODULE` or with a file, in `folder`, on one thread.

    Args:
        words: what follows `python`.
        folder: the current folder of the process.
        package: the folder that contains the snnx to be imported.
        variables: further environment variables.
    """
    env = {**os.environ, "PYTHONPATH": str(package), "OMP_NUM_THREADS": "1", **variables}
    with tempfile.TemporaryDirectory() as place:
        out, err = Path(place, "out"), Path(place, "err")
        out.touch()
        err.touch()
        server = _server()
        asked = {"argv": words, "cwd": str(folder), "env": env, "out": str(out), "err": str(err)}
        server.stdin.write(f"{json.dumps(asked)}\n".encode())
        child = int(server.stdout.readline())
        try:
            if not select.select([server.stdout], [], [], LIMIT_S)[0]:
                raise TimeoutError(f"{words} must end within {LIMIT_S} s; its output: {out.read_text()}{err.read_text()}")
        except BaseException:  # also Ctrl-C: the child must not answer for the next command
            os.killpg(child, signal.SIGKILL)
            server.stdout.readline()
            raise
        code = int(server.stdout.readline())
        return subprocess.CompletedProcess(words, code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))
