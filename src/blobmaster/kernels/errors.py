"""The error of a machine on which no kernel can be compiled; importing it does not load numba."""


class KernelsUnavailableError(ImportError):
    """Kernels cannot be compiled here; `str()` is one line that says what to change."""
