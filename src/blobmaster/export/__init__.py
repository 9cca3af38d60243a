"""A checkpoint's player as an ONNX file that needs nothing of BlobMaster to be used."""
