"""The watch: no screen; follows runs and tells, elsewhere, what a person should know."""
