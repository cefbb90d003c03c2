import pytest
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import tag_for_keyword

from deid_node.errors import UnknownElement
from deid_node.metadata.plan.action import Action
from deid_node.metadata.plan.options import Option
from deid_node.metadata.plan.plan import MISPLACED_GROUPS, Plan, build_plan
from deid_node.metadata.plan.policy import KNOWN_VRS, load_policy

# Where we empty what the table removes, for the object's sake (see the decision record).
# X in the table, and required by the IOD: each row of the policy says why.
WITHOUT_WHICH_INVALID = {
    "PresentationCreationDate",
    "PresentationCreationTime",
    "ResponsibleOrganization",
    "ResponsiblePerson",
}


def _tag(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword
    return tag


def test_every_row_gets_one_of_the_actions_that_the_table_prints(plan: Plan) -> None:
    wrong = []
    for row in plan.table.rows:
        if "x" in row.pattern:
            continue
        ruling = plan.named[int(row.pattern.replace(",", ""), 16)]
        allowed = set(row.basic_profile.replace("*", "").split("/"))
        # Z allows a value that is consistent within the study; a dummy UID is a new UID.
        if "Z" in allowed or row.vr == "UI":
            allowed |= {"D", "U"}
        if ruling.action.letter not in allowed and row.keyword not in WITHOUT_WHICH_INVALID:
            wrong.append((row.keyword, row.basic_profile, ruling.action))

    assert not wrong


def test_no_policy_row_keeps_what_the_table_lists(plan: Plan) -> None:
    listed = {row.keyword for row in plan.table.rows}

    assert not [row for row in load_policy() if row.action is Action.KEEP and row.keyword in listed]


def test_every_policy_row_names_an_attribute_once_and_says_why() -> None:
    rows = load_policy()

    assert len({row.keyword for row in rows}) == len(rows)
    assert all(tag_for_keyword(row.keyword) is not None and row.reason for row in rows)


def test_every_attribute_of_the_dictionary_is_judged(plan: Plan) -> None:
    for tag, (vr, *_) in DicomDictionary.items():
        if vr != "NONE":
            assert plan.judge(tag, vr.split(" or ")[0]).action in Action


@pytest.mark.parametrize(
    ("keyword", "action"),
    [
        ("PatientName", Action.PATIENT_NAME),
        ("PatientID", Action.PATIENT_ID),
        ("AccessionNumber", Action.ACCESSION_NUMBER),
        ("StudyID", Action.STUDY_ID),
        ("PatientBirthDate", Action.EMPTY),
        ("OtherPatientIDs", Action.REMOVE),
        ("StudyInstanceUID", Action.REPLACE_UID),
        ("AnnotationGroupUID", Action.REPLACE_UID),
        ("ContentSequence", Action.DUMMY),
        ("ReferencedImageSequence", Action.REPLACE_UID),
        ("OriginalAttributesSequence", Action.REMOVE),
        ("DigitalSignaturesSequence", Action.REMOVE),
        ("MACParametersSequence", Action.REMOVE),
        ("EncryptedAttributesSequence", Action.REMOVE),
        ("IconImageSequence", Action.REMOVE),
        ("DeidentificationMethodCodeSequence", Action.REMOVE),
        ("SharedFunctionalGroupsSequence", Action.KEEP),
        ("TextValue", Action.DUMMY),
        ("SegmentLabel", Action.DUMMY),
        ("SecondaryReviewerName", Action.EMPTY),
        ("CodeMeaning", Action.KEEP),
        ("Modality", Action.KEEP),
        ("Rows", Action.KEEP),
        ("PixelData", Action.KEEP),
        ("WaveformData", Action.KEEP),
        ("RedPaletteColorLookupTableData", Action.KEEP),
        ("SOPClassUID", Action.KEEP),
        ("TargetFrameOfReferenceUID", Action.REPLACE_UID),
    ],
)
def test_well_known_attributes(plan: Plan, keyword: str, action: Action) -> None:
    tag = _tag(keyword)
    vr = DicomDictionary[tag][0].split(" or ")[0]

    assert plan.judge(tag, vr).action is action


@pytest.mark.parametrize(
    "tag",
    [
        0x00091001,  # private
        0x00090010,  # private creator
        0x50000010,  # curve
        0x60003000,  # overlay data
        0x60020010,  # overlay rows
        0x00000002,  # command
        0x00020003,  # file meta information
        0x00041220,  # directory
        0x00080000,  # group length
        0xFFFCFFFC,  # trailing padding
        0x00084711,  # in no edition of the standard
        0x47120010,  # nor is its group
        0xEAEA0102,  # nor is one behind the pixels
    ],
)
def test_what_is_no_attribute_of_an_instance_goes(plan: Plan, tag: int) -> None:
    assert plan.judge(tag, "LO").action is Action.REMOVE


@pytest.mark.parametrize(
    ("element", "vr", "action"),
    [
        (0x0010, "US", Action.KEEP),
        (0x3000, "OW", Action.KEEP),
        (0x3000, "OB", Action.KEEP),
        (0x0022, "LO", Action.REMOVE),
        (0x1500, "LO", Action.REMOVE),
        (0x4000, "LT", Action.REMOVE),
        (0x1301, "IS", Action.REMOVE),
    ],
)
def test_what_describes_a_plane_stays_where_graphics_are_cleaned(
    element: int, vr: str, action: Action
) -> None:
    assert build_plan([Option.CLEAN_GRAPHICS]).judge(0x60020000 | element, vr).action is action


@pytest.mark.parametrize("vr", ["LO", "SQ", "??", "UN"])
def test_of_a_group_that_no_edition_knows_everything_goes(plan: Plan, vr: str) -> None:
    assert plan.judge(0x47120010, vr).action is Action.REMOVE


def test_a_vr_that_no_edition_knows_withholds(plan: Plan) -> None:
    with pytest.raises(UnknownElement):
        plan.judge(_tag("Rows"), "??")


def test_text_in_the_place_of_a_number_is_judged_as_text(plan: Plan) -> None:
    assert plan.judge(_tag("Rows"), "LO").action is Action.DUMMY
    assert plan.judge(_tag("Rows"), "PN").action is Action.EMPTY
    assert plan.judge(_tag("Rows"), "SS").action is Action.KEEP
    assert plan.judge(_tag("Manufacturer"), "SH").action is Action.KEEP
    assert plan.judge(_tag("Manufacturer"), "PN").action is Action.EMPTY


@pytest.mark.parametrize(
    ("keyword", "vr"), [("Rows", "SQ"), ("SharedFunctionalGroupsSequence", "LO")]
)
def test_a_sequence_that_is_none_withholds(plan: Plan, keyword: str, vr: str) -> None:
    with pytest.raises(UnknownElement):
        plan.judge(_tag(keyword), vr)


def test_no_value_of_a_person_is_kept_by_default(plan: Plan) -> None:
    named = set(plan.named)
    kept = [
        tag
        for tag, (vr, *_) in DicomDictionary.items()
        if tag not in named and tag >> 16 not in MISPLACED_GROUPS
        for first in [vr.split(" or ")[0]]
        if first in KNOWN_VRS and plan.judge(tag, first).action is Action.KEEP
        if first in {"AE", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT", "DA", "DT", "TM", "UI"}
    ]

    assert not kept
