"""A training may start from what another one knows."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")

import torch

from deid_node_lab.models.finder import Block, FinderNet, FinderShape
from deid_node_lab.training.checkpoints import read_weights, save_weights, take_over

SMALL = FinderShape(half=4, quarter=4, eighth=4, sixteenth=4, recurrent=2, head=4)


def test_weights_come_back_as_they_were_written(tmp_path: Path) -> None:
    net = FinderNet(SMALL)

    save_weights(net, tmp_path / "finder.npz")

    back = read_weights(tmp_path / "finder.npz")
    assert all(torch.equal(weight, back[name]) for name, weight in net.state_dict().items())


def test_a_network_takes_over_what_another_knows(tmp_path: Path) -> None:
    teacher, pupil = FinderNet(SMALL), FinderNet(SMALL)
    save_weights(teacher, tmp_path / "finder.npz")

    take_over(pupil, tmp_path / "finder.npz")

    frames = torch.rand((1, 3, 64, 64)) * 255
    assert torch.equal(teacher.eval()(frames), pupil.eval()(frames))


def test_blocks_that_the_other_lacks_let_through_what_they_read(tmp_path: Path) -> None:
    fresh = Block(8).eval()
    features = torch.rand((1, 8, 6, 6))

    assert torch.equal(fresh(features), features)


def test_a_network_of_another_size_is_refused(tmp_path: Path) -> None:
    save_weights(FinderNet(), tmp_path / "finder.npz")

    with pytest.raises(ValueError, match="not a smaller network"):
        take_over(FinderNet(SMALL), tmp_path / "finder.npz")
