"""The live table of the demo: who did what, what came of it, how long it took."""

import time

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table

from isv_portal.demo.story import Step, Story
from isv_portal.demo.world import DemoFailed, DemoWorld


class Screen:
    """Plays a story in a table that grows while one looks."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rows: list[tuple[str, str, str, str]] = []

    def play(self, story: Story) -> bool:
        """Play all steps; return whether each came true. The first that does not ends the story."""
        with Live(self._table(), console=self._console, refresh_per_second=8) as live:
            for step in story.steps():
                live.update(self._table(step))
                if not self._play(step):
                    live.update(self._table())
                    return False
            live.update(self._table())
        return True

    def _play(self, step: Step) -> bool:
        begun = time.monotonic()
        try:
            result, is_true = step.play(), True
        except DemoFailed as failure:
            result, is_true = str(failure), False
        seconds = f"{time.monotonic() - begun:.2f} s"
        mark = "[green]✓[/green]" if is_true else "[red]✗[/red]"
        self._rows.append((step.who, step.what, f"{mark} {result}", seconds))
        return is_true

    def _table(self, running: Step | None = None) -> Table:
        table = Table(title="ISV Portal demo · 演示", title_justify="left")
        for heading in ("who", "what", "result"):
            table.add_column(heading, overflow="fold")
        table.add_column("took", justify="right", no_wrap=True)
        for row in self._rows:
            table.add_row(*row)
        if running is not None:
            table.add_row(running.who, running.what, Spinner("dots"), "")
        return table


def print_where_to_look(console: Console, world: DemoWorld, story: Story) -> None:
    """Print the addresses, the login made for this run, and a line to copy; nothing is wrapped or cut."""
    actor = story.actors[0]
    token_url = f"{world.base_url}/api/v1/tenants/{actor.suite_key}/{actor.corp_id}/access-token"
    lines = {
        "admin": f"{world.base_url}/admin/   login: demo   password: {world.admin_password}",
        "API docs": f"{world.base_url}/api/docs",
        "simulator": f"{world.simulator.base_url}/   (it is not DingTalk)",
        "logs": str(world.directory),
        "try": f"curl -H 'Authorization: Bearer {story.api_key}' {token_url}",
    }
    console.print()
    console.rule("Where to look · 请看这里", align="left")
    for name, line in lines.items():
        console.print(f"{name:<10}", end="", style="bold")
        console.print(line, soft_wrap=True, markup=False, highlight=False)
