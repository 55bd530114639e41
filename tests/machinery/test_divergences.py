"""Divergences between laws on the line: tables, SciPy's quadrature, exact slopes."""
import numpy as np
import pytest
from helpers import shifted
from scipy import integrate
from scipy.special import rel_entr

from gan_lessons import Mixture, Normal, Uniform, expectation, js, js_slope, kl, log_ratio
from gan_lessons.exact.divergences import kl_slope, reverse_kl, reverse_kl_slope

LOG2 = np.log(2)
# distance in standard deviations: JS and its slope
TABLE = {
    .5: (.030311, .117632),
    1: (.111421, .198986),
    1.5: (.221171, .232225),
    2: (.336831, .224800),
    3: (.526777, .147932),
    4: (.632720, .068597),
    5: (.675943, .023690),
    6: (.689298, .006227),
    8: (.693054, .000196),
    10: (.693146, 2.2e-6),
}
SMOOTH = [
    (Normal(.3, 1.0), Normal(2.0, 1.0)),
    (Normal(-1, .5), Normal(.4, 1.7)),
    (Normal(0, 2), Normal(.1, .05)),
    (Mixture([Normal(-2, .3), Normal(1, .8)], [.3, .7]), Normal(.5, 1.5)),
    (Mixture([Normal(0, 1), Normal(5, .2)]), Mixture([Normal(1, .5), Normal(4, .6)], [2, 1])),
]
OTHER = [
    (Uniform(0, 1), Uniform(.25, 2)),
    (Uniform(-1, 1), Normal(.2, .7)),
    (Normal(.2, .7), Uniform(-1, 1)),
    (Mixture([Uniform(0, 1), Uniform(2, 3)], [.8, .2]), Mixture([Uniform(.5, 2.5), Normal(0, .3)])),
]


def quad(h, p, q):
    """∫ h by SciPy, panel by panel, between 9 standard deviations or the ends of every part."""
    def ends(law):
        if isinstance(law, Mixture):
            return [e for part in law.laws for e in ends(part)]
        if isinstance(law, Normal):
            return [law.mean + law.sd * k for k in range(-9, 10)]
        return [law.low, law.high]

    borders = np.unique([float(e) for law in (p, q) for e in ends(law)])
    borders = np.unique(np.concatenate([borders, np.linspace(borders[0], borders[-1], 60)]))
    return sum(integrate.quad(h, a, b, epsabs=1e-13, epsrel=1e-11)[0]
               for a, b in zip(borders, borders[1:]))


def scipy_js(p, q):
    middle = lambda x: (p.pdf(x) + q.pdf(x)) / 2
    return quad(lambda x: (rel_entr(p.pdf(x), middle(x)) + rel_entr(q.pdf(x), middle(x))) / 2, p, q)


@pytest.mark.parametrize("distance", TABLE)
@pytest.mark.parametrize("sd", [1, .5, 2.5])
def test_js_and_its_slope_depend_on_distance_over_sd_as_tabulated(distance, sd):
    value, slope = TABLE[distance]
    p, q = Normal(-.7, sd), Normal(-.7 + distance * sd, sd)
    assert js(p, q) == pytest.approx(value, abs=6e-7)
    assert sd * js_slope(p, q) == pytest.approx(slope, abs=6e-7 if distance < 10 else 6e-8)


def test_the_landmarks_of_the_classic_figures():
    js_at = lambda distance: js(Normal(), Normal(distance))
    assert f"{js_at(1.99631):.5f}" == "0.33600"
    assert js_at(7.0241) < .6925 <= js_at(7.0243)
    slope_at = lambda distance: js_slope(Normal(), Normal(distance))
    assert slope_at(1.63626) == pytest.approx(.233660, abs=1e-6)
    assert slope_at(1.63626) > max(slope_at(1.62), slope_at(1.65))
    assert slope_at(6.62) > .01 * .233660 > slope_at(6.64)
    assert js_at(5) / LOG2 == pytest.approx(.975, abs=5e-4)


@pytest.mark.parametrize("p, q", SMOOTH + OTHER, ids=str)
def test_js_is_scipys_symmetric_and_between_zero_and_log_two(p, q):
    assert js(p, q) == pytest.approx(scipy_js(p, q), abs=2e-10)
    assert js(p, q) == pytest.approx(js(q, p), abs=1e-13)
    assert 0 < js(p, q) < LOG2


@pytest.mark.parametrize("p, q", [SMOOTH[0], SMOOTH[1], SMOOTH[3], OTHER[1],
                                  (OTHER[0][0], Uniform(-1, 2))], ids=str)
def test_kl_is_scipys(p, q):
    theirs = quad(lambda x: rel_entr(p.pdf(x), q.pdf(x)), p, q)
    assert kl(p, q) == pytest.approx(theirs, rel=1e-9)
    assert reverse_kl(q, p) == kl(p, q)


def test_kl_of_normals_in_closed_form():
    for p, q in [(Normal(.3, 1.2), Normal(2, .7)), (Normal(-5, .1), Normal(9, 3)),
                 (Normal(0, 2), Normal(.1, .05))]:
        closed = np.log(q.sd / p.sd) + (p.sd ** 2 + (p.mean - q.mean) ** 2) / (2 * q.sd ** 2) - .5
        assert kl(p, q) == pytest.approx(closed, rel=1e-11)


