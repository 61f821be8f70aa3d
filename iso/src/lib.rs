//! Packs the ramdisk and the hybrid ISO, and names the artifacts of a build.
//!
//! Owns where artifacts lie ([`artifacts`]), the ramdisk's form ([`ramdisk`]), the key that signs the
//! vault ([`vault_key`]), and the layout of the one image that starts from a CD, a USB stick or a disk by BIOS or UEFI ([`layout`]).
//!
//! Invariants:
//! - equal inputs give equal bytes: no clock, no random number, no folder name enters an artifact;
//! - an artifact is written beside its name and renamed, so nobody reads half a file.
//!
//! Called by: the build tool, and whatever starts a node from the artifacts.

#![forbid(unsafe_code)]

pub mod artifacts;
pub mod fat;
pub mod layout;
pub mod ramdisk;
pub mod vault_key;
