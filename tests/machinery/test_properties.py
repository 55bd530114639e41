"""Properties that hold for every law, number and answer: a few fixed examples of each here, many in
the weekly run (GAN_LESSONS_EXAMPLES says how many)."""
import math
import os

import numpy as np
import pytest
import torch
from helpers import shifted
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gan_lessons import Mixture, Normal, Uniform, fading, js, kl, wasserstein_1
from gan_lessons.drawing import plots
from gan_lessons.exact.information import discrete_kl
from gan_lessons.explorers.latent_space import between_codes
from gan_lessons.questions.answers import same

# derandomized: the same examples in every run, so that the suite is red for a change, not by luck
few = settings(max_examples=int(os.environ.get("GAN_LESSONS_EXAMPLES", "15")), derandomize=True,
               deadline=None, database=None)


def numbers(low, high):
    return st.floats(low, high, allow_nan=False, allow_subnormal=False)


normals = st.builds(Normal, numbers(-5, 5), numbers(.05, 20))
uniforms = st.builds(lambda low, wide: Uniform(low, low + wide), numbers(-5, 5), numbers(.1, 20))
mixtures = st.builds(lambda p, q, w: Mixture([p, q], [w, 1 - w]), normals, normals,
                     numbers(.01, .99))
laws = st.one_of(normals, uniforms, mixtures)
everywhere = st.one_of(normals, mixtures)                        # a density on the whole line


@few
@given(normals, normals)
def test_kl_of_normals_is_the_closed_form(p, q):
    ratio = p.sd / q.sd
    exact = (ratio ** 2 + ((p.mean - q.mean) / q.sd) ** 2 - 1) / 2 - math.log(ratio)
    assert kl(p, q) == pytest.approx(float(np.squeeze(exact)), rel=1e-6, abs=1e-9)


@few
@given(everywhere, everywhere)
def test_js_is_symmetric_bounded_and_below_half_of_both_kls(p, q):
    found = js(p, q)
    assert -1e-12 <= found <= math.log(2) + 1e-12
    assert found == pytest.approx(js(q, p), rel=1e-6, abs=1e-9)
    assert 4 * found <= kl(p, q) + kl(q, p) + 1e-9
    assert js(p, p) == pytest.approx(0, abs=1e-12)


@few
@given(laws, numbers(-30, 30))
def test_the_earth_mover_distance_to_a_moved_law_is_how_far(p, by):
    assume(abs(by) > 1e-3)
    assert wasserstein_1(p, shifted(p, by)) == pytest.approx(abs(by), rel=1e-6)


@few
@given(laws, laws, laws)
def test_the_earth_mover_distance_is_a_metric(p, q, r):
    pq, qr, pr = wasserstein_1(p, q), wasserstein_1(q, r), wasserstein_1(p, r)
    assert pq == pytest.approx(wasserstein_1(q, p), rel=1e-9, abs=1e-12)
    assert min(pq, qr, pr) >= 0 and pr <= pq + qr + 1e-7 * (1 + pr)


shares = st.lists(numbers(1e-3, 1), min_size=2, max_size=9).map(lambda w: np.array(w) / sum(w))


@few
@given(shares, st.randoms(use_true_random=False))
def test_kl_of_tables_does_not_mind_the_order_and_shrinks_when_cells_are_joined(p, random):
    q = np.roll(p, 1)
    order = random.sample(range(len(p)), len(p))
    whole = discrete_kl(p, q)
    assert whole >= -1e-12
    assert discrete_kl(p[order], q[order]) == pytest.approx(whole, rel=1e-9, abs=1e-12)
    joined = [np.append(x[2:], x[:2].sum()) for x in (p, q)]
    if len(p) > 2:
        assert discrete_kl(*joined) <= whole + 1e-12


@few
@given(numbers(-1e6, 1e6))
def test_an_answer_is_right_in_every_dress_and_another_number_is_wrong(x):
    assume(abs(x) > 1e-3)
    for dress in (x, [x], (x,), np.float64(x), np.array([x]), torch.tensor([x]).double(),
                  torch.tensor(x, dtype=torch.float64, requires_grad=True), f"{x:,.9f}", repr(x)):
        assert same(dress, x, 1e-6), dress
        assert not same(dress, 1.1 * x + math.copysign(1, x), 1e-3), dress


@few
@given(numbers(0, .99), numbers(0, 1), numbers(0, 1))
def test_a_fading_rate_falls_and_stays_a_factor(start, s, t):
    rate = fading(start)
    early, late = sorted((s, t))
    assert 0 <= rate(late) <= rate(early) <= 1 and rate(0) == 1 and rate(1) == 0


@few
@given(st.integers(2, 40), numbers(0, 1), st.integers(0, 2 ** 32 - 1))
def test_a_way_between_codes_stays_between_their_lengths(d, t, seed):
    a, b = torch.randn(2, d, generator=torch.Generator().manual_seed(seed)).double()
    a, b = a / a.norm(), b / b.norm()
    assume(a @ b > -.999)                                        # opposite codes have no one way
    assert between_codes(a, b, t).norm().item() == pytest.approx(1, abs=1e-6)


@few
@given(st.integers(1, 30), st.integers(1, 9), st.integers(0, 3), st.sampled_from([1, 3]))
def test_a_sheet_holds_every_picture_of_its_full_rows(n, columns, gap, channels):
    images = np.ones((n, channels, 3, 4)) * np.linspace(-1, 1, n)[:, None, None, None]
    joined, columns = plots.sheet(images, columns, gap), min(columns, n)
    rows = n // columns
    assert joined.shape[:2] == (rows * (3 + gap) - gap, columns * (4 + gap) - gap)
    for k in range(rows * columns):
        cell = joined[k // columns * (3 + gap):, k % columns * (4 + gap):][:3, :4]
        np.testing.assert_allclose(cell, (np.linspace(-1, 1, n)[k] + 1) / 2)
