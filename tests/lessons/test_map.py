"""The map of lesson 20: both sides of every edge, the tests that prove it, the picture."""
import ast
import math
import re

import book
import nb as tool
import numpy as np
import pytest
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from scipy.integrate import quad
from scipy.optimize import minimize, minimize_scalar
from scipy.stats import norm

import gan_lessons as gl
from gan_lessons.exact.divergences import kl_slope
from gan_lessons.exact.information import gaussian_kl
from gan_lessons.exact.lipschitz import penalised_slope, sample_density, segment_density
from gan_lessons.exact.loss_sensitive import best_loss, distances
from gan_lessons.exact.minimax import gan_value
from gan_lessons.exact.particles import flow_weight
from gan_lessons.exact.relativistic import pairwise_value
from gan_lessons.exact.transport import cdf_difference, plan
from gan_lessons.exact.variational import LinearVAE
from gan_lessons.exact.wasserstein_divergence import divergence_slope
from gan_lessons.explorers import map as pictures
from gan_lessons.map import best_critic, edges, edges_beyond, edges_of_critics, edges_of_encoders
from gan_lessons.map.edges import EDGES, both_sides, check_edge, edges_of
from gan_lessons.map.objectives import OBJECTIVES, Objective
from gan_lessons.objectives.adversarial_autoencoder import adversarial_autoencoder
from gan_lessons.objectives.f_gan import f_gan
from gan_lessons.objectives.f_vae import flow_nll
from gan_lessons.objectives.infomax import jensen_shannon, nwj
from gan_lessons.objectives.mmd import gaussian, mmd_gan, sliced
from gan_lessons.objectives.particles import rescaled
from gan_lessons.objectives.relativistic import relativistic
from gan_lessons.objectives.semi_supervised import improved_gan
from gan_lessons.objectives.wasserstein import hinge
from gan_lessons.players.penalties import at_both, at_fake, at_real, penalised, zero_centred

itself = lambda x: x
named = pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.sides.__name__)


def leaf(values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def same(mine, theirs, leaves):
    """Two losses with equal values and gradients."""
    torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12)
    for a, b in zip(*(torch.autograd.grad(loss, leaves) for loss in (mine, theirs))):
        torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-13)


# ---------------------------------------------------------------- every edge

@named
def test_both_sides_agree_and_in_a_wrong_setting_they_do_not(edge):
    left, right = both_sides(edge)
    assert check_edge(edge) <= edge.tolerance <= 1e-6
    assert (
        check_edge(edge, **edge.wrong) > 1e3 * edge.tolerance
        and check_edge(edge, **edge.wrong) > 1e-3
    )
    assert np.abs(left).max() > .01  # nothing is proved by zeros
    if edge.kind == "bounds":
        assert (left < right - 1e-4).any()


@named
def test_the_named_test_is_there(edge):
    file, name = edge.test.split("::")
    body = ast.parse((tool.ROOT / file).read_text(encoding="utf-8")).body
    assert name in {node.name for node in body if isinstance(node, ast.FunctionDef)}


def test_the_map_is_one_piece_and_leaves_nobody_out():
    reached, more = set(), {"minimax GAN"}
    while more:
        reached |= more
        more = {end for name in more for edge in edges_of(name) for end in edge.ends} - reached
    assert reached == set(OBJECTIVES)
    assert len({edge.statement for edge in EDGES}) == len(EDGES)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_an_entry_of_the_catalogue_leads_to_its_maker_and_its_lesson(name):
    objective = OBJECTIVES[name]
    module, function = objective.maker.split(":")
    home = __import__(f"gan_lessons.objectives.{module}", fromlist=[function])
    needed = {"f_gan": dict(divergence="KL"), "conditional": dict(game=gl.minimax()),
              "matching": dict(distance=sliced), "distribution_matching": dict(sigma=1.)}
    assert isinstance(objective.make(**needed.get(function, {})), gl.Game)
    assert objective.lesson in home.__doc__ + getattr(home, function).__doc__
    assert (tool.ROOT / "notebooks" / f"{objective.lesson}.ipynb").exists()


