//! Definitions to a checked, collapsed, indexed vault.
#![no_std]
#![forbid(unsafe_code)]
