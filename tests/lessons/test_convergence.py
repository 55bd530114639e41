"""Do gradient steps arrive? Fields against the losses of the package, rounds against optimisers of
torch, eigenvalues against closed forms, the best critic under R₁ and R₂ against its equation."""
import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.optimize import minimize
from scipy.special import expit
from torch.nn.functional import softplus

from gan_lessons import (
    Game,
    Line,
    Mixture,
    Normal,
    Uniform,
    adam,
    batches,
    expectation,
    js,
    log_ratio,
    minimax,
    mlp_critic,
    non_saturating,
    on_arrays,
    train,
    wasserstein,
)
from gan_lessons.drawing import plots
from gan_lessons.exact import convergence as exact
from gan_lessons.exact.convergence import (
    Dirac,
    penalised_critic,
    round_matrix,
    spectral_radius,
    walk,
)
from gan_lessons.explorers import convergence as explorers
from gan_lessons.objectives.relativistic import relativistic
from gan_lessons.players.penalties import (
    at_both,
    at_fake,
    at_real,
    gradient_penalty,
    penalised,
    zero_centred,
)
from gan_lessons.questions import convergence as questions

SGAN, RPGAN = non_saturating(), relativistic("RSGAN")
PLAYED = {
    Dirac("minimax"): minimax(),
    Dirac("non-saturating"): SGAN,
    Dirac("RpGAN"): RPGAN,
    Dirac("WGAN"): wasserstein(),
    Dirac("WGAN-GP", gp=.7): wasserstein(gradient_penalty, .7),
    Dirac("non-saturating", r1=.3): penalised(SGAN, zero_centred(at_real), .15),
    Dirac("WGAN", r2=1.4): penalised(wasserstein(), zero_centred(at_fake), .7),
    Dirac("RpGAN", r1=.8, r2=.8): penalised(RPGAN, zero_centred(at_both), .8),
}
POINTS = [(.7, -1.2), (-2.1, .4), (1.3, 2.6), (-.2, -.9)]


def motion(game, v):
    """Minus each player's gradient of its own loss, by the losses of the package: (2,) -> (2,)."""
    v = torch.tensor(v, dtype=torch.float64, requires_grad=True)
    zeros = torch.zeros(3, 1, dtype=torch.float64)
    known = dict(f=lambda x: v[0] * x[:, 0], g=lambda z: v[1] + z, x=zeros, z=zeros)
    losses = [move.loss(**{name: known[name] for name in move.needs}) for move in game.moves]
    return np.array([-torch.autograd.grad(loss, v, retain_graph=True)[0][player].item()
                     for player, loss in enumerate(losses)])


# ---------------------------------------------------------------- fields and Jacobians

@pytest.mark.parametrize("game", PLAYED, ids=str)
def test_fields_are_the_gradients_of_the_games(game):
    for v in POINTS:
        assert game.field(v) == pytest.approx(motion(PLAYED[game], v), rel=1e-7, abs=1e-9)
    together = game.field(np.array(POINTS).T)                           # many places at once
    assert together.T == pytest.approx(np.array([game.field(v) for v in POINTS]), rel=1e-14)


