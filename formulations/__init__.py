"""The mathematical models, one file each, the algebra in its docstring; README.md has them on a page."""
