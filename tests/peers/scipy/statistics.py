"""The statistics of a campaign as SciPy computes them: cases as JSON on standard input, answers on standard output."""

import json
import math
import sys

import numpy as np
from scipy import special, stats


def wilson(successes, trials, confidence):
    found = stats.binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return found.low, found.high


def newcombe(first, second, confidence):
    (a, m), (b, n) = first, second
    p, q = a / m, b / n
    (low, high), (other_low, other_high) = wilson(a, m, confidence), wilson(b, n, confidence)
    return (p - q - math.hypot(p - low, other_high - q), p - q + math.hypot(high - p, q - other_low))


def z_test(first, second):
    (a, m), (b, n) = first, second
    # the square of z is the chi-square of the fourfold table without correction
    if a + b in (0, m + n):
        return 1.0
    table = [[a, m - a], [b, n - b]]
    return stats.chi2_contingency(table, correction=False).pvalue


def probability_best(arms):
    beliefs = [(successes + 1, trials - successes + 1) for successes, trials in arms]

    def around(a, b):
        mean = a / (a + b)
        return mean + math.sqrt(mean * (1 - mean) / (a + b + 1)) * np.arange(-40, 41)

    # narrow ones make steps in the densities of wide ones: every piece is smooth for all of them
    marks = np.unique(np.clip(np.concatenate([around(a, b) for a, b in beliefs]), 0, 1))

    def best(which):
        a, b = beliefs[which]
        nodes, weights = np.polynomial.legendre.leggauss(24)
        low, high = marks[:-1, None], marks[1:, None]
        x = (low + high) / 2 + (high - low) / 2 * nodes
        product = np.exp((a - 1) * np.log(x) + (b - 1) * np.log1p(-x) - special.betaln(a, b))
        for other, (c, d) in enumerate(beliefs):
            if other != which:
                product *= special.betainc(c, d, x)
        return float((product * (high - low) / 2 * weights).sum())

    return [best(which) for which in range(len(arms))]


answers = []
for case in json.load(sys.stdin):
    confidence, arms = case["confidence"], case["arms"]
    answers.append({
        "normal": special.ndtr(case["z"]),
        "tail": special.erfc(abs(case["z"])),
        "quantile": special.ndtri(case["p"]),
        "lnBeta": special.betaln(case["a"], case["b"]),
        "beta": special.betainc(case["a"], case["b"], case["p"]),
        "wilson": wilson(*arms[0], confidence),
        "newcombe": newcombe(arms[0], arms[1], confidence),
        "pValue": z_test(arms[0], arms[1]),
        "best": probability_best(arms),
    })
json.dump(answers, sys.stdout)
