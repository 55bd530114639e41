"""The drawings behind the sliders and figures of each lesson, one module a lesson with its stem. The map of
lesson 20 has three: `map`, `gradients` and `arena`. May import every other wing but questions. Only
notebooks, tests and tools import it.
"""
