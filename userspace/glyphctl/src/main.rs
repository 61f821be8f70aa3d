//! The operator's tool on a host.
fn main() {}
