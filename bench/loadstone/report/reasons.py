"""Why Trials do not count, reason by reason."""

from collections.abc import Mapping

from loadstone.model import Run, Status


def reasons(run: Run, status: Status) -> Mapping[tuple[str, str], list[str]]:
    """Why Trials ended so and what to do, with the labels of the Cases they were of."""
    labels = {case.id: case.label for case in run.manifest.plan.cases}
    found: dict[tuple[str, str], list[str]] = {}
    for trial in run.trials:
        if trial.status is status:
            of_reason = found.setdefault(
                (trial.reason or "no reason known", trial.remedy or ""), []
            )
            if labels[trial.case] not in of_reason:
                of_reason.append(labels[trial.case])
    return found
