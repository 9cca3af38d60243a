"""The documented names of BlobMaster's commands and classes; the code is in `src/blobmaster`."""
