"""The decisions as frozen integer data, each with the evaluation that specifies it."""
