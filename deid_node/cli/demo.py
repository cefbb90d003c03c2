"""``deid-node demo``: the main job on loopback."""

from deid_node.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Describe the command."""
    commands.add_parser("demo", help="run the main job on loopback")
