"""Everything random in a batch: which images, which labels, which noise.

Introduced in notebooks/00_start_here.ipynb.
"""
from __future__ import annotations

import json

import numpy as np
import torch
from torch import Tensor

from ..exact.checks import MANY, as_list, check_count, check_room, fits
from ..exact.laws import Normal
from ..pixels import scaled
from .images import as_tensor


def batches(source, z=None, batch=64, seed=0, unlabelled=None) -> Batches:
    """Batches of `batch` independent samples of `source`, with noise of law `z`.

    source      an `Images`, a law with `.sample(n, rng)`, or a float tensor (n, ...)
    z           a law with `.sample` and `.dim`; by default `Normal(dim=100)`
    unlabelled  an `Images` or a tensor: the pictures without labels that a loss calls `u`

    ValueError for a batch size that is no whole number above 0, a seed that is none, data without
    samples, numbers that are not finite or on another scale, labels that do not fit, and, when it
    is drawn, a law that gives other than it promises; TypeError for a source or a z that nothing
    can be drawn from.
    """
    return Batches(source, z, batch, seed, unlabelled)


class Batches:
    """Draws `x`, `y`, `u`, `z` by name, and only those that are asked for.

    `x` (batch, c, h, w) float32 in [-1, 1], or (batch, dim) from a law; `y` (batch,) int64, the
    labels of `x` (from a law of several modes, the number of the mode); `u` like `x`; `z`
    (batch, z.dim) float32. Sampling is with replacement, so `x` is an independent sample of the
    empirical law. Two random generators: one for training, one for `noise`, so that looking at
    samples never changes a training.
    """

    def __init__(self, source, z=None, batch=64, seed=0, unlabelled=None):
        if not fits(batch, least=1, most=MANY, whole=True):
            raise ValueError(f"batch={batch!r}: a batch is a whole number of samples, from 1 to "
                             f"{MANY:,}")
        batch = int(batch)                       # not of NumPy or torch
        z = Normal(dim=100) if z is None else z
        if isinstance(z, type):
            raise TypeError(f"z={z.__name__} is a class: give one of its kind, as Normal(dim=100)")
        if not (hasattr(z, "sample") and hasattr(z, "dim")):
            raise TypeError(f"z={z!r} is no law with .sample and .dim, as Normal(dim=100)")
        check_count("z.dim", z.dim, most=MANY)
        check_count("seed", seed, least=0, why="without one nobody can draw the same again")
        self.z, self.batch, self.device = z, batch, torch.device("cpu")
        self._x = _pool(source)
        check_room("batches", batch, *(self._x.shape[1:] if isinstance(self._x, Tensor) else ()))
        check_room("noise of a batch", batch, z.dim)
        self._u = None if unlabelled is None else _pool(unlabelled)
        self._y = getattr(source, "labels", None)
        _check_labels(self._y, self._x)
        self._names = len(getattr(source, "classes", ()))
        # Two independent streams from one seed: what `noise` takes, `draw` does not miss.
        training, noise = np.random.SeedSequence(seed).spawn(2)
        self._rng = np.random.default_rng(training)
        self._noise_rng = np.random.default_rng(noise)
        self.seed = seed

    @property
    def dtype(self) -> torch.dtype:
        """Of x, u and z: float32, whatever torch's default is."""
        return torch.float32

    @property
    def names(self) -> tuple[str, ...]:
        """The names a loss may ask for."""
        labelled = self._y is not None or hasattr(self._x, "sample_with_modes")
        has = {"x": True, "y": labelled, "u": self._u is not None, "z": True}
        return tuple(name for name, there in has.items() if there)

    @property
    def classes(self) -> int | None:
        """How many labels there are; None where a batch has no y.

        As many as an `Images` has names; without names as many as its labels need; or the modes
        of a law.
        """
        if self._y is not None:
            return self._names or int(self._y.max()) + 1
        return len(self._x.laws) if hasattr(self._x, "laws") else None

    @property
    def absent(self) -> tuple[int, ...]:
        """Classes that no sample bears; () where the labels are no tensor (a ledger counts reads).

        ValueError for a label that is none of the classes.
        """
        if not isinstance(self._y, Tensor):
            return ()
        there = set(self._y.unique().tolist())
        if strange := sorted(y for y in there if not 0 <= y < self.classes):
            raise ValueError(f"label {strange[0]} is none of the {self.classes} classes: number "
                             f"them 0 to {self.classes - 1}")
        if self.classes - len(there) > 10_000:       # a list of them would help nobody
            raise ValueError(f"label {max(there)} makes {self.classes:,} classes, and samples bear "
                             f"{len(there)} of them: number the labels from 0, without gaps")
        return tuple(sorted(set(range(self.classes)) - there))

    def draw(self, names, device=None) -> dict[str, Tensor]:
        """One batch: a dictionary with exactly the `names` asked for, on `device`.

        ValueError, saying what can be had, for a name that these data do not give.
        """
        listed = _iterated(names)
        if isinstance(names, str) or not all(isinstance(name, str) for name in listed):
            raise ValueError(f"names = {names!r}: a set of names, such as {{\"x\", \"z\"}}")
        names = set(listed)
        if not names <= set(self.names):
            raise ValueError(self._missing(sorted(names - set(self.names))))
        if device is not None:
            self.to(device)
        drawn = {}
        if names & {"x", "y"}:
            drawn = self._draw(self._x, self._y, names)
        if "u" in names:
            drawn["u"] = self._draw(self._u, None, {"x"})["x"]
        if "z" in names:
            drawn["z"] = self._points(self.z.sample(self.batch, self._rng), self.z, self.batch)
        return drawn

    def probe(self, names, n=2) -> dict[str, Tensor]:
        """`n` samples by name, to try shapes on; both random generators are put back."""
        check_count("n", n, most=MANY)
        batch, state = self.batch, self.state()
        try:
            self.batch = n
            return self.draw(names)
        finally:
            self.batch = batch
            self.load_state(state)

    def noise(self, n: int, seed: int | None = None) -> Tensor:
        """(n, z.dim) float32: noise to look at samples with, from a generator of its own.

        With a `seed`, the same noise every time. ValueError for n < 1.
        """
        check_count("n", n)
        check_room("noise", n, self.z.dim)
        if seed is not None:
            check_count("seed", seed, least=0)
        rng = self._noise_rng if seed is None else np.random.default_rng(seed)
        return self._points(self.z.sample(n, rng), self.z, n)

    def to(self, device) -> Batches:
        """Keep the data on `device`; later batches are drawn there. ValueError for a device that is
        none, or cannot be used here."""
        try:
            device = torch.device(device)
            usable = not torch.empty(0, device=device).is_meta
        except (RuntimeError, AssertionError, TypeError, ValueError) as error:
            raise ValueError(f"device {device!r} cannot be used here "
                             f"({(str(error).splitlines() or [''])[0][:90]}): take \"cpu\", or "
                             "leave it to train") from error
        if not usable:
            raise ValueError("on the device meta there are shapes and no numbers: take \"cpu\"")
        if device != self.device:
            for name in ("_x", "_u", "_y"):
                if isinstance(getattr(self, name), Tensor):
                    setattr(self, name, getattr(self, name).to(device))
            self.device = device
        return self

    def made_of(self) -> dict[str, object]:
        """What is drawn from, by name: a checkpoint compares it with the data of its training."""
        return {"data": self._x, "labels": self._y, "unlabelled": self._u, "noise": self.z,
                "seed of batches": self.seed}

    def state(self) -> str:
        """Where both generators stand, as JSON: what a checkpoint needs to continue exactly."""
        return json.dumps([self._rng.bit_generator.state, self._noise_rng.bit_generator.state])

    def load_state(self, state: str) -> None:
        """Continue where `state` was taken. ValueError for what `.state()` never returned."""
        try:
            training, noise = json.loads(state)
            self._rng.bit_generator.state, self._noise_rng.bit_generator.state = training, noise
        except (TypeError, ValueError, KeyError, OverflowError, RecursionError) as error:
            raise ValueError("no state of a Batches: pass what .state() returned") from error

    def __repr__(self):
        return f"Batches({', '.join(self.names)}; batch={self.batch}, z={self.z!r})"

    def _missing(self, names) -> str:
        why = {"y": "the data have no labels: pass an Images with labels",
               "u": "pass batches(..., unlabelled=images)"}
        known = ", ".join(self.names)
        asked = "; ".join(f"no {n!r} ({why[n]})" if n in why else f"no {n!r}" for n in names)
        return f"a batch has {asked}. It can give {known}."

    def _draw(self, pool, labels, names) -> dict[str, Tensor]:
        """`x` and `y` of one batch, in the same order, as far as `names` asks for them."""
        drawn = {}
        if isinstance(pool, Tensor):
            # Always drawn on the CPU: every device sees the same samples in the same order.
            rows = torch.from_numpy(self._rng.integers(0, len(pool), self.batch))
            rows = rows.to(self.device, non_blocking=True)
            if "x" in names:
                drawn["x"] = scaled(pool.index_select(0, rows))  # bytes are kept, numbers made here
            if "y" in names:
                drawn["y"] = labels.index_select(0, rows)
        elif "y" in names:
            x, modes = pool.sample_with_modes(self.batch, self._rng)
            modes = _whole(modes, pool)
            drawn["y"] = torch.from_numpy(modes).to(self.device)
            if "x" in names:
                drawn["x"] = self._points(x, pool, self.batch)
        else:
            drawn["x"] = self._points(pool.sample(self.batch, self._rng), pool, self.batch)
        return drawn

    def _points(self, points, law, n: int) -> Tensor:
        """(n,) or (n, dim) of a law -> float32 (n, dim) on the device."""
        with np.errstate(over="ignore"):
            points = np.asarray(points, dtype=np.float32)
        if points.ndim not in (1, 2) or len(points) != n or not np.isfinite(points).all():
            raise ValueError(f"{law!r} was asked for {n} samples and gave shape {points.shape}: "
                             f"they are ({n}, dim) numbers that float32 holds, without nan or inf")
        return torch.from_numpy(points.reshape(len(points), -1)).to(self.device, non_blocking=True)


