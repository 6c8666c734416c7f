"""How each command is taught: what the list of commands says of it, and examples to copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

BEGIN_WITH = """\b
Begin with:
  sojourn up                               the whole stack, in one folder
  sojourn people examples/people.json      who is who
  sojourn place examples/secondment.json   an agreement begins
  sojourn show halden-grid.HG-SEC-2026-0117
  sojourn stalled                          what is held up, by whom, and what happens next

Every command explains itself: sojourn COMMAND --help"""
"""Where a newcomer starts."""


class Lesson(NamedTuple):
    """One command."""

    in_short: str
    """For the list of commands."""
    examples: tuple[str, ...] = ()
    """Each to be pasted as it is."""

    @property
    def closing(self) -> str:
        """What the command's help ends with."""
        if not self.examples:
            return ""
        return "\n".join(["\b", "Examples:", *(f"  {example}" for example in self.examples)])


LESSONS: Mapping[str, Lesson] = {
    "up": Lesson(
        "Run the whole stack: Temporal with UI, PostgreSQL, worker.",
        ("sojourn up", "sojourn up --data /var/lib/sojourn --port 7233 --ui-port 8233"),
    ),
    "demo": Lesson("Play three placements, months in seconds.", ()),
    "worker": Lesson(
        "Run a worker against PostgreSQL and Temporal elsewhere.",
        (
            (
                "SOJOURN_DATABASE_URL=postgresql://sojourn:secret@db.example.org/sojourn \\\n"
                "    TEMPORAL_ADDRESS=temporal.example.org:7233 \\\n"
                "    SOJOURN_SMTP_HOST=smtp.example.org sojourn worker"
            ),
        ),
    ),
    "gateway": Lesson(
        "Decode payloads for a Temporal UI elsewhere.",
        (
            (
                "SOJOURN_UI_ORIGIN=https://temporal.example.org \\\n"
                "    SOJOURN_TOKEN_KEY_FILE=/etc/sojourn/jwks.json \\\n"
                "    SOJOURN_GATEWAY_ADDRESS=0.0.0.0:8234 sojourn gateway"
            ),
        ),
    ),
    "token": Lesson(
        "Issue a token of a person, where the secret for it is yours.",
        ("sojourn token --for P-9001 --operator", "sojourn token --for P-1042 --hours 1 --out token.jwt"),
    ),
    "migrate": Lesson(
        "Apply migrations, register search attributes.",
        ("sojourn migrate", "sojourn migrate --database-only --json"),
    ),
    "people": Lesson(
        "Write people into the directory.",
        (
            "sojourn people examples/people.json",
            "hr-export --format jsonl | sojourn people -",
            (
                'echo \'{"person_id": "P-7", "name": "Ilse Brandt", "email": "ilse.brandt@example.com",\n'
                '    "time_zone": "Europe/Berlin", "holiday_calendar": "DE-BE"}\' | sojourn people -'
            ),
        ),
    ),
    "place": Lesson(
        "Place requests: one agreement for each.",
        (
            "sojourn place examples/secondment.json",
            "sojourn place approved.jsonl --check",
            "hr-export --approved | sojourn place - --json",
        ),
    ),
    "act": Lesson(
        "Give an agreement a command in somebody's name.",
        (
            (
                "sojourn act halden-grid.HG-SEC-2026-0117 sign_agreement --as P-1042 \\\n"
                '    --data \'{"terms_version": 1, "acknowledged": ["confidentiality"]}\''
            ),
            "sojourn act halden-grid.HG-SEC-2026-0117 complete_milestone --as P-1042 --data @milestone.json",
            "sojourn act halden-grid.HG-SEC-2026-0117 close_incomplete --as P-9001 --role operator --data -",
        ),
    ),
    "operate": Lesson(
        "Give the same command to many agreements.",
        (
            (
                "sojourn operate nudge_obligation --as P-9001 --stalled --waiting-on mentor \\\n"
                '    --data \'{"obligation_id": "{oldest}"}\' --dry-run'
            ),
            (
                "sojourn operate nudge_obligation --as P-9001 --stalled --waiting-on mentor \\\n"
                '    --data \'{"obligation_id": "{oldest}"}\' --yes --json'
            ),
        ),
    ),
    "rehydrate": Lesson(
        "Start every open agreement from the record.",
        (
            "sojourn rehydrate --dry-run",
            "TEMPORAL_ADDRESS=new-temporal.example.org:7233 sojourn rehydrate",
            "sojourn rehydrate --json",
        ),
    ),
    "upgrade": Lesson(
        "Move running agreements to the current worker version.",
        (
            "sojourn upgrade --dry-run",
            "sojourn upgrade --to 2026.47",
            "sojourn upgrade --wait 30 --from-record --json",
        ),
    ),
    "leave": Lesson(
        "Somebody is away for some days.",
        ("sojourn leave P-1042 --first 2027-05-03 --last 2027-05-28 --delegate P-1016 --as P-9001",),
    ),
    "departed": Lesson(
        "Somebody leaves the organisation.",
        (
            'sojourn departed P-1107 --on 2027-03-31 --reason "Left the company." --as P-9001 --dry-run',
            'sojourn departed P-1107 --on 2027-03-31 --successor P-4300 --reason "Takes over." --as P-9001',
        ),
    ),
    "manager": Lesson(
        "Somebody has another line manager.",
        ('sojourn manager P-1042 --to P-1016 --reason "New team." --as P-9001',),
    ),
    "resend": Lesson(
        "Try notices again that were given up.",
        (
            'sojourn resend --all --as P-9001 --reason "The mail server is back." --dry-run',
            'sojourn resend --to P-1042 --as P-9001 --reason "The address was wrong." --yes --json',
        ),
    ),
    "resume": Lesson(
        "Start an agreement's workflow again from its record.",
        ("sojourn resume halden-grid.HG-SEC-2026-0117",),
    ),
    "show": Lesson(
        "Show how an agreement stands.",
        (
            "sojourn show halden-grid.HG-SEC-2026-0117",
            "sojourn show halden-grid.HG-SEC-2026-0117 --as-of 2027-03-01T09:00:00Z --json",
        ),
    ),
    "mine": Lesson(
        "Show an agreement as one party sees it.",
        (
            "sojourn mine halden-grid.HG-SEC-2026-0117 --as P-1042",
            "sojourn mine halden-grid.HG-SEC-2026-0117 --as P-1107 --json",
        ),
    ),
    "events": Lesson(
        "List what happened to an agreement.",
        (
            "sojourn events halden-grid.HG-SEC-2026-0117",
            "sojourn events halden-grid.HG-SEC-2026-0117 --after 12 --json",
            "sojourn events halden-grid.HG-SEC-2026-0117 --as P-1042 --json",
        ),
    ),
    "notices": Lesson(
        "List whom an agreement told what.",
        (
            "sojourn notices halden-grid.HG-SEC-2026-0117",
            "sojourn notices halden-grid.HG-SEC-2026-0117 --failed --json",
        ),
    ),
    "openings": Lesson(
        "List who opened what is private in an agreement.",
        ("sojourn openings halden-grid.HG-SEC-2026-0117 --as P-1042",),
    ),
    "list": Lesson(
        "List agreements.",
        ("sojourn list --open", "sojourn list --kind rotation --phase active --cohort 2027-spring --json"),
    ),
    "stalled": Lesson(
        "List what is stalled, why, and on whom it waits.",
        (
            "sojourn stalled",
            "sojourn stalled --as-of 2027-03-01T09:00:00Z --kind secondment --role mentor",
            "sojourn stalled --reason milestone_overdue --json",
        ),
    ),
    "explain": Lesson(
        "Say why an agreement is stalled, or is not.",
        (
            "sojourn explain halden-grid.HG-SEC-2026-0117",
            "sojourn explain halden-grid.HG-SEC-2026-0117 --as-of 2027-03-01T09:00:00Z --json",
        ),
    ),
    "watch": Lesson(
        "Watch what is stalled or overdue, live; nudge with a key.",
        ("sojourn watch --as P-9001", "sojourn watch --filter 'rotation mentor'", "sojourn watch --once"),
    ),
    "metrics": Lesson(
        "Print the record's figures for Prometheus.",
        (
            "sojourn metrics",
            "sojourn metrics > /var/lib/node_exporter/textfile/sojourn.prom",
            "SOJOURN_METRICS_ADDRESS=0.0.0.0:9464 SOJOURN_SDK_METRICS_ADDRESS=0.0.0.0:9465 sojourn worker",
        ),
    ),
    "verify": Lesson(
        "Check every hash chain, read model and workflow.",
        (
            "sojourn verify",
            "sojourn verify --agreement halden-grid.HG-SEC-2026-0117",
            "sojourn verify --record-only --json",
        ),
    ),
    "rebuild": Lesson(
        "Rewrite read models from the log, while all goes on.",
        (
            "sojourn rebuild",
            "sojourn rebuild --agreement halden-grid.HG-SEC-2026-0117",
            "sojourn rebuild --after halden-grid.HG-SEC-2026-0117 --json",
        ),
    ),
    "policy": Lesson(
        "Show, check and replay policies.",
        (
            "sojourn policy show --yaml > stricter.yaml",
            "sojourn policy check stricter.yaml",
            "sojourn policy replay stricter.yaml --since 2026-09-01",
        ),
    ),
    "erase": Lesson(
        "Erase a person, with a signed receipt.",
        (
            "sojourn erase P-1001 --as P-9001 --reference DSR-2027-004",
            "sojourn erase P-1001 --as P-9001 --reference DSR-2027-004 --yes --receipt erased.json",
        ),
    ),
    "export": Lesson(
        "Write what is held about a person to files.",
        ("sojourn export P-1001 --as P-9001 --out P-1001.json",),
    ),
    "hold": Lesson(
        "Place a legal hold on a person, or lift it.",
        (
            "sojourn hold P-1001 --as P-9001 --reference CASE-17",
            "sojourn hold P-1001 --as P-9001 --reference CASE-17 --lift",
        ),
    ),
    "retention": Lesson(
        "List what is kept no longer; erase it.",
        (
            "sojourn retention --as P-9001",
            "sojourn retention --as P-9001 --until 2027-12-31 --json",
            "sojourn retention --as P-9001 --yes --receipts /var/lib/sojourn/receipts",
        ),
    ),
    "receipt": Lesson("Check the receipt of an erasure.", ("sojourn receipt erased.json",)),
    "keys": Lesson(
        "Make, rotate and look at the keys that seal.",
        (
            "sojourn keys create /etc/sojourn/keys.json",
            "sojourn keys rotate",
            "sojourn keys rewrap",
            "sojourn keys show",
        ),
    ),
    "schema": Lesson(
        "Print the JSON Schema of requests and commands.",
        (
            "sojourn schema request > placement-request.schema.json",
            "sojourn schema command sign_agreement",
            "sojourn schema",
        ),
    ),
    "commands": Lesson(
        "List every command, who may give it when, an example.",
        ("sojourn commands", "sojourn commands record_check_in", "sojourn commands --json"),
    ),
    "settings": Lesson(
        "List every setting and its present value.",
        ("sojourn settings", "SOJOURN_LOG_FORMAT=json sojourn settings --json"),
    ),
    "version": Lesson("Print the version.", ("sojourn version",)),
}

