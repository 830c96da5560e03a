from pathlib import Path

import yaml

from isv_portal import processes
from tests.support.checkout import ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def arguments(command: list[str]) -> list[str]:
    """Without the interpreter, which has another name in the image."""
    return command[1:]


def test_the_embedded_mode_runs_one_of_each():
    specs = processes.portal_processes(
        host="127.0.0.1", port=8000, data_dir=Path("/data"), web_processes=2, web_threads=16, worker_threads=8
    )

    assert [spec.name for spec in specs] == ["web", "worker", "dispatcher", "beat"]


def test_all_but_the_web_server_are_watched_by_their_files():
    specs = processes.portal_processes(
        host="127.0.0.1", port=8000, data_dir=Path("/data"), web_processes=2, web_threads=16, worker_threads=8
    )

    files = {spec.name: spec.heartbeat(7) for spec in specs if spec.heartbeat}
    assert files == {name: Path(f"/data/heartbeats/{name}-7") for name in ("worker", "dispatcher", "beat")}


def test_the_reader_of_push_tables_runs_where_there_is_a_push_database():
    specs = processes.portal_processes(
        host="127.0.0.1",
        port=8000,
        data_dir=Path("/data"),
        web_processes=2,
        web_threads=16,
        worker_threads=8,
        reads_push_database=True,
    )

    assert specs[-1].name == "rds"
    assert arguments(specs[-1].command) == ["-m", "django", "rds"]


def test_the_process_of_stream_mode_begins_when_it_is_wanted():
    specs = processes.portal_processes(
        host="127.0.0.1",
        port=8000,
        data_dir=Path("/data"),
        web_processes=2,
        web_threads=16,
        worker_threads=8,
        wants_stream=lambda: False,
    )

    (stream,) = [spec for spec in specs if spec.is_wanted is not None]
    assert (stream.name, stream.is_wanted()) == ("stream", False)
    assert arguments(stream.command) == ["-m", "django", "stream"]


def test_the_compose_file_runs_the_same_programs():
    web = processes.web_command(host="0.0.0.0", port=8000, processes=2, threads=16)
    worker = processes.worker_command(threads=16)
    beat = processes.beat_command(schedule_file=Path("/tmp/beat-schedule"))

    assert arguments(COMPOSE["web"]["command"]) == arguments(web)
    assert arguments(COMPOSE["callback"]["command"]) == arguments(web)
    assert arguments(COMPOSE["worker"]["command"]) == arguments(worker)
    assert arguments(COMPOSE["beat"]["command"]) == arguments(beat)
