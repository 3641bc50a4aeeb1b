"""Distributions of token lengths: censored likelihood, means at budgets, simplex search.

A fit is a list of parts (family, share, location, spread), in the logarithm of the length: of a
lognormal its mu and sigma, of a Weibull the logarithm of its scale and one over its shape. Both
families stay what they are when the logarithm is shifted and stretched. An observation is (low, high,
weight): a length known to lie in (low, high]; high is infinite where a budget cut it. A mean is
(budget, value, error): the mean of lengths cut at the budget. A bound is (budget, share, error): at
least this share ends within the budget, because so many answers were right. A tail is (tokens,
observations): how the lengths beyond are spread, not how many there are."""
import math
import random
from statistics import NormalDist

MIN_SIGMA = 0.12
MIN_SHARE = 0.02
NORMAL = NormalDist()


def phi(x):
    return 0.5 * math.erfc(-x / math.sqrt(2))


def part_cumulative(family, location, spread, tokens):
    z = (math.log(tokens) - location) / spread
    return phi(z) if family == "lognormal" else 1 - math.exp(-math.exp(min(z, 30)))


def cumulative(fit, tokens):
    """The share of lengths up to so many tokens."""
    if tokens <= 0:
        return 0.0
    if math.isinf(tokens):
        return 1.0
    return sum(share * part_cumulative(family, location, spread, tokens)
               for family, share, location, spread in fit)


def quantile(fit, probability):
    low, high = 0.0, 40.0
    for _ in range(80):
        middle = (low + high) / 2
        if cumulative(fit, math.exp(middle)) < probability:
            low = middle
        else:
            high = middle
    return math.exp(low)


def part_mean_at(family, location, spread, budget):
    if family == "lognormal":
        z = (math.log(budget) - location) / spread
        return math.exp(location + spread**2 / 2) * phi(z - spread) + budget * phi(-z)
    steps = 200  # the integral of what is longer, by Simpson's rule
    width = budget / steps
    longer = [math.exp(-math.exp((math.log(i * width) - location) / spread)) if i > 0 else 1.0
              for i in range(steps + 1)]
    return width / 3 * (longer[0] + longer[-1] + 4 * sum(longer[1::2]) + 2 * sum(longer[2:-1:2]))


def mean_at(fit, budget):
    """The mean of lengths cut at the budget."""
    return sum(share * part_mean_at(family, location, spread, budget)
               for family, share, location, spread in fit)


def stretched(fit, shift, factor):
    """The logarithm of lengths times a factor, plus a shift."""
    return [(family, share, shift + factor * location, factor * spread)
            for family, share, location, spread in fit]


def log_likelihood(fit, observations, means, bounds=(), tail=None):
    total = 0.0
    for low, high, weight in observations:
        total += weight * math.log(max(cumulative(fit, high) - cumulative(fit, low), 1e-12))
    for budget, value, error in means:
        total -= 0.5 * ((mean_at(fit, budget) - value) / error)**2
    for budget, share, error in bounds:
        total -= 0.5 * (max(0, share - cumulative(fit, budget)) / error)**2
    if tail is not None:
        total += log_likelihood(fit, tail[1], ())
        total -= (sum(weight for _, _, weight in tail[1]) *
                  math.log(max(1 - cumulative(fit, tail[0]), 1e-12)))
    return total


def simplex(function, start, step, iterations=2000, tolerance=1e-7):
    """Nelder and Mead's search for a minimum."""
    count = len(start)
    points = [list(start)] + [[x + (step if i == k else 0) for i, x in enumerate(start)]
                              for k in range(count)]
    values = [function(point) for point in points]
    for _ in range(iterations):
        order = sorted(range(count + 1), key=lambda i: values[i])
        points = [points[i] for i in order]
        values = [values[i] for i in order]
        if values[-1] - values[0] < tolerance:
            break
        centre = [sum(point[i] for point in points[:-1]) / count for i in range(count)]

        def along(distance):
            point = [c + distance * (w - c) for c, w in zip(centre, points[-1])]
            return point, function(point)

        reflected = along(-1)
        if reflected[1] < values[0]:
            further = along(-2)
            points[-1], values[-1] = further if further[1] < reflected[1] else reflected
        elif reflected[1] < values[-2]:
            points[-1], values[-1] = reflected
        else:
            nearer = along(0.5 if reflected[1] >= values[-1] else -0.5)
            if nearer[1] < min(values[-1], reflected[1]):
                points[-1], values[-1] = nearer
            else:
                best = points[0]
                points = [best] + [[b + (x - b) / 2 for b, x in zip(best, point)]
                                   for point in points[1:]]
                values = [values[0]] + [function(point) for point in points[1:]]
    best = min(range(count + 1), key=lambda i: values[i])
    return points[best], values[best]


