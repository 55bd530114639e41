"""Evaluation mode for a while: what every reader of a trained network needs."""
from __future__ import annotations

import contextlib

from torch import nn


@contextlib.contextmanager
def evaluating(net: nn.Module):
    """`with evaluating(net):` has `net` in evaluation mode; every module's own mode is put back."""
    modes = [(module, module.training) for module in net.modules()]
    net.eval()
    try:
        yield net
    finally:
        for module, mode in modes:
            module.training = mode
