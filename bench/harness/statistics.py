"""Medians and their uncertainty."""
import random
from statistics import median


def bootstrap_ci95(values, rounds=4000, seed=1):
    """The 95 % interval of the median by resampling; None below two values."""
    if len(values) < 2:
        return None
    rng = random.Random(seed)
    medians = sorted(median(rng.choices(values, k=len(values))) for _ in range(rounds))
    return [medians[int(0.025 * rounds)], medians[int(0.975 * rounds) - 1]]


def slope(xs, ys):
    """Least squares slope of ys over xs."""
    mean_x = sum(xs) / len(xs)
    mean_y = sum(ys) / len(ys)
    spread = sum((x - mean_x) ** 2 for x in xs)
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys)) / spread


def quantile(values, q):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]
