"""Show one agreement as one of its parties sees it."""

from __future__ import annotations

from application.container import Container
from application.queries.one_agreement import read_own_view
from domain.views.personal import FeedbackBalance, PersonalView
from workers.cli.options import Agreement, AsJson, Looker
from workers.cli.run import run
from workers.cli.sign_in import principal_named
from workers.terminal.output import NOTHING, console, instant, print_json, table, words


def mine(
    *,
    agreement: Agreement,
    person: Looker,
    as_json: AsJson = False,
) -> None:
    """Show an agreement as one party sees it: what they owe, and what is for their eyes only.

    That is the balance of the praise and critique that they gave; and, for mentee and mentor, the mentee's
    own ratings beside those of others, and the wins and setbacks to take into the debrief.
    """
    principal = principal_named(person)

    async def read(container: Container) -> PersonalView:
        return await read_own_view(container, principal, agreement)

    view = run(read)
    if as_json:
        print_json(view.model_dump(mode="json"))
        return
    _print(view)


def _print(view: PersonalView) -> None:
    out = console()
    out.print(view.agreement_id, style="bold")
    out.print(f"{view.person_id}: {', '.join(map(words, view.roles))}; as of {instant(view.as_of)}")
    out.print(_balance(view.feedback_given))
    out.print()
    if view.owed:
        out.print(
            table("Due", "You owe", rows=((instant(owed.due_at), owed.id) for owed in view.owed)),
        )
    else:
        out.print("You owe nothing.")
    if any(rating.own is not None or rating.raters for rating in view.ratings):
        out.print()
        out.print(
            table(
                "Criterion",
                "Mentee",
                "Others",
                "Gap",
                rows=(
                    (
                        rating.criterion_id,
                        NOTHING if rating.own is None else rating.own,
                        NOTHING if rating.others is None else f"{rating.others:.1f} ({rating.raters})",
                        NOTHING if rating.gap is None else f"{rating.gap:+.1f}",
                    )
                    for rating in view.ratings
                ),
            )
        )
    if view.for_the_debrief:
        out.print()
        out.print(
            table(
                "When",
                "For the debrief",
                "Lesson",
                rows=(
                    (instant(each.at), f"{'Win' if each.is_win else 'Setback'}: {each.what}", each.lesson)
                    for each in view.for_the_debrief
                ),
            )
        )


def _balance(given: FeedbackBalance) -> str:
    return f"Feedback that you gave: {given.praise} praise, {given.critique} critique."
