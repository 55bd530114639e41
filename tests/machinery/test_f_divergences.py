"""The table of f-divergences: conjugates by brute force, tight duals, values, slopes, errors."""
import numpy as np
import pytest
import torch
from scipy import optimize

from gan_lessons import Mixture, Normal, Uniform, f_divergence, js, kl, log_ratio
from gan_lessons.exact.f_table import F_DIVERGENCES
from gan_lessons.objectives.own_divergence import own_divergence

ALPHAS, PIS = (-1.5, -.5, .3, .5, .9, 1.5, 2, 3), (.1, .5, .8)
ROWS = [*(f_divergence(name) for name in F_DIVERGENCES[:-2]),
        *(f_divergence("alpha", alpha=a) for a in ALPHAS),
        *(f_divergence("JS-weighted", pi=pi) for pi in PIS)]
SMOOTH = [D for D in ROWS if D.log_weight]
rows = pytest.mark.parametrize("D", ROWS, ids=lambda D: D.name)
smooth = pytest.mark.parametrize("D", SMOOTH, ids=lambda D: D.name)
U = np.concatenate([[0], np.exp(np.linspace(-30, 30, 4001))])


def random_pairs(count=6):
    """Normals with every row of the table finite: α = 3 asks for 3 / sd_p² > 2 / sd_q²."""
    rng = np.random.default_rng(3)
    for _ in range(count):
        sd = rng.uniform(.4, 2)
        p = Normal(sd * rng.uniform(-.6, .6), sd)
        yield p, Normal(sd * rng.uniform(-.6, .6), sd * rng.uniform(.9, 1.1))


def brute(D, t):
    """sup over u ≥ 0 of ut - φ(u): the best of a grid, refined beside it; ∞ at the grid's end."""
    line = lambda u: u * t - D.phi(np.float64(u))
    with np.errstate(divide="ignore", invalid="ignore"):
        heights = U * t - D.phi(U)
    best = int(np.nanargmax(heights))
    if best == len(U) - 1:
        return np.inf
    low, high = U[max(best - 1, 0)], U[best + 1]
    inside = optimize.minimize_scalar(lambda u: -line(u), bounds=(low, high), method="bounded",
                                      options=dict(xatol=1e-12))
    return max(heights[best], -inside.fun)


@rows
def test_conjugates_by_brute_force_over_all_of_u(D):
    edges = {"Pearson": [-2], "Le Cam": [-3], "total variation": [-.5]}.get(D.name, [])
    top = min(D.t_max, 3)
    for t in [-9, -4, -3.01, -2.99, -2.01, -1.99, -1.1, -.7, -.51, -.3, *edges, top - .01,
              top - .2, top - 1]:
        t = min(t, top - .01)
        assert float(D.conjugate(np.float64(t))) == pytest.approx(brute(D, t),
                                                                  rel=1e-7, abs=1e-7), t
    if D.t_max < np.inf:
        assert np.isinf(D.conjugate(np.float64(D.t_max + .1)))
        assert (D.t_max + .1) * 1e9 - D.phi(np.float64(1e9)) > 1e7         # truly unbounded there


@pytest.mark.parametrize("name, below", [("Pearson", -2), ("Le Cam", -3), ("total variation", -.5)])
def test_below_the_slope_at_zero_the_conjugate_rests_at_minus_phi_of_zero(name, below):
    D = f_divergence(name)
    for t in (below, below - .3, below - 40.):
        assert float(D.conjugate(np.float64(t))) == -float(D.phi(np.float64(0)))
    for a in (1.5, 3.):
        D = f_divergence("alpha", alpha=a)
        assert float(D.conjugate(np.float64(-1 / (a - 1) - 1))) == pytest.approx(
            -float(D.phi(np.float64(0))))


