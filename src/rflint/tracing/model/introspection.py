"""What is in an object, found out without running code of its class.

Of objects of other people's classes only the type is looked at, and of the type no more than what
Python itself keeps: asking for an attribute runs code.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any


def mro(kind: type) -> tuple[type, ...]:
    """The base classes of a class, itself in front."""
    found: tuple[type, ...] = type.__getattribute__(kind, "__mro__")
    return found


def class_attributes(kind: type) -> dict[str, Any]:
    """What a class itself defines."""
    return dict(type.__getattribute__(kind, "__dict__"))


def module_of(kind: type) -> str:
    """The name of the Python module that a class is from."""
    found = type.__getattribute__(kind, "__module__")
    return found if type(found) is str else ""


def name_of(kind: type) -> str:
    """The name of a class."""
    found = type.__getattribute__(kind, "__name__")
    return found if type(found) is str else ""


def has_attribute(kind: type, name: str) -> bool:
    """Whether a class or one of its bases defines a name."""
    return any(name in type.__getattribute__(base, "__dict__") for base in mro(kind))


def is_of_torch(cls: type) -> bool:
    """Whether a class is PyTorch's own."""
    return cls is object or module_of(cls).startswith("torch.")


def is_iterator(kind: type) -> bool:
    """Whether objects of a class are iterators."""
    return has_attribute(kind, "__next__")


def is_numpy_generator(kind: type) -> bool:
    """Whether objects of a class are random generators of numpy."""
    return module_of(kind).startswith("numpy.random") and has_attribute(kind, "random")


def attributes_of(value: Any) -> dict[str, Any]:
    """What is in an object's dictionary."""
    for base in mro(type(value)):
        found = type.__getattribute__(base, "__dict__").get("__dict__")
        if type(found) is GetSetDescriptorType:
            attributes = found.__get__(value)
            return attributes if type(attributes) is dict else {}
    return {}


def items_of(attributes: dict[str, Any], name: str) -> dict[str, Any]:
    """What a module keeps under a name of torch's; TorchScript keeps it elsewhere."""
    found: Any = attributes.get(name)
    return dict(dict.items(found)) if issubclass(type(found), dict) else {}


def slots_of(value: Any, kind: type) -> Iterator[Any]:
    """What objects without a dictionary keep."""
    for base in mro(kind):
        own = type.__getattribute__(base, "__dict__")
        for slot in own.values() if "__slots__" in own else ():
            if type(slot) is MemberDescriptorType:
                try:
                    yield slot.__get__(value)
                except AttributeError:  # not yet assigned
                    continue
