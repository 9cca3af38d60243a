"""Reading a run: files that may be missing, damaged, remote or hung."""
