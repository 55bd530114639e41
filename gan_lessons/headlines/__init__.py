"""Results beside those of the papers, one module a lesson with its stem.

A `headline` is a training whose score stands next to a published one: which code trains it, what
the paper has. `table` collects those of all lessons, trains each with three seeds that chose no
setting, and loads what is stored. May import `map` and all floors below.
"""
