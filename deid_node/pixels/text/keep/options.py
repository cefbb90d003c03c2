"""What the configuration can say of lines that stay. Light: no model is imported here."""

from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from deid_node.pixels.text.keep.patterns import compiled


def _checked(entry: str) -> str:
    compiled(entry)
    return entry


KeepEntry: TypeAlias = Annotated[str, AfterValidator(_checked)]
"""A pattern for whole lines, or the name of a list that ships."""
