"""Models of torchvision and timm, for the tests and the benchmarks alike."""
