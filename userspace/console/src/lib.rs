//! The operator's console: line editing, command grammar, rendering.
#![no_std]
#![forbid(unsafe_code)]
