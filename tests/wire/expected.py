"""What is right to be withheld, refused or left unsent, file by file, and why.

Everything that is not named here must arrive. A finding of the text finder is no
property of a file but of the model of the day, so the few images that a model
is known to read as text are named apart: they may be withheld as one of `DOUBTED`,
or arrive.
"""

from collections.abc import Mapping
from types import MappingProxyType

DOUBTED = frozenset({"residual_text", "mostly_text", "anatomy_covered", "text_uncertain"})
"""What an instance is withheld as where a finder sees text, or may."""

STUDY_MISSING = "malformed_dataset"
"""No Study Instance UID (Type 1): there is no study to deliver it to."""

WITHHELD: Mapping[str, str] = MappingProxyType(
    {
        # The codestream is of another size than Rows and Columns say; no decoder takes it.
        "JPEG2000-embedded-sequence-delimiter.dcm": "undecodable",
        "dicognito__JPEG2000-embedded-sequence-delimiter.dcm": "undecodable",
        # Pixel Data is shorter than its own length.
        "MR_truncated.dcm": "malformed_dataset",
        "broken__truncated_pixels.dcm": "malformed_dataset",
        # Fewer bytes than Rows, Columns and Bits Allocated ask for.
        "fo-dicom__GH1376.dcm": "undecodable",
        # The elements of its date are put at the end.
        "fo-dicom__FreezePattern.dcm": "repeated_tag",
        # Pixel Data without a value.
        "fo-dicom__GH1146.dcm": "undecodable",
        # The fragments hold zeros, or a second header: no JPEG codestream begins there.
        "fo-dicom__genFile.dcm": "undecodable",
        "healthcare-dic__example3.dcm": "undecodable",
        # A cine in which the frames' own headers name different sizes.
        "fo-dicom__multiframe.dcm": "undecodable",
        "JPEGLSNearLossless_08.dcm": STUDY_MISSING,
        "JPEGLSNearLossless_16.dcm": STUDY_MISSING,
        "SC_rgb_jls_lossy_line.dcm": STUDY_MISSING,
        "SC_rgb_jls_lossy_sample.dcm": STUDY_MISSING,
        "pydicom-data__JLSL_08_07_0_1F.dcm": STUDY_MISSING,
        "pydicom-data__JLSL_16_15_1_1F.dcm": STUDY_MISSING,
        "pydicom-data__HTJ2KLossless_08_RGB.dcm": STUDY_MISSING,
        "fo-dicom__GH223.dcm": STUDY_MISSING,
        "fo-dicom__GH487.dcm": STUDY_MISSING,
        "broken__truncated_header.dcm": STUDY_MISSING,
        # Number of Frames is "1A".
        "badVR.dcm": "malformed_dataset",
        # The dataset breaks off inside the encapsulated pixels.
        "fo-dicom__GH1339.dcm": "malformed_dataset",
        "pydicom-data__emri_small_jpeg_2k_lossless_too_short.dcm": "malformed_dataset",
        # The dataset turns into noise on the way.
        "fo-dicom__GH626.dcm": "malformed_dataset",
        # The dataset breaks off inside a nested sequence.
        "rtplan_truncated.dcm": "malformed_dataset",
        # An explicit VR of two spaces: nobody can say what the plan must do with the element.
        "fo-dicom__GH179A.dcm": "malformed_dataset",
        "fo-dicom__GH179B.dcm": "malformed_dataset",
        # A private SOP class: what it holds is not written anywhere.
        "fo-dicom__GH220.dcm": "unsupported_object",
        "fo-dicom__Issue1097_FailToOpenDeflatedFileWithSQ.dcm": "unsupported_object",
        # Pixel Data Provider URL: the pixels are on a server.
        "Tools-for-Heal__Anonymized.dcm": "unsupported_object",
        "Tools-for-Heal__Invalid-String-Format.dcm": "unsupported_object",
        "Tools-for-Heal__UnchangedValue.dcm": "unsupported_object",
        "Tools-for-Heal__custom.dcm": "unsupported_object",
        # Burned In Annotation is YES, and nobody sees any text.
        "fo-dicom__GH1728.dcm": "burned_in_unconfirmed",
        "dicognito__burned_in_yes.dcm": "burned_in_unconfirmed",
        # Encapsulated PDF.
        "visual-nlp-wor__DICOM_PDF_Deid_Deidentification_0.dcm": "unsupported_object",
        # Another picture under the SOP Instance UID (111) of an earlier one.
        "healthcare-dic__example.dcm": "uid_conflict",
    }
)

MAY_READ_AS_TEXT = frozenset(
    {
        # Perfusion maps of a brain: specks of black on white.
        "cornerstoneWAD__CT0012.fragmented_no_bot_jpeg_baseline.51.dcm",
        "pydicom-data__eCT_Supplemental.dcm",
        # Burned In Annotation is YES: whether there is any is for the finder to say.
        "fo-dicom__GH1728.dcm",
        # A test pattern: checkerboards in all shades.
        "fo-dicom__GH227.dcm",
        "image_dfl.dcm",
        # Nineteen slices of a knee.
        "fo-dicom__MOVEKNEE.dcm",
        # A photograph: sunlight on the sea.
        "pydicom-data__HTJ2KLossless_08_RGB.dcm",
        # Two frames of an ultrasound screen full of words and marks.
        "pydicom-data__OBXXXX1A_2frame.dcm",
        "pydicom-data__OBXXXX1A_expb_2frame.dcm",
        "pydicom-data__OBXXXX1A_rle_2frame.dcm",
        # The SMPTE pattern: words, and bars as wide as strokes.
        "pydicom-data__mlut_18.dcm",
    }
)

# Sixteen pixels square: a single mistaken letter is more than half of the frame.
_TINY = ("dicomdirtests/",)


def may_read_as_text(name: str) -> bool:
    """Return whether a finder may read this file's image as text."""
    return name in MAY_READ_AS_TEXT or name.startswith(_TINY)


MORE_THAT_READ_AS_TEXT = 4
"""How many others a model of another day may doubt before somebody has to look at them."""

NOT_TAKEN = frozenset(
    {
        # Color Palette Storage: no patient's object (PS3.4 Annex GG), nothing to de-identify.
        "fall.dcm",
        "hotiron.dcm",
        "hotmetalblue.dcm",
        "pet.dcm",
        "pet20step.dcm",
        "spring.dcm",
        "summer.dcm",
        "winter.dcm",
    }
)
"""Whose presentation context the door refuses, in the open."""
