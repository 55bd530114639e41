"""Questions of notebooks/NN_exponential.ipynb and their answers."""
from ..exact.exponential import exponential_gradient, exponential_value
from ..exact.laws import Normal

QUESTIONS = {
    "NN loss": (lambda: exponential_value(Normal(0, 1), Normal(2, 1)),
                "2 ∫ √(pq), and √(pq) is a Normal density times a number"),
    "NN gradient": (lambda: exponential_gradient(Normal(0, 1), Normal(1, 1)),
                    "½ θ exp(3 θ²/8) for widths of 1"),
}
