"""A model recorded below Python, with torch.export, where the recorder cannot follow its code.

torch.export sees every ATen operator at PyTorch's dispatcher, whoever calls it: TorchScript, tensor
subclasses, operators in C++. What the operator table knows as one thing stays one thing: modules
of torch.nn, functions that PyTorch itself composes of others and item assignments go into the
exported graph as one node (`rflint::leaf`). The graph is then replayed through the recorder, so
that a recording is the same whoever made it.
"""