@pytest.mark.parametrize("p, q", SMOOTH, ids=str)
@pytest.mark.parametrize("divergence, slope",
                         [(js, js_slope), (kl, kl_slope), (reverse_kl, reverse_kl_slope)])
def test_slopes_are_the_derivatives(p, q, divergence, slope):
    step = 1e-3
    at = {k: divergence(p, shifted(q, k * step)) for k in (-2, -1, 1, 2)}
    numeric = (8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * step)
    assert slope(p, q) == pytest.approx(numeric, rel=2e-6, abs=1e-8)


def test_a_slope_that_sees_no_edge_is_refused_where_there_is_one():
    """d JS of two sliding uniforms is log 2 per length; an expectation of scores would say 0."""
    p, q = Uniform(0, 1), Uniform(.25, 1.25)
    assert (js(p, shifted(q, .1)) - js(p, q)) / .1 == pytest.approx(LOG2)
    edged = Mixture([q, Normal()])
    for slope, pair in [(js_slope, (p, q)), (js_slope, (Normal(), edged)),
                        (js_slope, (edged, Normal())), (kl_slope, (Normal(), q)),
                        (reverse_kl_slope, (p, Normal()))]:
        with pytest.raises(ValueError, match="jumps.*difference"):
            slope(*pair)
    for slope, pair, divergence in [(kl_slope, (p, Normal(.3, 1)), kl),
                                    (reverse_kl_slope, (Normal(), q), reverse_kl)]:
        numeric = (divergence(pair[0], shifted(pair[1], 1e-4))
                   - divergence(pair[0], shifted(pair[1], -1e-4))) / 2e-4
        assert slope(*pair) == pytest.approx(numeric, rel=1e-7)


@pytest.mark.parametrize("distance", [30, 1e3, 1e4])
def test_far_apart_everything_is_finite_and_right(distance):
    p, q = Normal(0, 1), Normal(distance, 1)
    assert js(p, q) == pytest.approx(LOG2, abs=1e-14) and js(p, q) <= LOG2
    assert kl(p, q) == pytest.approx(distance ** 2 / 2, rel=1e-12)
    assert kl_slope(p, q) == pytest.approx(distance, rel=1e-12)
    assert reverse_kl_slope(p, q) == pytest.approx(distance, rel=1e-12)
    assert 0 <= js_slope(p, q) < 1e-40


@pytest.mark.parametrize("distance", [30, 44.4, 60, 70.1])
def test_a_tiny_slope_is_right_to_many_digits(distance):
    """-½ E_q[σ(c) c'] is ½ E_q[σ(c)] · distance; half way it peaks, some 2 / distance wide."""
    middle, p, q = distance / 2, Normal(), Normal(distance)
    log_h = lambda u: -np.logaddexp(0, distance * u) - (u - middle) ** 2 / 2 + middle ** 2 / 2
    h = lambda u: np.exp(log_h(u)) * middle / np.sqrt(2 * np.pi)
    borders = np.arange(-60, 61) / distance
    theirs = sum(integrate.quad(h, a, b, epsabs=0, epsrel=1e-12)[0]
                 for a, b in zip(borders, borders[1:]))
    assert js_slope(p, q) == pytest.approx(theirs * np.exp(-middle ** 2 / 2), rel=1e-9)


def test_equal_laws_and_disjoint_ones():
    for p in (Normal(.3, 2), Uniform(0, 3), SMOOTH[3][0]):
        assert kl(p, p) == 0 and 0 <= js(p, p) < 1e-14
    p, q = Uniform(0, 1), Uniform(2, 3)
    assert js(p, q) == pytest.approx(LOG2, abs=1e-15) and js(p, q) <= LOG2
    assert kl(p, q) == np.inf and kl(Normal(), q) == np.inf
    assert kl(p, Uniform(-1, 3)) == pytest.approx(np.log(4))
    assert js(p, Uniform(.3, 1.3)) == pytest.approx(.3 * LOG2)


def test_close_laws_keep_their_digits():
    """JS ≈ δ²/8 for Normals δ standard deviations apart."""
    assert js(Normal(), Normal(1e-3)) == pytest.approx(1e-6 / 8, rel=1e-6)
    assert js_slope(Normal(), Normal(1e-6)) == pytest.approx(1e-6 / 4, rel=1e-6)


def test_expectation_gives_the_moments():
    law = Mixture([Normal(-1, .25), Uniform(2, 5)], [1, 3])
    assert expectation(law, np.ones_like) == pytest.approx(1, abs=1e-13)
    assert expectation(law, lambda x: x) == pytest.approx(.25 * -1 + .75 * 3.5)
    assert expectation(law, lambda x: x ** 2) == pytest.approx(
        .25 * 1.0625 + .75 * (3.5 ** 2 + .75))


def test_the_log_ratio_is_a_straight_line_between_equal_widths():
    x = np.array([[-3., .2], [1.5, 40]])
    np.testing.assert_allclose(log_ratio(Normal(1, 2), Normal(-2, 2))(x), (6 * x + 3) / 8)
