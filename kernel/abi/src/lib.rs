//! Types that every part of GlyphOS shares: ids, requests, responses, faults, limits.
#![no_std]
#![forbid(unsafe_code)]
