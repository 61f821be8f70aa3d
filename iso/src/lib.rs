//! Packs the hybrid ISO.