def one_part(family):
    return lambda p: [(family, 1.0, p[0], MIN_SIGMA + math.exp(p[1]))]


def two_lognormals(p):
    share = MIN_SHARE + (1 - 2 * MIN_SHARE) * phi(p[4])
    return [("lognormal", share, p[0], MIN_SIGMA + math.exp(p[1])),
            ("lognormal", 1 - share, p[2], MIN_SIGMA + math.exp(p[3]))]


def fit_lengths(observations, means, bounds=(), tail=None,
                families=("lognormal", "weibull", "two")):
    """A lognormal, a Weibull or two lognormals, whichever Akaike's criterion prefers."""
    middles = sorted((math.log(max(low, 1)) + math.log(high if not math.isinf(high) else 2 * low)) / 2
                     for low, high, _ in observations)
    centre = middles[len(middles) // 2]
    spread = max(0.2, (middles[int(.84 * len(middles))] - middles[int(.16 * len(middles))]) / 2)
    log = math.log
    tries = [(one_part(family), [centre, log(spread)]) for family in families if family != "two"]
    randomness = random.Random(1)  # the same starts in every run
    for _ in range(6 if "two" in families else 0):
        tries.append((two_lognormals,
                      [centre - spread * randomness.uniform(.2, 1), log(spread * .7),
                       centre + spread * randomness.uniform(.2, 1), log(spread * .7),
                       randomness.uniform(-.5, .5)]))
    best, best_criterion = None, math.inf
    for family, start in tries:
        found, cost = simplex(
            lambda p, f=family: -log_likelihood(f(p), observations, means, bounds, tail), start, 0.15)
        criterion = 2 * cost + 2 * len(start)
        if criterion < best_criterion:
            best, best_criterion = family(found), criterion
    return sorted(best, key=lambda part: part[2])


def gathered(observations, bins=80):
    """Neighbouring observations as one, about so many in all."""
    observations = sorted(observations)
    target = sum(weight for _, _, weight in observations) / bins
    result = []
    for low, high, weight in observations:
        if result and result[-1][2] + weight <= target and low <= result[-1][1] + 1e-6:
            result[-1] = (result[-1][0], max(high, result[-1][1]), result[-1][2] + weight)
        else:
            result.append((low, high, weight))
    return result


def fit_stretch(fit, observations, means, bounds=(), factor_error=0.1, share_error=0.3):
    """The fit with its logarithm shifted and stretched, and with other shares of its two parts, to meet
    observations, means and bounds. The factor is drawn towards 1, about 1,100 tokens, and the shares
    towards those that the fit has."""
    def moved(p):
        result = stretched(fit, p[0] + 7 * (1 - math.exp(p[1])), math.exp(p[1]))
        if len(result) == 2:
            share = phi(NORMAL.inv_cdf(result[0][1]) + p[2])
            result = [(*part[:1], new, *part[2:]) for part, new in zip(result, (share, 1 - share))]
        return result

    def cost(p):
        return (0.5 * (p[1] / factor_error)**2 + 0.5 * (p[2] / share_error)**2 -
                log_likelihood(moved(p), observations, means, bounds))

    return moved(simplex(cost, [0.0, 0.0, 0.0], 0.05)[0])


def between_share(groups):
    """The share of the variance of normal scores that lies between problems (analysis of variance)."""
    values = sorted(value for group in groups for value in group)
    first, last = {}, {}
    for i, value in enumerate(values):
        first.setdefault(value, i)
        last[value] = i
    scores = [[NORMAL.inv_cdf(((first[v] + last[v]) / 2 + .5) / len(values)) for v in group]
              for group in groups if len(group) > 1]
    count = sum(map(len, scores))
    mean = sum(map(sum, scores)) / count
    between = sum(len(g) * (sum(g) / len(g) - mean)**2 for g in scores) / (len(scores) - 1)
    within = sum((x - sum(g) / len(g))**2 for g in scores for x in g) / (count - len(scores))
    size = (count - sum(len(g)**2 for g in scores) / count) / (len(scores) - 1)
    return (between - within) / (between + (size - 1) * within)
