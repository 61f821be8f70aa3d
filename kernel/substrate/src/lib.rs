//! The field of cells: guarded by checksums and parity, healed when damaged.
#![no_std]
#![forbid(unsafe_code)]
