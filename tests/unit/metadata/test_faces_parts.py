"""Words for parts of the body, of many languages, and words that only look like one."""

import pytest

from deid_node.metadata.faces.parts import Part, part_of_code, parts_named
from deid_node.metadata.faces.texts import plain


def _part(text: str) -> Part | None:
    return min(parts_named(plain(text)), default=None)


@pytest.mark.parametrize(
    "text",
    [
        "CT HEAD/BRAIN WO CONTRAST", "HEADNECK", "C-SPINE", "CSPINE", "Cervical LAT", "AX FLAIR",
        "t1_mprage_sag", "MRT Schädel nativ", "NNH", "HWS seitlich", "CT Felsenbein",
        "DVT Zahn 36", "IRM cérébrale", "Scanner des sinus", "TC cráneo", "RM cervello",
        "TC collo", "RM de crânio", "MRI hersenen", "TK hlavy", "TK głowy", "Голова",
        "МРТ головного мозга", "头颅平扫", "頭部CT", "腦部", "두부 CT", "رأس", "κεφαλή", "Hjärna",
        "Kallo kafatası", "beyin", "ORBIT", "TMJ", "IAC", "dental CBCT", "carotid CTA", "THYROID",
        "abdomen and neck", "CHEST^HEAD", "nasal bones", "Trigeminus", "cholesteatoma DWI",
        "ears", "ENT", "vertex", "temporal bone",
    ],
)  # fmt: skip
def test_words_for_the_head_go_before_all_others(text: str) -> None:
    assert _part(text) is Part.HEAD


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("HELICAL CHEST", Part.CHEST),
        ("Thorax-Abdomen", Part.CHEST),
        ("CT Abdomen/Becken", Part.TRUNK),
        ("LSS Spine", None),
        ("L-SPINE", Part.TRUNK),
        ("colonne lombaire", None),
        ("Lumbar spine", Part.TRUNK),
        ("IRM DU GENOU", Part.LEG),
        ("t1sagknee", Part.LEG),
        ("RM rodilla", Part.LEG),
        ("Kniegelenk links", Part.LEG),
        ("Schulter", Part.SHOULDER),
        ("Handgelenk", Part.ARM),
        ("CARDIAC CT", Part.HEART),
        ("MAMMO", Part.HEART),
        ("PET total body", Part.UNKNOWN),
        ("whole spine", Part.UNKNOWN),
        ("EXTREMITY", Part.UNKNOWN),
        ("膝关节", Part.LEG),
        ("腹部", Part.TRUNK),
        ("Брюшная полость", Part.TRUNK),
    ],
)
def test_other_parts_are_known(text: str, part: Part | None) -> None:
    assert _part(text) is part


@pytest.mark.parametrize(
    "text",
    [
        "Computertomographie", "delivery", "feet first", "T2 COR", "le patient", "main series",
        "frame rate", "accidental finding", "temporal position", "surface", "ship", "thumbnail",
        "recon", "", "123", "T2_TSE_SAG", "diagnose",
    ],
)  # fmt: skip
def test_words_that_only_look_like_a_part_name_none(text: str) -> None:
    assert _part(text) is None


def test_codes_are_known_in_both_forms() -> None:
    assert part_of_code("72696002") is part_of_code("T-D9200") is Part.LEG
    assert part_of_code("69536005") is None