def test_both_lists_hold_every_edge_of_their_module_in_the_order_of_the_map():
    listed = []
    for module, found in ((edges_of_critics, edges_of_critics.EDGES_OF_CRITICS),
                          (edges_of_encoders, edges_of_encoders.EDGES_OF_ENCODERS),
                          (edges_beyond, edges_beyond.EDGES_BEYOND)):
        written = [one for one in vars(module).values() if isinstance(one, edges.Edge)]
        assert list(found) == written
        listed += found
    assert EDGES == listed


def test_noise_drawn_by_a_check_leaves_the_readers_own_alone():
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    for edge in EDGES:
        check_edge(edge)
    assert torch.equal(before, torch.random.get_rng_state())


def test_what_is_no_edge_is_refused():
    with pytest.raises(KeyError, match="there are minimax GAN"):
        edges.related("GAN", "WGAN", "is", "?", wrong={}, test="")
    with pytest.raises(ValueError, match="90 characters"):
        edges.related("hinge", "WGAN", "is", "x" * 91, wrong={}, test="")
    with pytest.raises(ValueError, match="is, if, part, contains, limit, bounds"):
        edges.related("hinge", "WGAN", "like", "?", wrong={}, test="")
    with pytest.raises(KeyError, match="there are minimax GAN"):
        edges_of("f-GAN · KL")
    for sides in (lambda: ([1., 2.], 1.), lambda: (math.nan, 1.)):
        with pytest.raises(ArithmeticError, match="not finite"):
            both_sides(EDGES[0]._replace(sides=sides))
    assert check_edge(EDGES[0]._replace(sides=lambda: ([5., 2.], [4., 2.]))) == .25
    assert check_edge(EDGES[0]._replace(kind="bounds", sides=lambda: ([.25, 2.], [.5, 2.]))) == 0


# ---------------------------------------------------------------- what no lesson's test proves

@pytest.mark.parametrize("seed", range(4))
def test_no_free_critic_pays_less_than_two_minus_two_tv(seed):
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(30, rng.dirichlet(np.ones(6)), size=2)
    counts[1] = rng.multinomial(30, rng.dirichlet(np.ones(6)))
    least = 2 - np.abs(counts[0] - counts[1]).sum() / 30
    pays = lambda scores: hinge()["f"](
        itself, itself, *(torch.tensor(np.repeat(scores, count)) for count in counts)
    ).item()
    assert pays(np.where(counts[0] >= counts[1], 1., -1.)) == pytest.approx(least, abs=1e-12)
    for _ in range(200):
        assert pays(rng.normal(size=6) * rng.exponential(2)) >= least - 1e-12


@pytest.mark.parametrize("seed", range(4))
def test_inside_one_hinge_plays_wgan(seed):
    torch.manual_seed(seed)
    x, z = (torch.tanh(torch.randn(n)).double().requires_grad_() for n in (5, 7))
    same(
        hinge()["f"](itself, itself, x, z), 2 + gl.wasserstein()["f"](itself, itself, x, z), (x, z)
    )
    same(hinge()["g"](itself, itself, z), gl.wasserstein()["g"](itself, itself, z), (z,))


@pytest.mark.parametrize("p, q", [
    (gl.Normal(0, 1), gl.Normal(3, 1)), (gl.Normal(.4, .7), gl.Normal(-1, 1.6))])
