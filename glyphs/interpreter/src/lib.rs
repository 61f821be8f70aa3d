//! Activates compiled glyphs.
#![no_std]
#![forbid(unsafe_code)]
