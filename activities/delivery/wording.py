"""What each obligation and each event is called in a message: plain, kind and neutral."""

from __future__ import annotations

from dataclasses import dataclass

from domain.kernel.vocabulary import Kind, ObligationKind, Role

KINDS = {
    Kind.SECONDMENT: "secondment",
    Kind.SHADOWING: "shadowing stint",
    Kind.ROTATION: "rotation",
}


def role_name(role: Role) -> str:
    """Return the role as a person says it, as in `line manager`."""
    return "HR partner" if role is Role.HRBP else role.value.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Wording:
    """How one kind of obligation is put to people."""

    noun: str
    """What is owed, without an article: fits `your ...` and `the ...`."""
    asks: str
    """One sentence to its owner: what to do."""
    command: str
    """The command that fulfils it."""


OBLIGATIONS: dict[ObligationKind, Wording] = {
    ObligationKind.SIGNATURE: Wording(
        "signature", "Please read the terms and sign them, or ask for changes.", "sign_agreement"
    ),
    ObligationKind.ANNEX_SIGNATURE: Wording(
        "signature under the annex of a leg", "Please read the annex of the leg and sign it.", "sign_annex"
    ),
    ObligationKind.REQUESTED_CHANGES: Wording(
        "answer to requested changes",
        "Changes to the terms were asked for. Please amend the terms, or settle the request with a reason.",
        "amend_terms",
    ),
    ObligationKind.CHECK_IN: Wording(
        "check-in",
        "Please hold the check-in and record it: progress, what is in the way, next steps.",
        "record_check_in",
    ),
    ObligationKind.REFLECTIVE_SESSION: Wording(
        "reflective session", "Please hold the reflective session and record it.", "record_reflective_session"
    ),
    ObligationKind.MILESTONE: Wording(
        "milestone",
        "Please complete the milestone with its evidence, or propose another day for it.",
        "complete_milestone",
    ),
    ObligationKind.MILESTONE_VERIFICATION: Wording(
        "milestone verification",
        "Please look at the evidence and accept it, or send it back saying what is missing.",
        "verify_milestone",
    ),
    ObligationKind.FEEDBACK: Wording(
        "feedback",
        "Please give feedback: the behaviour you saw, its effect, and a next step.",
        "give_feedback",
    ),
    ObligationKind.SELF_ASSESSMENT: Wording(
        "self-assessment", "Please rate yourself against the agreed criteria.", "record_self_assessment"
    ),
    ObligationKind.OBSERVATION: Wording(
        "observation", "Please observe the planned session and log it with notes.", "log_observation"
    ),
    ObligationKind.PRACTICE: Wording(
        "practice session",
        "Please practise under supervision as planned and log the session.",
        "log_practice",
    ),
    ObligationKind.SESSION_DEBRIEF: Wording(
        "session debrief", "Please talk the session through and record what came of it.", "debrief_session"
    ),
    ObligationKind.EXPERIMENT: Wording(
        "experiment in the home role",
        "Please try the method in your own role and record what happened.",
        "record_experiment",
    ),
    ObligationKind.LEG_DELIVERABLE: Wording(
        "deliverable of a leg", "Please look at what the leg delivered and accept it.", "accept_deliverable"
    ),
    ObligationKind.LEG_DEBRIEF: Wording(
        "debrief of a leg", "Please look back on the leg and record the debrief.", "debrief_leg"
    ),
    ObligationKind.HANDOVER: Wording(
        "handover", "Please hand the work of the leg over and record it.", "complete_handover"
    ),
    ObligationKind.LEG_START: Wording(
        "start of the next leg", "Please confirm that the next leg begins.", "start_leg"
    ),
    ObligationKind.BLOCKER: Wording(
        "help with a blocker", "Something is in the way. Please help to clear it.", "settle_matter"
    ),
    ObligationKind.CONCERN: Wording(
        "answer to a concern", "A concern was raised in confidence. Please look into it.", "settle_matter"
    ),
    ObligationKind.PROPOSAL: Wording(
        "answer to a proposal", "A proposal was made. Please answer it.", "settle_matter"
    ),
    ObligationKind.BREACH: Wording(
        "answer to a reported breach",
        "A boundary was reported as overstepped. Please talk it through, without blame, and settle it.",
        "settle_matter",
    ),
    ObligationKind.COURSE_CORRECTION: Wording(
        "course correction",
        "A check-in showed that the plan should change. Please amend the terms or propose a pivot.",
        "amend_terms",
    ),
    ObligationKind.PIVOT_CONSENT: Wording(
        "answer to a proposed pivot",
        "Please consent to the proposed pivot, or refuse it.",
        "consent_to_pivot",
    ),
    ObligationKind.RETURN_PLAN: Wording(
        "return plan", "Please settle how the mentee comes back to the home post.", "plan_return"
    ),
    ObligationKind.END_DECISION: Wording(
        "end decision",
        "Please decide what follows the end date; without a decision nothing is completed.",
        "decide_end",
    ),
    ObligationKind.DEBRIEF: Wording(
        "debrief",
        "Please look back: decisions, criteria weighed, risks, alternatives, skills, insights.",
        "submit_debrief",
    ),
    ObligationKind.SYNTHESIS: Wording(
        "synthesis",
        "Please write up what was gained and what comes next, and submit it for signature.",
        "submit_synthesis",
    ),
    ObligationKind.SYNTHESIS_SIGNATURE: Wording(
        "signature under the synthesis",
        "Please read the synthesis and sign it, or return it saying what to change.",
        "sign_synthesis",
    ),
    ObligationKind.FORCED_CHOICE: Wording(
        "choice of a way forward",
        "Please choose: reassign a role, re-plan, pause, pivot, or end with a debrief.",
        "reassign_role",
    ),
    ObligationKind.SUCCESSOR: Wording(
        "successor of somebody who left",
        "Somebody who holds a role here has left. Please give the role to another, or end the placement.",
        "reassign_role",
    ),
    ObligationKind.HOLD_REVIEW: Wording(
        "look at a hold",
        "The placement is on hold. Please see whether what it waits for has come, and release it if so.",
        "release_placement",
    ),
    ObligationKind.COVER: Wording(
        "stand-in for somebody on leave",
        "Somebody who is away owes what cannot wait. Please find who does it, or say that it can wait.",
        "reassign_role",
    ),
    ObligationKind.CRITERIA: Wording(
        "success criterion that can be assessed",
        "Please say how one would see that it is met: nobody can sign before.",
        "amend_terms",
    ),
    ObligationKind.PLAN_REVIEW: Wording(
        "review of the development plan",
        "Please look at the plan with the mentee and record what follows.",
        "review_plan",
    ),
}

