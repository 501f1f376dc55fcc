//! Histograms, logarithmic buckets, interval reports and what is merged from them.
