"""How people write what a model is fed: sizes, shapes and layouts."""
