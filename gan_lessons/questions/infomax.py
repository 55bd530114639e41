"""Questions of notebooks/17_infomax.ipynb and their answers."""
import numpy as np

from ..exact.infomax import CorrelatedNormal, patch_information, patch_pictures, ratio_spread


def _pair_code():
    """The information of every patch with a code that says two pixels of the picture."""
    return patch_information(patch_pictures(4), lambda x: 2 * x[0, 0] + x[0, 1])


def _by_slider() -> list[float]:
    """The first batch size at which DV is right to 0.1 nats, and what InfoNCE lacks there."""
    pair = CorrelatedNormal(.95, 6)
    for n in (8, 16, 32, 64, 128, 256):
        own_pair, found = np.eye(n, dtype=bool), []
        for seed in range(16):
            scores = pair.scores(*pair.pairs(n, np.random.default_rng(seed)))
            own, other = scores[own_pair], scores[~own_pair]
            found.append([own.mean() - np.log(np.exp(other).mean()),
                          (own - np.log(np.exp(scores).mean(0))).mean()])
        dv, nce = np.mean(found, axis=0)
        if abs(dv - pair.information) < .1:
            return [n, float(pair.information - nce)]
    raise ArithmeticError("not within 0.1 nats up to batches of 256")


def _target() -> int:
    """The smallest batch whose shuffled pairs give E r a deviation of 0.01, at correlation 0.9."""
    information, n = CorrelatedNormal(.9).information, 2
    while ratio_spread(information, n, shuffled=True) > .01:
        n += 1
    return n


def two_rounds(e, t, f, x, z):
    """Two rounds of local Deep InfoMax, JSD and a uniform prior of weight 0.1, on one batch, by
    gradient descent with rate 0.1: the bound afterwards, a number. The players stay as they are.
    """
    import copy

    import torch

    from ..objectives.infomax import deep_infomax, information_bound
    e, t, f = copy.deepcopy([e, t, f])
    game = deep_infomax(0, 1, .1)
    moves = [(lambda: game["f"](f=f, e=e, x=x, z=z), [*f.parameters()]),
             (lambda: game["e t"](e=e, t=t, f=f, x=x), [*e.parameters(), *t.parameters()])]
    for loss, weights in moves * 2:
        slopes = torch.autograd.grad(loss(), weights, allow_unused=True)
        with torch.no_grad():
            for weight, slope in zip(weights, slopes):
                if slope is not None:                  # layers of t that `local` does not use
                    weight -= .1 * slope
    return information_bound("JSD")(t.local(*e.views(x))).item()


QUESTIONS = {
    "17 code": (lambda: [np.log(4), float(_pair_code().mean())],
                "the code is a function of the picture, so I = H(z); "
                "a patch knows the motif and, for one of four, a speck"),
    "17 log": (lambda: [np.log(64) - 1.9, np.log(512) - 3.4],
               "InfoNCE is log N minus the cross-entropy"),
    "17 speck": (lambda: float(np.sqrt(4 + .09)),
                 "the best code of one number for pixels is the first principal component; "
                 "compare the variance of the motifs' mean direction with that of one speck"),
    "17 slider": (_by_slider, "the title holds all the numbers; go through N = 8, 16, 32, …"),
    "17 target": (_target, "exact.ratio_spread(I, N, shuffled=True) falls with N"),
}
