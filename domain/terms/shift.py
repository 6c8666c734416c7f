"""Moving what is still ahead in a plan by a number of days, after a pause that shifts dates."""

from __future__ import annotations

from datetime import date, timedelta

from domain.terms import RotationTerms, SecondmentTerms, ShadowingTerms, Terms


def shifted(terms: Terms, days: int, *, after: date) -> Terms:
    """The terms with every planned day later than `after` moved by so many calendar days."""
    if days == 0:
        return terms
    by = timedelta(days=days)

    def moved(day: date) -> date:
        return day + by if day > after else day

    update: dict[str, object] = {
        "planned_end": moved(terms.planned_end),
        "milestones": tuple(
            milestone.model_copy(update={"due_on": moved(milestone.due_on)}) for milestone in terms.milestones
        ),
        "success_criteria": tuple(
            criterion.model_copy(update={"target_date": moved(criterion.target_date)})
            for criterion in terms.success_criteria
        ),
    }
    if isinstance(terms, ShadowingTerms):
        update["sessions"] = tuple(
            session.model_copy(update={"starts_at": session.starts_at + by})
            if session.starts_at.date() > after
            else session
            for session in terms.sessions
        )
    if isinstance(terms, SecondmentTerms) and terms.end_decision_on is not None:
        update["end_decision_on"] = moved(terms.end_decision_on)
    if isinstance(terms, RotationTerms):
        update["final_destination_decision_on"] = moved(terms.final_destination_decision_on)
        update["legs"] = tuple(
            leg.model_copy(update={"starts_on": moved(leg.starts_on), "ends_on": moved(leg.ends_on)})
            for leg in terms.legs
        )
    return terms.model_copy(update=update)
