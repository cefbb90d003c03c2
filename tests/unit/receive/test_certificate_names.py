"""What a certificate names."""

from typing import Any

import pytest

from deid_node.receive.peers import names_in

SUBJECT = ((("countryName", "CH"),), (("commonName", "CT1"),))


@pytest.mark.parametrize(
    ("certificate", "names"),
    [
        ({}, set()),
        ({"subject": SUBJECT}, {"ct1"}),
        (
            {
                "subject": SUBJECT,
                "subjectAltName": (("DNS", "Ct1.Example"), ("IP Address", "10.1.0.5")),
            },
            {"ct1.example", "10.1.0.5"},
        ),
        ({"subject": SUBJECT, "subjectAltName": (("email", "a@example.org"),)}, {"ct1"}),
    ],
    ids=["none", "common name", "alternatives outweigh it", "an alternative that is no host"],
)
def test_the_alternative_names_count_and_the_common_name_only_without_them(
    certificate: dict[str, Any], names: set[str]
) -> None:
    assert names_in(certificate) == names
