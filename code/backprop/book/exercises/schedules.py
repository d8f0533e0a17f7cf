"""Checkers of the chapter on learning-rate schedules.

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from backprop.book.exercises.verdict import (
    Answer,
    Case,
    Mistakes,
    Part,
    Verdict,
    checker,
    distinct,
    in_turn,
    judge,
)


def _in_turn(given: Sequence[Any], parts: Sequence[Part], praise: str) -> Verdict:
    """Judge the answers one by one, without the mistakes that make no difference."""
    kept = [(name, value, distinct(m, value), more) for name, value, m, more in parts]
    return in_turn(given, kept, praise)


@checker
def check_hand(after: Any, level: Any, best: Any) -> Verdict:
    """Check λ = 2, τ² = 3, V = 4, η = 1/4: V = 1.1875 after a step, floor 0.25, best rate 8/19."""
    step = "A step multiplies θ by 1 - 0.25 · 2 and adds noise times 0.25. Square both."
    rest = "At rest, V is the same before and after a step. Solve for V, then take ½λV."
    rule = "The best rate is λV / (λ²V + τ²)."
    parts: list[Part] = [
        ("V after the step", 1.1875, [
            (1.0, "The noise is missing.", step),
            (1.2, "Give three significant digits.", ""),
            (1.75, "The rate that multiplies the noise is not squared.", step),
            (2.1875, "The factor 1 - ηλ is not squared.", step),
            (4 * 0.75**2 + 0.1875, "Here the curvature is 1.", "The factor is 1 - 0.25 · 2."),
            (1.5625, "Here τ² was squared once more.", "τ² = 3 is the variance already."),
            (0.8125, "The noise was subtracted.", "Variances of independent terms add."),
            (0.5 * 0.5 + 0.1875, "Here V = 1 at the start.", "The exercise starts at V = 4."),
            (4.0, "The noise is not multiplied by the rate.", step),
        ], step),
        ("The floor", 0.25, [
            (0.125, "The curvature is missing.", "The loss is ½λV, and λ = 2."),
            (0.5, "The ½ of the loss is missing.", "The loss is ½λV."),
            (0.1875, "This is ητ²/4, right for small ηλ only, and also what one step adds.", rest),
            (0.375, "Here the factor is not squared.", rest),
            (0.1666666667, "The bracket 2 - ηλ was put as 1 + ηλ.", rest),
            (0.21428571, "Here the curvature is 1.", "2 - ηλ is 2 - 0.25 · 2."),
            (0.083333333, "Here τ² is 1.", "τ² is 3."),
            (0.75, "The rate is missing.", rest),
            (1.0, "This is not where the run levels off.", rest),
        ], rest),
        ("The best rate", 8 / 19, [
            (0.5, "This is the best rate without noise, 1/λ.", "The noise makes it smaller."),
            (8 / 11, "λ is not squared in the denominator.", rule),
            (4 / 19, "A λ is missing above.", rule),
            (16 / 19, "λ is squared above as well.", rule),
            (4 / 7, "Here the curvature is 1.", "λ = 2."),
            (8 / 17, "Here τ² is 1.", "τ² is 3."),
            (19 / 8, "This is the reciprocal.", rule),
            (0.42, "Give three significant digits.", ""),
            (8 / 25, "τ² was squared once more.", "τ² = 3 is the variance already."),
            (2.375 / (4.75 + 3), "This is the best rate for the next step.",
             "The step starts at V = 4."),
        ], "Set the derivative of (1 - ηλ)² V + η²τ² with respect to η to zero."),
    ]  # fmt: skip
    return _in_turn((after, level, best), parts, "A quarter of V stays, and the noise adds 3/16.")


@checker
def check_counted(updates: Any, fallen: Any, part: Any) -> Verdict:
    """Check 1,000 examples, B = 8, 20 epochs: 2500 updates, 0.95¹²⁵ and 20/125 of an epoch."""
    parts: list[Part] = [
        ("The number of updates", 2500, [
            (125, "This is for one epoch.", "The run has 20 epochs."),
            (20, "These are the epochs.", "An epoch has 1,000/8 updates."),
            (20_000, "These are the examples, counted once per epoch.",
             "One update uses eight of them."),
            (160, "This is 20 · 8.", "An epoch has 1,000/8 updates."),
            (1000, "These are the examples.", "One update uses eight of them."),
            (8000, "This is 1,000 · 8.", "An epoch has 1,000/8 updates."),
        ], "An epoch has 1,000/8 updates. How many epochs are there?"),
        ("The factor", 0.95**125, [
            (0.95, "This factor was intended for the first epoch.",
             "Your program multiplies the rate by 0.95 in each update."),
            (0.95**20, "This is the intended factor of the whole run.",
             "How many updates does the first epoch make?"),
            (0.95**8, "This is after eight updates.",
             "How many updates does the first epoch make?"),
            (0.95**2500, "Here too many updates were counted.",
             "Only the first epoch is asked for, and one update uses eight examples."),
            (0.95**124, "One update is missing.", "All updates of the first epoch count."),
            (1 - 0.95**125, "This is what has gone.", "By which factor is the rate multiplied?"),
            (0.95 ** (1 / 125), "This factor per update would have been right.",
             "What happens if each update takes 0.95 instead?"),
            (0.95 / 125, "The factors multiply.", "0.95 · 0.95 · …, once for each update."),
            (1 - 125 * 0.05, "The factors multiply.", "0.95 · 0.95 · …, once for each update."),
            (0.0016, "Give three significant digits.", ""),
            (0.002, "Give three significant digits.", ""),
        ], "The rate is multiplied by 0.95 in each of the updates of the first epoch."),
        ("The part of the first epoch", 0.16, [
            (20, "These are the updates.", "An epoch has more of them. Divide."),
            (6.25, "This is the reciprocal.", "Divide the other way."),
            (1 / 20, "This is one epoch of twenty.", "After how many updates is the rate 0?"),
            (20 / 2500, "This is the part of the whole run.", "The first epoch is asked for."),
            (20 / 1000, "One update uses eight examples.", "How many updates has an epoch?"),
            (16, "This seems to be in percent.", "Give a fraction of 1."),
            (0.84, "This part is left.", "The part until the rate is 0 is asked for."),
            (19 / 125, "T is 20: the rate reaches 0 at t = 20.", ""),
            (1, "The schedule counts updates here.", "After how many is the rate 0?"),
        ], "After how many updates is t = T, and how many has an epoch?"),
    ]  # fmt: skip
    return _in_turn((updates, fallen, part), parts, "Always ask which clock a schedule runs on.")


@checker
def check_cosine(cosine: Answer) -> Verdict:
    """Check ``cosine(t, T, top, end)``: end + ½ (top - end)(1 + cos(π t/T)), and end after T."""
    rule = "At t = 0 it is top, at T/2 halfway, and from T on it is end."

    def case(t: int, T: int, top: float, end: float) -> Case:
        def at(fraction: float, sign: float = 1) -> float:
            return end + (top - end) * (1 + sign * math.cos(math.pi * fraction)) / 2

        s = min(t / T, 1)
        right = at(s)
        mistakes: Mistakes = [
            (at(t / T), "After T it rises again.", "From t = T on, the rate is end."),
            (at(t % T / T), "From T on, the wave starts anew.", "From t = T on, the rate is end."),
            (at(s, -1), "This rises from end to top.", "cos 0 = 1."),
            (at(s) - end, "The whole curve lies lower by end.", rule),
            (top * (1 + math.cos(math.pi * s)) / 2, "The rate ends at 0 instead of end.", rule),
            (end + top * (1 + math.cos(math.pi * s)) / 2, "This starts at top + end.", rule),
            (max(end, top * (1 + math.cos(math.pi * s)) / 2),
             "The wave runs to 0, and is cut off at end.", rule),
            (end + (top - end) * math.cos(math.pi * s), "A cosine runs from 1 to -1.",
             "½(1 + cos) runs from 1 to 0."),
            (end + (top - end) * (1 + math.cos(math.pi * s)), "The ½ is missing.", rule),
            (end + (top - end) * (1 + math.cos(s)) / 2, "The π is missing.", rule),
            (at(2 * s), "This is a whole wave.", "Half a wave leads from top to end."),
            (at(2 * t / T), "This is a whole wave.", "Half a wave leads from top to end."),
            (end + (top - end) * math.cos(math.pi * s / 2), "This is a quarter of a wave.",
             "It arrives at full speed; half a wave arrives gently."),
            (end + (top - end) * (1 - s), "This is a straight line.", rule),
            (end + (top - end) * (1 + math.cos(math.radians(180 * math.pi * s))) / 2,
             "π went through degrees twice.", "math.cos takes radians."),
            (end + (top - end) * (1 + math.cos(180 * s)) / 2, "math.cos takes radians.", rule),
            (at(min((t + 1) / T, 1)), "This is one step ahead.", "Step 0 has the rate top."),
            (at(min(t / (T - 1), 1)), "This arrives one step early.", "It reaches end at t = T."),
        ]  # fmt: skip
        if t >= T:
            late = "From t = T on, the rate is end."
            mistakes = [(0.0, "The wave ends at 0 instead of end.", late),
                        (top, "At the end it is back at top.", late), *mistakes]  # fmt: skip
        return Case((t, T, top, end), right, distinct(mistakes, right), rule)

    cases = [
        case(3, 12, 0.8, 0.1), case(0, 7, 0.5, 0.02), case(7, 12, 2.0, 0.3), case(10, 10, 1.0, 0.2),
        case(13, 10, 1.0, 0.2), case(50, 40, 0.3, 0.0),
    ]  # fmt: skip
    return judge(cosine, cases, "Half a wave, and then the end rate.", "t, T, top, end")


@checker
def check_floor(floor: Answer) -> Verdict:
    """Check ``floor(rate, curvature, variance, B)``: ητ² / (2B (2 - ηλ)), inf from 2/λ on."""
    rest = "Set V = (1 - ηλ)² V + η²τ²/B, where τ² is variance, solve for V, and take ½λV."

    def case(rate: float, curvature: float, variance: float, B: int) -> Case:
        noise = variance / B
        if rate * curvature >= 2:
            gap = 2 - rate * curvature
            gone: Mistakes = [
                (noise * rate / (2 * gap) if gap else math.nan, "A mean loss is not negative.",
                 "From the rate 2/λ on, V grows without end: return math.inf."),
                (0.0, "The run does not come to rest here.",
                 "From the rate 2/λ on, V grows without end: return math.inf."),
                (math.nan, "V grows without end here.", "Return math.inf."),
            ]  # fmt: skip
            more = "From the rate 2/λ on, V grows without end: return math.inf."
            return Case((rate, curvature, variance, B), math.inf, gone, more)
        right = noise * rate / (2 * (2 - rate * curvature))
        mistakes: Mistakes = [
            (math.inf, "Here the run does level off.", "Which is the largest stable rate?"),
            (right * B, "The batch size is missing.", "A batch has 1/B of the variance."),
            (right / B, "The batch size entered twice.", "A batch has 1/B of the variance."),
            (right * B**0.5, "The variance falls like 1/B, not like its root.", rest),
            (noise * rate / 4, "This is the approximation for small ηλ.", rest),
            (variance * rate / 4, "This is the approximation for small ηλ, without B.", rest),
            (2 * right, "The ½ of the loss is missing.", "The loss is ½λV."),
            (2 * right / curvature, "This is V.", "The loss is ½λV."),
            (right / curvature, "The curvature of the loss is missing.", "The loss is ½λV."),
            (right * variance, "The variance was squared.", "It is given."),
            (right / rate, "A factor η is missing.", rest),
            (right * rate, "A factor η too many.", rest),
            (curvature * noise * rate**2 / 2 / (1 - (1 - rate * curvature)),
             "The factor 1 - ηλ is not squared.", rest),
            (curvature * noise * rate**2 / 2, "This is the loss that one step adds.", rest),
            (noise * rate / (2 * (2 - rate)), "Here the curvature is 1 in the bracket.",
             "The bracket is 2 - ηλ."),
            (noise * rate / (2 * (2 + rate * curvature)), "A sign is wrong.", "2 - ηλ"),
        ]  # fmt: skip
        return Case((rate, curvature, variance, B), right, distinct(mistakes, right), rest)

    cases = [
        case(0.3, 2.0, 5.0, 4), case(0.1, 7.0, 0.6, 10), case(0.05, 0.5, 3.0, 3),
        case(0.75, 2.0, 3.0, 2), case(0.5, 5.0, 3.0, 2), case(1.0, 2.0, 3.0, 2),
    ]  # fmt: skip
    names = "rate, curvature, variance, B"
    verdict = judge(floor, cases, "And infinite where the run diverges.", names)
    if verdict.raised == "ZeroDivisionError" and not judge(floor, cases[:-1]).raised:
        return Verdict(
            False, "At the rate 2/λ itself, 2 - ηλ is 0, and the formula divides by it.",
            "There V grows by η²τ²/B in each step, without end: return math.inf.",
        )  # fmt: skip
    return verdict


Trial = Callable[[int, float, int], tuple[float, float]]
TUNED, JUDGED = range(100, 104), range(10)


def _invented(seed: int) -> Trial:
    """Return losses that no network has had: log-normal, and the same for the same question."""

    def trial(warm: int, top: float, start: int) -> tuple[float, float]:
        key = [seed, int(warm), round(1e6 * float(top)), int(start)]
        validation, test = np.random.default_rng(key).lognormal(-1.0, 0.6, size=2)
        return float(validation), float(test)

    return trial


def _fair(
    trial: Trial,
    tops: Sequence[float],
    *,
    column: int = 0,
    middle: Callable[[list[float]], Any] = np.median,
    tuned: Iterable[int] = TUNED,
    judged: Iterable[int] = JUDGED,
    result: int = 1,
    warm: int = 20,
    worst: bool = False,
    common: str = "",
) -> tuple[Any, Any]:
    """Return the losses of both plans, each at its rate; the keywords are for the mistakes."""
    plans = (0, warm)
    scores = np.array([
        [middle([trial(plan, top, start)[column] for start in tuned]) for top in tops]
        for plan in plans
    ])  # fmt: skip
    if worst:
        scores = -scores
    if common:
        row = {"first": scores[0], "second": scores[1], "both": scores.min(axis=0)}[common]
        scores = np.array([row, row])
    best = [tops[int(row.argmin())] for row in scores]
    without, with_it = (
        np.array([trial(plan, top, start)[result] for start in judged])
        for plan, top in zip(plans, best, strict=True)
    )
    return without, with_it


@checker
def check_fair(compare_fairly: Answer) -> Verdict:
    """Check ``compare_fairly(trial, tops)``: ten ratios of test losses, each plan at its rate."""
    rule = "For each plan: the median validation loss on the starts 100 to 103 chooses the rate."
    own = "Choose anew for each plan, among the same rates."
    then = "Then ten ratios of test losses, with warm-up over without, on the starts 0 to 9."

    def case(seed: int, tops: tuple[float, ...]) -> Case:
        trial = _invented(seed)

        def ratio(**spoilt: Any) -> Any:
            without, with_it = _fair(trial, tops, **spoilt)
            return with_it / without

        without, with_it = _fair(trial, tops)
        right = with_it / without
        mistakes: Mistakes = [
            (1 / right, "This is without warm-up, divided by with.", then),
            (with_it - without, "These are differences.", then),
            (with_it, "These are the losses with warm-up.", then),
            (without, "These are the losses without warm-up.", then),
            (np.median(right), "This is the median of the ten ratios.", "Return all ten."),
            (np.mean(right), "This is the mean of the ten ratios.", "Return all ten."),
            (np.median(with_it) / np.median(without), "This divides two medians.",
             "Compare start by start."),
            (np.sum(right < 1), "This is the number of wins.", "Return the ten ratios."),
            (ratio(column=1), "The rates were chosen by the test loss.",
             "The test set is for the end. Validation chooses."),
            (ratio(column=1, tuned=JUDGED), "The rates were chosen by the test loss.",
             "The test set is for the end. Validation chooses."),
            (ratio(tuned=JUDGED), "The rates were chosen on the starts that judge.",
             "The starts 100 to 103 choose."),
            (ratio(tuned=range(4)), "The rates were chosen on starts that also judge.",
             "The starts 100 to 103 choose."),
            (ratio(tuned=range(100, 103)), "One of the four starts is missing.", rule),
            (ratio(tuned=range(101, 104)), "One of the four starts is missing.", rule),
            (ratio(tuned=range(101, 105)), "Not only the starts 100 to 103 chose the rates.", rule),
            (ratio(tuned=range(100, 105)), "Not only the starts 100 to 103 chose the rates.", rule),
            (ratio(tuned=[100]), "A single start chose the rates.", rule),
            (ratio(middle=np.mean), "The means chose the rates.", rule),
            (ratio(middle=min), "The best of the four starts chose the rates.", rule),
            (ratio(middle=max), "The worst of the four starts chose the rates.", rule),
            (ratio(worst=True), "The largest loss was chosen.", rule),
            (ratio(common="first"), "Both plans have the best rate of the plan without warm-up.",
             own),
            (ratio(common="second"), "Both plans have the best rate of the plan with warm-up.",
             own),
            (ratio(common="both"), "Both plans share one rate.", own),
            (ratio(result=0), "These are ratios of validation losses.", then),
            (ratio(judged=TUNED), "The starts that chose also judge.", then),
            (ratio(judged=range(1, 11)), "The starts that judge are 0 to 9.", then),
            (ratio(warm=40), "Here warm-up takes 40 steps.", "The plan has warm = 20."),
            (ratio(warm=1), "Here warm is 1.", "The plan has warm = 20."),
            (_one_rate(trial, tops[-1]), "No rate was chosen: this is the last of tops.", rule),
            (_one_rate(trial, tops[0]), "No rate was chosen: this is the first of tops.", rule),
        ]  # fmt: skip
        where = f"an invented trial and tops = {tops}"
        return Case((trial, tops), right, distinct(mistakes, right), f"{rule} {then}", where=where)

    cases = [case(*pair) for pair in FAIR_CASES]
    return judge(compare_fairly, cases, "Each plan had the same trials.", "trial, tops")


FAIR_CASES = (
    (1114, (0.01, 0.02, 0.04, 0.08, 0.16)), (57, (0.03, 0.1, 0.3)), (120, (0.5, 0.1, 0.02)),
)  # fmt: skip
"""Seeds for which no spoilt choice comes to the right rates."""


def _one_rate(trial: Trial, top: float) -> Any:
    without, with_it = (np.array([trial(k, top, s)[1] for s in JUDGED]) for k in (0, 20))
    return with_it / without


def _greedy(curvature: float, variance: float, start: float, steps: int) -> list[float]:
    V, rates = start, []
    for _ in range(steps):
        rates.append(curvature * V / (curvature**2 * V + variance))
        V = V * variance / (curvature**2 * V + variance)
    return rates


@checker
def check_greedy(greedy: Answer) -> Verdict:
    """Check ``greedy(curvature, variance, start, steps)``: λV/(λ²V + τ²), V updated after each."""
    rule = "First the rate λV/(λ²V + τ²), then V ← (1 - ηλ)² V + η²τ² with that rate."

    def case(lam: float, tau2: float, V: float, n: int) -> Case:
        right = _greedy(lam, tau2, V, n)
        t = np.arange(n)
        one = lam * V / (lam**2 * V + tau2)
        late = _greedy(lam, tau2, V, n + 1)[1:]
        early = [lam * V / tau2, *right[:-1]]
        forgot, W = [], V
        for _ in range(n):
            forgot.append(lam * W / (lam**2 * W + tau2))
            W = (1 - forgot[-1] * lam) ** 2 * W
        linear, W = [], V
        for _ in range(n):
            linear.append(lam * W / (lam**2 * W + tau2))
            W = (1 - linear[-1] * lam) * W + linear[-1] ** 2 * tau2
        halved, W = [], V
        for _ in range(n):
            halved.append(lam * W / (lam**2 * W + tau2))
            W = (1 - halved[-1] * lam) ** 2 * W + halved[-1] * tau2
        mistakes: Mistakes = [
            (np.full(n, one), "V never changes here.", rule),
            (late, "The first rate is missing.", "Take the rate before V is updated."),
            (early, "Each rate is that of the step before.", "In 1/(λ(t + 1 + τ²/(λ²V₀))), is "
             "the 1 missing? Or does t start at -1?"),
            (forgot, "V is updated without the noise.", rule),
            (linear, "The factor 1 - ηλ is not squared in the update of V.", rule),
            (halved, "The rate that multiplies the noise is not squared.", rule),
            (_greedy(lam, tau2**2, V, n), "The variance was squared.", "τ² is given."),
            (_greedy(lam, tau2**0.5, V, n), "The variance is τ², not τ.", "τ² is given."),
            (_greedy(lam, tau2, V**2, n), "start was squared.", "It is the mean square already."),
            (1 / (lam * (t + 1)), "This forgets the noise and the start.",
             "How does the first rate depend on V?"),
            (np.full(n, 1 / lam), "This is the best rate without noise.", rule),
            (V / (V + tau2) / (t + 1), "Here the curvature is 1.", rule),
            (_greedy(1.0, tau2, V, n), "The curvature is missing.", rule),
            (np.array(right) * lam, "These are the rates times λ.", rule),
            (np.array(_mean_squares(lam, tau2, V, n)), "This is V.", "The rates are asked for."),
            (np.array(right) * tau2 / lam, "This is V after each step.",
             "The rates are asked for."),
            (_greedy(lam, tau2, V, n + 1), "One rate too many.", "Return `steps` of them."),
        ]  # fmt: skip
        return Case((lam, tau2, V, n), right, distinct(mistakes, right), rule)

    cases = [case(2.0, 3.0, 4.0, 3), case(0.5, 0.7, 9.0, 5), case(1.0, 1.0, 1.0, 4)]
    praise = "Each rate is a little less than the one before."
    return judge(greedy, cases, praise, "curvature, variance, start, steps")


def _mean_squares(curvature: float, variance: float, V: float, steps: int) -> list[float]:
    found = []
    for _ in range(steps):
        found.append(V)
        V = V * variance / (curvature**2 * V + variance)
    return found
