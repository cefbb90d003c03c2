"""What pydicom does not know yet it is told of, also where nobody loads pynetdicom."""

import subprocess
import sys

import pytest

from deid_node.dicom import NEW_TRANSFER_SYNTAXES

LOOK = """
import sys
import deid_node.corridor
from pydicom.uid import UID
uid = UID(sys.argv[1])
assert "pynetdicom" not in sys.modules
assert (uid.is_transfer_syntax, uid.keyword) == (True, sys.argv[2]), uid
assert not uid.is_implicit_VR
"""


@pytest.mark.parametrize(("uid", "name", "keyword"), NEW_TRANSFER_SYNTAXES)
def test_a_worker_knows_what_pydicom_does_not(uid: str, name: str, keyword: str) -> None:
    assert keyword == name.replace(" ", "")
    subprocess.run([sys.executable, "-c", LOOK, uid, keyword], check=True)
