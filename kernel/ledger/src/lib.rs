//! An append-only, mirrored, hash-chained record log on a raw block device.
#![no_std]
#![forbid(unsafe_code)]
