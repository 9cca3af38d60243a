"""The documented names of the training classes; the code is in `src/blobmaster`."""
