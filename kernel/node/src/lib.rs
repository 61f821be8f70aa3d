//! The services and the loop that serves requests, on the host and on the machine alike.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod options;
pub mod ports;
pub mod ramdisk;
