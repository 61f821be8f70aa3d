//! The boot-smoke matrix.