POLICY_LESSONS: Mapping[str, Lesson] = {
    "list": Lesson(
        "List the policy sets there are.",
        ("sojourn policy list", "SOJOURN_POLICY_FILES=/etc/sojourn/policies sojourn policy list --json"),
    ),
    "show": Lesson(
        "Show a policy set.",
        ("sojourn policy show", "sojourn policy show default/1 --yaml > stricter.yaml"),
    ),
    "check": Lesson(
        "Check a new policy set, and how it differs.",
        ("sojourn policy check stricter.yaml", "sojourn policy check stricter.yaml --json"),
    ),
    "replay": Lesson(
        "Replay the record under a new policy set.",
        (
            "sojourn policy replay stricter.yaml --since 2026-09-01",
            "sojourn policy replay stricter.yaml --since 2026-09-01 --until 2027-03-01 --json",
        ),
    ),
}

KEYS_LESSONS: Mapping[str, Lesson] = {
    "create": Lesson(
        "Write a key file with one new key.",
        (
            "sojourn keys create /etc/sojourn/keys.json",
            "SOJOURN_KEY_SERVICE=our_package.kms:key_service sojourn keys create /etc/sojourn/keys.json",
        ),
    ),
    "rotate": Lesson(
        "Add a new key and make it primary.",
        ("sojourn keys rotate", "SOJOURN_KEY_FILE=/etc/sojourn/keys.json sojourn keys rotate --id 2027-01"),
    ),
    "rewrap": Lesson("Wrap every person's key under the primary key.", ("sojourn keys rewrap",)),
    "show": Lesson("List the keys, never their content.", ("sojourn keys show", "sojourn keys show --json")),
}
