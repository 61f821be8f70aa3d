//! Pins the boot loader whose stages go on the ISO.
//!
//! Owns the version of the `bootloader` crate and, through its build script, the stages it
//! compiles: boot sector, stages 2 to 4 for BIOS, and the UEFI application. `cargo xtask setup`
//! builds this package and reads the paths of the stages from cargo's build messages; nothing
//! links against it.
//!
//! Invariants:
//! - the loader's version equals that of `bootloader_api` in the root workspace, since both
//!   sides of the hand-over must agree on the layout of the boot information.

#![forbid(unsafe_code)]
