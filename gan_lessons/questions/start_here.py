"""Questions of notebooks/00_start_here.ipynb and their answers."""
import numpy as np

QUESTIONS = {
    "00 quarter": (lambda: -np.log(.25) - np.log(.75), "-log ¼ - log ¾"),
    "00 slider": (lambda: (1 + np.sqrt(1 - 4 * np.exp(-2))) / 2, "between 0.8 and 0.9"),
    "00 log": (lambda: 2 * .61, "an average of two numbers is half of their sum"),
}
