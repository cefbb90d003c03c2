"""The file that ships is the one that the card describes, and runs as torch does."""

import hashlib
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from deid_node.pixels.text.find.build import build_finder
from deid_node.pixels.text.find.crnn import MAKE, CrnnFinder
from deid_node.pixels.text.find.options import CrnnOptions
from deid_node.pixels.text.weights import FINDER
from deid_node.values.geometry import Box
from deid_node_lab.training.card import tables, tables_of

WEIGHTS = resources.files("deid_node.weights")
FIGURES = json.loads(WEIGHTS.joinpath("finder.json").read_text("utf-8"))


def test_the_card_names_the_sha256_of_the_shipped_file() -> None:
    digest = hashlib.sha256(WEIGHTS.joinpath(FINDER.shipped).read_bytes()).hexdigest()

    assert digest in WEIGHTS.joinpath("MODEL_CARD.md").read_text("utf-8")
    assert build_finder(CrnnOptions()).name == f"crnn-{digest[:8]}"


def test_the_figures_are_those_of_the_shipped_file() -> None:
    own = onnx.load_from_string(WEIGHTS.joinpath(FINDER.shipped).read_bytes()).metadata_props
    thresholds = {entry.key: entry.value for entry in own}

    assert (
        FIGURES["sha256"]
        == hashlib.sha256(WEIGHTS.joinpath(FINDER.shipped).read_bytes()).hexdigest()
    )
    assert FIGURES["min_score"] == float(thresholds["min_score"])
    assert FIGURES["edge_score"] == float(thresholds["edge_score"])


def test_the_tables_of_the_card_are_those_of_the_figures() -> None:
    card = WEIGHTS.joinpath("MODEL_CARD.md").read_text("utf-8")

    assert tables_of(card) == tables(FIGURES)
    assert FIGURES["bytes"] == len(WEIGHTS.joinpath(FINDER.shipped).read_bytes())


def test_the_shipped_file_equals_the_torch_network_of_the_shipped_weights() -> None:
    torch = pytest.importorskip("torch", reason="the train extra is not installed")
    from deid_node_lab.models.finder import FinderNet
    from deid_node_lab.training.checkpoints import read_weights

    net = FinderNet()
    with resources.as_file(WEIGHTS.joinpath("finder.npz")) as file:
        net.load_state_dict(read_weights(file))
    frame = np.zeros((192, 256, 3), np.uint8)
    cv2.putText(frame, "DOE 1970", (20, 90), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (255, 255, 255), 2)
    frame += np.random.default_rng(1).integers(0, 40, frame.shape, dtype=np.uint8)

    with torch.no_grad():
        expected = torch.sigmoid(net.eval()(torch.from_numpy(frame).permute(2, 0, 1)[None].float()))
    drawn = CrnnFinder(CrnnOptions(device="cpu")).maps([frame])[0]

    np.testing.assert_allclose(drawn, expected[0].numpy(), atol=1e-3)
    assert drawn.max() > 0.9  # it has seen something
    assert sum(weight.numel() for weight in net.parameters()) == FIGURES["weights"]


def test_the_shipped_file_is_light() -> None:
    assert len(WEIGHTS.joinpath(FINDER.shipped).read_bytes()) <= 8_000_000


@pytest.mark.parametrize("shape", [(96, 80), (64, 208), (512, 512)], ids=str)
def test_onnx_equals_torch_in_every_shape(tmp_path: Path, shape: tuple[int, int]) -> None:
    torch = pytest.importorskip("torch", reason="the train extra is not installed")
    from deid_node_lab.models import export
    from deid_node_lab.models.finder import Block, FinderNet

    torch.manual_seed(4)
    net = FinderNet().eval()
    for block in net.modules():
        if isinstance(block, Block):  # fresh ones let through what they read
            torch.nn.init.normal_(block.norm.weight)
    file = tmp_path / "random.onnx"
    export.export_finder(net, file, min_score=0.5, edge_score=0.3)
    frame = np.random.default_rng(2).integers(0, 256, (*shape, 3), dtype=np.uint8)

    finder = CrnnFinder(CrnnOptions(model_file=file, device="cpu"))
    with torch.no_grad():
        expected = torch.sigmoid(net(torch.from_numpy(frame).permute(2, 0, 1)[None].float()))

    np.testing.assert_allclose(finder.maps([frame])[0], expected[0].numpy(), atol=2e-5)
    assert export.MAKE == MAKE


