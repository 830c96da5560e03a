import os
import re
import signal
import socket
from pathlib import Path

import pytest
import requests
from django.core.management.base import CommandError

from isv_portal.management.commands.portal import only_portal_of, refuse_taken_port
from tests.journeys.processes import Process, eventually, manage
from tests.support.checkout import clean_environment
from tests.support.services import free_port


def test_a_port_that_somebody_listens_on_is_refused():
    with socket.socket() as owner:
        # As the web server does: without the check both would share the port.
        owner.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        owner.bind(("127.0.0.1", 0))
        owner.listen()
        port = owner.getsockname()[1]

        with pytest.raises(CommandError, match=str(port)):
            refuse_taken_port("127.0.0.1", port)


def test_a_free_port_is_taken():
    refuse_taken_port("127.0.0.1", free_port())


@pytest.mark.parametrize("port", [0, -1, 65_536])
def test_what_is_no_port_is_refused(port):
    with pytest.raises(CommandError, match=str(port)):
        refuse_taken_port("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(CommandError, match=r"192\.0\.2\.1"):
        refuse_taken_port("192.0.2.1", 8000)


def test_one_data_folder_has_one_portal(tmp_path):
    with (
        only_portal_of(tmp_path),
        pytest.raises(CommandError, match=re.escape(str(tmp_path))),
        only_portal_of(tmp_path),
    ):
        pass


def test_a_portal_that_has_ended_leaves_its_folder_to_the_next(tmp_path):
    with only_portal_of(tmp_path):
        pass

    with only_portal_of(tmp_path):
        pass


@pytest.mark.journey
def test_the_whole_portal_starts_mends_itself_and_ends(tmp_path):
    port = free_port()
    env = clean_environment(DATA_DIR=str(tmp_path / "data"))
    portal = Process("portal", manage("portal", "--port", str(port)), env=env, log_dir=tmp_path).start()
    try:
        eventually(lambda: is_ready(port), within=60, what="the portal is ready")
        web = pid_of("web", portal)
        os.kill(web, signal.SIGKILL)
        eventually(lambda: pid_of("web", portal) != web, within=60, what="the web server is started again")
        eventually(lambda: is_ready(port), within=60, what="the portal is ready again")
        # Each name's last start.
        pids = [pid_of(name, portal) for name in ("web", "worker", "dispatcher", "beat")]

        os.kill(portal.pid, signal.SIGTERM)

        eventually(lambda: not portal.is_running, within=40, what="the portal has ended")
        assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
        assert "portal: ended" in portal.log()
    finally:
        portal.stop()


def pid_of(name: str, portal: Process) -> int:
    return int(re.findall(rf"^portal: {name} started \(pid (\d+)\)$", portal.log(), re.MULTILINE)[-1])


def is_ready(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200
    except requests.RequestException:
        return False