@pytest.mark.parametrize("where", [segment_density, sample_density])
@pytest.mark.parametrize("weight", [.7, 10.])
def test_one_slope_steeper_than_the_square(p, q, where, weight):
    """p = 2, k = λ: by the formulas of lessons 07 and 08, and by a search for the best slopes."""
    x = np.array([-1.3, .2, 1.9])
    steep, square = (
        penalised_slope(p, q, weight, where)(x),
        divergence_slope(p, q, weight, 2, where)(x),
    )
    assert (np.sign(steep) == np.sign(square)).all()
    np.testing.assert_allclose(np.abs(steep), 1 + np.abs(square), rtol=1e-12)
    for d, density in zip(np.abs(cdf_difference(p, q)(x)), where(p, q)(x)):
        found = [
            minimize_scalar(
                lambda s: -d * s + weight * density * ask(s),
                bounds=(0, 60),
                method="bounded",
                options=dict(xatol=1e-10),
            ).x
            for ask in (lambda s: (s - 1) ** 2, lambda s: s * s)
        ]
        assert found[0] == pytest.approx(1 + found[1], abs=1e-4)


def cloud(seed, n=6):
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=(n, 2)),
        rng.dirichlet(np.ones(n)),
        rng.dirichlet(np.ones(n)),
        rng.choice([.5, 1, 3]),
    )


@pytest.mark.parametrize("seed", range(4))
def test_bound_slopes_make_ls_gan_transport(seed):
    places, p, q, weight = cloud(seed)
    best = best_loss(places, places, weight=weight, first=0, kappa=1, mass=p, mass_fake=q,
                        margin=lambda a, b: distances(a, b, p=2))
    between = distances(places, places, p=2)
    assert best.value == pytest.approx(
        weight * (p @ between @ q - plan(p, q, between).cost), abs=1e-7
    )


@pytest.mark.parametrize("seed", range(4))
def test_one_margin_for_all_pairs_is_total_variation(seed):
    places, p, q, weight = cloud(seed)
    best = best_loss(places, places, weight=weight, first=0, kappa=1, mass=p, mass_fake=q,
                        margin=lambda a, b: np.full((len(a), len(b)), 1.3))
    assert best.value == pytest.approx(weight * 1.3 * (1 - np.abs(p - q).sum() / 2), abs=1e-7)
    assert best.values.max() <= 1.3 + 1e-7


@pytest.mark.parametrize("distance, sd", [(.3, 1), (1, .5), (2, 1), (-3, 2)])
def test_pairs_of_normals_stand_root_two_apart(distance, sd):
    """The lead of a pair is Normal with mean d² and variance 2d², d = distance/σ.

    So is minimax's logit at √2 d.
    """
    d = distance / sd
    loss = quad(
        lambda u: norm.pdf(u) * np.logaddexp(0, -(d * d + 2**.5 * abs(d) * u)),
        -12,
        12,
        epsabs=1e-13,
    )[0]
    assert pairwise_value(gl.Normal(1, sd), gl.Normal(1 + distance, sd)) == pytest.approx(
        loss, abs=1e-11
    )
    assert -gan_value(gl.Normal(1, sd), gl.Normal(1 + 2**.5 * distance, sd)) / 2 == pytest.approx(
        loss, abs=1e-11
    )


@pytest.mark.parametrize("seed", range(3))
def test_rsgan_is_minimax_on_pairs(seed):
    """The lead of a pair is a critic of pairs; the best one of all, log p(x)q(x′)/q(x)p(x′), is a
    lead as well. So the value is that of a minimax game between two laws of pairs."""
    torch.manual_seed(seed)
    x, z = (torch.randn(6, dtype=torch.float64).requires_grad_() for _ in "xz")
    lead = lambda pair: pair[:, 0] - pair[:, 1]
    pairs = torch.stack([x, z], 1)
    same(2 * relativistic("RSGAN")["f"](itself, itself, x, z),
         gl.minimax()["f"](lead, itself, pairs, pairs.flip(1)), (x, z))
    rng = np.random.default_rng(seed)
    p, q = (rng.dirichlet(np.ones(4)) for _ in "pq")
    a, b = np.outer(p, q).ravel(), np.outer(q, p).ravel()
    middle = (a + b) / 2
    js = (a @ np.log(a / middle) + b @ np.log(b / middle)) / 2
    found = minimize(lambda f: p @ np.logaddexp(0, -(f[:, None] - f)) @ q, rng.normal(size=4))
    assert found.fun == pytest.approx(np.log(2) - js, abs=1e-8)


