"""Every setting of a run, one module per TOML table. It loads neither torch nor numba."""
