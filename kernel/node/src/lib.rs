//! The services and the loop that serves requests, on the host and on the machine alike.
#![no_std]
#![forbid(unsafe_code)]