def test_a_seam_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = np.zeros((160, 1000), np.uint8)
    for left in range(0, 1000, 250):
        cv2.putText(frame, f"LINE {left:04} A", (left + 5, 80), 0, 0.6, 255, 1, cv2.LINE_AA)
    finder = CrnnFinder(CrnnOptions(device="cpu"))

    whole = finder.maps([frame])[0][1] > 0.5
    monkeypatch.setattr("deid_node.pixels.text.find.crnn._TILE_SIDE", 512)
    sewn = finder.maps([frame])[0][1] > 0.5

    assert (whole & sewn).sum() / (whole | sewn).sum() > 0.95


@pytest.mark.parametrize("batch_pixels", [1, 3 * 96 * 128, 10**8], ids=["one", "three", "all"])
def test_frames_that_run_together_change_nothing(
    monkeypatch: pytest.MonkeyPatch, batch_pixels: int
) -> None:
    chance = np.random.default_rng(5)
    shapes = [(96, 128), (96, 128, 3), (200, 90), (96, 128), (1, 1), (96, 128), (95, 127)]
    frames = [chance.integers(0, 256, shape, dtype=np.uint8) for shape in shapes]
    finder = CrnnFinder(CrnnOptions(device="cpu"))
    alone = [finder.maps([frame])[0] for frame in frames]

    monkeypatch.setattr(finder, "_batch_pixels", batch_pixels)
    together = finder.maps(frames)

    assert [maps.shape for maps in together] == [(2, -(-s[0] // 2), -(-s[1] // 2)) for s in shapes]
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_an_even_border_is_not_looked_at_and_moves_no_box() -> None:
    plain = np.zeros((160, 400, 3), np.uint8)
    cv2.putText(plain, "DOE 1970", (40, 90), 0, 1.0, (255, 255, 255), 2)
    bordered = np.zeros((512, 1008, 3), np.uint8)
    bordered[208:368, 320:720] = plain
    finder = CrnnFinder(CrnnOptions(device="cpu"))

    (alone,), (inside,) = finder.find([plain]), finder.find([bordered])

    assert [b.box for b in inside] == [
        Box(b.box.left + 320, b.box.top + 208, b.box.right + 320, b.box.bottom + 208) for b in alone
    ]
    assert alone
    shown = finder.maps([bordered])[0]
    assert shown.shape == (2, 256, 504)
    assert not shown[:, :40].any()


def test_a_second_glance_takes_away_and_adds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = np.zeros((160, 400, 3), np.uint8)
    cv2.putText(frame, "DOE 1970", (40, 90), 0, 1.0, (255, 255, 255), 2)
    finder = CrnnFinder(CrnnOptions(device="cpu"))
    (sure,) = finder.find([frame])
    draw, shown = finder.maps, list[bool]()

    def blind_to_black_on_white(
        frames: Sequence[NDArray[np.uint8]],
    ) -> tuple[NDArray[np.float32], ...]:
        shown.extend(bool(one[0, 0, 0]) for one in frames)
        return tuple(
            np.zeros_like(m) if one[0, 0, 0] else m
            for one, m in zip(frames, draw(frames), strict=True)
        )

    monkeypatch.setattr(finder, "maps", blind_to_black_on_white)

    assert sure
    assert finder.find([frame]) == ((),)
    assert finder.find([np.zeros_like(frame)]) == ((),)
    assert shown == [False, True, False]  # nothing seen, nothing asked again
