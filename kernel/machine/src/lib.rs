//! All that touches the x86_64 machine.
#![no_std]