def _pool(source):
    """What samples are taken from: a tensor of them (bytes stay bytes, a quarter of the memory),
    or a law."""
    if isinstance(source, type):
        raise TypeError(f"{source.__name__} is a class: give one of its kind, "
                        f"{source.__name__}()")
    data = getattr(source, "images", source)
    if isinstance(data, (np.ndarray, Tensor)):
        data = as_tensor(data, "samples are a float tensor or array (n, ...)")
    if isinstance(data, Tensor):
        if data.dim() < 2 or not data.numel():
            raise ValueError(f"no samples to draw from: the data have shape {tuple(data.shape)}; "
                             "give at least one, as (n, dim) or (n, channels, height, width)")
        # what a generator made in a graph would be differentiated again in every step
        return data if data.dtype == torch.uint8 else _numbers(data.detach())
    if not hasattr(data, "sample"):
        raise TypeError(f"cannot draw from {type(source).__name__}: give an Images "
                        "(load_images()), a law with .sample, or a tensor (n, ...)")
    return data


def _numbers(data: Tensor) -> Tensor:
    """Samples as float32; ValueError for what is none, and for pictures on another scale.

    Pictures are what has four axes: they are compared with what a generator makes, which ends in
    tanh.
    """
    shape = tuple(data.shape)
    if data.is_complex() or data.dtype == torch.bool:
        raise ValueError(f"samples of {data.dtype} {shape}: give real numbers, or bytes as uint8")
    if data.dim() == 4 and not data.is_floating_point():
        raise ValueError(f"pictures of {data.dtype} {shape}: bytes are uint8, .to(torch.uint8), "
                         "and numbers lie in [-1, 1]")
    data = data.to(torch.float32)
    if not data.isfinite().all():
        raise ValueError(f"samples of shape {shape} hold nan, inf or what float32 cannot hold: "
                         "leave them out, or rescale them")
    # grey alone, all 0, says nothing of its scale
    if data.dim() == 4 and (data.min() >= 0 and data.any() or data.abs().max() > 1.001):
        raise ValueError(f"pictures from {data.min():g} to {data.max():g}: numbers of pictures lie "
                         "in [-1, 1], black -1 and white 1, as generators make them; from [0, 1] "
                         "they come by 2 * x - 1")
    return data


def _check_labels(labels, pool):
    """ValueError unless labels, where there are any, are whole numbers, one a sample."""
    if isinstance(labels, Tensor) and isinstance(pool, Tensor) and (
            labels.shape != pool.shape[:1] or labels.is_floating_point() or labels.is_complex()):
        raise ValueError(f"{len(pool)} samples need {len(pool)} whole-number labels, not "
                         f"{labels.dtype} of shape {tuple(labels.shape)}")


def _iterated(names) -> list:
    try:
        return as_list("names", names, 1000)
    except TypeError:
        return [None]


def _whole(modes, law) -> np.ndarray:
    """Modes of a law as int64; ValueError for what is no whole number."""
    modes = np.asarray(modes)
    if modes.dtype.kind not in "iu":
        raise ValueError(f"{law!r} numbers its modes by {modes.dtype}: whole numbers from 0")
    return modes.astype(np.int64)
