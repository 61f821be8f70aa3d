//! Who decides what: guardians, approvals, emergency overrides, as a pure state machine.
#![no_std]
#![forbid(unsafe_code)]