@rows
def test_fenchel_young_with_equality_at_the_slope(D):
    rng = np.random.default_rng(0)
    u, t = np.exp(rng.normal(0, 2, 500)), D.activation(rng.normal(0, 2, 500))
    assert (D.phi(u) + D.conjugate(t) - u * t > -1e-10 * (1 + abs(u * t))).all()
    tight = D.phi_prime(u)
    np.testing.assert_allclose(D.conjugate(tight), u * tight - D.phi(u), rtol=1e-7, atol=1e-9)


@smooth
def test_phi_prime_is_the_derivative_and_weight_its_derivative(D):
    u, h = np.array([.05, .4, 1, 1.7, 6]), 1e-5
    first = (D.phi(u + h * u) - D.phi(u - h * u)) / (2 * h * u)
    np.testing.assert_allclose(D.phi_prime(u), first, rtol=1e-7, atol=1e-8)
    second = (D.phi_prime(u + h * u) - D.phi_prime(u - h * u)) / (2 * h * u)
    np.testing.assert_allclose(np.exp(D.log_weight(np.log(u), np.zeros(5))),
                               u ** 2 * second, rtol=1e-6)


def test_thresholds():
    known = dict(zip(F_DIVERGENCES, (1, -1, 0, 0, 0, 0, 0, -np.log(2), 0, 0)))
    for D in ROWS:
        assert D.threshold == pytest.approx(known.get(D.name, 0), abs=1e-15)


@rows
def test_the_composed_conjugate_is_the_conjugate_of_the_activation(D):
    v = np.linspace(-6, 6, 49)
    np.testing.assert_allclose(D.composed(v), D.conjugate(D.activation(v)), rtol=1e-9, atol=1e-12)
    assert (np.diff(D.activation(v)) > 0).all() and (D.activation(v) <= D.t_max).all()


@rows
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_finite_at_sixty_with_finite_gradients(D, dtype):
    v = torch.tensor([-60., -20., 0., 20., 60.], dtype=dtype, requires_grad=True)
    for function in (D.activation, D.composed):
        value = function(v)
        gradient, = torch.autograd.grad(value.sum(), v)
        assert value.dtype == dtype and value.isfinite().all() and gradient.isfinite().all()
        if dtype == torch.float64:
            np.testing.assert_allclose(value.detach().numpy(), function(v.detach().numpy()),
                                       rtol=1e-13, atol=1e-14)


@rows
def test_torch_gradients_are_those_of_the_formulas(D):
    v = torch.tensor([-2.3, -.4, .1, 1.9], dtype=torch.float64, requires_grad=True)
    h = 1e-6
    for function in (D.activation, D.composed):
        numeric = (function(v.detach() + h) - function(v.detach() - h)) / (2 * h)
        gradient, = torch.autograd.grad(function(v).sum(), v)
        torch.testing.assert_close(gradient, numeric, rtol=1e-7, atol=1e-8)


def by_trapezoid(D, p, q, points=200_001):
    """∫ q φ(p/q) on one even grid: another road to the same number."""
    x = np.linspace(-14, 14, points) * p.sd
    return np.trapezoid(q.pdf(x) * D.phi(p.pdf(x) / q.pdf(x)), x)


@rows
def test_exact_and_tight_on_random_normals(D):
    for p, q in random_pairs():
        exact = D(p, q)
        assert exact == pytest.approx(by_trapezoid(D, p, q), rel=1e-7, abs=1e-9)
        for bound in (D.dual(p, q), D.dual(p, q, D.best_T(p, q)),
                      D.dual(p, q, v=lambda x: D.best(log_ratio(p, q)(x)))):
            assert bound == pytest.approx(exact, rel=1e-10, abs=1e-10)
        for wrong in (lambda x: .7 * D.best(log_ratio(p, q)(x)) + .1, lambda x: .3 * np.sin(x)):
            assert D.dual(p, q, v=wrong) < exact + 1e-12


