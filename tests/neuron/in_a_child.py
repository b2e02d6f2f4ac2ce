"""Computes a layer in this process on two threads, then the same in a child process: `in_a_child.py fork` or `forkserver`.

It imports little, because the child of a fork server imports it again.
"""

import multiprocessing
import sys

import torch

from snnx.neuron.lif import LIF


def big():
    return torch.randn(8, 64, 300, generator=torch.Generator().manual_seed(4))


def child(results):
    torch.set_num_threads(1)  # as in a data loader's worker, since torch's operations would wait for threads that are gone
    x = big()
    torch.set_num_threads(2)  # our kernels do not wait
    with torch.no_grad():
        node = LIF()
        s = node(x)
    torch.set_num_threads(1)
    results.put((node.path, float(s.sum())))


if __name__ == "__main__":
    torch.set_num_threads(2)
    layer = LIF()
    expected = float(layer(big().requires_grad_()).detach().sum())
    context = multiprocessing.get_context(sys.argv[1])
    answers = context.Queue()
    process = context.Process(target=child, args=(answers,))
    process.start()
    assert answers.get(timeout=60) == ("numba", expected)
    process.join()