ANNOUNCEMENTS: dict[str, str] = {
    "agreement.proposed": "is proposed, and its agreement waits for signatures",
    "agreement.concluded": "is agreed: everybody has signed",
    "agreement.declined": "is closed: its agreement was declined",
    "agreement.withdrawn": "is withdrawn before its start",
    "agreement.expired": "is closed: its agreement was not signed in time",
    "agreement.completed": "is completed, with its debrief and its synthesis",
    "agreement.closed_incomplete": "is closed without a complete debrief or synthesis",
    "terms.amended": "has a new version of its terms",
    "placement.started": "has started",
    "placement.ended": "has ended; the debrief comes next",
    "placement.paused": "is paused; nobody is reminded until it resumes",
    "placement.resumed": "has resumed",
    "placement.held": "is on hold; nobody is reminded until it goes on",
    "placement.released": "goes on after a hold; what fell due meanwhile has a new date",
    "party.left": "has a role whose holder has left; a successor is being found",
    "break_glass.approved": "is open for a time: two people agreed that one of them reads what is private",
    "end.decided": "has a decision about what follows its end",
    "end.brought_forward": "ends earlier than planned",
    "end_date.moved": "has a new end date",
    "role.reassigned": "has a role in new hands; open work has moved, done work stays",
    "pivot.proposed": "has a proposal to change its course",
    "pivot.adopted": "changes its course as proposed",
    "pivot.refused": "keeps its course",
    "leg.started": "has begun its next leg",
    "debrief.concluded": "is debriefed; the synthesis comes next",
    "synthesis.submitted": "has a synthesis that waits for signatures",
}
"""What happened, as the end of a sentence that begins with `The secondment`."""


def announcement_of(event_type: str) -> str:
    """Say what happened, as the end of a sentence; plainly for events that have no words of their own."""
    return ANNOUNCEMENTS.get(event_type, f"has news: {event_type.replace('.', ' ').replace('_', ' ')}")
