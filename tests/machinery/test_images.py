"""Images by hand: what a person hands over becomes bytes, or the message says how."""
import numpy as np
import pytest
import torch

from gan_lessons import Images, batches
from gan_lessons.data.label_budget import Ledger, few_labels, t_interval

BYTES = torch.randint(0, 256, (6, 1, 8, 8), dtype=torch.uint8,
                      generator=torch.Generator().manual_seed(0))
UNIT = BYTES / 255

TAKEN = {
    "an array": BYTES.numpy(),
    "a read-only array": np.frombuffer(BYTES.numpy().tobytes(), np.uint8).reshape(6, 1, 8, 8),
    "a view backwards": BYTES.numpy()[::-1].copy()[::-1],
    "colour before height": np.moveaxis(np.moveaxis(BYTES.numpy(), 1, -1).copy(), -1, 1),
}


@pytest.mark.parametrize("case", TAKEN)
def test_arrays_of_bytes_are_taken(case):
    images = Images(TAKEN[case], np.arange(6, dtype=np.int32), list("abcdef"))
    assert torch.equal(images.images, BYTES) and images.images.dtype == torch.uint8
    assert images.labels.dtype == torch.int64 and images.classes == tuple("abcdef")
    x = batches(images, batch=3).draw({"x"})["x"]
    assert x.dtype == torch.float32 and x.abs().max() <= 1


# what came -> what the message says, and (where there is one) the remedy, which must then work
REFUSED = {
    "from 0 to 1": (UNIT, r"float32 .*bytes are \(255 \* images\)",
                    lambda images: (255 * images).round().to(torch.uint8)),
    "float64": (UNIT.double(), r"float64 .*255 \*", lambda x: (255 * x).round().to(torch.uint8)),
    "half": (UNIT.half(), "float16", None),
    "an array of floats": (UNIT.numpy(), "torch.float32", None),
    "from -1 to 1": (2 * UNIT - 1, r"bytes are \(127.5 \* images \+ 127.5\)",
                     lambda images: (127.5 * images + 127.5).round().to(torch.uint8)),
    "floats to 255": (BYTES.float(), r"\(1 \* images\).round",
                      lambda images: (1 * images).round().to(torch.uint8)),
    "int64": (BYTES.long(), r"int64.*images.to\(torch.uint8\)", lambda x: x.to(torch.uint8)),
    "uint16": (BYTES.numpy().astype(np.uint16), r"uint16.*images.to\(torch.uint8\)", None),
    "int8": (BYTES.to(torch.int8), "go from -", None),
    "bool": (BYTES > 99, r"bool.*255 \* images.to", lambda x: 255 * x.to(torch.uint8)),
    "beyond a byte": (BYTES.long() * 9, "go from .*bring them to 0", None),
    "normalised": ((UNIT - .13) / .3, "go from -.*bring them to 0", None),
    "NaN": (UNIT * torch.nan, "not finite", None),
    "infinite": (UNIT / 0, "not finite", None),
    "complex": (UNIT * 1j, "complex", None),
    "no channels": (BYTES[:, 0], r"the axis that lacks.*images\[:, None\]", lambda x: x[:, None]),
    "one picture": (BYTES[0, 0], r"images\[None, None\]", lambda x: x[None, None]),
    "flat": (BYTES.flatten(), "one axis for each", None),
    "channels last": (BYTES.expand(6, 3, 8, 8).permute(0, 2, 3, 1), "channels last",
                      lambda images: images.permute(0, 3, 1, 2)),
    "grey, channels last": (BYTES.permute(0, 2, 3, 1), "channels last", None),
    "none": (torch.zeros(0), "give bytes", None),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_bytes_is_refused_with_a_remedy_that_works(case):
    given, says, remedy = REFUSED[case]
    with pytest.raises(ValueError, match=r"images must be uint8 \(n, c, h, w\).*" + says):
        Images(given)
    if remedy is not None:
        made = Images(remedy(given)).images
        assert made.shape[2:] == (8, 8) or made.shape[-1] == 8
        if case not in ("bool", "one picture", "no channels", "channels last"):
            assert torch.equal(made, BYTES)


@pytest.mark.parametrize("given", [None, "mnist", 3 + 1j, object(), [BYTES, BYTES[:2]], {"x": 1}])
def test_what_is_no_picture_at_all(given):
    with pytest.raises((TypeError, ValueError), match="images (are a|must be) uint8"):
        Images(given)


@pytest.mark.parametrize("labels, says", [
    (torch.zeros(5), r"shape \(6,\), not \(5,\)"), (torch.zeros(6), "whole numbers.*long"),
    (np.array([0, 1, 2, 3, 4, np.nan]), "whole numbers"), (torch.zeros(6, 1).long(), "flatten"),
    (torch.eye(6), r"argmax\(1\) of one-hot"), ([0, 1, 2, -1, 4, 5], "not -1.*unlabelled="),
    (list("abcdef"), "labels are whole numbers"), (7, r"not \(\)"), ("cat", "labels are whole")])
def test_labels_that_are_none(labels, says):
    with pytest.raises((ValueError, TypeError), match=says):
        Images(BYTES, labels)


@pytest.mark.parametrize("classes", ["cat", 10, None, b"ab", print])
def test_names_that_are_none(classes):
    with pytest.raises(TypeError, match="classes are names"):
        Images(BYTES, [0] * 6, classes)


# ---- labels that are counted -----------------------------------------------------------------

@pytest.mark.parametrize("make, says", [
    (lambda: few_labels(BYTES, 6), "an Images"), (lambda: few_labels("mnist", 6), "an Images"),
    (lambda: few_labels(Images(BYTES, [0, 1] * 3), 2.5), "n=.* at least one each"),
    (lambda: few_labels(Images(BYTES, [0, 1] * 3), "2"), "n=.* at least one each"),
    (lambda: few_labels(Images(BYTES, [0, 1] * 3), True), "n=.* at least one each"),
    (lambda: few_labels(Images(BYTES, [0, 1] * 3), 2, None), "seed = .* a whole number"),
    (lambda: few_labels(Images(BYTES, [0, 1] * 3), 2, -1), "seed = .* a whole number"),
    (lambda: Ledger([0, 1, 2], 2.), "budget=2.0"), (lambda: Ledger(torch.arange(3), True), "True"),
    (lambda: t_interval([1., np.nan]), "finite"), (lambda: t_interval([1., 2.], 95), "level"),
    (lambda: t_interval([1., 2.], np.nan), "level"), (lambda: t_interval("ab"), "interval needs")])
def test_counts_that_are_none(make, says):
    with pytest.raises((ValueError, TypeError), match=says):
        make()
