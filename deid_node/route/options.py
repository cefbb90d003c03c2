"""What the YAML can say of routing.

A rule is data, not code: a predicate (`when`) and a decision (`then`). The
models check shapes only; names of attributes, regular expressions and networks
are checked by `deid_node.route.build.compile_router`, once, at start.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_OPTIONS = ConfigDict(frozen=True, extra="forbid")


def _number_as_text(value: object) -> object:
    # YAML reads an unquoted 3 as a number. A boolean stays one and is refused:
    # an unquoted NO or ON is more likely a slip than a wish.
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Attribute: TypeAlias = Annotated[
    str,
    Field(
        min_length=1,
        description=(
            "A DICOM keyword (Modality, SOPClassUID, StationName, ...) or one of "
            "calling_ae, called_ae, address, peer, listener."
        ),
    ),
]
Text: TypeAlias = Annotated[str, BeforeValidator(_number_as_text), Field(min_length=1)]
Name: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class AlwaysOptions(BaseModel):
    """Holds for every instance."""

    model_config = _OPTIONS
    kind: Literal["always"]


class EqualsOptions(BaseModel):
    """One of the attribute's values is exactly `value`."""

    model_config = _OPTIONS
    kind: Literal["equals"]
    attribute: Attribute
    value: Text = Field(description="Compared letter by letter, without padding.")


class OneOfOptions(BaseModel):
    """One of the attribute's values is one of `values`; for `address` also networks (CIDR)."""

    model_config = _OPTIONS
    kind: Literal["one_of"]
    attribute: Attribute
    values: Annotated[tuple[Text, ...], Field(min_length=1)] = Field(
        description="One of them is enough."
    )


class MatchesOptions(BaseModel):
    """One of the attribute's values matches `pattern` from its first to its last character."""

    model_config = _OPTIONS
    kind: Literal["matches"]
    attribute: Attribute
    pattern: Annotated[str, Field(min_length=1, max_length=1000)] = Field(
        description="A regular expression for the whole value."
    )


class PresentOptions(BaseModel):
    """The attribute is there and carries a value."""

    model_config = _OPTIONS
    kind: Literal["present"]
    attribute: Attribute


class AllOfOptions(BaseModel):
    """Every one of `of` holds."""

    model_config = _OPTIONS
    kind: Literal["all_of"]
    of: Annotated[tuple["WhenOptions", ...], Field(min_length=1)]


class AnyOfOptions(BaseModel):
    """At least one of `of` holds."""

    model_config = _OPTIONS
    kind: Literal["any_of"]
    of: Annotated[tuple["WhenOptions", ...], Field(min_length=1)]


class NotOptions(BaseModel):
    """`of` does not hold."""

    model_config = _OPTIONS
    kind: Literal["not"]
    of: "WhenOptions"


WhenOptions: TypeAlias = Annotated[
    AlwaysOptions
    | EqualsOptions
    | OneOfOptions
    | MatchesOptions
    | PresentOptions
    | AllOfOptions
    | AnyOfOptions
    | NotOptions,
    Field(discriminator="kind"),
]


class ForwardOptions(BaseModel):
    """Clean by `treatment` and deliver to every one of `destinations`."""

    model_config = _OPTIONS
    kind: Literal["forward"]
    treatment: Name = Field(description="How it is cleaned: a name under `treatments`.")
    destinations: Annotated[tuple[Name, ...], Field(min_length=1)] = Field(
        description="Where it goes: names under `forward.destinations`."
    )


class WithholdOptions(BaseModel):
    """Keep it whole for a person."""

    model_config = _OPTIONS
    kind: Literal["withhold"]


class DiscardOptions(BaseModel):
    """Drop it; the sender was told Success all the same."""

    model_config = _OPTIONS
    kind: Literal["discard"]


ThenOptions: TypeAlias = Annotated[
    ForwardOptions | WithholdOptions | DiscardOptions, Field(discriminator="kind")
]


class RuleOptions(BaseModel):
    """A named rule; its name is a label of metrics and stands in reports."""

    model_config = _OPTIONS
    name: Name = Field(description="What logs, metrics and reports call the rule.")
    when: WhenOptions = Field(description="Whether the rule speaks for an instance.")
    then: ThenOptions = Field(description="What is done with an instance that it speaks for.")


_EVERYTHING = RuleOptions(
    name="everything",
    when=AlwaysOptions(kind="always"),
    then=ForwardOptions(kind="forward", treatment="research", destinations=("archive",)),
)


class RouteOptions(BaseModel):
    """Which treatment and which destinations an instance gets: the first rule that holds wins."""

    model_config = _OPTIONS
    rules: tuple[RuleOptions, ...] = Field(
        default=(_EVERYTHING,),
        description="Tried from top to bottom; the first whose `when` holds decides.",
    )
    otherwise: Literal["withhold", "discard"] = Field(
        default="withhold", description="What happens to an instance that no rule matches."
    )


AllOfOptions.model_rebuild()
AnyOfOptions.model_rebuild()
NotOptions.model_rebuild()
RuleOptions.model_rebuild()
RouteOptions.model_rebuild()
