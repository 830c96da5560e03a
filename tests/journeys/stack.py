"""
The whole portal and the simulator, as processes, spoken to as their users do: HTTP and commands.

Embedded: `manage.py portal` on SQLite, nothing else. Services: the processes of docker-compose.yml, each
on its own, on PostgreSQL and Redis.
"""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from dingtalk.simulator.remote import SimulatorRemote
from isv_portal import processes as commands
from tests.journeys.processes import Process, eventually, manage, run
from tests.support.services import free_port

SYNC_HTTP, LEGACY, SHARED = "suitesynchttp01", "suitelegacy0001", "suiteshared0001"
STREAM = "suitestream0001"


class Stack:
    """One portal and one simulator; `start` and `stop` them, then use the methods as a person would."""

    def __init__(
        self,
        directory: Path,
        *,
        database_url: str = "",
        redis_url: str = "",
        seed: dict[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """
        `seed`: the world that the simulator begins with.

        `environment`: what differs in the portal's environment.
        """
        self.directory = directory
        self._seed_values = SEED if seed is None else seed
        self._changed_environment = dict(environment or {})
        self.is_embedded = not database_url
        self.port, self.callback_port, self.simulator_port = free_port(), free_port(), free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.callback_base_url = (
            self.base_url if self.is_embedded else f"http://127.0.0.1:{self.callback_port}"
        )
        self.simulator = SimulatorRemote(f"http://127.0.0.1:{self.simulator_port}")
        self.env = self._environment(database_url, redis_url)
        self.processes: dict[str, Process] = {}

    def start(self) -> "Stack":
        """Start everything and wait until it answers; nothing is left running when it does not."""
        try:
            self._start_all()
        except BaseException:
            self.stop()
            raise
        return self

    def _start_all(self) -> None:
        self._start("simulator", manage(*self._simulator_arguments()))
        if self.is_embedded:
            self._start("portal", manage("portal", "--host", "127.0.0.1", "--port", str(self.port)))
        else:
            run(manage("migrate", "--no-input"), env=self.env)
            self.start_services()
        eventually(self.is_ready, within=60, what="portal and simulator are ready")

    def start_services(self) -> None:
        """Start what docker-compose.yml runs, one process each."""
        self._start("callback", self._web_command(self.callback_port), PORTAL_ROLE="callback")
        self._start("web", self._web_command(self.port), PORTAL_ROLE="web")
        self.start_worker()
        self.start_dispatcher()
        self.start_beat()

    def start_worker(self, name: str = "worker") -> None:
        """Start a Celery worker; any number may run."""
        self._start(name, commands.worker_command(threads=int(self.env.get("WORKER_THREADS", "8"))))

    def start_dispatcher(self, name: str = "dispatcher") -> None:
        """Start a dispatcher; any number may run."""
        self._start(name, manage("dispatcher"))

    def start_beat(self, name: str = "beat") -> None:
        """Start Celery beat; one is meant to run."""
        self._start(name, commands.beat_command(schedule_file=self.directory / name))

    def start_stream(self) -> None:
        """Start what receives over Stream connections."""
        self._start("stream", manage("stream", "--lease-seconds", "3"))

    def restart(self, name: str) -> None:
        """Start a process again that was killed."""
        self.processes[name].start()

    def stop(self) -> None:
        for process in reversed(self.processes.values()):
            process.stop()

    def logs(self) -> str:
        return "\n".join(process.log() for process in self.processes.values())

    def manage(self, *arguments: str, stdin: str = "") -> str:
        """Run a management command as an operator would; return what it printed."""
        return run(manage(*arguments), env=self.env, stdin=stdin)

    def let_token_run_out(self, suite_key: str, corp_id: str) -> None:
        """Bring a token to its end, as two hours would."""
        self.python(
            "from django.utils import timezone; from tenants.models import AccessToken;"
            "AccessToken.objects.filter("
            f"tenant__suite__suite_key={suite_key!r}, tenant__corp__corp_id={corp_id!r}"
            ").update(expires_at=timezone.now(), refresh_at=timezone.now())"
        )

    def python(self, code: str) -> str:
        """Run a line of Python in the portal's environment, beside the portal; return what it printed."""
        return run(manage("shell", "--verbosity", "0", "--command", code), env=self.env)

    def manage_json(self, *arguments: str, stdin: str = "") -> Any:
        return json.loads(self.manage(*arguments, "--json", stdin=stdin))

    def api(self, path: str, *, key: str, **query: Any) -> requests.Response:
        """Call the REST API as a tenant app does."""
        headers = {"Authorization": f"Bearer {key}"}
        return requests.get(f"{self.base_url}/api/v1{path}", headers=headers, params=query, timeout=15)

    def _start(self, name: str, command: list[str], **environment: str) -> None:
        env = {**self.env, **environment}
        self.processes[name] = Process(name, command, env=env, log_dir=self.directory).start()

    def _web_command(self, port: int) -> list[str]:
        return commands.web_command(host="127.0.0.1", port=port, processes=2, threads=8)

    def _simulator_arguments(self) -> list[str]:
        state_out = str(self.directory / "simulator-state.json")
        return [
            *("simulator", "--port", str(self.simulator_port), "--seed", str(self._seed())),
            *("--state-out", state_out, "--retry-delays", "0.5,1"),
        ]

    def _seed(self) -> Path:
        path = self.directory / "seed.json"
        path.write_text(json.dumps(self._seed_values, ensure_ascii=False), encoding="utf-8")
        return path

    def _environment(self, database_url: str, redis_url: str) -> Mapping[str, str]:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        env = {
            **inherited,
            "DATA_DIR": str(self.directory / "data"),
            "PUBLIC_BASE_URL": self.callback_base_url,
            "DINGTALK_OAPI_BASE_URL": self.simulator.base_url,
            "DINGTALK_API_BASE_URL": self.simulator.base_url,
            "DINGTALK_LOGIN_BASE_URL": self.simulator.base_url,
            "PYTHONUNBUFFERED": "1",
        }
        if not self.is_embedded:
            env |= {
                "DATABASE_URL": database_url,
                "REDIS_URL": redis_url,
                "CELERY_BROKER_URL": redis_url,
                "SECRET_KEY": secrets.token_urlsafe(50),
                "FIELD_ENCRYPTION_KEYS": f"j1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
            }
        return env | self._changed_environment

    def is_ready(self) -> bool:
        """Tell whether everything answers; fails when a process has ended."""
        for process in self.processes.values():
            assert process.is_running, f"{process.name} ended:\n{process.log()[-4000:]}"
        try:
            portal = requests.get(f"{self.base_url}/readyz", timeout=2)
            callback = requests.get(f"{self.callback_base_url}/healthz", timeout=2)
            simulator = requests.get(f"{self.simulator.base_url}/_sim/state", timeout=2)
        except requests.RequestException:
            return False
        return all(answer.ok for answer in (portal, callback, simulator))


SEED: dict[str, Any] = {
    "suites": [
        {"suite_id": "880001", "suite_key": SYNC_HTTP, "name": "考勤助手", "push_mode": "sync_http"},
        {"suite_id": "880002", "suite_key": LEGACY, "name": "报销助手", "push_mode": "http"},
        {"suite_id": "880003", "suite_key": SHARED, "name": "工资助手", "push_mode": "sync_http"},
        {"suite_id": "880004", "suite_key": STREAM, "name": "审批助手", "push_mode": "stream"},
    ],
    "companies": [
        {"corp_id": "dingcorp00000001", "name": "杭州云栖科技有限公司"},
        {"corp_id": "dingcorp00000002", "name": "深圳前海贸易有限公司"},
        {"corp_id": "dingcorp00000003", "name": "成都天府食品厂"},
        {"corp_id": "dingcorp00000004", "name": "西安大雁塔文化传播有限公司"},
    ],
}
