"""Which packages ship: all of src/, and the folder rules/ as rflint.rules."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages("src"), "rflint.rules"],
    package_dir={"": "src", "rflint.rules": "rules"},
)
