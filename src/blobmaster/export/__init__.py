"""A checkpoint's player as an ONNX file that runs without BlobMaster."""