@pytest.mark.parametrize("gamma", [0., .05, 2.])
def test_r1_and_r2_are_added_to_pairs(gamma):
    """The critic's loss is RSGAN's plus γ/2 (E ‖∇f(x)‖² + E ‖∇f(x′)‖²), the slopes by hand."""
    x = torch.tensor([[.4, -1.], [2., .3]]).double()
    z = torch.tensor([[-.7, .6], [1.5, -2.]]).double()
    a = leaf([1.3, .7])                                             # the weights of the critic
    f = lambda x: a[0] * x[:, 0].square() + torch.sin(a[1] * x[:, 1])
    square = lambda x: ((2 * a[0] * x[:, 0]).square()
                        + (a[1] * torch.cos(a[1] * x[:, 1])).square())
    game = relativistic("RSGAN")
    mine = penalised(game, zero_centred(at_both), gamma)["f"](f=f, g=itself, x=x, z=z)
    same(mine, game["f"](f, itself, x, z) + gamma / 2 * (square(x) + square(z)).mean(), (a,))


@pytest.mark.parametrize("kind", ["SGAN", "LSGAN", "Hinge", "GAN"])
@pytest.mark.parametrize("real, fake", [(-5., 12.5), (1.4, .3), (.3, 1.4)])
def test_one_pair_has_no_average(kind, real, fake):
    for player in "fg":
        x, z = leaf([real]), leaf([fake])
        average, pair = (
            relativistic(name + kind)[player](itself, itself, x, z) for name in ("Ra", "R")
        )
        same(average, 2 * pair, (x, z))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind, plain", [("RaHinge", hinge()), ("RaSGAN", gl.minimax())])
def test_centred_averages_pay_the_plain_price(kind, plain, seed):
    torch.manual_seed(seed)
    x, z = (3 * torch.randn(n, dtype=torch.float64) for n in (4, 6))
    x, z = x - x.mean(), z - z.mean()
    assert relativistic(kind)["f"](itself, itself, x, z).item() == pytest.approx(
        plain["f"](itself, itself, x, z).item()
    )
    lifted = relativistic(kind)["f"](itself, itself, x + 1, z).item()
    assert lifted != pytest.approx(plain["f"](itself, itself, x + 1, z).item(), abs=1e-3)


@pytest.mark.parametrize("n, seed", [(4, 0), (9, 1)])
def test_codes_play_the_non_saturating_game(n, seed):
    torch.manual_seed(seed)
    f, e = gl.mlp_critic(2, seed=seed).double(), gl.mlp_critic(3, outputs=2, seed=seed + 1).double()
    x, z = torch.randn(n, 3).double(), torch.randn(n, 2).double()
    _, critic, fool = adversarial_autoencoder().moves
    plain = gl.non_saturating()
    same(critic.loss(f, e, x, z), plain["f"](f, e, z, x), [*f.parameters()])
    same(fool.loss(e, f, x), plain["g"](f, e, x), [*e.parameters()])


@pytest.mark.parametrize("n, m, seed", [(4, 4, 0), (5, 20, 1), (3, 6, 2)])
def test_two_bounds_are_two_rows(n, m, seed):
    torch.manual_seed(seed)
    own, other = (2 * torch.randn(size, dtype=torch.float64) for size in (n, m))
    own, other = own.requires_grad_(), other.requires_grad_()
    same(-jensen_shannon(own, other), gl.minimax()["f"](itself, itself, own, other), (own, other))
    same(-nwj(own, other), f_gan("KL")["f"](itself, itself, own, other), (own, other))