@smooth
def test_gradients_at_the_best_critic_are_the_slope_of_the_divergence(D):
    """d/dθ of D(p, q moved by θ); and of the loss -E φ*(T), T frozen, as a generator feels it."""
    for p, q in random_pairs(3):
        moved = lambda by: Normal(q.mean + by, q.sd)
        h = 1e-3
        at = {k: D(p, moved(k * h)) for k in (-2, -1, 1, 2)}
        numeric = (8 * (at[1] - at[-1]) - at[2] + at[-2]) / (12 * h)
        assert D.slope(p, q) == pytest.approx(numeric, rel=1e-7, abs=1e-8)
        c, step = log_ratio(p, q), 1e-4
        for slope, loss in ((D.slope, D.composed), (D.trick_slope, D.activation)):
            felt = lambda by: by_trapezoid_of(q, lambda x: -loss(D.best(c(x + by))))
            near, far = felt(step) - felt(-step), felt(2 * step) - felt(-2 * step)
            frozen = (8 * near - far) / (12 * step)
            assert slope(p, q) == pytest.approx(frozen, rel=1e-8, abs=1e-9)


def by_trapezoid_of(q, h):
    x = np.linspace(float(q.mean) - 12 * q.sd, float(q.mean) + 12 * q.sd, 6_001)
    return np.trapezoid(q.pdf(x) * h(x), x)


def test_the_trick_descends_another_divergence():
    """ψ'' = φ''/u: KL's trick follows reverse KL, Pearson's 2 KL, reverse KL's half of Neyman's."""
    p, q = Normal(.3, 1), Normal(1.4, 1.2)
    for name, other, factor in [("KL", "reverse KL", 1), ("Pearson", "KL", 2),
                                ("reverse KL", "Neyman", .5)]:
        assert f_divergence(name).trick_slope(p, q) == pytest.approx(
            factor * f_divergence(other).slope(p, q))
    non_saturating = f_divergence("reverse KL").slope(p, q) - f_divergence("GAN").slope(p, q)
    assert f_divergence("GAN").trick_slope(p, q) == pytest.approx(non_saturating)


def test_total_variation_is_approached():
    D, p, q = f_divergence("total variation"), Normal(), Normal(1)
    bounds = [D.dual(p, q, v=lambda x, k=k: k * log_ratio(p, q)(x)) for k in (1, 10, 100, 1e4)]
    assert (np.diff(bounds) > 0).all() and D(p, q) - bounds[-1] < 1e-6
    assert D.slope(p, q) == pytest.approx((D(p, Normal(1 + 1e-5)) - D(p, Normal(1 - 1e-5))) / 2e-5,
                                          rel=1e-6)
    with pytest.raises(ValueError, match="step"):
        D.trick_slope(p, q)


UNIT = {
    "KL": (.5, 2),
    "Pearson": (1.718282, 53.59815),
    "squared Hellinger": (.235006, .786939),
    "total variation": (.382925, .682689),
    "JS": (.222843, .673662),
    "Le Cam": (.408109, 1.100801),
}


@pytest.mark.parametrize("name", UNIT)
def test_unit_normals_at_distance_one_and_two(name):
    for distance, value in zip((1, 2), UNIT[name]):
        assert f_divergence(name)(Normal(), Normal(distance)) == pytest.approx(
            value, abs=6e-7 if value < 9 else 6e-6)


def test_relations_between_the_rows():
    p, q = Normal(.2, 1), Mixture([Normal(-1, .8), Normal(1.5, 1.1)], [.4, .6])
    D = lambda name, **more: f_divergence(name, **more)(p, q)
    assert D("KL") == pytest.approx(kl(p, q)) and D("reverse KL") == pytest.approx(kl(q, p))
    assert D("JS") == pytest.approx(2 * js(p, q))
    assert D("GAN") == pytest.approx(2 * js(p, q) - 2 * np.log(2))
    assert D("JS-weighted", pi=.5) == pytest.approx(js(p, q))
    assert D("alpha", alpha=2) == pytest.approx(D("Pearson") / 2)
    assert D("alpha", alpha=-1) == pytest.approx(D("Neyman") / 2)
    assert D("alpha", alpha=.5) == pytest.approx(2 * D("squared Hellinger"))
    assert D("alpha", alpha=1 - 1e-6) == pytest.approx(D("KL"), rel=1e-5)
    assert D("Jeffrey") == pytest.approx(D("KL") + D("reverse KL"))
    assert D("Pearson") == pytest.approx(f_divergence("Neyman")(q, p))


