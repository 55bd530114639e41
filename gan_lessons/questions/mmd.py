"""Questions of notebooks/22_mmd.ipynb and their answers."""
import numpy as np

from ..exact.checks import as_numbers
from ..exact.mmd import normal_mmd2_slope
from ..exact.sinkhorn import sinkhorn, sinkhorn_divergence
from ..exact.transport import earth_mover

FAR = (.5, 1, 2, 4, 8, 16)                        # distances of the last question


def _of_points(distance: float = 3.0) -> list[float]:
    """W₁, ∫ (F - G)² and S₁ of two single points."""
    one = np.ones(1)
    return [float(earth_mover([0.], [distance])), half_energy([0.], [distance]),
            sinkhorn_divergence(one, one, [0.], [distance], 1.0)]


def _against_itself() -> float:
    """OT₁(p, p) of two points at distance 1."""
    half = np.full(2, .5)
    return sinkhorn(half, half, 1 - np.eye(2), 1.0).value


def _best_bandwidth(distance: float = 8.0) -> float:
    """log₂ h of the greatest slope of MMD² among the positions of the slider."""
    positions = np.arange(-2, 4.01, .25)
    return float(positions[np.argmax([normal_mmd2_slope(distance, 2 ** at) for at in positions])])


def half_energy(x, x_fake):
    """∫ (F - G)² dx of two samples on the line, from all pairs: (n,), (m,) -> a number."""
    x, x_fake = as_numbers(x, "x"), as_numbers(x_fake, "x_fake")
    if x.ndim != 1 or x_fake.ndim != 1:
        raise ValueError(f"samples on the line are (n,) and (m,), not {x.shape}, {x_fake.shape}")
    mean = lambda a, b: np.abs(a[:, None] - b).mean()
    return float(mean(x, x_fake) - mean(x, x) / 2 - mean(x_fake, x_fake) / 2)


def two_steps(g, x, z):
    """Two gradient steps of rate 0.1 of a generator on the energy distance: the mean of its samples
    afterwards, a number. The network is changed.
    """
    import torch

    from ..game import check_network
    from ..objectives.mmd import minus_distance, mmd2
    check_network("g", g)
    weights = list(g.parameters())
    for _ in range(2):
        slopes = torch.autograd.grad(mmd2(minus_distance, x, g(z)), weights)
        with torch.no_grad():
            for weight, slope in zip(weights, slopes):
                weight -= .1 * slope
    return g(z).mean().item()


def least_pull(bandwidths) -> float:
    """The least slope of MMD² at the distances FAR, for the mean of Gaussian kernels of these
    bandwidths. ValueError unless there are one to four of them.
    """
    bandwidths = np.atleast_1d(np.asarray(bandwidths, dtype=float))
    if not 1 <= len(bandwidths) <= 4:
        raise ValueError(f"{len(bandwidths)} bandwidths: one to four")
    return float(np.mean([normal_mmd2_slope(FAR, h) for h in bandwidths], axis=0).min())


QUESTIONS = {
    "22 points": (_of_points, "between two points there is a single plan, and its KL is 0"),
    "22 self": (_against_itself, "all four potentials are equal: write one soft minimum"),
    "22 bandwidth": (_best_bandwidth, "move the bandwidth with the arrow keys and watch the dot"),
    "22 log": (.9 / (2.4 / 4), "the mean of sixteen has a quarter of the standard deviation"),
    "22 reach": (True, "one narrow kernel for the near distances, wide ones for the far"),
}