@pytest.mark.parametrize("mean, sd", [(.4, 1.3), (-2, .6), (3, 2)])
def test_a_flow_descends_kl(mean, sd):
    """E -log q(x) of an affine flow is KL(p‖q) + H(p), and its slope by the mean that of KL."""
    p = gl.Mixture([gl.Normal(-1, .6), gl.Normal(1.5, 1)], [.3, .7])
    x = np.linspace(-9, 11, 4001)
    weights = torch.tensor(p.pdf(x) * (x[1] - x[0]))  # the trapezium rule is exact here
    at = leaf(float(mean))
    b = lambda x: ((x - at) / sd, torch.full((len(x),), -math.log(sd), dtype=torch.float64))
    loss = (weights * flow_nll(b, torch.tensor(x)[:, None])).sum()
    entropy = -(weights.numpy() @ p.logpdf(x))
    q = gl.Normal(mean, sd)
    assert loss.item() == pytest.approx(entropy + gl.f_divergence("KL")(p, q), abs=1e-10)
    assert torch.autograd.grad(loss, at)[0].item() == pytest.approx(kl_slope(p, q), abs=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_a_vae_pays_the_evidence_and_its_encoders_error(seed):
    """loss = E -log q(x) + E KL(p(z|x) ‖ q(z|x)); a linear decoder's posterior is known."""
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(3, 3))
    vae = LinearVAE(
        A @ A.T + .2 * np.eye(3),
        rng.normal(size=(2, 3)) / 2,
        np.exp(rng.normal(size=2) / 2),
        rng.normal(size=(3, 2)),
        .8,
    )
    spread = np.linalg.inv(np.eye(2) + vae.decoder.T @ vae.decoder / vae.sd**2)
    gain = spread @ vae.decoder.T / vae.sd**2
    missed = (vae.encoder - gain) @ vae.covariance @ (vae.encoder - gain).T
    error = (
        gaussian_kl(np.zeros(2), np.diag(vae.noise**2), np.zeros(2), spread)
        + np.trace(np.linalg.solve(spread, missed)) / 2
    )
    assert vae.terms().loss() == pytest.approx(vae.evidence() + error, rel=1e-10) and error > .1
    exact = vae._replace(encoder=gain[:1], noise=np.sqrt(spread[0, :1]), decoder=vae.decoder[:, :1])
    spread1 = 1 / (1 + exact.decoder.T @ exact.decoder / vae.sd**2)
    exact = exact._replace(encoder=spread1 @ exact.decoder.T / vae.sd**2, noise=np.sqrt(spread1[0]))
    assert exact.terms().loss() == pytest.approx(exact.evidence(), rel=1e-12)


# ---------------------------------------------------------------- beyond the map

def plane(seed, n):
    rng = np.random.default_rng(seed)
    return torch.tensor(rng.normal(size=(n, 2)), dtype=torch.float64)


@pytest.mark.parametrize("gamma", [0., .05, 2.])
def test_r1_at_zero_weight_is_the_plain_game(gamma):
    """γ times the squared slopes at real samples, by hand; nothing where γ = 0."""
    x, z, a = plane(0, 4), plane(1, 4), leaf([1.3, .7])
    f = lambda x: a[0] * x[:, 0].square() + torch.sin(a[1] * x[:, 1])
    square = (2 * a[0] * x[:, 0]).square() + (a[1] * torch.cos(a[1] * x[:, 1])).square()
    game = gl.non_saturating()
    same(penalised(game, zero_centred(at_real), gamma)["f"](f=f, g=itself, x=x, z=z),
         game["f"](f, itself, x, z) + gamma * square.mean(), (a,))


@pytest.mark.parametrize("where", [at_real, at_fake])
def test_r1_and_r2_are_one_for_a_straight_critic(where):
    x, z, a = plane(2, 3), plane(3, 3), leaf([.8, -1.7])
    f, game = (lambda x: x @ a), gl.minimax()
    same(penalised(game, zero_centred(where), .6)["f"](f=f, g=itself, x=x, z=z),
         game["f"](f, itself, x, z) + .6 * a.square().sum(), (a,))


