"""A network and samples that do not go together, and counts that would fill the memory: refused by
name with the remedy, wherever a public function calls a network or takes a count."""
import numpy as np
import pytest
import torch
from torch import nn

import gan_lessons as gl
from gan_lessons.data import glyphs
from gan_lessons.drawing import plots
from gan_lessons.exact import clustering, infomax, laws, quadrature, transport
from gan_lessons.game import check_tensors, one_format
from gan_lessons.map.results import table
from gan_lessons.measures import prediction, probes
from gan_lessons.objectives import adversarial_autoencoder as aae
from gan_lessons.objectives import clustering as games_clustering
from gan_lessons.objectives import f_vae, variational
from gan_lessons.objectives import infomax as games_infomax
from gan_lessons.objectives.f_gan import f_gan
from gan_lessons.objectives.least_squares import least_squares
from gan_lessons.objectives.loss_sensitive import all_pairs, loss_sensitive, matched
from gan_lessons.objectives.relativistic import relativistic
from gan_lessons.players import (
    encoders,
    flow_decoder,
    flows,
    marginals,
    networks,
    penalties,
    spectral,
)
from gan_lessons.players import image_networks as image

Y = torch.zeros(6, dtype=torch.int64)
PICTURES = torch.zeros(4, 1, 28, 28)


