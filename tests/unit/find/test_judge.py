"""The second stage sees each box with what lies around it, and has the last word."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deid_node.errors import ConfigurationError
from deid_node.pixels.find import context
from deid_node.pixels.find.crnn import CrnnFinder
from deid_node.pixels.find.options import CrnnOptions
from deid_node.values.geometry import Box, Found

FRAME = np.zeros((200, 300, 3), np.uint8)


@given(
    left=st.integers(0, 290), top=st.integers(0, 190), width=st.integers(1, 300),
    height=st.integers(1, 200),
)  # fmt: skip
def test_every_box_gives_cuts_of_one_shape(left: int, top: int, width: int, height: int) -> None:
    box = Box(left, top, min(300, left + width), min(200, top + height))

    near = context.near(FRAME, box)

    assert near.shape[1:] == (*context.NEAR_SHAPE, 4)
    assert len(near) in {1, 3}
    assert context.far(FRAME, box).shape == (*context.FAR_SHAPE, 4)
    assert context.facts(FRAME, Found(box, 0.5)).shape == (context.FACTS,)
    assert near[..., 3].max() > 200  # the box is in at least one of the cuts


def test_a_long_line_is_cut_at_its_ends_too() -> None:
    frame = FRAME.copy()
    frame[90:110, 280:300] = 255
    box = Box(0, 90, 300, 110)

    start, middle, end = context.near(frame, box)

    assert start[..., :3].max() == middle[..., :3].max() == 0
    assert end[..., :3].max() == 255


def test_an_upright_line_is_turned() -> None:
    frame = FRAME.copy()
    frame[40:60, 100:120] = 255  # the first letter of a line that runs downwards

    (cut,) = context.near(frame, Box(100, 40, 120, 140))

    columns = np.flatnonzero(cut[..., 0].max(axis=0))
    assert cut[..., 3].max(axis=0).sum() > cut[..., 3].max(axis=1).sum()
    assert np.ptp(columns) < 30


def test_what_lies_beyond_the_frame_is_told_from_black() -> None:
    cut = context.far(FRAME, Box(0, 0, 10, 10))

    assert cut[0, 0, 3] == 128
    assert cut[40, 40, 3] == 0


class TestOfAFile:
    @pytest.fixture
    def finder_file(self, tmp_path: Path) -> Path:
        torch = pytest.importorskip("torch", reason="the train extra is not installed")
        from deid_node.models.export import export_finder, export_judge
        from deid_node.models.finder import FinderNet
        from deid_node.models.judge import JudgeNet

        torch.manual_seed(3)
        sha256 = export_judge(JudgeNet().eval(), tmp_path / "own_judge.onnx")
        export_finder(
            FinderNet().eval(), tmp_path / "own.onnx", min_score=0.01, edge_score=0.2,
            propose_score=0.01, judge_sha256=sha256,
        )  # fmt: skip
        return tmp_path / "own.onnx"

    def test_its_scores_are_those_of_the_judge(self, finder_file: Path) -> None:
        frame = np.random.default_rng(1).integers(0, 256, (120, 160, 3), dtype=np.uint8)
        finder = CrnnFinder(CrnnOptions(model_file=finder_file, device="cpu"))

        (proposed,), (found,) = finder.proposals([frame]), finder.find([frame])

        assert {one.box for one in found} <= {one.box for one in proposed}
        assert found
        assert all(0 <= one.score <= 1 for one in found)
        assert {one.score for one in found} != {one.score for one in proposed}

    def test_boxes_that_run_together_change_nothing(
        self, finder_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        chance = np.random.default_rng(2)
        frame = chance.integers(0, 256, (200, 300, 3), dtype=np.uint8)
        boxes = [
            Found(Box(x, y, x + w, y + 12), 0.5)
            for x, y, w in chance.integers(1, 90, (150, 3)).tolist()
        ]
        judge = CrnnFinder(CrnnOptions(model_file=finder_file, device="cpu"))._judge
        assert judge is not None
        together = judge.judged(frame, boxes)

        monkeypatch.setattr("deid_node.pixels.find.judge._AT_ONCE", 1)
        alone = judge.judged(frame, boxes)

        np.testing.assert_allclose(
            [one.score for one in together], [one.score for one in alone], atol=1e-5
        )
        assert [one.box for one in together] == [one.box for one in boxes]

    def test_another_s_judge_is_refused(self, finder_file: Path) -> None:
        finder_file.with_name("own_judge.onnx").write_bytes(b"other")

        with pytest.raises(ConfigurationError):
            CrnnFinder(CrnnOptions(model_file=finder_file, device="cpu"))

    def test_a_judge_that_is_missing_is_refused(self, finder_file: Path) -> None:
        finder_file.with_name("own_judge.onnx").unlink()

        with pytest.raises(ConfigurationError):
            CrnnFinder(CrnnOptions(model_file=finder_file, device="cpu"))


def test_the_digest_of_the_judge_is_that_of_its_bytes(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the train extra is not installed")
    from deid_node.models.export import export_judge
    from deid_node.models.judge import JudgeNet

    sha256 = export_judge(JudgeNet(), tmp_path / "j.onnx")

    assert sha256 == hashlib.sha256((tmp_path / "j.onnx").read_bytes()).hexdigest()
