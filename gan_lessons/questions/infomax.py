"""Questions of notebooks/17_infomax.ipynb and their answers."""
import numpy as np

from ..exact.infomax import CorrelatedNormal, copies_info_nce, patch_information, patch_pictures
from ..exact.information import gaussian_information


def _pair_code():
    """The information of every patch with a code that says two pixels of the picture."""
    return patch_information(patch_pictures(4), lambda x: 2 * x[0, 0] + x[0, 1])


QUESTIONS = {
    "17 note": (lambda: [np.log(4), float(_pair_code().mean())],
                "the code is a function of the picture, so I = H(z); "
                "a patch knows the motif and, for one of four, a speck"),
    "17 batch": (lambda: int(np.ceil(np.exp(5 * gaussian_information(.9)))),
                 "log N must be at least I"),
    "17 cap": (lambda: copies_info_nce(2, 3),
               "the other two samples: 0, 1 or 2 of them of the same kind"),
    "17 spread": (lambda: float(np.expm1(2 * CorrelatedNormal(.9).information) / .01 ** 2),
                  "(e^{2I} - 1)/N = 0.01²"),
}
