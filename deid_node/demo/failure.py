"""The one way in which a demo fails."""


class DemoFailed(Exception):
    """The demo did not come to its end; the text is one line for whoever started it."""