@pytest.mark.parametrize("name", ["minimax", "non-saturating", "RpGAN"])
def test_fields_under_noise_are_slopes_of_expected_losses(name):
    sd, h, noise = .8, 1e-4, Normal(0, .8)

    def critic(psi, theta):
        if name == "RpGAN":
            lead = Normal(theta, 2 ** .5 * sd)
            return expectation(lead, lambda t: np.logaddexp(0, psi * t))
        return (expectation(noise, lambda e: np.logaddexp(0, -psi * e))
                + expectation(noise, lambda e: np.logaddexp(0, psi * (theta + e))))

    def generator(psi, theta):
        if name == "minimax":
            return -expectation(noise, lambda e: np.logaddexp(0, psi * (theta + e)))
        far = Normal(theta, 2 ** .5 * sd if name == "RpGAN" else sd)
        return expectation(far, lambda lead: np.logaddexp(0, -psi * lead))

    game = Dirac(name, noise=sd)
    for psi, theta in POINTS:
        slopes = [-(critic(psi + h, theta) - critic(psi - h, theta)) / (2 * h),
                  -(generator(psi, theta + h) - generator(psi, theta - h)) / (2 * h)]
        assert game.field((psi, theta)) == pytest.approx(slopes, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("game", [
    Dirac("minimax"), Dirac("WGAN", r1=.4), Dirac("RpGAN", r1=.2, r2=.9), Dirac(noise=1.3),
    Dirac("RpGAN", noise=.6, r2=.1), Dirac("WGAN", noise=2.)], ids=str)
def test_jacobians_by_hand_are_differences_of_the_field(game):
    h = 1e-5
    columns = [(game.field(h * unit) - game.field(-h * unit)) / (2 * h) for unit in np.eye(2)]
    assert game.jacobian() == pytest.approx(np.stack(columns, 1), abs=1e-8)


@pytest.mark.parametrize("gamma", [0, .3, .99, 1.7, 4.])
@pytest.mark.parametrize("name, s", [("non-saturating", .5), ("WGAN", 1.)])
def test_eigenvalues_in_closed_form(name, s, gamma):
    root = np.sqrt(gamma ** 2 / 4 - s ** 2 + 0j)
    found = np.sort_complex(np.linalg.eigvals(Dirac(name, r1=gamma).jacobian()))
    assert found == pytest.approx(np.sort_complex([-gamma / 2 - root, -gamma / 2 + root]),
                                  abs=1e-7)


def test_noise_damps_as_r1_of_half_its_variance():
    assert Dirac(noise=1.2).jacobian() == pytest.approx(Dirac(r1=.72).jacobian())
    assert Dirac("WGAN", noise=1.2).jacobian() == pytest.approx(Dirac("WGAN").jacobian())


def test_minimax_circles_and_the_non_saturating_game_comes_home_slowly():
    for name in ("minimax", "non-saturating"):
        path = solve_ivp(lambda t, v: Dirac(name).field(v), (0, 400), [.6, -1.1], rtol=1e-9,
                         t_eval=[100, 400])
        start, found = .6 ** 2 + 1.1 ** 2, np.hypot(*path.y)
        law = (1 / start + np.array([100, 400]) / 8) ** -.5
        assert found == pytest.approx(start ** .5 if name == "minimax" else law, rel=.01)


def test_a_gan_with_four_weights_has_the_blocks():
    """f = ψ₁ x + ψ₂ x², g = m + c z, N(0, 1), minimax this time: J = [[-A, -B], [Bᵀ, 0]]."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(12)
    z, w = torch.tensor(nodes), torch.tensor(weights / weights.sum())
    gamma = .7

    def field(v):
        f, g = lambda x: v[0] * x + v[1] * x ** 2, lambda z: v[2] + v[3] * z
        critic = w @ softplus(-f(z)) + w @ softplus(f(g(z))) \
            + gamma / 2 * w @ (v[0] + 2 * v[1] * z) ** 2
        generator = -w @ softplus(f(g(z)))
        first, second = (torch.autograd.grad(loss, v, create_graph=True)[0]
                         for loss in (critic, generator))
        return -torch.cat([first[:2], second[2:]])
    found = torch.autograd.functional.jacobian(
        field, torch.tensor([0., 0., 0., 1.], dtype=torch.float64)).numpy()
    A, B = np.diag([.5 + gamma, 1.5 + 4 * gamma]), np.diag([.5, 1.])
    assert found == pytest.approx(np.block([[-A, -B], [B.T, np.zeros((2, 2))]]), abs=1e-12)
    assert np.linalg.eigvals(found).real.max() < -.1


# ---------------------------------------------------------------- rounds

@pytest.mark.parametrize("momentum", [0., .6])
@pytest.mark.parametrize("order, moves", [("alternating", 1), ("alternating", 3),
                                          ("simultaneous", 1)])
def test_walks_are_those_of_sgd(order, moves, momentum):
    game, rates = Dirac("RpGAN", r1=.25), (.3, .2)
    weights = [torch.nn.Parameter(torch.tensor(v, dtype=torch.float64)) for v in (.9, -1.4)]
    players = [torch.optim.SGD([weight], lr=rate, momentum=momentum)
               for weight, rate in zip(weights, rates)]
    losses = [lambda: softplus(weights[0] * weights[1]) + .125 * weights[0] ** 2,
              lambda: softplus(-weights[0] * weights[1])]
    found = []
    for _ in range(40):
        slopes = [torch.autograd.grad(losses[k](), weights[k])[0] for k in (0, 1)]
        for k, times in ((0, moves), (1, 1)):
            for _ in range(times):
                weights[k].grad = slopes[k] if order == "simultaneous" else \
                    torch.autograd.grad(losses[k](), weights[k])[0]
                players[k].step()
        found.append([weight.item() for weight in weights])
    mine = walk(game.field, (.9, -1.4), 40, rates, order, momentum, moves)
    assert mine[0] == pytest.approx((.9, -1.4))
    assert mine[1:] == pytest.approx(np.array(found), rel=1e-9, abs=1e-12)


def test_looking_ahead_by_hand():
    field, rate = Dirac("non-saturating", r2=.1).field, .4
    ahead = walk(field, (1., .5), 2, rate, "extragradient")
    there = np.array([1., .5])
    for step in (1, 2):
        there = there + rate * field(there + rate * field(there))
        assert ahead[step] == pytest.approx(there, rel=1e-13)
    optimistic, v = walk(field, (1., .5), 3, rate, "optimistic"), np.array([1., .5])
    before = field(v)
    for step in (1, 2, 3):
        now = field(v)
        v, before = v + rate * (2 * now - before), now
        assert optimistic[step] == pytest.approx(v, rel=1e-13)


@pytest.mark.parametrize("rate", [.1, .7])
def test_factors_of_a_round_in_closed_form(rate):
    J, spin = Dirac("WGAN").jacobian(), 1j * rate
    factor = lambda order, **more: spectral_radius(round_matrix(J, rate, order, **more))
    assert factor("simultaneous") == pytest.approx(np.sqrt(1 + rate ** 2))
    assert factor("alternating") == pytest.approx(1)
    assert factor("extragradient") == pytest.approx(np.sqrt(1 - rate ** 2 + rate ** 4))
    roots = np.roots([1, -(1 + 2 * spin), spin])
    assert factor("optimistic") == pytest.approx(abs(roots).max())
    for beta in (-.5, .3):
        roots = np.roots([1, -(1 + beta + spin), beta])
        assert factor("simultaneous", momentum=beta) == pytest.approx(abs(roots).max())
    assert factor("alternating", momentum=.3) > 1 > factor("alternating", momentum=-.3)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("order", exact.ORDERS)
def test_the_matrix_of_a_round_plays_a_round(order, seed):
    rng = np.random.default_rng(seed)
    J, start = rng.normal(size=(4, 4)), rng.normal(size=4)
    play = dict(rates=np.array([.1, .2, .05, .3]), order=order, critic=3)
    if order in ("alternating", "simultaneous"):
        play |= dict(momentum=.4, moves=2 if order == "alternating" else 1)
    matrix = round_matrix(J, **play)
    path = walk(lambda v: J @ v, start, 5, **play)
    memory = J @ start if order == "optimistic" else np.zeros(4)
    state = np.concatenate([start, memory])
    for place in path[1:]:
        state = matrix @ state
        assert state[:4] == pytest.approx(place, rel=1e-10)


def test_alternating_rounds_keep_an_ellipse():
    psi, theta = walk(Dirac("WGAN").field, (1.3, -.4), 500, .6).T
    kept = psi ** 2 + theta ** 2 - .6 * psi * theta
    assert kept == pytest.approx(kept[0], rel=1e-10)
    assert np.linalg.det(round_matrix(Dirac("WGAN").jacobian(), .6)[:2, :2]) == pytest.approx(1)


@pytest.mark.parametrize("gamma", [.3, 1.6])
def test_the_radius_predicts_the_walk(gamma):
    game = Dirac(r1=gamma)
    far = np.hypot(*walk(game.field, (1., 1.), 1_200, .1).T)
    measured = (far[1_200] / far[200]) ** (1 / 1_000)
    assert measured == pytest.approx(spectral_radius(round_matrix(game.jacobian(), .1)), rel=1e-3)


@pytest.mark.parametrize("weight", [1., 2.5])
def test_wgan_gp_rests_in_a_wrong_place(weight):
    game = Dirac("WGAN-GP", gp=weight)
    assert walk(game.field, (1., 1.), 4_000, .05)[-1] == pytest.approx((0, 2 * weight), abs=1e-3)
    beside = game.field((1e-12, 2 * weight))
    assert beside == pytest.approx((0, 0), abs=1e-9)


def test_numbers_of_the_issue():
    """2,000 alternating rounds from (1, 1), step 0.05."""
    left = lambda game: np.hypot(*walk(game.field, (1., 1.), 2_000, .05)[-1])
    assert left(Dirac()) == pytest.approx(.28, abs=.005)
    assert left(Dirac("WGAN")) == pytest.approx(1.41, abs=.005)
    assert left(Dirac("WGAN-GP")) == pytest.approx(2, abs=1e-6)
    assert left(Dirac(r1=1.)) < 1e-12 and left(Dirac(r1=1., r2=1.)) < 1e-5


@pytest.mark.parametrize("game", [Dirac(r1=.5), Dirac("WGAN")], ids=str)
def test_the_loop_walks_as_the_field(game):
    slope = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.ones_(slope.weight)
    line = Line(1., sd=0., learn="mean")
    played = penalised(SGAN, zero_centred(at_real), .25) if game.r1 else wasserstein()
    train(played, dict(f=torch.nn.Sequential(slope, torch.nn.Flatten(0)), g=line),
          batches(torch.zeros(1, 1), z=Normal(dim=1), batch=3), steps=60, watch=None,
          precision="highest", optimizer=lambda w: torch.optim.SGD(w, lr=.1))
    there = walk(game.field, (1., 1.), 60, .1)[-1]
    assert (slope.weight.item(), line.mean.item()) == pytest.approx(there, abs=1e-4)


# ---------------------------------------------------------------- the best critic under R₁ and R₂

P, Q = Normal(0, 1), Normal(1.5, .8)
BIMODAL = Mixture([Normal(-2, .6), Normal(1, .9)], [.3, .7])


def test_without_a_penalty_it_is_the_log_ratio():
    best = penalised_critic(P, Q)
    places = np.linspace(-1, 3, 9)
    assert best(places) == pytest.approx(log_ratio(P, Q)(places), abs=1e-3)
    assert best.value == pytest.approx(2 * np.log(2) - 2 * js(P, Q), abs=1e-6)
    assert penalised_critic(P, P, 1.).f == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("p, q", [(P, Q), (BIMODAL, Q), (Uniform(0, 1), Uniform(.4, 1.9))],
                         ids=str)
@pytest.mark.parametrize("r1, r2", [(.2, 0.), (1., 3.)])
def test_it_solves_its_equation(p, q, r1, r2):
    """((r1 p + r2 q) f')' = q σ(f) - p σ(-f), integrated from the left end."""
    best = penalised_critic(p, q, r1, r2, cells=3_000)
    step = best.x[1] - best.x[0]
    push = (q.pdf(best.x) * expit(best.f) - p.pdf(best.x) * expit(-best.f)) * step
    middle = (best.x[1:] + best.x[:-1]) / 2
    flux = (r1 * p.pdf(middle) + r2 * q.pdf(middle)) * np.diff(best.f) / step
    assert flux == pytest.approx(np.cumsum(push)[:-1], abs=1e-7)
    assert push.sum() == pytest.approx(0, abs=1e-8)


def test_a_search_finds_the_same_on_a_coarse_grid():
    best = penalised_critic(BIMODAL, Q, .4, .1, cells=24)
    x, f = best.x, best.f
    step, middle = x[1] - x[0], (x[1:] + x[:-1]) / 2
    stiff = (.4 * BIMODAL.pdf(middle) + .1 * Q.pdf(middle)) / step

    def loss(f):
        return step * (BIMODAL.pdf(x) @ np.logaddexp(0, -f) + Q.pdf(x) @ np.logaddexp(0, f)) \
            + stiff @ np.diff(f) ** 2 / 2
    found = minimize(loss, np.zeros(len(x)), method="BFGS", options=dict(gtol=1e-9))
    assert best.value == pytest.approx(loss(f), rel=1e-12)
    assert best.value == pytest.approx(found.fun, abs=1e-6) and best.value <= found.fun + 1e-12


@pytest.mark.parametrize("seed", range(3))
def test_no_other_critic_costs_less(seed):
    best = penalised_critic(P, Q, r1=.5, r2=.2)

    def paid(f, h=1e-3):
        steep = lambda x: ((f(x + h) - f(x - h)) / (2 * h)) ** 2
        return (expectation(P, lambda x: np.logaddexp(0, -f(x)) + .25 * steep(x))
                + expectation(Q, lambda x: np.logaddexp(0, f(x)) + .1 * steep(x)))
    assert paid(best) == pytest.approx(best.value, abs=1e-4)
    a, b = np.random.default_rng(seed).normal(size=2)
    for size in (.3, -.3):
        assert paid(lambda x: best(x) + size * np.sin(a * x + b)) > paid(best) + 3e-4
    assert paid(log_ratio(P, Q)) > best.value + .05


def test_the_roles_can_be_exchanged():
    one, other = penalised_critic(P, Q, r1=.7, r2=.1), penalised_critic(Q, P, r1=.1, r2=.7)
    assert one.f == pytest.approx(-other.f, abs=1e-8)
    assert one.value == pytest.approx(other.value, rel=1e-10)


def test_a_heavy_penalty_leaves_the_linear_part():
    """2 γ p f' -> G - F reversed: where the loss is linear, f' = -(F - G) / (2 γ p)."""
    gamma = 1e4
    best = penalised_critic(P, Q, gamma)
    middle = (best.x[1:] + best.x[:-1]) / 2
    where = np.abs(middle) < 1.5
    slope = np.diff(best.f) / np.diff(best.x)
    predicted = (Q.cdf(middle) - P.cdf(middle)) / (2 * gamma * P.pdf(middle))
    assert slope[where] == pytest.approx(predicted[where], rel=2e-3)


def test_a_trained_critic_reaches_it():
    critic = Game({"f": penalised(SGAN, zero_centred(at_real), .5)["f"]})
    run = train(critic, dict(f=mlp_critic(1, width=32, act=torch.nn.Softplus),
                             g=Line(1.5, sd=.8, learn="")),
                batches(P, z=Normal(dim=1), batch=512), steps=300, watch=None,
                optimizer=adam(1e-2, betas=(0., .99)))
    f, h = on_arrays(run.players["f"]), 1e-2
    paid = (expectation(P, lambda x: np.logaddexp(0, -f(x))
                        + ((f(x + h) - f(x - h)) / (2 * h)) ** 2 / 2)
            + expectation(Q, lambda x: np.logaddexp(0, f(x))))
    least = penalised_critic(P, Q, r1=1.).value
    assert least - 1e-4 < paid < 1.02 * least


# ---------------------------------------------------------------- what is refused

@pytest.mark.parametrize("call, said", [
    (lambda: Dirac("LSGAN"), "no Dirac-GAN of 'LSGAN'; there are minimax, non-saturating"),
    (lambda: Dirac(r1=-1), "r1 = -1: a finite number of 0 or more"),
    (lambda: Dirac(noise=float("nan")), "noise = nan"),
    (lambda: Dirac("WGAN-GP").jacobian(), "jumps at ψ = 0"),
    (lambda: walk(Dirac().field, (1., 1.), 5, order="sideways"), "no order 'sideways'; there are"),
    (lambda: walk(Dirac().field, (1., 1.), -1), "rounds = -1"),
    (lambda: walk(Dirac().field, (1., 1.), 5, rates=-.1), "steps of 0 or more"),
    (lambda: walk(Dirac().field, (1., 1.), 5, momentum=1.), "between -1 and 1"),
    (lambda: walk(Dirac().field, (1., 1.), 5, order="optimistic", momentum=.1),
     "without momentum"),
    (lambda: walk(Dirac().field, 1., 5), r"start has shape \(\)"),
    (lambda: walk(Dirac().field, (1., 1.), 5, rates=(.1, .1, .1)), "one for all or 2"),
    (lambda: walk(Dirac().field, (1., 1.), 5, critic=2), "critic = 2"),
    (lambda: round_matrix(np.zeros((2, 3))), "a square"),
    (lambda: round_matrix(np.eye(2), moves=0), "moves = 0"),
    (lambda: penalised_critic(P, Q, r2=-.1), "r2 = -0.1"),
    (lambda: penalised_critic(P, Normal(dim=2)), "on the line"),
    (lambda: penalised_critic(P, Q, 1., cells=1), "cells = 1"),
])
def test_bad_input_is_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_a_field_is_a_function():
    with pytest.raises(TypeError, match=r"a function, \(d,\)"):
        walk(np.eye(2), (1., 1.), 3)


# ---------------------------------------------------------------- the pictures of lesson 21

def test_the_portraits_say_what_the_exact_module_says():
    explorer = explorers.portraits()
    for game, order, weight, momentum in [("non-saturating", "alternating", .2, .5),
                                          ("WGAN", "five critic moves a round", .6, 0.),
                                          ("minimax", "extragradient", 0., 0.)]:
        explorer.draw(game=game, order=order, weight=weight, momentum=momentum, critic=.2,
                      generator=.1)
        play, rates = dict(explorers.ORDERS[order], momentum=momentum), np.array([.2, .1])
        radius = spectral_radius(round_matrix(Dirac(game, r1=weight).jacobian(), rates, **play))
        left = np.hypot(*walk(Dirac(game, r1=weight).field, (1., 1.), explorers.ROUNDS, rates,
                              **play)[-1])
        title = explorer._artists[-1].get_text()
        assert f"= {radius:.4f}" in title and f"{left:.4f} is left" in title
    explorer.draw(game="WGAN-GP", order="alternating", weight=0., momentum=0.)
    assert explorer._artists[-1].get_text() == f"after {explorers.ROUNDS} rounds 2.0000 is left"
    explorer.draw(game="WGAN", order="simultaneous", weight=0., critic=1., generator=1.)
    assert "more than 100 is left" in explorer._artists[-1].get_text()
    # nothing is left behind
    first = {name: control.value for name, control in explorer.controls.items()}
    assert explorer.draw(**first) == explorers.portraits().draw()


def test_pictures_without_sliders():
    figure, axes = plots.figure(3)
    explorers.chase(axes, Dirac(), (0, 8, 16))
    places = walk(Dirac().field, (0., 1.), 16, .2)
    for ax, at in zip(axes, (0, 8, 16)):
        assert ax.lines[-1].get_xdata()[0] == places[at][1]             # the fake
    figure, ax = plots.figure()
    explorers.portrait(ax, Dirac("minimax"), "minimax", order="simultaneous")
    assert "still 2.02 away" in ax.get_title()
    figure, axes = plots.figure(2)
    explorers.locus(*axes)
    weights, rates = axes[1].lines[0].get_data()
    assert weights[np.argmax(rates)] == pytest.approx(1) and rates.max() == pytest.approx(.5)
    figure, ax = plots.figure()
    explorers.penalised_critics(ax, P, Q, weights=(1.,))
    x, f = ax.lines[1].get_data()
    assert f == pytest.approx(penalised_critic(P, Q, 1.)(x))
    explorers.distances(ax, {"a": [np.array([1., .1]), np.array([2., 0.])]})
    assert ax.lines[-1].get_ydata()[-1] == 1e-7


# ---------------------------------------------------------------- the exercises

def test_answers_in_closed_form():
    assert questions._best_weight() == pytest.approx(2, abs=2e-3)
    assert questions._largest_step() == pytest.approx(2 / 5 ** .5, abs=2e-4)
    J = Dirac("WGAN", r1=1.).jacobian()
    fastest, before, after = [spectral_radius(round_matrix(J, .1, momentum=beta))
                              for beta in (.4, .35, .45)]
    assert fastest < min(before, after) and questions._fastest_momentum() == pytest.approx(.4)
    assert questions.left_after(-.5, 1.) < .001 < questions.left_after(-.1, 1.)


def test_the_log_is_that_of_the_game():
    peaks = questions.log_of_peaks()
    assert [t for t, _ in peaks] == [131, 262, 393, 525]
    assert [theta for _, theta in peaks] == pytest.approx([-.037, .01372, -.00509, .00189],
                                                          abs=5e-6)


def test_a_round_of_r3gan_by_hand():
    def players():
        torch.manual_seed(0)
        net = lambda out: torch.nn.Sequential(torch.nn.Linear(2, 5), torch.nn.Tanh(),
                                              torch.nn.Linear(5, out)).double()
        return torch.nn.Sequential(net(1), torch.nn.Flatten(0)), net(2)
    x, z = (torch.randn(6, 2, dtype=torch.float64) for _ in "xz")
    f, g = players()
    real, fake = x.clone().requires_grad_(), g(z).detach().requires_grad_()
    slopes = torch.autograd.grad(f(real).sum() + f(fake).sum(), (real, fake), create_graph=True)
    loss = softplus(f(fake) - f(real)).mean() + sum(s.square().sum(1).mean() for s in slopes) / 2
    moves = torch.autograd.grad(loss, list(f.parameters()), allow_unused=True)
    with torch.no_grad():
        for weight, move in zip(f.parameters(), moves):
            weight -= .1 * (0 if move is None else move)
    moves = torch.autograd.grad(softplus(f(x) - f(g(z))).mean(), list(g.parameters()))
    with torch.no_grad():
        for weight, move in zip(g.parameters(), moves):
            weight -= .1 * move
    assert questions.r3gan_round(*players(), x, z) == pytest.approx(f(g(z)).mean().item(),
                                                                    rel=1e-10)
