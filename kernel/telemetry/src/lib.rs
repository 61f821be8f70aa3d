//! Counters, gauges, histograms and events, and their Prometheus text.
#![no_std]
#![forbid(unsafe_code)]
