"""HdrHistogram's Python port reads what agents wrote, and finds the summary's figures."""

import math
import tempfile

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

from checks import ensure

LOWEST_US, HIGHEST_US, DIGITS = 1, 3_600_000_000, 3
"""The bounds that all of loadtop's histograms have."""
RESOLUTION = 2 * 10**-DIGITS
"""How far two values of the same bucket can be apart, and a little for rounding."""

QUANTILES = {"p50": 50, "p90": 90, "p95": 95, "p99": 99, "p99_9": 99.9}


def merged(parts, kind):
    """One histogram of all intervals of all parts whose tag begins with this."""
    whole = HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS)
    for text in parts:
        with tempfile.NamedTemporaryFile("w", suffix=".hlog") as file:
            file.write(text)
            file.flush()
            reader = HistogramLogReader(file.name, whole)
            while (found := reader.get_next_interval_histogram()) is not None:
                if (found.get_tag() or "").startswith(f"{kind}:"):
                    whole.add(found)
            reader.close()
    return whole


def at_percentile(whole, percentile):
    """The value that as many are at or below. The port rounds the rank to the nearest;
    the original in Java takes it up, and so do we: neighbours can be far apart."""
    count = whole.get_total_count()
    rank = math.ceil(round(percentile * count / 100, 6))
    return whole.get_value_at_percentile(100 * rank / count)


def judge(parts, summary):
    """Counts are equal, percentiles equal within a histogram's resolution."""
    ensure(parts, "there is no part")
    for kind in ("response", "service"):
        whole, told = merged(parts, kind), summary[f"{kind}_ms"]
        count = whole.get_total_count()
        ensure(count == summary["requests"], f"{kind}: {count}, not {summary['requests']}")
        figures = {name: at_percentile(whole, at) for name, at in QUANTILES.items()}
        figures |= {"max": whole.get_max_value(), "mean": whole.get_mean_value()}
        for name, micros in figures.items():
            same = math.isclose(micros / 1000, told[name], rel_tol=RESOLUTION, abs_tol=0.001)
            ensure(same, f"{kind} {name}: {micros / 1000} ms, not {told[name]}")
