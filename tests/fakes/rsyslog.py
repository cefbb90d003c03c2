"""rsyslog as the site's audit repository: it takes messages in TLS and writes them to a file."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fakes.certificates import Authority
from tests.fakes.programs import program
from tests.fakes.waiting import eventually, listens

_CONFIGURATION = """\
global(
  workDirectory="{folder}"
  maxMessageSize="64k"
  defaultNetstreamDriverCAFile="{ca}"
  defaultNetstreamDriverCertFile="{certificate}"
  defaultNetstreamDriverKeyFile="{key}"
)
module(
  load="imtcp"
  streamDriver.name="gtls"
  streamDriver.mode="1"
  streamDriver.authMode="x509/certvalid"
)
input(type="imtcp" address="127.0.0.1" port="{port}")
template(name="parsed" type="list") {{
  property(name="syslogfacility") constant(value=" ")
  property(name="syslogseverity") constant(value=" ")
  property(name="app-name") constant(value=" ")
  property(name="msgid") constant(value=" ")
  property(name="msg") constant(value="\\n")
}}
action(type="omfile" file="{heard}" template="parsed")
"""


@contextmanager
def rsyslog(folder: Path, port: int, authority: Authority) -> Iterator[Path]:
    """Run rsyslog for the length of a ``with`` block; yield the file that it writes."""
    folder.mkdir(exist_ok=True)
    shown = authority.issue("repository", kind="rsa")
    heard = folder / "heard.log"
    configuration = folder / "rsyslog.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            folder=folder,
            ca=authority.file,
            certificate=shown.certificate,
            key=shown.key,
            port=port,
            heard=heard,
        )
    )
    with (folder / "rsyslog.out").open("wb") as out:
        process = subprocess.Popen(
            [program("rsyslogd"), "-n", "-f", configuration, "-i", folder / "rsyslog.pid"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        eventually(lambda: listens(port), what="rsyslog listens", patience_seconds=60)
        yield heard
    finally:
        process.terminate()
        process.wait(30)