@pytest.mark.parametrize("gamma", [.2, 1.5])
def test_pairs_change_nothing_near_the_equilibrium(gamma):
    """R3GAN and GAN + R1 on the Dirac-GAN, from the losses themselves: eigenvalues by hand."""
    fake = lambda game: (lambda psi, theta: game(psi * 0, psi * theta))      # scores of 0 and θ
    sp = torch.nn.functional.softplus
    pairs = fake(lambda real, fake: sp(fake - real)), fake(lambda real, fake: sp(real - fake))
    plain = fake(lambda real, fake: sp(-real) + sp(fake)), fake(lambda real, fake: sp(-fake))
    for losses, weight in ((pairs, (gamma, gamma)), (plain, (2 * gamma,))):
        of_f = lambda v: losses[0](*v) + sum(w / 2 * v[0] ** 2 for w in weight)
        of_g = lambda v: losses[1](*v)
        zero = torch.zeros(2, dtype=torch.float64)
        rows = [torch.autograd.functional.hessian(loss, zero)[i]
                for i, loss in enumerate((of_f, of_g))]
        found = np.sort_complex(np.linalg.eigvals(-torch.stack(rows).numpy()))
        root = np.sqrt(complex(gamma ** 2 - .25))
        np.testing.assert_allclose(found, np.sort_complex([-gamma - root, -gamma + root]))


