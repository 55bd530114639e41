"""The pages and modules under newcomer/ are a model to copy: they run only where they were put."""
collect_ignore = ["newcomer"]
