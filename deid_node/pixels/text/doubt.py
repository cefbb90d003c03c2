"""What a treatment does where nobody can be sure. Light: no model is imported here."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class DoubtOptions(BaseModel):
    """What becomes of instances that may show more than was found.

    The defaults withhold: a person sees what a machine cannot be sure of.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    regions: Literal["withhold", "fill"] = "withhold"
    """Regions that may be text: the instance waits as `text_uncertain`, or they are filled."""

    burned_in: Literal["withhold", "accept"] = "withhold"
    """Burned In Annotation YES where no text was found: the instance waits as
    `burned_in_unconfirmed`, or leaves and goes on saying YES."""

    slide_labels: Literal["withhold", "clean"] = "withhold"
    """Images of a slide's label: they wait as `slide_label`, or are cleaned like a screen."""
