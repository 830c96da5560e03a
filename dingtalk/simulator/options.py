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
