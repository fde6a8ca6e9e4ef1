# SPDX-License-Identifier: MIT
"""Fixtures of the tests on the virtual board. Each test has its own network, storage and sockets, so several
pytest processes may run at once; what is downloaded is shared."""
import pathlib
from types import SimpleNamespace

import pytest
from virtual_board import Board, Network, make

BANNER = "flashed by a test"


@pytest.fixture(scope="session")
def arm64_cache():
    """The folder with Debian's arm64 kernel and busybox."""
    return pathlib.Path(make("fetch-debian"))


@pytest.fixture(scope="session")
def os_image(arm64_cache, tmp_path_factory):
    """A bootable disk image: path (raw), banner (what its login says). Not to be changed."""
    path = tmp_path_factory.mktemp("os") / "os.img"
    make("make-image", path, "--banner", BANNER)
    return SimpleNamespace(path=path, banner=BANNER)


@pytest.fixture(scope="session")
def bundle(arm64_cache, tmp_path_factory):
    """The folder of the flasher bundle. Not to be changed."""
    path = tmp_path_factory.mktemp("bundle") / "bundle"
    make("make-bundle", path)
    return path


@pytest.fixture
def network(request):
    """A network namespace with a tap, and with DHCP unless the test is marked no_dhcp."""
    network = Network(dhcp=request.node.get_closest_marker("no_dhcp") is None)
    yield network
    network.close()


@pytest.fixture
def board(network, tmp_path):
    """A blank virtual board that is off."""
    board = Board(tmp_path / "board", network)
    yield board
    board.close()


def pytest_configure(config):
    config.addinivalue_line("markers", "no_dhcp: the board's network has no DHCP server")
