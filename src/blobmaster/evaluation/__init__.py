"""Measuring players: duplicate matches, ratings, calibration, gating, intervals."""