def test_what_is_infinite_is_infinite():
    wide, narrow, near = Normal(0, 2), Normal(0, 1), Normal(0, np.sqrt(2))
    for D, p, q in [("Pearson", wide, narrow), ("Pearson", near, narrow), ("Neyman", narrow, wide),
                    ("Pearson", Mixture([narrow, Normal(0, 1.5)]), narrow),
                    ("KL", narrow, Uniform(-1, 1)), ("Neyman", Uniform(0, 1), narrow),
                    ("Jeffrey", Uniform(0, 1), Uniform(0, 2))]:
        D = f_divergence(D)
        assert D(p, q) == np.inf
        assert isinstance(p, Uniform) or isinstance(q, Uniform) or np.isnan(D.slope(p, q))
    assert f_divergence("alpha", alpha=3)(Normal(0, 1.3), narrow) == np.inf
    assert f_divergence("alpha", alpha=-1.5)(narrow, Normal(0, 1.6)) == np.inf
    s = 1.41  # an integrand 84 times as wide as the laws
    assert f_divergence("Pearson")(Normal(0, s), narrow) == pytest.approx(
        1 / np.sqrt(s**2 * (2 - s**2)) - 1, rel=1e-9)


def test_far_apart_close_together_and_disjoint():
    far = Normal(0, 1), Normal(1e4, 1)
    for name, value in [("KL", 5e7), ("Jeffrey", 1e8), ("squared Hellinger", 2),
                        ("JS", 2 * np.log(2)), ("GAN", 0), ("total variation", 1), ("Le Cam", 2)]:
        assert f_divergence(name)(*far) == pytest.approx(value, abs=1e-12)
    for name, value in [("squared Hellinger", 2), ("JS", 2 * np.log(2)), ("total variation", 1),
                        ("Le Cam", 2), ("KL", np.inf), ("reverse KL", np.inf)]:
        assert f_divergence(name)(Uniform(0, 1), Uniform(2, 3)) == pytest.approx(value)
    for D in SMOOTH:
        assert D(far[0], far[0]) == pytest.approx(float(D.phi(np.float64(1))), abs=1e-15)


def test_a_critic_that_is_not_admissible_has_no_bound():
    D = f_divergence("reverse KL")
    assert D.dual(Normal(), Normal(1), T=lambda x: x) == -np.inf
    assert D.dual(Normal(), Normal(1), T=lambda x: -1 + 0 * x) == pytest.approx(0, abs=1e-12)


def test_errors_name_the_remedy():
    with pytest.raises(KeyError, match="squared Hellinger.*JS-weighted"):
        f_divergence("hellinger distance")
    assert f_divergence("kl") is f_divergence("KL")
    for alpha in (0, 1, np.inf):
        with pytest.raises(ValueError, match="reverse KL"):
            f_divergence("alpha", alpha=alpha)
    for pi in (0, 1, 1.2, -.1):
        with pytest.raises(ValueError, match="between 0 and 1"):
            f_divergence("JS-weighted", pi=pi)
    with pytest.raises(TypeError, match="needs alpha"):
        f_divergence("alpha")
    with pytest.raises(TypeError, match="no parameter"):
        f_divergence("KL", alpha=2)
    with pytest.raises(ValueError, match="jumps"):
        f_divergence("KL").slope(Normal(), Uniform())


# ------------------------------------------------------------------ a Normal fitted to a mixture

FITS = {
    "KL": (.2831, 1.0100, 1.8307),
    "reverse KL": (.2482, 1.5781, 1.6312),
    "JS": (.1281, 1.3068, 1.7540),
    "Jeffrey": (.5708, 1.3216, 1.7029),
    "Pearson": (.6458, .5737, 1.9273),
}
BIMODAL = Mixture([Normal(-1, .065 ** .5), Normal(2, 2 ** .5)], [.33, .67])


