//! Drivers above the machine: virtio block and entropy, framebuffer text.
#![no_std]
