"""Questions of notebooks/05_transport.ipynb and their answers."""
import numpy as np

from ..exact.transport import earth_mover


def _distance_and_slope(x, x_fake, p, q) -> list[float]:
    """W₁, and its derivative as all fake points move to the right."""
    W = lambda shift: earth_mover(x, np.add(x_fake, shift), p, q)
    return [W(0), (W(1e-3) - W(-1e-3)) / 2e-3]


def _best_place(power) -> float:
    """Of the explorer's atoms: where the second fake one costs least, with 0.4 of the mass at 1."""
    places = np.arange(0, 8.05, .1)
    costs = [earth_mover([1., 3., 7.], [1., at], [.4, .25, .35], [.4, .6], power=power)
             for at in places]
    return float(places[np.argmin(costs)])


QUESTIONS = {
    "05 atoms": (lambda: _distance_and_slope([0., 6.], [1., 3.], [.5, .5], [.25, .75]),
                 "|F - G| is ½, ¼, ½; for the rate, which mass comes nearer to its target?"),
    "05 second": (lambda: [_best_place(power) for power in (1, 2)],
                  "use the arrow keys; of the mass that is left, one is a median, one a mean"),
    "05 shared": (lambda: [.5 * 2, .5 * 2 ** 2, earth_mover([0., 1.], [1., 2.], power=2) ** 2],
                  "one long way, or two short ones: square each before you add"),
    "05 log": (lambda: [3, 2.52 / earth_mover([0., 1., 4.], [2., 5.], [.5, .3, .2], [.6, .4])],
               "no 1-Lipschitz critic has a gap above W; divide"),
}
