"""The report: a run as one HTML file that can be read offline."""
