"""Flows of samples: continuity, steepest descent, weights, flows on the line, denoisers, games."""
import numpy as np
import pytest
import torch
from torch import nn

from gan_lessons import (
    Mixture,
    Normal,
    Ring,
    adam,
    batches,
    expectation,
    f_divergence,
    log_ratio,
    mlp_critic,
    mlp_generator,
    train,
)
from gan_lessons.drawing import plots
from gan_lessons.exact.particles import (
    LineFlow,
    flow_weight,
    normal_flow,
    quantiles,
    velocity,
)
from gan_lessons.explorers import particles as explorers
from gan_lessons.objectives import particles as games
from gan_lessons.questions import particles as questions

SMOOTH = ["KL", "reverse KL", "Pearson", "Neyman", "squared Hellinger", "Jeffrey", "JS", "GAN",
          "Le Cam"]
P = Mixture([Normal(-1, .7), Normal(1.5, .9)], weights=[.3, .7])
WIDE = Normal(.5, 2)


# -- weights and velocities ------------------------------------------------------------------------

@pytest.mark.parametrize("name", SMOOTH)
def test_a_weight_is_r_squared_times_the_second_derivative(name):
    r = torch.tensor([.07, .8, 1., 3., 20.], dtype=torch.float64, requires_grad=True)
    slope, = torch.autograd.grad(f_divergence(name).phi(r).sum(), r, create_graph=True)
    bend, = torch.autograd.grad(slope.sum(), r)
    assert flow_weight(name, r.detach().log()) == pytest.approx((r**2 * bend).detach().numpy(),
                                                                rel=1e-9)


@pytest.mark.parametrize("name", ["reverse KL", "JS", "squared Hellinger", "KL", "Le Cam"])
def test_a_divergence_falls_by_the_mean_square_of_the_velocity(name):
    phi, v, h = f_divergence(name).phi, velocity(name, P, WIDE), 1e-5

    def moved(tau):
        stretch = lambda x: 1 + tau * (v(x + h) - v(x - h)) / (2 * h)
        r = lambda x: P.pdf(x + tau * v(x)) * stretch(x) / WIDE.pdf(x)
        return expectation(WIDE, lambda x: phi(r(x)), edges=np.linspace(-12, 13, 101))

    fall = (moved(1e-4) - moved(-1e-4)) / 2e-4
    assert fall == pytest.approx(-expectation(WIDE, lambda x: v(x)**2), rel=1e-4)


@pytest.mark.parametrize("name", ["reverse KL", "JS", "squared Hellinger", "Pearson"])
def test_the_mean_velocity_is_minus_the_slope_of_the_divergence(name):
    q = Normal(.7, .8)
    assert expectation(q, velocity(name, Normal(0, 1), q)) == pytest.approx(
        -f_divergence(name).slope(Normal(0, 1), q), rel=1e-8)


@pytest.mark.parametrize("t", [.01, .3, 2.])
def test_a_normal_flows_by_the_continuity_equation(t):
    q, h, x = lambda t: normal_flow(Normal(3, .5), t), 1e-5, np.array([.4, 1.7, 2.8])
    v = velocity("reverse KL", Normal(0, 1), q(t))
    flux = lambda x: q(t).pdf(x) * v(x)
    gained = (q(t + h).pdf(x) - q(t - h).pdf(x)) / (2 * h)
    assert gained == pytest.approx(-(flux(x + h) - flux(x - h)) / (2 * h), abs=1e-7)


# -- on the line -----------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["reverse KL", "JS", "squared Hellinger", "Le Cam", "Neyman"])
def test_the_energy_is_the_divergence(name):
    row, q = f_divergence(name), Normal(.4, .9)
    flow = LineFlow(name, P, q, 400)
    assert flow.energy(flow.x) == pytest.approx(row(P, q) - row.phi(1.0), rel=.01, abs=4e-3)


