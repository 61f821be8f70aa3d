//! GDF text to definitions, with errors that say where and why.
#![no_std]
#![forbid(unsafe_code)]