def own(outputs=1):
    """A critic that is not the course's."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, outputs), *[nn.Flatten(0)] * (outputs == 1))


def critic_losses(f, x):
    for game in (gl.minimax(), gl.wasserstein(penalties.gradient_penalty), f_gan("KL"),
                 least_squares(), relativistic()):
        yield lambda game=game: game["f"](f, lambda z: x, x, x)
    yield lambda: loss_sensitive()["l"](f, lambda z: x, x, x)


def calls(f, x):
    """Acts that hand samples x to the critic f."""
    yield lambda: gl.both(f, x, x)
    if x.is_floating_point():
        yield lambda: penalties.slopes(f, x)
        yield lambda: penalties.zero_centred(sd=.1)(f, x, x)
        yield from critic_losses(f, x)


KINDS = {
    "a critic in float64": (torch.float64, torch.float32, "weights in float64, samples in float32"),
    "samples in float64": (torch.float32, torch.float64, "weights in float32, samples in float64"),
    "a critic in half": (torch.bfloat16, torch.float32, "weights in bfloat16"),
    "whole numbers": (torch.float32, torch.int64, r"samples of int64.*x.float\(\)"),
    "bytes": (torch.float32, torch.uint8, r"samples of uint8.*pixels.scaled"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("critic", [own, lambda: gl.mlp_critic(2, width=4)])
def test_a_critic_and_samples_of_two_formats_are_named(kind, critic):
    weights, samples, says = KINDS[kind]
    f, x = critic().to(weights), torch.ones(6, 2).to(samples)
    for act in calls(f, x):
        with pytest.raises(ValueError, match=says):
            act()


def test_a_plain_function_around_the_network_hides_nothing():
    f = own().double()
    with pytest.raises(ValueError, match="two formats of numbers .*meet in it"):
        gl.both(lambda x: f(x), torch.ones(6, 2), torch.ones(6, 2))


def test_a_network_that_converts_its_samples_is_left_alone():
    class Converts(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = own().double()

        def forward(self, x):
            return self.net(x.double())
    real, fake = gl.both(Converts(), torch.ones(6, 2), torch.ones(6, 2))
    assert real.dtype == fake.dtype == torch.float64
    assert penalties.slopes(Converts(), torch.ones(6, 2)).shape == (6,)


def test_other_errors_pass_as_they_are():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        with one_format(own(), torch.ones(6, 3)):
            own()(torch.ones(6, 3))
    with pytest.raises(RuntimeError, match="dtype of the house"), one_format(own(), torch.ones(6)):
        raise RuntimeError("dtype of the house")                     # formats agree: its own words


MIXED = [
    ("a classifier", lambda: prediction.predict(prediction.ClassLoss(own(3).double(), 3),
                                                torch.ones(6, 2))),
    ("any loss", lambda: prediction.all_losses(lambda x, y: own().double()(x), torch.ones(6, 2),
                                               3)),
    ("features", lambda: gl.mlp_critic(2).double().features(torch.ones(6, 2))),
    ("labels", lambda: networks.Concatenated(own(), 2)(torch.ones(6, 0).double(), Y)),
    ("a projection", lambda: networks.Projected(gl.mlp_critic(2), 3)(torch.ones(6, 2).double(),
                                                                     Y)),
    ("an encoder", lambda: encoders.image_encoder(width=2)(PICTURES.double())),
    ("statistics", lambda: encoders.Statistics(2, 3, 4).double().local(torch.ones(5, 2, 3),
                                                                       torch.ones(5, 4))),
    ("a whole", lambda: encoders.Statistics(2, 3, 4).double().whole(torch.ones(5, 2, 3),
                                                                    torch.ones(5, 4))),
    ("codes", lambda: variational.gaussian_code(own(4).double(), torch.ones(6, 2))),
    ("a flow", lambda: flows.point_flow().eval()(torch.ones(6, 2).double())),
    ("its inverse", lambda: flows.point_flow().inverse(torch.ones(6, 2).double())),
    ("a mixing", lambda: flows.Mixing(2)(torch.ones(6, 2).double())),
    ("a bijection", lambda: f_vae.flow_nll(flows.point_flow().eval(), torch.ones(6, 2).double())),
    ("a decoder", lambda: flow_decoder.FlowDecoder(
        gl.mlp_generator(2, (1, 4, 4)), (1, 4, 4), 1).double().nll(torch.ones(3, 1, 4, 4),
                                                                   torch.ones(3, 2))),
    ("a power iteration", lambda: spectral.power_iteration(torch.ones(3, 2), 1,
                                                           torch.ones(2).double())),
    ("layers of two formats", lambda: spectral.unrolled(
        nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1).double()), (2,))),
    ("a norm of two", lambda: spectral.operator_norm(
        nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1).double()), (2,))),
    ("a bound on information", lambda: games_infomax.deep_infomax(gamma=0).moves[-1].loss(
        encoders.image_encoder(width=2).double(), nn.Identity(), PICTURES)),
]


@pytest.mark.parametrize("act", [act for _, act in MIXED], ids=[name for name, _ in MIXED])
def test_every_network_names_the_two_formats(act):
    with pytest.raises(ValueError, match="float64|two formats"):
        act()


META = torch.zeros(6, 2, device="meta")
NOWHERE = torch.zeros(6, 1, 28, 28, device="meta")
CONV = nn.Conv2d(1, 1, 3, device="meta")
AXES = plots.figure()[1]
SHAPES_ONLY = [
    lambda: gl.both(own(), META, META), lambda: gl.both(own().to("meta"), META, META),
    lambda: gl.both(own().to("meta"), torch.ones(6, 2), torch.ones(6, 2)),
    lambda: penalties.slopes(own(), META), lambda: penalties.between(META, META),
    lambda: gl.minimax()["f"](own(), lambda z: META, torch.ones(6, 2), META),
    lambda: gl.non_saturating()["g"](lambda x: META[:, 0], lambda z: z, META),
    lambda: prediction.predict(prediction.ClassLoss(own(3), 3), META),
    lambda: prediction.confusion(Y.to("meta"), Y, 3),
    lambda: prediction.reliability(META, Y), lambda: probes.nearest(META, META, 1),
    lambda: probes.linear_probe(META, Y, META, Y),
    lambda: plots.sheet(NOWHERE), lambda: plots.pictures(AXES, NOWHERE),
    lambda: plots.show_sheet(META, "Four words and more."), lambda: plots.points(AXES, META, "k"),
    lambda: plots.smooth(META[:, 0]), lambda: plots.classes(AXES, META[:, 0]),
    lambda: plots.plane(AXES, lambda x: torch.zeros(len(x), device="meta")),
    lambda: spectral.power_iteration(META), lambda: spectral.sigmas(CONV),
    lambda: spectral.lipschitz_bound(CONV), lambda: spectral.unrolled(CONV, (1, 5, 5)),
    lambda: spectral.operator_norm(CONV, (1, 5, 5)), lambda: spectral.circular_norm(CONV.weight, 8),
    lambda: spectral.spectrally_normalised(CONV), lambda: spectral.spectral_regularisation()(CONV),
    lambda: marginals.Marginals(NOWHERE.to(torch.uint8)),
    lambda: marginals.Marginals(torch.full((2, 1, 4, 4), 9, dtype=torch.uint8)).to("meta")(
        torch.zeros(2, 1, 4, 4)),
    lambda: flows.ActNorm(2).to("meta")(torch.ones(6, 2)),
    lambda: flows.ActNorm(2).to("meta").inverse(torch.ones(6, 2)),
    lambda: flows.Mixing(2).to("meta").inverse(torch.ones(6, 2)),
    lambda: encoders.codes(encoders.image_encoder(width=2), NOWHERE),
    lambda: flows.point_flow()(META), lambda: variational.split_rate(META, META),
    lambda: variational.gaussian_nll(META, META), lambda: aae.crowding(META, 1.),
    lambda: games_infomax.info_nce(META), lambda: games_clustering.responsibilities(META),
    lambda: f_vae.dequantised(NOWHERE), lambda: f_vae.bits_per_dimension(META[0, 0], (2,)),
]


@pytest.mark.parametrize("act", SHAPES_ONLY)
def test_tensors_without_numbers_are_named(act):
    with pytest.raises(ValueError, match="meta.*no numbers"):
        act()


HUGE = 10 ** 9
COUNTS = [
    lambda: gl.Ring(HUGE), lambda: gl.Grid(HUGE), lambda: gl.SwissRoll(spots=HUGE),
    lambda: laws.Moons(spots=HUGE), lambda: gl.Normal(dim=HUGE), lambda: gl.Uniform(dim=HUGE),
    lambda: gl.Normal().sample(HUGE, np.random.default_rng(0)),
    lambda: gl.Ring().sample(HUGE, np.random.default_rng(0)),
    lambda: infomax.CorrelatedNormal(.5, HUGE),
    lambda: infomax.CorrelatedNormal(.5).pairs(HUGE, np.random.default_rng(0)),
    lambda: infomax.copies_info_nce(2, HUGE), lambda: quadrature.nodes([0, 1], HUGE),
    lambda: quadrature.bisect(lambda x: x < 0, [-1.], [1.], HUGE),
    lambda: transport.projected_bound([[1.]], [[1.]], [[0., 0.]], HUGE),
    lambda: clustering.kmeans(np.eye(3), 2, tries=HUGE),
    lambda: clustering.contingency([0, 1], [0, 1], HUGE),
    lambda: gl.batches(gl.Ring(), batch=HUGE), lambda: gl.batches(gl.Ring()).noise(HUGE),
    lambda: gl.batches(gl.Ring(), z=gl.Normal(dim=10 ** 6), batch=10 ** 4),
    lambda: gl.batches(gl.Ring()).probe({"x"}, HUGE), lambda: glyphs.draw(HUGE),
    lambda: gl.mlp_critic(HUGE), lambda: gl.mlp_critic(2, width=10 ** 6),
    lambda: gl.mlp_critic(2, depth=HUGE), lambda: gl.mlp_critic(2, outputs=HUGE),
    lambda: gl.mlp_generator(HUGE), lambda: gl.mlp_generator(2, (3, 10 ** 6, 10 ** 6)),
    *[lambda kind=kind: kind(width=HUGE)
      for kind in (image.image_critic, image.image_generator, image.dcgan_critic,
                   image.dcgan_generator, encoders.image_encoder, flows.point_flow,
                   flows.image_flow, flows.picture_net)],
    lambda: image.image_critic(dense=HUGE), lambda: image.image_generator(noise=HUGE),
    lambda: encoders.image_encoder(code=HUGE), lambda: encoders.linear_encoder(HUGE, HUGE),
    lambda: encoders.Statistics(HUGE, HUGE, 1), lambda: encoders.Statistics(1, 1, HUGE),
    lambda: flows.point_flow(HUGE), lambda: flows.point_flow(couplings=HUGE),
    lambda: flows.ActNorm(HUGE), lambda: flows.Mixing(HUGE),
    lambda: flow_decoder.FlowDecoder(own(), couplings=HUGE),
    lambda: networks.Concatenated(own(), HUGE), lambda: prediction.ClassLoss(own(), HUGE),
    lambda: prediction.confusion(Y, Y, 10 ** 6),
    lambda: prediction.reliability(torch.zeros(6, 1), Y, HUGE),
    lambda: spectral.power_iteration(torch.eye(2), HUGE),
    lambda: spectral.operator_norm(nn.Conv2d(1, 1, 3), (1, 5, 5), HUGE),
    lambda: spectral.circular_norm(torch.ones(1, 1, 3, 3), HUGE),
    lambda: spectral.spectrally_normalised(own(), HUGE),
    lambda: variational.split_rate(torch.zeros(2, 2), torch.zeros(2, 2), HUGE),
    lambda: games_clustering.GaussianMixturePrior(HUGE, 2),
    lambda: games_clustering.GaussianMixturePrior(2, 10 ** 5),
    lambda: aae.ClusterHeadDecoder(own(), HUGE, HUGE),
    lambda: matched(HUGE, HUGE), lambda: all_pairs(HUGE, HUGE),
    lambda: plots.figure(HUGE), lambda: plots.square_grid(1., HUGE),
    lambda: plots.sheet(PICTURES, 2, HUGE),
    lambda: plots.show_sheet(np.zeros((4, 4)), "Four words and more.", HUGE),
]


@pytest.mark.parametrize("act", COUNTS)
def test_counts_that_would_fill_the_memory_are_refused(act):
    with pytest.raises(ValueError, match=r"1,?000,?000|1000|10,000|512|1 to 100|GB|million"):
        act()


def test_what_fits_is_made():
    assert len(gl.Ring(1000).centres) == 1000 and len(gl.Grid(100).centres) == 10_000
    assert gl.Normal(dim=3072).sample(1000, np.random.default_rng(0)).shape == (1000, 3072)
    assert plots.smooth(np.arange(3.), 10 ** 30).tolist() == [0., .5, 1.]
    check_tensors(x=torch.zeros(2))


# -- the drawn digits, and a table of contestants that all broke down ------------------------------

FAILED = [dict(data="ring", objective=name, seed=0, failed="diverged") for name in ("WGAN", "GAN")]


def test_a_table_of_contestants_that_all_failed_says_so():
    lines = table(FAILED, ["wasserstein", "quality"], "ring").splitlines()
    assert [line.split() for line in lines[1:]] == [
        [name, "broke", "down", "broke", "down"] for name in ("WGAN", "GAN")]
    with pytest.raises(ValueError, match="no results of 'moon' on .*there are some of ring"):
        table(FAILED, ["wasserstein"], "moon")
    with pytest.raises(ValueError, match="some of nothing"):
        table([], ["wasserstein"], "ring")
