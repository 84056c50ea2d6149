"""Models of torchvision, timm and the paper, and images, for the tests and the benchmarks alike."""
