"""What is known exactly: distributions on the line and in the plane, divergences between them, and
for each objective its best critic, value and gradient. NumPy and SciPy, never torch.

`laws` are the distributions, `quadrature` the only place that integrates; `divergences`,
`f_divergences` with the table `f_table`, `information` and `transport` serve several lessons, and
`checks` all of them; every other module bears the stem of its lesson, like the objective that it is
exact about. Imports no other wing. Everybody may import it.
"""
