"""The common table of the course: of every objective its best critic, what its loss tells, and what
the generator then feels, in the letters of its lesson.

    common_table()              as Markdown, with links to the lessons

χ² is the triangular divergence, F, G are the distribution functions of p, q, and ρ is the density
of the places where slopes are measured. Shown in notebooks/20_map.ipynb.
"""
from __future__ import annotations

from typing import NamedTuple

from .objectives import OBJECTIVES


class Row(NamedTuple):
    """names: of objectives that share it · best: critic, or player · tells · feels: in Markdown."""

    names: tuple[str, ...]
    best: str
    tells: str
    feels: str


ROWS = (
    Row(("minimax GAN",), r"$\log\frac pq$", r"$\mathrm{JS}$", r"slope of $2\,\mathrm{JS}$, fades"),
    Row(("non-saturating GAN",), r"$\log\frac pq$",
        "the same", r"slope of $\mathrm{KL}(q\Vert p)-2\,\mathrm{JS}$, felt by all"),
    Row(("f-GAN",), r"$\varphi'(\frac pq)$",
        r"$D_\varphi$", r"slope of $D_\varphi$; often felt by few"),
    Row(("least squares GAN",), r"$\frac{bp+aq}{p+q}$",
        r"$\chi^2$", r"labels 0, 1, 1: 1 to 3 times $\frac18$ of the slope of $\chi^2$; fades"),
    Row(("WGAN",), "as steep as the box allows",
        r"at most $K\,W_1$, $K$ unknown", "a slope that does not die out, in an unknown unit"),
    Row(("WGAN-GP", "WGAN-LP"), r"slope $1+\frac{\lvert F-G\rvert}{2\lambda\rho}$",
        "$W_1$ and a surplus", "on shifted distributions at least 1, at any distance"),
    Row(("hinge",), r"$\operatorname{sign}(p-q)$; a ramp if slopes are bound",
        r"$\mathrm{TV}$, if slopes are free",
        "fades; constant only while all scores stay within ±1"),
    Row(("WGAN-div",), r"slope $\left(\frac{\lvert F-G\rvert}{kp\rho}\right)^{1/(p-1)}$",
        "$W_{k,p}$, not $W_1$", "grows with the distance, the less the larger $p$"),
    Row(("LS-GAN",), "a linear program",
        r"$S\le\lambda\,\mathbb E\Delta$", "about the slope of the margin, then rest"),
    Row(("GLS-GAN",), "potentials of a capped plan",
        r"a bound of $W_\nu$", r"1 on shifted distributions, $\nu\le0$"),
    Row(("RSGAN",), r"$\log\frac pq$ + const",
        r"$\mathrm{JS}$ of pairs", r"slope of $\mathrm{KL}(q\Vert p)-\mathrm{JS}^\otimes$"),
    Row(("RaLSGAN",), r"$\frac4{2+3\chi^2}\frac{p-q}{p+q}$ + const",
        r"a bound of $\chi^2$", "fades"),
    Row(("RaSGAN", "RaHinge"), "none: an average can be bought",
        r"at best that $p\ne q$", "the network decides"),
    Row(("RpGAN + R1 + R2",), "not derived",
        r"at most $\mathrm{JS}$ of pairs", "RSGAN's, weakened by the penalty"),
    Row(("CGAN",), "the game's, within each class",
        "the mean over classes", "the game's, within each class"),
    Row(("ACGAN",), r"source $\log\frac pq$, classes by both distributions",
        "nothing simple", "the game, and a push towards readable"),
    Row(("CLS-GAN",), "reweighted Bayes", "how well labels are read", "a margin within each class"),
    Row(("Improved GAN",), r"$\log\frac{p(k\vert x)p(x)}{q(x)}$",
        "cross-entropy, and the GAN's", "difference of mean features"),
    Row(("semi-supervised CLS-GAN",), "not derived",
        "as CLS-GAN, labels guessed", "as CLS-GAN, and a push towards its best guess"),
    Row(("AAE",), r"$\log\frac{q(z)}{p(z)}$",
        "JS of all codes and the prior", "the encoder feels lesson 02's push"),
    Row(("VAE",), r"decoder $p(x\vert z)$",
        r"a bound of $-\mathbb E\log q(x)$", r"$\mathrm{KL}$ of the joint distributions"),
    Row(("Deep InfoMax",), r"$\log\frac{p(x,z)}{p(x)p(z)}$",
        "a bound of $I$, or a JS", "no generator"),
    Row(("flow",), "", r"$H(p)+\mathrm{KL}(p\Vert q)$, exact", r"$\mathrm{KL}(p\Vert q)$"),
    Row(("f-VAE",), r"decoder $p(x\vert v)$", "the same, as a bound", "the same, as a bound"),
    Row(("VAE clustering",), "responsibilities",
        r"a bound of $-\mathbb E\log q(x)$", r"$\mathrm{KL}$ of the joint distributions"),
    Row(("GAN + R1", "GAN + R2"), r"less steep than $\log\frac pq$, on a grid",
        r"at most $\mathrm{JS}$", "the non-saturating push, weakened; the game converges"),
    Row(("MMD",), r"$\mathbb E_pk(x,\cdot)-\mathbb E_qk(x,\cdot)$",
        r"$\mathrm{MMD}^2$", "fades beyond the kernel's width"),
    Row(("energy distance",), r"that of $k=-\lvert x-x'\rvert$",
        r"$2\int(F-G)^2$", "up to 2 at any distance, little near by"),
    Row(("sliced W₁",), "one for each direction, by sorting",
        "the mean $W_1$ of shadows", r"$\mathbb E\lvert\omega_1\rvert$ at any distance"),
    Row(("Sinkhorn",), "potentials of a soft plan",
        r"$W_1$ for $\varepsilon\to0$, $\int(F-G)^2$ for $\varepsilon\to\infty$",
        r"1 far away; near by the less the larger $\varepsilon$"),
    Row(("MMD GAN",), "not known; the features need a bound", "the largest MMD of features",
        "MMD's, through the features"),
    Row(("gradient flow",), r"$\log\frac pq$",
        r"$\mathrm{JS}$", r"$h'(\log r)\,\nabla\log r$, sample by sample"),
    Row(("distribution matching",), "two denoisers",
        "two errors of denoising", r"$\nabla\log\frac pq$ of both after noise"),
)


def common_table():
    """The table as Markdown; an objective without a row shows what it measures."""
    from IPython.display import Markdown
    shown = {name for row in ROWS for name in row.names}
    rest = [Row((name,), "", one.measures, "") for name, one in OBJECTIVES.items()
            if name not in shown]
    lines = ["| | objective | best critic, or best player | what its loss tells | what the "
             "generator then feels |", "|---|---|---|---|---|"]
    for row in sorted((*ROWS, *rest), key=lambda row: OBJECTIVES[row.names[0]].lesson):
        stem = OBJECTIVES[row.names[0]].lesson
        lines.append(f"| [{stem[:2]}]({stem}.ipynb) | {', '.join(row.names)} | {row.best} | "
                     f"{row.tells} | {row.feels} |")
    return Markdown("\n".join(lines))
