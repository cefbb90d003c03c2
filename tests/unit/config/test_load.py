import pickle
from pathlib import Path

import pytest

from deid_node.config.load import load, parse
from deid_node.config.schema import Config
from deid_node.errors import ConfigurationError

ROOT = Path(__file__).parents[3]


def parsed(text: str, **environment: str) -> Config:
    return parse(text, folder=Path("/etc/deid-node"), environment=environment)


def test_the_example_is_a_valid_configuration() -> None:
    config = load(ROOT / "config.example.yaml", environment={})

    assert config.receive.ae_title == "DEIDNODE"
    assert set(config.forward.destinations) == {"archive"}


def test_the_example_shows_how_markers_of_radiographs_stay() -> None:
    treatments = load(ROOT / "config.example.yaml", environment={}).treatments

    assert (treatments["research"].text, treatments["research"].keep) == ("all", ())
    assert treatments["radiographs"].text == "keep_listed"
    assert treatments["radiographs"].keep == ("@radiographs",)


def test_the_example_names_every_setting() -> None:
    """A reader of the example shall meet every key that there is."""
    import yaml

    example = yaml.safe_load((ROOT / "config.example.yaml").read_text())

    for section, field in Config.model_fields.items():
        assert section in example
        options = field.annotation
        if isinstance(options, type) and hasattr(options, "model_fields"):
            assert set(options.model_fields) == set(example[section]), section


def test_an_empty_file_is_the_defaults() -> None:
    config = parsed("")

    assert config.receive.port == 11112
    assert config.route.rules[0].name == "everything"
    assert config.spool.dir == Path("/etc/deid-node/spool")


def test_relative_paths_count_from_the_folder_of_the_file() -> None:
    config = parsed(
        "metadata: {pseudonym_key_file: keys/site.key}\n"
        "forward: {destinations: {out: {kind: folder, dir: ./out}}}\n"
        "spool: {dir: /srv/spool}\n"
    )

    assert config.metadata.pseudonym_key_file == Path("/etc/deid-node/keys/site.key")
    assert config.forward.destinations["out"].dir == Path("/etc/deid-node/out")  # type: ignore[union-attr]
    assert config.spool.dir == Path("/srv/spool")


def test_lines_that_stay_are_patterns_or_lists_that_ship() -> None:
    config = parsed("treatments: {a: {text: keep_listed, keep: ['[LR]', '@measurements']}}")

    assert config.treatments["a"].keep == ("[LR]", "@measurements")


def test_the_environment_fills_in() -> None:
    config = parsed(
        "receive: {ae_title: '${TITLE}'}\nspool: {dir: '${BASE}/spool'}", TITLE="A1", BASE="/srv"
    )

    assert config.receive.ae_title == "A1"
    assert config.spool.dir == Path("/srv/spool")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("recieve: {}", "recieve"),
        ("receive: {prot: 1}", "receive.prot"),
        ("receive: {port: SECRET}", "receive.port"),
        ("receive: {port: 70000}", "receive.port"),
        ("receive: {peers: [{name: a, ae_title: A, address: SECRET}]}", "receive.peers[0].address"),
        ("receive: {peers: [{name: a}]}", "receive.peers[0].ae_title"),
        ("receive: {peers: SECRET}", "receive.peers"),
        ("spool: SECRET", "spool"),
        (
            "forward: {destinations: {a: {kind: cstore, ae_title: A, host: h, port: SECRET}}}",
            "forward.destinations.a.port",
        ),
        ("forward: {destinations: {a: {kind: SECRET}}}", "forward.destinations.a.kind"),
        ("forward: {destinations: {a: {ae_title: SECRET}}}", "forward.destinations.a.kind"),
        (
            "forward: {destinations: {a: {kind: cstore, host: h, port: 1}}}",
            "forward.destinations.a.ae_title",
        ),
        (
            "route: {rules: [{name: x, when: {kind: equals, attribute: Modality, valeu: SECRET}, then: {kind: withhold}}]}",  # noqa: E501
            "route.rules[0].when.value",
        ),
        ("treatments: {research: {fill: SECRET}}", "treatments.research.fill"),
        ("treatments: {research: {options: [SECRET]}}", "treatments.research.options[0]"),
        ("treatments: {research: {text: SECRET, keep: [R]}}", "treatments.research.text"),
        ("treatments: {research: {text: keep_listed}}", "treatments.research.keep"),
        ("treatments: {research: {text: keep_listed, keep: []}}", "treatments.research.keep"),
        ("treatments: {research: {keep: [SECRET]}}", "treatments.research.keep"),
        (
            "treatments: {research: {text: keep_listed, keep: ['[LR]', '(SECRET.*|.*)']}}",
            "treatments.research.keep[1]",
        ),
        (
            "treatments: {research: {text: keep_listed, keep: ['(SECRET']}}",
            "treatments.research.keep[0]",
        ),
        (
            "treatments: {research: {text: keep_listed, keep: ['@SECRET']}}",
            "treatments.research.keep[0]",
        ),
        ("pixels: {finder: {kind: crnn, device: SECRET}}", "pixels.finder.device"),
        ("observe: {http: {port: [1]}}", "observe.http.port"),
        ("work: {engine: {kind: local, processes: SECRET}}", "work.engine.processes"),
    ],
)
def test_a_fault_is_named_by_its_path_and_never_quoted(text: str, path: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parsed(text)

    assert caught.value.path == path
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "receive: {port: 1\n",
        "receive: {port: 1}\nreceive: {port: 2}\n",
        "- a list\n",
        "a: !!python/name:os.system x",
    ],
    ids=["broken", "a key twice", "no mapping", "a tag"],
)
def test_what_is_no_configuration_is_one_clear_error(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parsed(text)


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"receive\.host.*NOWHERE"):
        parsed("receive: {host: '${NOWHERE}'}")


def test_a_file_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(tmp_path / "missing.yaml")


def test_bytes_that_are_no_text_are_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ConfigurationError, match="UTF-8"):
        load(path)


def test_off_is_a_word_and_yes_and_no_are_understood() -> None:
    archive = "{kind: cstore, ae_title: A, host: h, port: 1, commitment: off}"
    text = (
        f"forward: {{destinations: {{archive: {archive}}}}}\n"
        "metadata: {crosswalk: {enabled: no}}\n"
        "receive: {user_identity: {users_file: users, required: Yes}}\n"
    )

    config = parse(text, folder=Path(), environment={})

    destination = config.forward.destinations["archive"]
    assert destination.kind == "cstore"
    assert destination.commitment == "off"
    assert config.metadata.crosswalk.enabled is False
    assert config.receive.user_identity is not None
    assert config.receive.user_identity.required is True


def test_a_configuration_with_pinned_weights_can_be_sent_to_a_worker() -> None:
    digest = "0" * 64
    config = parsed(
        f"pixels: {{inpainter: {{weights_sha256: {{unet/a.safetensors: '{digest}'}}}}}}"
    )

    sent = pickle.loads(pickle.dumps(config.pixels))  # noqa: S301  # of our own making

    assert sent == config.pixels
    assert sent.inpainter.weights_sha256 == {"unet/a.safetensors": digest}
