"""Gauges for Prometheus, written to a textfile."""