@pytest.mark.parametrize("name", SMOOTH)
def test_a_velocity_is_the_gradient_of_the_energy_over_the_mass(name):
    flow, h = LineFlow(name, P, Normal(.4, .9), 9), 1e-6
    gradient = [(flow.energy(flow.x + h * side) - flow.energy(flow.x - h * side)) / (2 * h)
                for side in np.eye(9)]
    mass = np.convolve(flow.masses, [.5, .5])
    assert flow.velocity(flow.x) == pytest.approx(-np.array(gradient) / mass, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("name", ["reverse KL", "JS", "squared Hellinger"])
def test_the_energy_only_falls(name):
    flow = LineFlow(name, P, Normal(4, .7), 30)
    energies = [flow.energy(x) for x in flow(np.linspace(0, 5, 26))]
    assert (np.diff(energies) < 0).all()


def test_particles_follow_the_normal_that_is_known():
    n, t = 100, np.array([.2, 1., 2.5])
    flow = LineFlow("reverse KL", Normal(0, 1), Normal(3, .5), n)
    share = np.concatenate([[0], flow.masses]).cumsum() + (1 - flow.masses.sum()) / 2
    for time, x in zip(t, flow(t)):
        known = quantiles(normal_flow(Normal(3, .5), time), share)
        assert x[20:-20] == pytest.approx(known[20:-20], abs=.03)


def test_the_density_between_particles():
    flow = LineFlow("JS", P, Normal(0, 1), 200)
    middle, density = flow.density(flow.x)
    assert density == pytest.approx(Normal(0, 1).pdf(middle), rel=.01)


@pytest.mark.parametrize("law", [Normal(2, .3), P], ids=str)
def test_quantiles(law):
    share = np.array([1e-4, .1, .5, .99])
    assert law.cdf(quantiles(law, share)) == pytest.approx(share, abs=1e-10)


# -- denoisers -------------------------------------------------------------------------------------

def test_the_best_denoiser_has_the_least_loss():
    p, sigma = Normal(1, 2), .7
    torch.manual_seed(0)
    x = 1 + 2 * torch.randn(200_000, 1, dtype=torch.float64)
    best = lambda y: y + sigma**2 * torch.tensor(Normal(1, (4 + sigma**2)**.5).score(y.numpy()))
    losses = {}
    for name, m in {"best": best, "moved": lambda y: best(y) + .1, "none": lambda y: y}.items():
        torch.manual_seed(1)
        losses[name] = games.denoising_loss(m, x, sigma).item()
    assert losses["best"] == pytest.approx(4 * sigma**2 / (4 + sigma**2), rel=.01)
    assert losses["best"] < losses["moved"] < losses["none"]
    assert p.sd == 2


def test_the_difference_of_two_denoisers_is_the_gradient_of_the_log_ratio():
    p, q, sigma = P, Normal(.5, 1.2), .6
    wider = lambda law: Normal(law.mean, (law.sd**2 + sigma**2)**.5)
    p_s, q_s = Mixture([wider(part) for part in p.laws], weights=[.3, .7]), wider(q)

    def mean(law, y):
        likelihood = lambda x: Normal(y, sigma).pdf(x)
        return expectation(law, lambda x: x * likelihood(x)) / expectation(law, likelihood)

    for y in (-2., .1, 1.7):
        slope = (log_ratio(p_s, q_s)(np.array([y + 1e-5])) - log_ratio(p_s, q_s)(
            np.array([y - 1e-5])))[0] / 2e-5
        assert (mean(p, y) - mean(q, y)) / sigma**2 == pytest.approx(slope, abs=1e-7)


# -- games -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", games.RESCALINGS)
def test_a_rescaled_generator_pushes_by_the_slope_of_h(name):
    c = torch.tensor([-2., .3, 1.5], dtype=torch.float64, requires_grad=True)
    loss = games.rescaled(name)["g"](lambda x: x, lambda z: z, c)
    push = -torch.autograd.grad(loss, c)[0] * 3
    r = c.detach().exp()
    expected = {"h(c) = c": r / r, "non-saturating": 1 / (1 + r), "saturating": r / (1 + r),
                "half": r**.5 / 2, "exponential": r}[name]
    assert push.numpy() == pytest.approx(expected.numpy(), rel=1e-12)


def test_the_push_of_two_denoisers_is_handed_to_the_generator_alone():
    g, m, m_q = (mlp_generator(2, 2, seed=seed).double() for seed in (1, 2, 3))
    z = torch.randn(7, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    torch.manual_seed(5)
    loss = games.distribution_matching(.5)["g"](g, m, m_q, z)
    torch.manual_seed(5)
    fakes = g(z)
    y = fakes.detach() + .5 * torch.randn_like(fakes)
    by_hand = torch.autograd.grad(fakes, list(g.parameters()), -(m(y) - m_q(y)) / 7)
    loss.backward()
    for weight, slope in zip(g.parameters(), by_hand):
        assert weight.grad == pytest.approx(slope.numpy(), abs=1e-12)
    assert all(weight.grad is None for net in (m, m_q) for weight in net.parameters())


def test_the_weight_of_a_divergence_multiplies_the_push():
    g, m, m_q = (mlp_generator(2, 2, seed=seed).double() for seed in (1, 2, 3))
    z = torch.randn(7, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    slopes = {}
    for name, divergence in {"plain": None, "KL": "KL", "Pearson": "Pearson"}.items():
        torch.manual_seed(5)
        given = dict(g=g, m=m, m_q=m_q, z=z)
        if divergence:
            given["f"] = lambda y: torch.full((len(y),), np.log(3.), dtype=torch.float64)
        loss = games.distribution_matching(.5, divergence)["g"](**given)
        slopes[name] = torch.autograd.grad(loss, list(g.parameters()))
    for plain, kl_, pearson in zip(*slopes.values()):
        assert kl_.numpy() == pytest.approx(3 * plain.numpy(), rel=1e-10)
        assert pearson.numpy() == pytest.approx(18 * plain.numpy(), rel=1e-10)


@pytest.mark.parametrize("divergence", [None, "JS"])
def test_the_games_are_played(divergence):
    players = dict(m=mlp_generator(2, 2, seed=1), m_q=mlp_generator(2, 2, seed=2),
                   g=mlp_generator(2, 2, seed=3))
    if divergence:
        players["f"] = mlp_critic(2, seed=4)
    run = train(games.distribution_matching(.5, divergence), players,
                batches(Ring(), z=Normal(dim=2), batch=16, seed=0), steps=3, optimizer=adam(1e-3),
                watch=None, seed=0)
    assert run.samples(5).shape == (5, 2)


# -- what is refused -------------------------------------------------------------------------------

@pytest.mark.parametrize("call, says", [
    (lambda: flow_weight("total variation", 0.), "no second derivative"),
    (lambda: flow_weight("nonsense", 0.), "no f-divergence"),
    (lambda: normal_flow(Normal(0, 1), -1), "0 or more"),
    (lambda: LineFlow("JS", P, P, 3), "n = 3"),
    (lambda: LineFlow("JS", P, Normal(0, 1))([1, .5]), "times rise"),
    (lambda: LineFlow("JS", P, Normal(0, 1))([]), "times rise"),
    (lambda: LineFlow("JS", P, Ring()), "line"),
    (lambda: quantiles(P, [0., .5]), "between 0 and 1"),
    (lambda: games.rescaled("nonsense"), "no rescaling"),
    (lambda: games.rescaled(3), "rising function"),
    (lambda: games.distribution_matching(0), "above 0"),
    (lambda: games.distribution_matching(.5, "total variation"), "no second derivative"),
    (lambda: games.noised(torch.zeros(2), np.nan), "above 0"),
    (lambda: games.denoising_loss(nn.Linear(2, 3), torch.zeros(4, 2), .5), "gives back"),
])
def test_a_slip_is_told_by_name(call, says):
    with pytest.raises((ValueError, TypeError, KeyError), match=says):
        call()


# -- the page --------------------------------------------------------------------------------------

def test_the_slider_moves_everything():
    view = explorers.flows()
    for divergence in explorers.FLOWS:
        view.draw(divergence=divergence, start="between", t=.4)
        assert view.error is None


def test_figures_of_the_page_draw():
    fig, axes = plots.figure(3)
    explorers.arrows(axes[0])
    explorers.weights(axes[1])
    explorers.clouds(axes[2:], {"one": torch.zeros(4, 2)}, Ring())
    assert plots.png(fig)


def test_trained_pushes_are_drawn_over_the_exact_ones():
    line = torch.linspace(-2, 2, 5)
    grid = torch.cartesian_prod(line, line)
    fig, axes = plots.figure(2)
    explorers.pushes_on_the_ring(axes, -grid, {"a": -grid, "b": grid}, grid, Ring())
    for ax, sign in zip(axes, (-1, 1)):
        exact, trained, _ = ax.collections
        assert exact.U == pytest.approx(-grid[:, 0].numpy())
        assert trained.U == pytest.approx(sign * grid[:, 0].numpy())
        assert exact.scale == trained.scale
    assert plots.png(fig)


def test_answers():
    known = {name: right() if callable(right) else right
             for name, (right, _) in questions.QUESTIONS.items()}
    r = np.exp(np.linspace(-3, 3, 6_001))                  # LSGAN: w = (1 - D) dD / d log r
    D = r / (1 + r)
    w = (1 - D) * np.gradient(D, np.log(r))
    assert known["23 lsgan"] == pytest.approx(r[w.argmax()], rel=2e-3)
    assert known["23 log"] == pytest.approx([.18 / 2.18, 3.82 / 5.82])
    assert known["23 worth"] == pytest.approx(256 / np.e)
    assert known["23 slider"] in explorers.TIMES
    p_s, q_s = Normal(0, (1 + .25)**.5), Normal(2, (.09 + .25)**.5)
    push = lambda y: float(p_s.score(np.array(y)) - q_s.score(np.array(y)))
    turn = known["23 noise"]
    assert push(turn) == pytest.approx(0, abs=1e-12)
    assert push(turn - .1) < 0 < push(turn + .1)


def test_a_round_of_matching_is_three_steps_of_descent():
    nets = [mlp_generator(2, 2, seed=seed).double() for seed in (1, 2, 3)]
    before = [parameter.clone() for net in nets for parameter in net.parameters()]
    eps = torch.randn(3, 6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    x, z = eps[0] + 1, eps[1]
    found = questions.round_of_matching(*nets, x, z, eps)
    assert all((old == now).all() for old, now in zip(before, (
        parameter for net in nets for parameter in net.parameters())))    # copies have moved
    m, m_q, g = nets
    moves = [torch.optim.SGD(net.parameters(), lr=.1) for net in nets]
    (m(x + .5 * eps[0]) - x).square().mean().backward()
    moves[0].step()
    fakes = g(z).detach()
    (m_q(fakes + .5 * eps[1]) - fakes).square().mean().backward()
    moves[1].step()
    y = fakes + .5 * eps[2]
    (-(g(z) * (m(y) - m_q(y)).detach()).sum(1).mean()).backward()
    moves[2].step()
    assert found == pytest.approx(g(z).mean().item(), rel=1e-12)


def test_le_cams_weight_is_the_tables():
    c = torch.linspace(-4, 4, 9, dtype=torch.float64)
    assert questions.le_cam(c).detach().numpy() == pytest.approx(flow_weight("Le Cam", c), rel=1e-9)
