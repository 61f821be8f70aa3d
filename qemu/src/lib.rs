//! Machine profiles for QEMU and a runner that starts, talks to and kills a node.
