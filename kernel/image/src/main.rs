//! The bootable kernel: wiring only.
fn main() {}
