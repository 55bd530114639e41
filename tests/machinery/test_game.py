"""Games: what a loss asks for, who moves, and one pass for two batches."""
from functools import partial

import pytest
import torch
from torch import nn

from gan_lessons import Game, Move, both
from gan_lessons.game import couples_batch


def critic_loss(f, g, x, z, weight=2.0, y=None):
    return None


def generator_loss(f, g, z):
    return None


def test_a_mapping_is_shorthand_for_moves_in_order():
    game = Game({"f": critic_loss, "g": generator_loss})
    assert game.moves == (Move("f", critic_loss), Move("g", generator_loss))
    assert game.players == ("f", "g") and game.move_of("g").bare is generator_loss
    assert Game({"g": generator_loss, "f": critic_loss}).players == ("g", "f")
    assert repr(game) == "Game(f: critic_loss, g: generator_loss)"


def test_a_player_may_move_twice_or_with_another():
    other = lambda e, d, x: None
    game = Game([Move("e d", other), Move("f", critic_loss), Move("e", generator_loss)])
    assert game.players == ("e", "d", "f")
    assert all(game.move_of(player).bare is other for player in ("e", "d", "e d"))
    with pytest.raises(KeyError, match="'g' does not move.*e, d, f"):
        game["g"]


def test_a_loss_is_asked_by_name():
    move = Move("f", critic_loss)
    assert (move.needs, move.optional) == (("f", "g", "x", "z"), ("weight", "y"))
    assert move.asks("f g x z".split()) == ("f", "g", "x", "z")
    assert move.asks("u y z x g f".split()) == ("f", "g", "x", "z", "y")
    with pytest.raises(NameError, match="player 'f' asks for 'z', which is not among: f, g, x"):
        move.asks(["x", "g", "f"])


def test_losses_need_not_be_plain_functions():
    class Hinge:
        def __call__(self, f, x):
            return None
    assert Move("f", Hinge()).needs == ("f", "x")
    bound = partial(critic_loss, weight=5.0)
    assert Move("f", bound).asks(["f", "g", "x", "z"]) == ("f", "g", "x", "z")
    assert "critic_loss" in repr(Game({"f": bound})) and "Hinge" in repr(Game({"f": Hinge()}))


@pytest.mark.parametrize("wrong",
                         [lambda: Move(critic_loss, "f"), lambda: Move("f", None),
                          lambda: Move(" ", critic_loss), lambda: Game([]), lambda: Game({}),
                          lambda: Game([critic_loss]), lambda: Move("f", lambda *args: 0),
                          lambda: Move("f", lambda f, **rest: 0)])
def test_what_is_no_game_is_refused(wrong):
    with pytest.raises(TypeError, match="Move takes|a Game takes|must name its arguments"):
        wrong()


def net(*extra):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), *extra, nn.LeakyReLU(.2), nn.Linear(5, 1), nn.Flatten(0))


@pytest.mark.parametrize("sizes", [(4, 4), (7, 2)])
@pytest.mark.parametrize("extra", [(), (nn.BatchNorm1d(5),), (nn.LayerNorm(5),)],
                         ids=["plain", "batch norm", "layer norm"])
def test_both_equals_two_calls_in_values_and_gradients(sizes, extra):
    f = net(*extra).double()
    x, x_fake = (torch.randn(n, 3, dtype=torch.float64) * s + s for n, s in zip(sizes, (1., 2.5)))

    def play(score):
        inputs = x.clone().requires_grad_(), x_fake.clone().requires_grad_()
        real, fake = score(*inputs)
        loss = (real ** 2).mean() - 3 * fake.mean() + (real.mean() * fake).sum()
        return [real, fake, *torch.autograd.grad(loss, [*f.parameters(), *inputs])]

    for one, two in zip(play(lambda a, b: both(f, a, b)), play(lambda a, b: (f(a), f(b)))):
        torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-13)
    assert couples_batch(f) == any(isinstance(m, nn.BatchNorm1d) for m in extra)


class Counted(nn.Module):
    """Scores in its input's own precision, and a count of how often it was asked."""
    calls = 0

    def forward(self, x):
        self.calls += 1
        return x.mean(1)


def test_one_pass_is_used_just_where_it_changes_nothing():
    f = Counted()
    both(f, torch.randn(4, 3), torch.randn(2, 3))
    assert f.calls == 1
    real, fake = both(f, torch.randn(4, 3), torch.randn(4, 3).bfloat16())
    assert f.calls == 3 and (real.dtype, fake.dtype) == (torch.float32, torch.float32)
    both(f, torch.randn(4, 3), torch.randn(4, 2))
    assert f.calls == 5
    with_norm = nn.Sequential(nn.BatchNorm1d(3), f)
    both(with_norm, torch.randn(4, 3), torch.randn(4, 3))
    assert f.calls == 7
    with_norm.eval()
    both(with_norm, torch.randn(4, 3), torch.randn(4, 3))
    assert f.calls == 8


def test_both_takes_plain_functions():
    real, fake = both(lambda x: x - x.mean(), torch.tensor([1., 3.]), torch.tensor([10., 30., 50.]))
    assert real.tolist() == [-1, 1] and fake.tolist() == [-20, 0, 20]
