"""The drawings behind the sliders and figures of each lesson, one module a lesson with its stem.

The map of lesson 20 has three: `map`, `gradients` and `arena`. A function that takes axes draws on
them once; one that takes none returns an `Explorer` whose drawing moves with its sliders. May
import every other wing but questions. Only notebooks, tests and tools import it.
"""
