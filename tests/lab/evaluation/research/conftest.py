from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    """Let torch keep to one thread: small networks on a busy machine wait for each other."""
    torch = pytest.importorskip("torch", reason="torch is not installed here")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
