"""The words of the product: one word for one thing, wherever it appears."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What sort of placement an agreement is about."""

    SECONDMENT = "secondment"
    SHADOWING = "shadowing"
    ROTATION = "rotation"


class Phase(StrEnum):
    """Where an agreement stands. Milestones and check-ins run together in `active`."""

    AGREEMENT = "agreement"
    ACTIVE = "active"
    DEBRIEF = "debrief"
    SYNTHESIS = "synthesis"
    CLOSED = "closed"


class Outcome(StrEnum):
    """How a closed agreement ended."""

    COMPLETED = "completed"
    ENDED_EARLY = "ended_early"
    CLOSED_INCOMPLETE = "closed_incomplete"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED_UNSIGNED = "expired_unsigned"


class Role(StrEnum):
    """In which capacity a person owes or does something."""

    MENTEE = "mentee"
    MENTOR = "mentor"
    LINE_MANAGER = "line_manager"
    """The mentee's home manager."""
    HOST_MANAGER = "host_manager"
    HOST_EXPERT = "host_expert"
    LEG_MANAGER = "leg_manager"
    SPONSOR = "sponsor"
    OBSERVER = "observer"
    PEER = "peer"
    HRBP = "hrbp"
    PROGRAMME_OWNER = "programme_owner"
    OPERATOR = "operator"
    SYSTEM = "system"
    """Time itself: what happens because an instant has come."""


class ObligationKind(StrEnum):
    """What an obligation asks of its owner."""

    SIGNATURE = "signature"
    ANNEX_SIGNATURE = "annex_signature"
    REQUESTED_CHANGES = "requested_changes"
    CHECK_IN = "check_in"
    REFLECTIVE_SESSION = "reflective_session"
    MILESTONE = "milestone"
    MILESTONE_VERIFICATION = "milestone_verification"
    FEEDBACK = "feedback"
    SELF_ASSESSMENT = "self_assessment"
    OBSERVATION = "observation"
    PRACTICE = "practice"
    SESSION_DEBRIEF = "session_debrief"
    EXPERIMENT = "experiment"
    LEG_DELIVERABLE = "leg_deliverable"
    LEG_DEBRIEF = "leg_debrief"
    HANDOVER = "handover"
    LEG_START = "leg_start"
    BLOCKER = "blocker"
    CONCERN = "concern"
    PROPOSAL = "proposal"
    BREACH = "breach"
    COURSE_CORRECTION = "course_correction"
    PIVOT_CONSENT = "pivot_consent"
    RETURN_PLAN = "return_plan"
    END_DECISION = "end_decision"
    DEBRIEF = "debrief"
    SYNTHESIS = "synthesis"
    SYNTHESIS_SIGNATURE = "synthesis_signature"
    FORCED_CHOICE = "forced_choice"
    SUCCESSOR = "successor"
    HOLD_REVIEW = "hold_review"
    COVER = "cover"
    """Somebody to stand in for a party on leave."""
    CRITERIA = "criteria"
    PLAN_REVIEW = "plan_review"


class ObligationStatus(StrEnum):
    """What became of an obligation."""

    OPEN = "open"
    FULFILLED = "fulfilled"
    WAIVED = "waived"
    SUPERSEDED = "superseded"


class Health(StrEnum):
    """One glance at an agreement, most pressing first where several apply."""

    TOO_EARLY = "too_early"
    ON_TRACK = "on_track"
    DUE_SOON = "due_soon"
    OVERDUE = "overdue"
    AT_RISK = "at_risk"
    STALLED = "stalled"
    PAUSED = "paused"
    EXTERNAL_HOLD = "external_hold"
    END_DECISION_DUE = "end_decision_due"
    CLOSED = "closed"


class StallReason(StrEnum):
    """Why an agreement counts as stalled."""

    AGREEMENT_UNSIGNED = "agreement_unsigned"
    RELEASE_MISSING = "release_missing"
    CRITERIA_UNASSESSABLE = "criteria_unassessable"
    START_UNCONFIRMED = "start_unconfirmed"
    MILESTONE_OVERDUE = "milestone_overdue"
    CHECKINS_MISSED = "checkins_missed"
    SILENT = "silent"
    FEEDBACK_OUTSTANDING = "feedback_outstanding"
    BLOCKER_AGING = "blocker_aging"
    PLAN_REVIEW_OVERDUE = "plan_review_overdue"
    DEBRIEF_OVERDUE = "debrief_overdue"
    SYNTHESIS_OVERDUE = "synthesis_overdue"
    END_DATE_UNDECIDED = "end_date_undecided"
    RETURN_PLAN_MISSING = "return_plan_missing"
    HANDOVER_MISSING = "handover_missing"
    PARTY_LEFT = "party_left"
    PARTY_ON_LEAVE_UNCOVERED = "party_on_leave_uncovered"
