"""The solvers: options, limits, status maps, bounds, hints and progress are handled here, once."""
