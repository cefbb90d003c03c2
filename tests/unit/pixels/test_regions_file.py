"""Fixed regions in a file of their own: in force from the next instance on, or it is withheld."""

from pathlib import Path

import pytest
import yaml
from pydicom.config import disable_value_validation

from deid_node.errors import RegionsUnreadable
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.pixels.text.device_regions import BoxOptions, DeviceRegionsOptions, device_of
from deid_node.pixels.text.regions_file import RegionsFile, covered
from deid_node.values.device import Device
from tests.fakes.finder import finds_nothing
from tests.unit.pixeldata.instances import Kind, instance, noise

RULE = DeviceRegionsOptions(
    manufacturer="Acme", model="US 5", boxes=(BoxOptions(left=5, top=4, right=20, bottom=12),)
)


def test_where_there_is_no_file_there_are_no_rules(tmp_path: Path) -> None:
    assert RegionsFile(tmp_path / "regions.yaml").current() == ()


def test_what_is_added_is_read_again_and_by_others(tmp_path: Path) -> None:
    path = tmp_path / "regions.yaml"
    own, other = RegionsFile(path), RegionsFile(path)
    assert other.current() == ()

    own.add(RULE, remark="accepted\nby somebody")

    assert own.current() == other.current() == (RULE,)
    assert "# accepted by somebody\n" in path.read_text()
    assert [one.name for one in tmp_path.iterdir()] == ["regions.yaml"]


def test_what_people_wrote_there_stays_as_they_wrote_it(tmp_path: Path) -> None:
    path = tmp_path / "regions.yaml"
    theirs = "# the old ward\n- {model: US 5, boxes: [{left: 0, top: 0, right: 9, bottom: 9}]}"
    path.write_text(theirs)

    RegionsFile(path).add(RULE, remark="accepted")

    assert path.read_text().startswith(theirs)
    assert len(RegionsFile(path).current()) == 2


def test_the_file_can_be_copied_into_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "regions.yaml"
    RegionsFile(path).add(RULE, remark="accepted")

    copied = yaml.safe_load(path.read_text())

    assert [DeviceRegionsOptions.model_validate(one) for one in copied] == [RULE]
    assert covered([RULE]) == ("Acme, US 5: 1 boxes",)


@pytest.mark.parametrize(
    "text", ["- {boxes: []}", "model: US 5", "- [", "- {boxez: 1}", "\udcff", "- !!python/none"]
)
def test_a_file_that_says_something_else_is_no_file_without_rules(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "regions.yaml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    file = RegionsFile(path)

    with pytest.raises(RegionsUnreadable):
        file.current()
    with pytest.raises(RegionsUnreadable):
        file.add(RULE, remark="accepted")

    assert path.read_bytes() == text.encode("utf-8", "surrogateescape")


def test_each_instance_is_cleaned_by_what_the_file_says_when_it_comes(tmp_path: Path) -> None:
    dataset = instance(noise(Kind(), frames=1), Kind())
    dataset.Manufacturer, dataset.ManufacturerModelName = "ACME", "US 5"
    file = RegionsFile(tmp_path / "regions.yaml")
    cleaner = PixelCleaner(finds_nothing(), SolidInpainter(), regions_file=file)

    before = cleaner.clean(dataset, seed=1)
    RegionsFile(file.path).add(RULE, remark="accepted")
    after = cleaner.clean(dataset, seed=1)
    file.path.unlink()
    again = cleaner.clean(dataset, seed=1)
    file.path.write_text("nonsense: [")

    assert [one.changed for one in (before, after, again)] == [False, True, False]
    assert [region.source for region in after.regions] == ["device_rule"]
    with pytest.raises(RegionsUnreadable):
        cleaner.clean(dataset, seed=1)


def test_a_device_is_what_its_header_says_and_nothing_that_no_name_is() -> None:
    dataset = instance(noise(Kind(), frames=1), Kind())
    dataset.Manufacturer = " Acme "
    with disable_value_validation():
        dataset.ManufacturerModelName = "x" * 65
    dataset.Modality = "US"

    assert device_of(dataset) == Device("Acme", "", "US", dataset.Rows, dataset.Columns)
    assert not device_of(dataset).is_known