@pytest.mark.parametrize("name", FITS)
def test_the_fitted_normal_agrees_with_an_independent_optimiser(name):
    D = f_divergence(name)
    ours = optimize.minimize(lambda m: D(BIMODAL, Normal(m[0], np.exp(m[1]))), (1, .6), tol=1e-9,
                             method="Nelder-Mead")
    x = np.linspace(-14, 16, 30_001)
    p = BIMODAL.pdf(x)

    def rough(m):
        q = Normal(m[0], m[1]).pdf(x)
        return np.trapezoid(q * D.phi(p / q), x)
    theirs = optimize.minimize(rough, (1.2, 1.8), method="L-BFGS-B", bounds=[(-1, 3), (1.2, 3)])
    fit = (ours.fun, ours.x[0], np.exp(ours.x[1]))
    assert fit == pytest.approx((theirs.fun, *theirs.x), abs=1e-3)
    assert fit == pytest.approx(FITS[name], abs=1e-4)


# ------------------------------------------------------------------ a divergence of one's own

@pytest.mark.parametrize("name, phi", [("KL", lambda u: u * torch.log(u)),
                                       ("reverse KL", lambda u: -torch.log(u)),
                                       ("Pearson", lambda u: (u - 1) ** 2),
                                       ("Neyman", lambda u: (1 - u) ** 2 / u),
                                       ("Le Cam", lambda u: (u - 1) ** 2 / (u + 1)),
                                       ("squared Hellinger", lambda u: (u.sqrt() - 1) ** 2)])
def test_a_typed_phi_gives_the_row_of_the_table(name, phi):
    mine, D = own_divergence(phi), f_divergence(name)
    assert mine.t_max == pytest.approx(D.t_max, abs=1e-9)
    assert mine.threshold == pytest.approx(D.threshold, abs=1e-9)
    t = min(D.t_max, 2) - np.array([.01, .3, 2, 4, 9])
    np.testing.assert_allclose(mine.conjugate(t), D.conjugate(t), rtol=1e-8, atol=1e-8)
    for p, q in [*random_pairs(2), (Normal(0, 2), Normal()), (Normal(), Normal(0, 2)),
                 (Uniform(0, 1), Uniform(0, 2))]:
        assert mine(p, q) == pytest.approx(D(p, q), rel=1e-9)
    p, q = next(random_pairs())
    assert mine.dual(p, q) == pytest.approx(D(p, q), rel=1e-9)
    assert mine.slope(p, q) == pytest.approx(D.slope(p, q), rel=1e-8)
    v = torch.tensor([-60., -1.3, 0., .8, 60.], dtype=torch.float64, requires_grad=True)
    for function in (mine.activation, mine.composed):
        gradient, = torch.autograd.grad(function(v).sum(), v)
        assert function(v).isfinite().all() and gradient.isfinite().all()
    np.testing.assert_allclose(mine.composed(v.detach().numpy()[1:4]),
                               D.conjugate(mine.activation(v.detach().numpy()[1:4])),
                               rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("phi, complaint", [
    (lambda u: u * torch.log(u) + 1, "subtract"), (lambda u: torch.log(u), "not convex"),
    (lambda u: torch.sin(u - 1), "not convex"), (lambda u: 3 * (u - 1), "straight line"),
    (lambda u: (u - 2).sqrt(), "not finite")])
def test_what_is_no_divergence_is_refused(phi, complaint):
    with pytest.raises(ValueError, match=complaint):
        own_divergence(phi)


@pytest.mark.parametrize("distance", [15, 18])
def test_own_divergence_far_out_follows_its_fitted_tail(distance):
    """Nearly all mass lies where |log p/q| > 90 and φ is continued: KL = distance²/2 to 1 %."""
    mine = own_divergence(lambda u: u * torch.log(u))
    assert mine(Normal(0, 1), Normal(distance, 1)) == pytest.approx(distance**2 / 2, rel=.01)
