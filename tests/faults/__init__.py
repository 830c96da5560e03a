"""
Faults, injected into the whole portal while events are pushed: `make faults`, docs/reliability.md.

How to write a scenario. Put a function into a module of `tests/faults/scenarios/` and register it:

    @scenario("F7", "Redis is killed ten times and comes back empty", events=3000, quick_events=300)
    def redis_killed(world: World, run: Run) -> Outcome:
        with Traffic(world, run) as traffic:          # pushes run.events events in threads of its own
            for _ in traffic.moments(10):             # ten seeded moments, spread over the pushing
                world.redis.kill()                    # each method notes itself in the schedule
                world.redis.start()
        return traffic.outcome()                      # waits until drained, judges from the ledgers

`run`: events, seed, is_quick, random (seeded), folder, tell(text). `Traffic(...)` takes `companies`, `rate`
(pushes a second), `mix` (plan.Mix), `copies`; `traffic.outcome(limits=..., figures=..., problems=...)` adds
what the scenario itself found; `Limits` says how late, how slow, how long a drain is allowed. A scenario
without traffic returns `Outcome(figures=..., problems=[...])`: no problem means passed.
`raise Skipped("needs faketime")` when something is missing: it is said loudly and does not count as run.

`world`: `kill(name, at_work=True)`, `kill_child(name, run.random.choice)`, `pause(name)`, `resume(name)`,
`terminate(name)`, `hold(name)` (the supervisor does not start it again), `let_go(name)`; names are those of
`world.processes`: callback, web, worker, dispatcher, beat. `world.postgresql` and `world.redis` have kill,
start, pause, resume and more (`servers`). `world.proxy("postgresql" | "redis" | "simulator")` for a scenario
registered with `proxied=(...)`. `world.stack` has commands; `world.operator`, `world.simulator` the rest.
Leave the world as you found it: afterwards `world.heal()` starts what is down and clears proxies and the
simulator's faults; what cannot promise that is registered with `fresh_world=True`. `environment={...}`
changes the portal's environment, in a world of its own.

What stands between: `plan` (what is pushed), `pusher` (DingTalk's side), `receiver` (a tenant app at the
feed), `ledger` (JSON lines of each), `checker` (verdicts from ledgers alone), `report`, `registry`.
Servers and processes are started from the scenario's own thread, never from one that ends before they do.
"""
