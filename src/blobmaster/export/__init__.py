"""A checkpoint's player outside BlobMaster: an ONNX file, a web page, a network file."""
