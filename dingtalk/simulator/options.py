"""What can be set when a simulator is made."""

from dataclasses import dataclass


@dataclass(slots=True)
class SimulatorOptions:
    """
    Behaviour that differs between documents, or that a test wants quicker than the platform is.

    `deadline_ms`: a push whose complete reply took longer has failed. `retry_delays_seconds`: the pauses
    before the repeats of a failed push; a suite ticket repeats the last one until `ticket_attempts` pushes
    were made. `ticket_grace_seconds`: how long a replaced ticket still counts. `ticket_interval_seconds`:
    how often a new ticket is made and pushed by itself; 0 means never. `old_token_survives`: whether a new
    corp token leaves the one before it valid until its own expiry. `message_sending_seconds`: how long the
    sending of a work notification takes; the two limits on them drop what exceeds them, in silence.

    `stream_deadline_ms`: time for the acknowledgement of a Stream event. `stream_retry_seconds`,
    `stream_attempts`: the pause before its repeat and how often it is sent at most, which DingTalk does not
    say. `stream_ping_seconds`: between the platform's pings; 0 means none. `stream_close_seconds`: from
    `disconnect` until the connection ends.
    """

    deadline_ms: int = 1200
    retry_delays_seconds: tuple[float, ...] = (10.0, 30.0)
    ticket_attempts: int = 100
    ticket_interval_seconds: float = 18_000.0
    ticket_grace_seconds: float = 0.0
    push_tickets_at_start: bool = False
    token_lifetime_seconds: int = 7200
    old_token_survives: bool = True
    tmp_auth_code_deliveries: int = 3
    different_tmp_auth_codes: bool = False
    signature_tolerance_seconds: int = 60
    message_sending_seconds: float = 1.0
    messages_per_person_and_day: int = 100
    message_receivers_per_minute: int = 5000
    stream_deadline_ms: int = 3000
    stream_retry_seconds: float = 3.0
    stream_attempts: int = 20
    stream_ping_seconds: float = 60.0
    stream_close_seconds: float = 10.0