@pytest.mark.parametrize("seed", range(5))
def test_the_energy_distance_below_two_w(seed):
    """Of point masses on the line, by double sums and by a transport program."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=5), 2 * rng.normal(size=7)
    p, q = rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(7))
    apart = lambda a, b: np.abs(a[:, None] - b)
    energy = 2 * p @ apart(x, y) @ q - p @ apart(x, x) @ p - q @ apart(y, y) @ q
    w = plan(p, q, apart(x, y)).cost
    assert 0 < energy < 2 * w


def test_plain_features_make_the_mmd_gan_mmd():
    """By loops over pairs, none of a sample with itself."""
    x, z = plane(4, 4).requires_grad_(), plane(5, 3).requires_grad_()
    k = lambda a, b: torch.exp(-(a - b).square().sum() / (2 * .7 ** 2))
    within = lambda some: torch.stack([k(a, b) for i, a in enumerate(some)
                                       for j, b in enumerate(some) if i != j]).mean()
    cross = torch.stack([k(a, b) for a in x for b in z]).mean()
    same(mmd_gan(gaussian(.7))["g"](itself, itself, x, z), within(x) + within(z) - 2 * cross,
         (x, z))


@pytest.mark.parametrize("seed", range(3))
def test_one_linear_feature_is_wgans_gap(seed):
    """E f f′ within p and within q, less twice that across: (E_p f - E_q f)², for any f."""
    rng = np.random.default_rng(seed)
    p, q, f = rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(5)), rng.normal(size=5)
    k = np.outer(f, f)
    assert p @ k @ p + q @ k @ q - 2 * p @ k @ q == pytest.approx((p @ f - q @ f) ** 2)


@pytest.mark.parametrize("n, m", [(4, 6), (5, 3)])
def test_feature_matching_is_an_mmd(n, m):
    f = gl.mlp_critic(2, outputs=3, seed=n).double()
    x, z = plane(6, n).requires_grad_(), plane(7, m).requires_grad_()
    a, b = f.features(x), f.features(z)
    mean = lambda one, other: torch.stack([u @ v for u in one for v in other]).mean() / a.shape[1]
    same(improved_gan()["g"](f, itself, x, z), mean(a, a) + mean(b, b) - 2 * mean(a, b), (x, z))


def test_two_rescalings_are_old_games():
    c = torch.linspace(-7, 5, 9, dtype=torch.float64).requires_grad_()
    for name, game in (("non-saturating", gl.non_saturating()), ("saturating", gl.minimax())):
        same(rescaled(name)["g"](itself, itself, c), game["g"](itself, itself, c), (c,))
        same(rescaled(name)["f"](itself, itself, c, c + 1), game["f"](itself, itself, c, c + 1),
             (c,))


@pytest.mark.parametrize("row", ["KL", "reverse KL", "JS", "Pearson", "squared Hellinger"])
def test_every_row_pushes_as_its_flow_moves(row):
    """-φ*(φ'(r)) = φ(r) - r φ'(r) has the slope -r² φ''(r) by log r: by differences of φ."""
    log_r, h = np.array([-1.7, .4, 1.1]), 1e-3
    phi = gl.f_divergence(row).phi

    def conjugate(c):
        slope = (phi(np.exp(c + h)) - phi(np.exp(c - h))) / (2 * h)          # r φ'(r)
        return slope - phi(np.exp(c))
    by_differences = (conjugate(log_r + h) - conjugate(log_r - h)) / (2 * h)
    np.testing.assert_allclose(flow_weight(row, log_r), by_differences, rtol=1e-4)
    game = f_gan(row)
    best = best_critic.best_score(game, log_r)
    np.testing.assert_allclose(
        -best_critic.score_losses(game).generator_slope(best.score) * best.slope, by_differences,
        rtol=1e-4)


# ---------------------------------------------------------------- the picture

def overlap(a, b, pad=0.0):
    return abs(a.x - b.x) < (a.w + b.w) / 2 + pad and abs(a.y - b.y) < (a.h + b.h) / 2 + pad


def well_drawn():
    """Boxes apart and inside; no curve through a box that is not its end.

    Numbers apart from boxes and from each other.
    """
    boxes, routes = pictures._layout()
    every = list(boxes.values())
    assert not any(overlap(a, b, .05) for i, a in enumerate(every) for b in every[:i])
    assert all(
        0 < a.x - a.w / 2 and a.x + a.w / 2 < pictures.WIDE and a.y + a.h / 2 < pictures.HIGH
        for a in every
    )
    numbers = [pictures.Box(*route.number, .16, .14, "") for route in routes]
    assert not any(overlap(a, b) for i, a in enumerate(numbers) for b in numbers[:i])
    for edge, route, number in zip(edges.EDGES, routes, numbers):
        assert not any(overlap(number, box) for box in every), edge.statement
        for name, box in boxes.items():
            through = (np.abs(route.curve - [box.x, box.y]) < [box.w / 2, box.h / 2]).all(1).any()
            assert not through, f"{edge.statement} runs through {name}"
    return boxes, routes


def test_nothing_lies_on_anything():
    boxes, routes = well_drawn()
    assert set(boxes) == set(OBJECTIVES) and len(routes) == len(EDGES)


@pytest.fixture
def one_more(monkeypatch):
    monkeypatch.setitem(
        OBJECTIVES, "your GAN", Objective("your GAN", "encoders", "20_map", "minimax:minimax", "?")
    )
    monkeypatch.setattr(edges, "EDGES", EDGES)
    EDGES.append(EDGES[0]._replace(a="your GAN", b="WGAN", statement="made up"))
    pictures._layout.cache_clear()
    yield
    EDGES.pop()
    pictures._layout.cache_clear()


def test_a_new_objective_appears(one_more):
    boxes, routes = pictures._layout()
    assert "your GAN" in boxes and len(routes) == len(EDGES)
    every = list(boxes.values())
    assert not any(overlap(a, b) for i, a in enumerate(every) for b in every[:i])
    assert "your GAN" in pictures.linked_map()._repr_html_()


def test_choosing_an_objective():
    explorer = pictures.edges()
    curves, heads, numbers, frames, lines, title, _ = explorer._artists
    for name in OBJECTIVES:
        explorer._update(explorer._artists, name=name, edge=2)
        found = edges_of(name)
        assert title.get_text().startswith(
            f"{name}, lesson {OBJECTIVES[name].lesson[:2]}: {len(found)} exact relation"
        )
        assert {other for other, frame in frames.items() if frame.get_visible()} == {
            end for edge in found for end in edge.ends
        }
        shown = [text for texts in lines.values() for text in texts if text.get_visible()]
        assert [
            edge.statement in text.get_text() for edge, text in zip(found, shown, strict=True)
        ] == [True] * len(found)
        for text in shown:
            assert (
                text.get_window_extent().width / explorer.figure.dpi < pictures.WIDE - .3
                and "nan" not in text.get_text()
            )
        assert [head.get_visible() for head in heads] == [
            i < len(found) and found[i].kind in ("contains", "limit") for i in range(len(heads))
        ]
        lit = [number.get_text() for number in numbers if number.get_visible()]
        assert lit == [str(EDGES.index(edge) + 1) for edge in found] and len(lit) == sum(
            c.get_visible() for c in curves
        )
    for state in (
        dict(name="minimax GAN", edge=7),
        dict(name="RaHinge", edge=7),
        dict(name="f-GAN", edge=1),
    ):
        explorer.draw(**state)


def test_boxes_are_links_and_a_list_without_styles():
    page = pictures.linked_map()._repr_html_()
    links = re.findall(r'<a href="(\S+)\.ipynb" title="([^"]+)"', page)
    assert [stem for stem, _ in links] == [objective.lesson for objective in OBJECTIVES.values()]
    assert page.count("<li>") == len(OBJECTIVES) and all(name in page for name in OBJECTIVES)
    assert 'alt="Map of all' in page and len(page) < 150_000 and "<script" not in page
    for left, top, width, height in re.findall(
        r"left:([\d.]+)%; top:([\d.]+)%; width:([\d.]+)%; height:([\d.]+)%", page
    ):
        assert float(left) + float(width) < 100 and float(top) + float(height) < 100


def test_links_in_outputs_lead_to_pages_of_the_book(tmp_path):
    shown = new_code_cell("linked_map()", id="map", metadata={"tags": []}, execution_count=1)
    shown.outputs = [new_output("display_data", {"text/html": pictures.linked_map()._repr_html_()}),
                     new_output("display_data", {"text/markdown": edges.edge_table().data})]
    cells = [
        new_markdown_cell(
            "# 20 · Made up\n\n> Where?\n\n[first](01_minimax.ipynb#Idea)", id="head"
        ),
        shown,
    ]
    path = tmp_path / "20_made_up.ipynb"
    tool.nbformat.write(new_notebook(cells=cells), path)
    found = book.prepared(path, tool.nbformat.read(path, 4), {}, tmp_path)
    linked, table = (output.data for output in found.cells[1].outputs)
    assert ".ipynb" not in linked["text/html"] and "position:absolute" in linked["text/html"]
    assert linked["text/html"].count('href="19_clustering.html"') >= 1
    assert "19_clustering.ipynb" in table["text/markdown"]          # Sphinx leads it to the page


def test_the_table_has_a_row_for_each_edge():
    rows = edges.edge_table().data.splitlines()
    assert len(rows) == 2 + len(EDGES) and all(row.count("|") == 5 for row in rows)
    plain = [row.replace("&#95;", "_").replace("&#124;", "|") for row in rows[2:]]
    assert all(edge.statement in row for edge, row in zip(EDGES, plain))
    assert all(re.search(r"\| (\de-\d\d|0) \| \[\d\d\]", row) for row in plain)


def test_families_differ_in_more_than_colour():
    for table in (pictures.FAMILY_COLOURS, pictures.FAMILY_MARKERS, pictures.FAMILY_LINES):
        assert list(table) == list(pictures.FAMILIES) and len(set(map(str, table.values()))) == 7
    assert set(pictures.KIND_LINES) == set(edges.KIND_WORDS) == {edge.kind for edge in EDGES}
